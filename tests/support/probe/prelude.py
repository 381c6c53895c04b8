"""Names that questions may use; runs in the worker, as part of the submission."""
# ruff: noqa: F401  # the questions use them

import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import socket
import struct
import sys
import threading
import time

FACTS: dict = {}  # paths and process ids, set by ask.py
NUMBERS: dict = {}  # system-call numbers
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
room = ctypes.create_string_buffer(4096)  # for a call's output, and zeros as its input


def call(name, *arguments):
    """Make a system call by number, bypassing libc's wrappers."""
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(NUMBERS[name]), *given)
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def read(path):
    with open(path, "rb") as file:
        return file.read(64)


def write(path, mode="w"):
    with open(path, mode) as file:
        file.write("x" if "b" not in mode else b"x")
    return "written"


def control(path, command, argument=0):
    """Apply an fcntl command to a file open for reading."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return fcntl.fcntl(descriptor, command, argument)
    finally:
        os.close(descriptor)


def device_control(path, command, argument=bytes(64)):
    """Apply an ioctl command to a file open for reading."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return fcntl.ioctl(descriptor, command, argument)
    finally:
        os.close(descriptor)


def locked():
    fcntl.flock(os.open(FACTS["owned"], os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)


def library_page():
    """Return the address of a page of a library's file that others share."""
    descriptor = os.open(FACTS["owned"], os.O_RDONLY)
    address = call("mmap", 0, 4096, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    os.close(descriptor)
    return address


def proc(whose, what):
    return f"/proc/{FACTS[whose]}/{what}"


def clock_of(pid):
    return ~pid << 3 | 2


def channel():
    """Return the only descriptor that leads to the grader."""
    return next(fd for fd in range(3, 64) if is_open(fd))


def is_open(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def loads(name):
    __import__(name)
    return "imported"


def raised(number):
    """Try to raise a limit."""
    resource.setrlimit(number, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return "raised"


def tell(number, question):
    try:
        answer = repr(question())
    except OSError as error:
        answer = errno.errorcode.get(error.errno, type(error).__name__)
    except BaseException as error:
        answer = type(error).__name__
    raise ValueError(f"{number} {answer}")
