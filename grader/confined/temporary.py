"""Temporary folders of the current process, and removal of those that killed processes left.

Each contains a file that stays locked while the process that made the folder lives. A folder whose
file is not locked was therefore left by a killed process, and the next process removes it. Folders
in use and other users' folders are not touched, not even their mode, since a worker's folder is
closed to the worker.
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
    """Create an empty folder, and remove it at the end."""
    parent, lock = make_own_folder()
    try:
        folder = parent / FILES
        folder.mkdir()
        yield folder
    finally:
        remove(parent)
        os.close(lock)


def make_own_folder(place: Path | None = None) -> tuple[Path, int]:
    """Create a folder, in the usual place by default; return it, and its lock for closing.

    It contains nothing but the locked file.
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
    """Remove this user's folders on which no process holds a lock any more."""
    for place in (Path(tempfile.gettempdir()), SHARED_MEMORY):
        for folder in place.glob(f"{PREFIX}*"):
            try:
                _remove_if_abandoned(folder)
            except OSError:  # in use, another user's, or not a folder
                continue


def remove(folder: Path) -> None:
    """Remove a folder and everything in it, whatever the modes are."""
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

    Its file can be opened even if the folder can no longer be listed. A half-removed folder may
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
