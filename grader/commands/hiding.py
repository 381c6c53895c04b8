"""Keep what was typed, a seed or a database's password, out of the list of processes.

Imports almost nothing: until `hide_command_line` is done, everybody can read it in /proc.
"""

import os
import sys
from pathlib import Path

SECRETS = "GRADER_"  # how the names of variables that may hold a secret begin
# The library finds the command line by the first variable behind it, as it was when Python started.
FIRST = {"GRADER": "1"}


def hide_command_line() -> None:
    """Blank this process's command line and environment in /proc. Only Linux shows them to others.

    Without an environment that is as it was, there is a new process in place of this one.
    """
    if sys.platform != "linux":
        return
    from setproctitle import setproctitle

    setproctitle("grader")
    if _is_shown() and FIRST.items() - os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], FIRST | os.environ)


def _is_shown() -> bool:
    first = os.fsencode(sys.orig_argv[0])
    return Path("/proc/self/cmdline").read_bytes().startswith(first)


def forget_secrets() -> None:
    """Take what may be secret out of the environment, which processes that start here inherit."""
    for name in [name for name in os.environ if name.startswith(SECRETS)]:
        del os.environ[name]
