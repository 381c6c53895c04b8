"""Leave flags at Python's files by ioctl's own number, with bits that the kernel drops."""

# INCLUDE honest

import ctypes
import glob
import os
import struct


FS_IOC_SETFLAGS, FS_IOC_SETVERSION, FS_IOC_FSSETXATTR = 0x40086602, 0x40087602, 0x401C5820
NOATIME, NODUMP = 0x80, 0x40
IOCTL = {"x86_64": 16, "aarch64": 29}[os.uname().machine]
syscall = ctypes.CDLL(None).syscall


def steal():
    folder = os.path.dirname(os.__file__)
    for path in (folder, *glob.glob(folder + "/json/*.py")):
        descriptor = os.open(path, os.O_RDONLY)
        for command in (FS_IOC_SETFLAGS, FS_IOC_SETVERSION, FS_IOC_FSSETXATTR):
            for bits in (0, 1 << 32, 0xFFFFFFFF << 32):
                given = struct.pack("l", NOATIME | NODUMP) + bytes(24)
                if syscall(IOCTL, descriptor, ctypes.c_ulong(command | bits), given) == 0:
                    return f"ioctl {command:#x} on {path}"
        os.close(descriptor)
    return None


# INCLUDE report
