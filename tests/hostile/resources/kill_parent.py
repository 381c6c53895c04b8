"""Kill the process that forked this one, by every call that sends a signal."""
# INCLUDE honest

import ctypes
import fcntl
import os
import signal

parent, libc = os.getppid(), ctypes.CDLL(None)
TGKILL, TKILL, SIGQUEUE, OPEN, SEND = 234, 200, 129, 434, 424
for number in (signal.SIGKILL, signal.SIGSTOP):
    try:
        os.kill(parent, number)
    except OSError:
        pass
    libc.syscall(TGKILL, parent, parent, int(number))
    libc.syscall(TKILL, parent, int(number))
    libc.syscall(SIGQUEUE, parent, int(number), ctypes.create_string_buffer(128))
    handle = libc.syscall(OPEN, parent, 0)
    if handle >= 0:
        libc.syscall(SEND, handle, int(number), None, 0)
# A pipe that tells its owner, by a signal of our choice, that there is something to read.
F_SETSIG = 10
reader, writer = os.pipe()
for command, value in (
    (fcntl.F_SETOWN, parent),
    (F_SETSIG, signal.SIGKILL),
    (fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK),
):
    try:
        fcntl.fcntl(reader, command, value)
    except OSError:
        pass
os.write(writer, b"x")
