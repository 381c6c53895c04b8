"""Leave a process behind: fork twice, in a session of its own; it ends after 30 s."""
# INCLUDE honest

import os
import time

try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(30)
        os._exit(0)
except OSError:
    pass
