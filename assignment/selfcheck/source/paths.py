"""What the names of files say, and how to open one that anybody may have put there."""

import os
from pathlib import Path, PurePath

# How a file's name ends that may hold Python; some mail programs and browsers add another ending.
GRADABLE = (".py", ".ipynb", ".ipynb.txt", ".ipynb.json", ".py.txt")
ZIP = ".zip"
HOMEWORK = "homework"
# Beside these, whatever is hidden (.ipynb_checkpoints, .DS_Store, AppleDouble's ._homework.py), and
# what Office leaves where a document is open: ~$homework.docx.
NO_SUBMISSION = frozenset({"__macosx", "__pycache__", "selfcheck", "node_modules", "site-packages"})
_HERE_AND_NOW = 0
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC"):
    _HERE_AND_NOW |= getattr(os, _flag, 0)  # Windows, where the self-check reads, has none of them


def shown(name: object) -> str:
    """Return a file name as one printable line; whatever would not print is shown as U+FFFD."""
    return "".join(char if char.isprintable() else "\ufffd" for char in str(name))


def ignored(name: str) -> bool:
    """Tell whether a file or folder of this name never holds a submission."""
    return name.startswith((".", "~$")) or name.lower() in NO_SUBMISSION


def suffix(name: str) -> str:
    """Return the suffix that tells what a file is for, in small letters."""
    return PurePath(name).suffix.lower()


def is_gradable(name: str) -> bool:
    """Tell whether a file of this name may hold Python; what is in it decides whether it does."""
    return name.lower().endswith(GRADABLE)


def is_handed_in(name: str) -> bool:
    """Tell whether a file of this name may be graded, or is an archive that may hold such a one."""
    return is_gradable(name) or suffix(name) == ZIP


def is_homework(name: str) -> bool:
    """Tell whether a file is called as the homework is."""
    stem, _, ending = name.lower().partition(".")
    return stem == HOMEWORK and f".{ending}" in GRADABLE


def scan(folder: Path) -> list[os.DirEntry[str]]:
    """List a folder in order, without what never holds a submission."""
    with os.scandir(folder) as entries:
        rest = [entry for entry in entries if not ignored(entry.name)]
    return sorted(rest, key=lambda entry: entry.name)


def open_here_and_now(path: str, flags: int) -> int:
    """Open a file without following a link or waiting for a pipe or a device (for `opener`)."""
    return os.open(path, flags | _HERE_AND_NOW)
