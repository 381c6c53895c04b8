"""Fork until it is refused; 200 processes at most, each gone after 20 s."""
# INCLUDE honest

import os
import time

deadline = time.monotonic() + 20
for _ in range(200):
    try:
        pid = os.fork()
    except OSError:
        break
    if pid == 0:
        while time.monotonic() < deadline:
            time.sleep(1)
        os._exit(0)
