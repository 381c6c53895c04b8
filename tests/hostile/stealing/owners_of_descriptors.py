"""Have the kernel signal somebody else: owner, signal and notices of a file that all read."""

# INCLUDE honest

import fcntl
import os
import struct


F_SETOWN_EX, F_OWNER_PID = 15, 1


def steal():
    descriptor = os.open(os.__file__, os.O_RDONLY)
    for command, argument in (
        (fcntl.F_SETOWN, os.getppid()),
        (fcntl.F_SETOWN, -os.getpgid(0)),
        (F_SETOWN_EX, struct.pack("ii", F_OWNER_PID, os.getppid())),
        (fcntl.F_SETSIG, 9),
        (fcntl.F_NOTIFY, fcntl.DN_ACCESS | fcntl.DN_MULTISHOT),
    ):
        try:
            fcntl.fcntl(descriptor, command, argument)
            return f"fcntl {command}"
        except OSError:
            pass
    return None


# INCLUDE report
