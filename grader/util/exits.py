"""How a command ends: its exit code, and what is said about what ended it.

What a command does counts for more than what it says: a standard stream that is closed, full or
read no more ends nothing.
"""

import errno
import io
import os
import signal
import sys
import sysconfig
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TextIO

from grader.errors import OUTSIDE, UserError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

DONE, UNDER_MARK, UNUSABLE = 0, 1, 2
FAULT = 70  # EX_SOFTWARE of sysexits.h: an error of the grader's own
SIGNALLED = 128  # and the signal's number, as shells have it
# What the help of every command says; UNDER_MARK means something else in each command.
EXIT_CODES = {
    DONE: "done",
    UNUSABLE: "a problem that you can correct, described on standard error",
    FAULT: "an error in the grader, with its traceback",
    SIGNALLED + signal.SIGINT: "interrupted (129 by SIGHUP, 143 by SIGTERM)",
}
# Each asks for an end: Ctrl-C, kill and a batch system, a terminal that was closed.
ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

FAULT_TEXT = (
    "internal error, with the traceback above. This is a fault of the grader, not of you or of a "
    "submission. Finished results are kept. Please report it, together with the traceback"
)
# What says that nobody reads: a pipe, a terminal or a descriptor whose other end is gone.
UNREAD = {errno.EPIPE, errno.EIO, errno.EBADF}
# What happens to a disk or to what reads our output, whatever we do; Python names no file then.
NO_FAULT = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EPIPE}
LIMITED = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
NO_THREAD = "can't start new thread"  # which Python raises as a RuntimeError
# Where a file that cannot be read is not the user's: the grader itself, Python and its packages.
OURS = [
    Path(__file__).resolve().parents[1],
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")),
]


class Interrupted(KeyboardInterrupt):
    """A signal that asks for an end has come."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        self.number = number


def interrupt_at_signals() -> None:
    """Let the first signal that asks for an end raise Interrupted in the main thread.

    Those after it are ignored, since the end is under way. What is ignored already stays so: nohup.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in ENDING:
            signal.signal(each, _ignore)  # by a function: SIG_IGN warns of one that came already
        raise Interrupted(number)

    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


def status_after(interrupt: KeyboardInterrupt) -> int:
    """Return the exit code of a command that was interrupted."""
    number = interrupt.number if isinstance(interrupt, Interrupted) else signal.SIGINT
    return SIGNALLED + number


def run_and_exit(command: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its code, even if a standard stream cannot be written to.

    If what was printed got lost though somebody may wait for it, a line says so, and the exit code
    is not 0. Where nobody reads any more (`| head`, a closed stream), there is nothing to say.
    """
    output = _open_streams()
    stream = sys.stdout  # which code that is checked may put another one in place of
    try:
        status = command()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else DONE
    with suppress(ValueError):  # or close
        stream.flush()
    if output and output.error and output.error.errno not in UNREAD:
        say(f"standard output: {output.error.strerror}; not all was printed")
        status = status or UNUSABLE
    sys.exit(status)


class _Output(io.FileIO):
    """Standard output or error: the first error of a write is kept, and nothing raised."""

    error: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write, or drop what cannot be written."""
        try:
            return super().write(data)
        except OSError as error:
            self.error = self.error or error
            return memoryview(data).nbytes


def _open_streams() -> _Output | None:
    """Open those standard streams that are closed, so that no other file takes their place.

    Let writing to them end nothing, and return what standard output writes to. Not on Windows,
    whose console is no file.
    """
    if sys.platform == "win32":
        return None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        return None  # somebody else reads them
    output = _Output(1, "wb", closefd=False)
    sys.stdout = _text(output, sys.stdout)
    sys.stderr = _text(_Output(2, "wb", closefd=False), sys.stderr)
    return output


def _text(output: _Output, before: TextIO | None) -> TextIO:
    """Return a text stream with the encoding of the one before; no character is an error in it."""
    return io.TextIOWrapper(
        io.BufferedWriter(output),
        encoding=before.encoding if before else "utf-8",
        errors="backslashreplace",
        line_buffering=output.isatty() or output.fileno() == 2,
    )


def exit_code_of(command: Callable[[], int], remark: str = "") -> int:
    """Run a command and return its exit code; say what ended it, if an exception did.

    What a user can mend is one line per problem; `remark` is added to those about files. Everything
    else is a traceback, and the sentence that this is a fault of the grader.
    """
    try:
        return command()
    except UserError as error:
        say(str(error))
    except Exception as error:
        if _is_at_a_limit(error):
            say(f"this machine cannot go on: {error}{remark}. {OUTSIDE}")
            return UNUSABLE
        if not (isinstance(error, OSError) and _is_users(error)):
            traceback.print_exc()
            say(FAULT_TEXT)
            return FAULT
        name = _in_one_line(os.fsdecode(error.filename or "results"))
        say(f"{name}: {error.strerror}{remark}")
    return UNUSABLE


def say(lines: str) -> None:
    """Print each line on standard error, as the grader's."""
    for line in lines.split("\n"):
        print(f"grader: {_in_one_line(line)}", file=sys.stderr)


def _in_one_line(text: str) -> str:
    """Return text in which what would not print, a name's newline for one, is U+FFFD."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


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
