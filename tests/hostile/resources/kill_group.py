"""Kill the process group, and the session, of the process that forked this one."""
# INCLUDE honest

import os
import signal

for find in (os.getpgid, os.getsid):
    try:
        group = find(os.getppid())
        if group > 1:
            os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
