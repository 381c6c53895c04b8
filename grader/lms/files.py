"""Read and list the few files and folders of a download that are used as data."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from grader.source.paths import open_here_and_now, scan

TIMESTAMP_FILE = "timestamp.txt"  # used by several systems
LINE_BYTES = 20_000

FileNames = Sequence[str]


def read(path: Path, most_bytes: int) -> bytes:
    """Read a small regular file; raise OSError or ValueError if it is not one."""
    with open(path, "rb", opener=open_here_and_now) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"{path} is too large")
    return data


def read_line(path: Path) -> str:
    """Return a small file's text, stripped, or "" if it cannot be read."""
    with suppress(OSError, ValueError):
        return read(path, LINE_BYTES).decode().strip()
    return ""


def listed(folder: Path) -> FileNames:
    """Return the names in a folder; none if it cannot be opened."""
    with suppress(OSError):
        return [entry.name for entry in scan(folder)]
    return []


def folders_in(folder: Path) -> FileNames:
    """Return the names of the folders in a folder; none if it cannot be opened."""
    with suppress(OSError):
        return [entry.name for entry in scan(folder) if entry.is_dir(follow_symlinks=False)]
    return []


def absolute(folder: Path) -> Path:
    """Return a folder's absolute path without following links."""
    return Path(os.path.abspath(folder))
