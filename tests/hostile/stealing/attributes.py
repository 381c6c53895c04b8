"""Leave something at Python's files for the next attempt: flags, projects, attributes, times."""
# INCLUDE honest

import fcntl
import glob
import os
import struct

FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_SETVERSION = 0x40086602, 0x401C5820, 0x40087602
FS_IOC_GETFLAGS = 0x80086601


def steal():
    for path in (os.__file__, *glob.glob(os.path.dirname(os.__file__) + "/json/*.py")):
        descriptor = os.open(path, os.O_RDONLY)
        for command in (FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_SETVERSION):
            try:
                fcntl.ioctl(descriptor, command, struct.pack("l", 0x80) + bytes(24))
                return f"ioctl {command:#x} on {path}"
            except OSError:
                pass
        for leave in (
            lambda: os.setxattr(descriptor, "user.attempt", b"1"),
            lambda: os.utime(descriptor, (1, 1)),
            lambda: os.chmod(descriptor, 0o444),
            lambda: os.link(path, "kept"),
        ):
            try:
                leave()
                return f"left something at {path}"
            except OSError:
                pass
        os.close(descriptor)
    return None


# INCLUDE report
