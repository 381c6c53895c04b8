"""What file names say, and how to open a file that anybody may have put there."""

import os
from pathlib import Path, PurePath

# Suffixes of files that may hold Python; some mail programs and browsers add another one.
GRADABLE = (".py", ".ipynb", ".ipynb.txt", ".ipynb.json", ".py.txt")
ZIP = ".zip"
HOMEWORK = "homework"
# Also ignored: hidden files (.ipynb_checkpoints, .DS_Store, AppleDouble's ._homework.py), and what
# Office leaves while a document is open (~$homework.docx).
NO_SUBMISSION = frozenset({"__macosx", "__pycache__", "selfcheck", "node_modules", "site-packages"})
_HERE_AND_NOW = 0
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC"):
    _HERE_AND_NOW |= getattr(os, _flag, 0)  # Windows, on which the self-check runs, has none


def shown(name: object) -> str:
    """Return a file name as one printable line; unprintable characters are shown as U+FFFD."""
    return "".join(char if char.isprintable() else "\ufffd" for char in str(name))


def ignored(name: str) -> bool:
    """Tell whether a file or folder of this name never holds a submission."""
    return name.startswith((".", "~$")) or name.lower() in NO_SUBMISSION


def suffix(name: str) -> str:
    """Return the suffix that tells what a file is for, in lower case."""
    return PurePath(name).suffix.lower()


def is_gradable(name: str) -> bool:
    """Tell whether a file of this name may hold Python; its content decides whether it does."""
    return name.lower().endswith(GRADABLE)


def is_handed_in(name: str) -> bool:
    """Tell whether a file of this name may be graded, or is an archive that may hold one."""
    return is_gradable(name) or suffix(name) == ZIP


def is_homework(name: str) -> bool:
    """Tell whether a file has the homework's name."""
    stem, _, ending = name.lower().partition(".")
    return stem == HOMEWORK and f".{ending}" in GRADABLE


def scan(folder: Path) -> list[os.DirEntry[str]]:
    """List a folder in order, without entries that never hold a submission."""
    with os.scandir(folder) as entries:
        rest = [entry for entry in entries if not ignored(entry.name)]
    return sorted(rest, key=lambda entry: entry.name)


def open_here_and_now(path: str, flags: int) -> int:
    """Open a file without following a link or waiting for a pipe or device (for `opener`)."""
    return os.open(path, flags | _HERE_AND_NOW)
