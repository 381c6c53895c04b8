"""Talk to another submission by locks on a file that both read: of records, of descriptors, of all."""

# INCLUDE honest

import fcntl
import os
import struct


F_OFD_GETLK, F_OFD_SETLK = 36, 37


def steal():
    with open(os.__file__) as file:
        kind = struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 18, 18, 0)
        for command in (fcntl.F_GETLK, fcntl.F_SETLK, F_OFD_GETLK, F_OFD_SETLK):
            try:
                fcntl.fcntl(file, command, kind)
                return f"fcntl {command}"
            except OSError:
                pass
        for way in (fcntl.LOCK_SH, fcntl.LOCK_EX):
            try:
                fcntl.flock(file, way | fcntl.LOCK_NB)
                return f"flock {way}"
            except OSError:
                pass
    return None


# INCLUDE report
