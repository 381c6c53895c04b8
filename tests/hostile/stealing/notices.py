"""Watch what other submissions do with the files that all read: notices, clocks, pages in memory."""
# INCLUDE honest

import ctypes
import fcntl
import mmap
import os
import time

libc = ctypes.CDLL(None)


def steal():
    folder = os.open(os.path.dirname(os.__file__), os.O_RDONLY)
    try:
        fcntl.fcntl(folder, fcntl.F_NOTIFY, fcntl.DN_ACCESS | fcntl.DN_MULTISHOT)
        return "is told of what others read"
    except OSError:
        pass
    if libc.inotify_init() >= 0:
        return "watches by inotify"
    with open(os.__file__, "rb") as file:
        pages = (ctypes.c_ubyte * 1)()
        libc.mmap.restype = ctypes.c_void_p
        address = libc.mmap(None, mmap.PAGESIZE, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
        if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(mmap.PAGESIZE), pages) == 0:
            return "sees which pages others have read"
    try:
        clock = ~os.getppid() << 3 | 2
        return f"the grader has computed for {time.clock_gettime(clock)} s"
    except OSError:
        pass
    return None


# INCLUDE report
