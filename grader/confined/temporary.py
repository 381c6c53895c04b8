"""Temporary folders of a process's own, and those that killed processes left.

Each holds a file that is locked as long as the process that made the folder lives. So a folder
whose file is not locked was left by a process that could not clear up, and the next one does,
whatever was killed with it. What is in use, and what is another user's, is not touched: not its
mode either, since a worker's folder is closed to the worker.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "grader-own-"
LOCK = "lock"
FILES = "files"
SHARED_MEMORY = Path("/dev/shm")


@contextmanager
def own_folder() -> Iterator[Path]:
    """Make an empty folder, and remove it in the end."""
    parent, lock = make_own_folder()
    try:
        folder = parent / FILES
        folder.mkdir()
        yield folder
    finally:
        remove(parent)
        os.close(lock)


def make_own_folder(place: Path | None = None) -> tuple[Path, int]:
    """Make a folder, in the usual place if none is named; return it, and its lock to be closed.

    There is nothing in it but the file that is locked.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        try:
            lock = _locked(folder)
        except (FileNotFoundError, BlockingIOError):
            continue  # another process has taken it for abandoned
        except OSError:
            remove(folder)
            raise
        if folder.exists():
            return folder, lock
        os.close(lock)


def remove_abandoned() -> None:
    """Remove this user's folders that no process has a lock on any more."""
    for place in (Path(tempfile.gettempdir()), SHARED_MEMORY):
        for folder in place.glob(f"{PREFIX}*"):
            try:
                _remove_if_abandoned(folder)
            except OSError:  # in use, another user's, or no folder at all
                continue


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, whatever its modes are."""
    os.chmod(folder, 0o700)
    for above, names, _ in os.walk(folder):
        for name in names:
            if not os.path.islink(path := os.path.join(above, name)):
                os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _remove_if_abandoned(folder: Path) -> None:
    status = folder.lstat()
    if status.st_uid != os.geteuid() or folder.is_symlink():
        return
    lock = _locked(folder)
    try:
        remove(folder)
    finally:
        os.close(lock)


def _locked(folder: Path) -> int:
    """Lock a folder for as long as this process lives; raise OSError if it is another's.

    Its file may be opened even where the folder can no longer be listed. What was half removed may
    have lost its file, and gets another.
    """
    flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(folder / LOCK, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
