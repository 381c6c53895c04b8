"""How a command ends: its exit code, and the message about what ended it.

A command's work matters more than its output: it goes on if a standard stream is closed, full or no
longer read.
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
FAULT = 70  # EX_SOFTWARE of sysexits.h: an error in the grader itself
SIGNALLED = 128  # plus the signal's number, as in shells
# What the help of every command says; UNDER_MARK means something else in each command.
EXIT_CODES = {
    DONE: "done",
    UNUSABLE: "a problem that you can correct, described on standard error",
    FAULT: "an error in the grader, with its traceback",
    SIGNALLED + signal.SIGINT: "interrupted (129 by SIGHUP, 143 by SIGTERM)",
}
# Signals that ask for an end: Ctrl-C, kill or a batch system, a terminal that was closed.
ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

FAULT_TEXT = (
    "internal error, with the traceback above. This is a fault of the grader, not of you or of a "
    "submission. Finished results are kept. Please report it, together with the traceback"
)
# Errors that mean nobody reads the output: the other end of a pipe or terminal is gone.
UNREAD = {errno.EPIPE, errno.EIO, errno.EBADF}
# Errors of the disk or of our output's reader, not of the grader; Python names no file for them.
NO_FAULT = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EPIPE}
LIMITED = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
NO_THREAD = "can't start new thread"  # which Python raises as a RuntimeError
# Unreadable files under these are not the user's: the grader itself, Python and its packages.
OURS = [
    Path(__file__).resolve().parents[1],
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")),
]


class Interrupted(KeyboardInterrupt):
    """A signal that asks for an end has arrived."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        self.number = number


def interrupt_at_signals() -> None:
    """Let the first signal that asks for an end raise Interrupted in the main thread.

    Later ones are ignored, since the end is under way. Signals already ignored (nohup) stay so.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in ENDING:
            signal.signal(each, _ignore)  # SIG_IGN would warn of a signal already received
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

    If output was lost that somebody may be waiting for, a message says so and the exit code is not
    0. If nobody reads the output any more (`| head`, a closed stream), there is no message.
    """
    output = _open_streams()
    stream = sys.stdout  # code under test may replace sys.stdout
    try:
        status = command()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else DONE
    with suppress(ValueError):  # flush or close
        stream.flush()
    if output and output.error and output.error.errno not in UNREAD:
        say(f"standard output: {output.error.strerror}; not all was printed")
        status = status or UNUSABLE
    sys.exit(status)


class _Output(io.FileIO):
    """Standard output or error; it keeps the first write error and raises nothing."""

    error: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write `data`, or drop it if it cannot be written."""
        try:
            return super().write(data)
        except OSError as error:
            self.error = self.error or error
            return memoryview(data).nbytes


def _open_streams() -> _Output | None:
    """Open any standard streams that are closed, so that no other file takes their place.

    Make failed writes to them harmless, and return the file behind standard output. Does nothing on
    Windows, where a console is not a file.
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
    """Return a text stream with the encoding of the previous one; it accepts every character."""
    return io.TextIOWrapper(
        io.BufferedWriter(output),
        encoding=before.encoding if before else "utf-8",
        errors="backslashreplace",
        line_buffering=output.isatty() or output.fileno() == 2,
    )


def exit_code_of(command: Callable[[], int], remark: str = "") -> int:
    """Run a command and return its exit code; if an exception ended it, print a message.

    A problem that the user can fix is one line per problem, with `remark` added to those about
    files. Anything else is a traceback, followed by the message that this is a fault of the grader.
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
    """Print each line on standard error, prefixed with "grader: "."""
    for line in lines.split("\n"):
        print(f"grader: {_in_one_line(line)}", file=sys.stderr)


def _in_one_line(text: str) -> str:
    """Return text with every unprintable character, such as a newline in a name, as U+FFFD."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _is_at_a_limit(error: Exception) -> bool:
    """Tell whether the system refuses this process more memory, processes, threads or files."""
    if isinstance(error, OSError):
        return error.errno in LIMITED
    return isinstance(error, MemoryError) or str(error) == NO_THREAD


def _is_users(error: OSError) -> bool:
    """Tell whether an error is about the machine, or about a file outside the grader."""
    if error.errno in NO_FAULT:
        return True
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return False
    path = Path(os.fsdecode(error.filename)).resolve()
    return not any(path.is_relative_to(folder) for folder in OURS)
