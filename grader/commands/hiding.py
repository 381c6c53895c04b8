"""Keep secrets in the command line (a seed, a database's password) out of the process list.

Imports almost nothing: until `hide_command_line` is done, everybody can read them in /proc.
"""

import os
import sys
from pathlib import Path

SECRETS = "GRADER_"  # prefix of variables that may hold a secret
# The library locates the command line by the first variable after it, as at Python's start.
FIRST = {"GRADER": "1"}


def hide_command_line() -> None:
    """Blank this process's command line and environment in /proc; only Linux shows them to others.

    If that fails, as after a change of the environment, replace this process by a new one.
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
    """Remove possible secrets from the environment, which child processes inherit."""
    for name in [name for name in os.environ if name.startswith(SECRETS)]:
        del os.environ[name]
