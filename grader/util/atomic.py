"""Write files so that a reader sees the old content or the new, never a part.

Who may read one goes by what it holds, and never beyond what the umask gives:

    STAFF       marks, names, the seed, hidden cases: the user and the group
    EVERYBODY   what a student gets of their own, and what is handed out or published
"""

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

UNFINISHED = ".writing-"  # what a temporary file's name begins with
STAFF, EVERYBODY = 0o660, 0o666


def write_atomically(path: Path, content: str | bytes, mode: int = STAFF) -> None:
    """Write `content` to a temporary file beside `path` and rename it; text is UTF-8.

    An OSError names `path`, whatever step failed.
    """
    with writing_atomically(path, mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def writing_atomically(path: Path, mode: int = STAFF) -> Iterator[BinaryIO]:
    """Give a temporary file beside `path` to write to; at the end it takes the place of `path`.

    After an exception `path` is as it was. An OSError names `path`, whatever step failed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _renamed_at_the_end(path, mode) as file:
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
def _renamed_at_the_end(path: Path, mode: int) -> Iterator[BinaryIO]:
    name = path.parent / f"{UNFINISHED}{token_hex(8)}"
    try:
        # From the start nobody has it open whom it is not for.
        with open(name, "xb", opener=partial(os.open, mode=mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):  # what went wrong first is what to tell
            os.unlink(name)
        raise
