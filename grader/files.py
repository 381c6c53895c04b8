"""Write files so that a reader sees the old content or the new, never a part."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".writing-"  # what a temporary file's name begins with


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write `content` to a temporary file beside `path` and rename it; text is UTF-8.

    An OSError names `path`, whatever step failed.
    """
    with writing_atomically(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def writing_atomically(path: Path) -> Iterator[BinaryIO]:
    """Give a temporary file beside `path` to write to; at the end it takes the place of `path`.

    After an exception `path` is as it was. An OSError names `path`, whatever step failed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _renamed_at_the_end(path) as file:
            yield file
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_unfinished(folder: Path, *, deep: bool) -> None:
    """Remove what a killed run left half-written in `folder`, and in the folders in it if `deep`.

    Nothing may be writing there.
    """
    for pattern in [f"{UNFINISHED}*"] + [f"*/{UNFINISHED}*"] * deep:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _renamed_at_the_end(path: Path) -> Iterator[BinaryIO]:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):  # what went wrong first is what to tell
            os.unlink(name)
        raise
