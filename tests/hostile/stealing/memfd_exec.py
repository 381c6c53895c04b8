"""Run another program: from memory, from the working folder, from the system."""
# INCLUDE honest

import ctypes
import os
import shutil
import subprocess
import sys


def in_memory():
    descriptor = os.memfd_create("program", 0)
    with open("/bin/echo", "rb") as program:
        os.sendfile(descriptor, program.fileno(), 0, 1 << 20)
    return f"/proc/self/fd/{descriptor}"


def in_folder():
    copied = shutil.copy("/bin/echo", "./program")
    os.chmod(copied, 0o700)
    return copied


def forked():
    pid = ctypes.CDLL(None).fork()
    if pid == 0:
        os._exit(0)
    return pid if pid > 0 else None


def steal():
    for program in (in_memory, in_folder, lambda: "/bin/echo", lambda: sys.executable):
        try:
            command = [program(), "--version"]
            said = subprocess.run(command, capture_output=True, pass_fds=range(3, 10), timeout=2)
            return f"ran {command[0]}: {said.stdout[:60]!r}"
        except (OSError, ValueError, subprocess.SubprocessError):
            pass
    for route in (
        lambda: os.posix_spawn("/bin/true", ["true"], {}),
        lambda: os.system("true") == 0 or None,
        forked,
    ):
        try:
            if route() is not None:
                return "started a process"
        except OSError:
            pass
    try:
        os.execv("/bin/true", ["true"])
    except OSError:
        pass
    return None


# INCLUDE report
