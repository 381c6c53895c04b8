"""Check a file again at each save, every time in a fresh process.

A student's code may hang, exit or crash, and its imports stay loaded, so the process that ran it is
thrown away. Importing torch takes longer than the check, so the next process is started ahead and
waits for its signal.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..judging.messages import N_, Texts

POLL_SECONDS = 0.05
CHECK_SECONDS = 60.0  # per check; training takes a few seconds
GRACE_SECONDS = 5.0  # for the process to end itself and print where it was
TOO_LONG = 3  # exit code of a check that took longer
WHEN_TOLD = "--when-told"
CLEAR = "\033[2J\033[3J\033[H"
FileState = tuple[int, int, int]


class Checker:
    """A process that has imported what it needs, and checks when told to."""

    def __init__(self, command: Sequence[str]) -> None:
        arguments = [*command, WHEN_TOLD, str(CHECK_SECONDS)]
        # In its own group, so that Ctrl-C reaches only the process that watches.
        if sys.platform == "win32":
            group = subprocess.CREATE_NEW_PROCESS_GROUP
            self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, creationflags=group)
        else:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.PIPE, start_new_session=True
            )
        self._ends = 0.0

    def tell(self) -> None:
        """Start the check."""
        self._ends = time.monotonic() + CHECK_SECONDS + GRACE_SECONDS
        assert self._process.stdin
        with contextlib.suppress(OSError):  # it has died; its exit code will tell
            self._process.stdin.write(b"now\n")
            self._process.stdin.close()

    def ended(self) -> int | None:
        """Return its exit code, or None while it runs; end it if it runs too long."""
        code = self._process.poll()
        if code is None and time.monotonic() > self._ends:
            self.end()
            return TOO_LONG
        return code

    def end(self) -> None:
        """End it and, on Linux and macOS, the processes its code has started."""
        if sys.platform == "win32":
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()


class Watcher:
    """Watches one file until Ctrl-C."""

    def __init__(self, path: Path, command: Sequence[str], texts: Texts) -> None:
        self._path, self._command, self._texts = path, command, texts
        self._ready: Checker | None = Checker(command)
        self._checker: Checker | None = None

    def watch(self) -> None:
        """Check now and at each save, until KeyboardInterrupt."""
        last_state, is_settled = _state(self._path), False
        while True:
            state = _state(self._path)
            if state != last_state:
                last_state, is_settled = state, False  # perhaps the first half of a save
            elif not is_settled:
                is_settled = True
                self._check() if state else self._gone()
            self._look_after()
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """End the processes it started."""
        for checker in (self._ready, self._checker):
            if checker:
                checker.end()

    def _check(self) -> None:
        """Check the file's current content, and stop any check of an earlier one."""
        if self._checker:
            self._checker.end()
        if sys.stdout.isatty():
            print(CLEAR, end="")
        self._tell(N_("{file} at {time}"), time=time.strftime("%H:%M:%S"))
        self._checker, self._ready = self._ready or Checker(self._command), None
        self._checker.tell()

    def _gone(self) -> None:
        self._tell(N_("{file} is not there; waiting for it"))

    def _look_after(self) -> None:
        code = self._checker.ended() if self._checker else None
        if code is None or not self._checker:
            return
        self._checker.end()
        # Not earlier, because importing torch would slow the check down.
        self._checker, self._ready = None, Checker(self._command)
        if code not in (0, 1, 2, TOO_LONG):
            self._tell(N_("running {file} ended the check (exit code {code})"), code=code)
        self._tell(N_("Watching {file}: save it to check again, Ctrl-C to end."))

    def _tell(self, message: str, **values: str | int) -> None:
        print(self._texts.say(message, file=self._path.name, **values), flush=True)


def _state(path: Path) -> FileState | None:
    """Return a value that changes when the file is saved, or None if there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def watch(path: Path, command: Sequence[str], texts: Texts) -> int:
    """Check `path` by `command` at each save until Ctrl-C; return 0."""
    with contextlib.closing(Watcher(path, command, texts)) as watcher:
        try:
            watcher.watch()
        except KeyboardInterrupt:
            print("\n" + texts.say(N_("Watching has ended.")))
    return 0
