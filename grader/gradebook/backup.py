"""Make a copy of a SQLite database beside it."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from grader.util.atomic import UNFINISHED


@contextlib.contextmanager
def backed_up(database: Path, revision: str) -> Iterator[Path]:
    """Copy a database before it is upgraded to `revision`, and yield the copy's path.

    After an exception the copy is removed. The caller holds the write lock, so the copy matches
    what the caller changes. An OSError names the copy.
    """
    copy = _unused(database.with_name(f"{database.name}.before-{revision}"))
    _copy(database, copy)
    try:
        yield copy
    except BaseException:
        copy.unlink()
        raise


def _unused(path: Path) -> Path:
    """Return the path, or the first unused one with a number."""
    others = (path.with_name(f"{path.name}.{number}") for number in count(2))
    return path if not path.exists() else next(other for other in others if not other.exists())


def _copy(database: Path, copy: Path) -> None:
    """Copy a database including its log; `copy` is written completely or not at all."""
    try:
        descriptor, name = tempfile.mkstemp(dir=copy.parent, prefix=UNFINISHED)
        os.close(descriptor)
        try:
            with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(name)) as to:
                source.backup(to)
            shutil.copymode(database, name)
            os.replace(name, copy)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(copy)) from error
