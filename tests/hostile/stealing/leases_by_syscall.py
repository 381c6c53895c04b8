"""Hold Python's modules back by fcntl's own number, with bits in the command that the kernel drops."""

# INCLUDE honest

import ctypes
import glob
import os


F_SETLEASE, F_RDLCK, F_WRLCK = 1024, 0, 1
FCNTL = {"x86_64": 72, "aarch64": 25}[os.uname().machine]
syscall = ctypes.CDLL(None).syscall


def steal():
    for path in sorted(glob.glob(os.path.dirname(os.__file__) + "/*.py"))[:40]:
        descriptor = os.open(path, os.O_RDONLY)
        for bits in (0, 1 << 32, 1 << 40):
            for kind in (F_WRLCK, F_RDLCK):
                words = map(ctypes.c_long, (descriptor, F_SETLEASE | bits, kind))
                if syscall(FCNTL, *words) == 0:
                    return f"a lease of {path}"
        os.close(descriptor)
    return None


# INCLUDE report
