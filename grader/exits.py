"""How a command ends: its exit code, and what is said about the exception that ended it."""

import errno
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path

from grader.errors import OUTSIDE, UserError

DONE, UNDER_MARK, UNUSABLE = 0, 1, 2
FAULT = 70  # EX_SOFTWARE of sysexits.h: an error of the grader's own

FAULT_TEXT = (
    "internal error, with the traceback above. This is a fault of the grader, not of you or of a "
    "submission. Finished results are kept. Please report it, together with the traceback"
)
# What happens to a disk or to what reads our output, whatever we do; Python names no file then.
NO_FAULT = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EPIPE}
LIMITED = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
NO_THREAD = "can't start new thread"  # which Python raises as a RuntimeError
# Where a file that cannot be read is not the user's: the grader itself, Python and its packages.
OURS = [
    Path(__file__).resolve().parent,
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")),
]


def exit_code_of(run: Callable[[], int], kept: str = "") -> int:
    """Run a command and return its exit code; say what ended it, if an exception did.

    What a user can mend is one line per problem; `kept` is added to those about files. Everything
    else is a traceback, and the sentence that this is a fault of the grader.
    """
    try:
        return run()
    except UserError as error:
        say(str(error))
    except Exception as error:
        if _is_at_a_limit(error):
            say(f"this machine cannot go on: {error}{kept}. {OUTSIDE}")
            return UNUSABLE
        if not (isinstance(error, OSError) and _is_users(error)):
            traceback.print_exc()
            say(FAULT_TEXT)
            return FAULT
        say(f"{error.filename or 'results'}: {error.strerror}{kept}")
    return UNUSABLE


def say(lines: str) -> None:
    """Print each line on standard error, as the grader's."""
    for line in lines.splitlines():
        print(f"grader: {line}", file=sys.stderr)


def _is_at_a_limit(error: Exception) -> bool:
    """Tell whether the system gives this process no more memory, processes, threads or files."""
    if isinstance(error, OSError):
        return error.errno in LIMITED
    return isinstance(error, MemoryError) or str(error) == NO_THREAD


def _is_users(error: OSError) -> bool:
    """Tell whether an error is about the machine, or about a file that is not the grader's own."""
    if error.errno in NO_FAULT:
        return True
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return False
    path = Path(os.fsdecode(error.filename)).resolve()
    return not any(path.is_relative_to(folder) for folder in OURS)
