"""Hold Python's modules back from a thread that asks again and again."""

# INCLUDE honest

import fcntl
import glob
import os
import threading


held = []


def hold():
    for _ in range(20):
        for path in glob.glob(os.path.dirname(os.__file__) + "/json/*.py"):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
                held.append(path)
            except OSError:
                os.close(descriptor)


def steal():
    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    return held


# INCLUDE report
