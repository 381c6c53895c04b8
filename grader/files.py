"""Write files so that a reader sees the old content or the new, never a part."""

import contextlib
import os
import tempfile
from pathlib import Path

UNFINISHED = ".writing-"  # what a temporary file's name begins with


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write `content` to a temporary file beside `path` and rename it; text is UTF-8.

    An OSError names `path`, whatever step failed.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_and_rename(path, data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed run left half-written in `folder` and in the folders in it.

    One run at a time writes to a folder of results.
    """
    for pattern in (f"{UNFINISHED}*", f"*/{UNFINISHED}*"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def _write_and_rename(path: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):  # what went wrong first is what to tell
            os.unlink(name)
        raise
