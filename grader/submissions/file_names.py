"""Classify files by name alone: whose they may be, and what to do about ungradable ones."""

import re
from collections.abc import Sequence
from pathlib import PurePath

from grader.source.paths import GRADABLE, HOMEWORK, is_gradable, shown, suffix
from grader.source.read import ITSELF

ENDINGS = (*sorted(GRADABLE, key=len, reverse=True), ".tar.gz", ".tar.bz2", ".tar.xz")
LANGUAGE = re.compile(r"\.zh_han[st]\Z", re.IGNORECASE)  # as in the handout's notebooks
# Added by systems and browsers if a file of that name exists: homework-1.ipynb.
COPY = re.compile(r"(?:-\d+| ?\(\d+\))(?=\.\w+\Z|\Z)")
LISTED = 5

ONLY_ZIP = f"only zip archives are unpacked: hand in a .zip, or {ITSELF.removeprefix('hand in ')}"
KINDS = {
    "rar": f"is a RAR archive, and {ONLY_ZIP}",
    "7z": f"is a 7z archive, and {ONLY_ZIP}",
    "tar tgz tbz tbz2 txz tar.gz tar.bz2 tar.xz": f"is a tar archive, and {ONLY_ZIP}",
    "gz bz2 xz zst": f"is a compressed file, and {ONLY_ZIP}",
    "htm html": f"is a web page, not a notebook: {ITSELF}",
    "json": f"is a JSON file: if it is a notebook, {ITSELF}",
    "pdf": f"is a PDF document: {ITSELF}",
    "doc docx odt rtf pages": f"is a word processor's document: {ITSELF}",
    "txt text": f"is a text file: {ITSELF}",
    "png jpg jpeg heic gif bmp tif tiff webp": f"is an image: {ITSELF}",
}
SENTENCES = {f".{ending}": text for endings, text in KINDS.items() for ending in endings.split()}
# Names of an instructor's files beside the students', and of files that systems leave.
NOBODYS_NAMES = re.compile(r"readme|license|makefile|requirements.*\.txt|thumbs\.db|desktop\.ini")
NOBODYS = frozenset(
    f".{ending}"
    for endings in (
        "csv tsv xls xlsx ods md toml yml yaml json log ini cfg lock bib sh bat db sqlite",
        "pyc pt pth npy npz pkl",
    )
    for ending in endings.split()
)


def ending_of(name: str) -> str:
    """Return the part of a name that tells the file type, in lower case: ".ipynb.txt"."""
    lower = name.lower()
    return next((ending for ending in ENDINGS if lower.endswith(ending)), suffix(name))


def stem_of(name: str) -> str:
    """Return a name without its extensions (fay.ipynb.html has two) and the handout's language."""
    stem = name[: len(name) - len(ending_of(name))] or PurePath(name).stem
    if not is_gradable(name):
        return stem_of(stem) if is_gradable(stem) else stem
    return LANGUAGE.sub("", stem)


def is_called_homework(stem: str) -> bool:
    """Tell whether a stem is that of the handed-out files, or of a copy: "homework (1)"."""
    return COPY.sub("", stem).strip().lower() == HOMEWORK


def is_nobodys(name: str) -> bool:
    """Tell whether a file beside the students' is the instructor's own, or a system's."""
    is_by_name = bool(NOBODYS_NAMES.match(name.lower()))
    return not is_gradable(name) and (is_by_name or suffix(name) in NOBODYS)


def is_archive(name: str) -> bool:
    """Tell whether a file is an archive of a type that is not unpacked."""
    return ONLY_ZIP in why_not(name)


def why_not(name: str) -> str:
    """Return why a file cannot be graded and what to do; the file's name goes in front."""
    return SENTENCES.get(ending_of(name), f"is neither a .py nor an .ipynb file: {ITSELF}")


def listing(names: Sequence[str], most: int = LISTED) -> str:
    """Return names as one printable phrase: "a, b and c", "a, b and 7 more"."""
    all_ = [shown(name) for name in names[:most]]
    if len(names) > most:
        all_.append(f"{len(names) - most} more")
    return " and ".join([", ".join(all_[:-1]), all_[-1]] if all_[1:] else all_)


def counted(number: int, noun: str) -> str:
    """Return a number of things: "1 file", "3 files"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
