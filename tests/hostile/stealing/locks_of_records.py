"""Lock others out of a file that all read: by records, by open files, by the whole file."""

# INCLUDE honest

import fcntl
import os
import struct


F_OFD_SETLK = 37


def steal():
    with open(os.__file__) as file:
        for kind in (fcntl.F_WRLCK, fcntl.F_RDLCK):
            lock = struct.pack("hhqqi4x", kind, 0, 0, 0, 0)
            # Records may be locked to be read, which SQLite does, and keeps nobody from reading.
            for command in (fcntl.F_SETLK, F_OFD_SETLK)[kind == fcntl.F_RDLCK :]:
                try:
                    fcntl.fcntl(file, command, lock)
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
