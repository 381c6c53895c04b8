"""Write files so that a reader sees either the old content or the new, never a mixture.

The content decides who may read a file; the umask can only narrow that:

    STAFF       marks, names, the seed, hidden cases: the user and the group
    EVERYBODY   a student's own feedback, and anything handed out or published
"""

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

UNFINISHED = ".writing-"  # the prefix of a temporary file's name
STAFF, EVERYBODY = 0o660, 0o666


def write_atomically(path: Path, content: str | bytes, mode: int = STAFF) -> None:
    """Write `content` to a temporary file beside `path` and rename it; text is UTF-8.

    An OSError names `path`, whichever step failed.
    """
    with writing_atomically(path, mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def writing_atomically(path: Path, mode: int = STAFF) -> Iterator[BinaryIO]:
    """Yield a temporary file beside `path` to write to; it replaces `path` at the end.

    After an exception, `path` is unchanged. An OSError names `path`, whichever step failed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _renamed_at_the_end(path, mode) as file:
            yield file
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_unfinished(folder: Path, *, deep: bool) -> None:
    """Remove half-written files of a killed run from `folder`, and from its subfolders if `deep`.

    Call it only while nothing is writing there.
    """
    for pattern in [f"{UNFINISHED}*"] + [f"*/{UNFINISHED}*"] * deep:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _renamed_at_the_end(path: Path, mode: int) -> Iterator[BinaryIO]:
    name = path.parent / f"{UNFINISHED}{token_hex(8)}"
    try:
        # The mode is set at creation, so that nobody unauthorized can ever have the file open.
        with open(name, "xb", opener=partial(os.open, mode=mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):  # report the original error, not this one
            os.unlink(name)
        raise
