"""The few files and folders of a download that are read or listed, as data."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from grader.source.paths import open_here_and_now, scan

TIMESTAMP_FILE = "timestamp.txt"  # of several systems
LINE_BYTES = 20_000

FileNames = Sequence[str]


def read(path: Path, most_bytes: int) -> bytes:
    """Read a small regular file; raise OSError or ValueError where it is none."""
    with open(path, "rb", opener=open_here_and_now) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"{path} is too large")
    return data


def read_line(path: Path) -> str:
    """Return what a small file says in one line; "" where it cannot be read."""
    with suppress(OSError, ValueError):
        return read(path, LINE_BYTES).decode().strip()
    return ""


def listed(folder: Path) -> FileNames:
    """Return the names of what is in a folder; none where it cannot be opened."""
    with suppress(OSError):
        return [entry.name for entry in scan(folder)]
    return []


def folders_in(folder: Path) -> FileNames:
    """Return the names of the folders in a folder; none where it cannot be opened."""
    with suppress(OSError):
        return [entry.name for entry in scan(folder) if entry.is_dir(follow_symlinks=False)]
    return []


def absolute(folder: Path) -> Path:
    """Return where a folder is, without following links."""
    return Path(os.path.abspath(folder))
