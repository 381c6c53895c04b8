"""Whose each file and folder of a class is, where a system laid the class out.

A layout is recognised by all entries of a folder together, so that no single odd name makes one:
what fits no system is an ordinary class. Only names are looked at, and two files of the systems'
own, which are read as data.

Names of entries as their systems write them:

- Canvas, "Download Submissions": `lastfirst[_LATE]_USER_ATTACHMENT_homework.ipynb`
  (canvas-lms, lib/content_zipper.rb)
- Moodle, "Download all submissions": `Full Name_PARTICIPANT_assignsubmission_file_`, a folder or
  the beginning of a file's name (moodle, mod/assign/locallib.php and submission/file/locallib.php)
- Gradescope, "Export Submissions": `submission_NUMBER/`, whose they are in submission_metadata.yml
- nbgrader: `submitted/STUDENT/ASSIGNMENT/` with a timestamp.txt (nbgrader's directory structure)
- GitHub Classroom, `gh classroom clone student-repos`: `ASSIGNMENT-submissions/ASSIGNMENT-USER/`
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from grader.submissions import ignored, open_here_and_now

GRADESCOPE_FILE = "submission_metadata.yml"
NBGRADER_FILE = "timestamp.txt"
# What archives are unpacked for, beside submissions.
SYSTEM_FILES = frozenset({GRADESCOPE_FILE, NBGRADER_FILE})
NBGRADER_CONFIG = "nbgrader_config.py"
# What tells of a class beside its submissions.
COURSE_FILES = frozenset({GRADESCOPE_FILE, NBGRADER_CONFIG})
FIRST = 20
METADATA_BYTES = 50_000_000
TIMESTAMP_BYTES = 200

CANVAS = re.compile(r"(?P<name>.+?)(?:_LATE)?_(?P<id>\d+)_\d+_(?P<file>.+)", re.DOTALL)
MOODLE = re.compile(
    r"(?P<name>.*)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?", re.DOTALL
)
GRADESCOPE = re.compile(r"submission_\d+")
GITHUB_FOLDER = "-submissions"


@dataclass(frozen=True)
class Owner:
    """A student as a system knows them: what it calls them, and the id it has for them.

    `handed_in` is when, where the system tells exactly.
    """

    system: str
    id: str
    name: str
    handed_in: datetime | None = None


@dataclass(frozen=True)
class Layout:
    """The `owners` of each entry of a folder that matters; `of` is the folder the class is in.

    `files` are the names that students gave to files, where the system changed them.
    """

    of: Path
    owners: Mapping[str, tuple[Owner, ...]]
    files: Mapping[str, str]


Names = Sequence[str]
Recogniser = Callable[[Path, Names, Names], Layout | None]


def layout_of(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return how a system laid out a folder with these entries; None where none did."""
    layouts = (recognise(folder, files, folders) for recognise in RECOGNISERS)
    return next((layout for layout in layouts if layout), None)


def _canvas(folder: Path, files: Names, folders: Names) -> Layout | None:
    return None if folders else _by_name("Canvas", CANVAS, folder, files)


def _moodle(folder: Path, files: Names, folders: Names) -> Layout | None:
    return _by_name("Moodle", MOODLE, folder, [*files, *folders])


def _by_name(system: str, pattern: re.Pattern[str], folder: Path, names: Names) -> Layout | None:
    """Return the layout where each name says whose it is."""
    matches = {name: pattern.fullmatch(name) for name in names}
    owners, called = {}, {}
    for name, match in matches.items():
        if match is None:
            return None
        owners[name] = (Owner(system, match["id"], match["name"]),)
        called[name] = match["file"] or name
    return Layout(folder, owners, called) if owners else None


def _gradescope(folder: Path, files: Names, folders: Names) -> Layout | None:
    if GRADESCOPE_FILE not in files:
        return None
    metadata = _metadata(folder / GRADESCOPE_FILE)
    owners = {
        name: tuple(_submitters(name, metadata.get(name)))
        for name in folders
        if GRADESCOPE.fullmatch(name)
    }
    return Layout(folder, owners, {}) if owners else None


def _metadata(path: Path) -> Mapping[Any, Any]:
    """Return what Gradescope wrote, all of it as text; nothing, where it cannot be read.

    Text, since otherwise a student whose id is 007 is 7, and one whose name is No is False.
    """
    with suppress(OSError, yaml.YAMLError, ValueError, RecursionError):
        loaded = yaml.load(_read(path, METADATA_BYTES), Loader=yaml.CBaseLoader)
        if isinstance(loaded, Mapping):
            return loaded
    return {}


def _submitters(name: str, entry: object) -> Iterator[Owner]:
    """Yield whose a submission is; it stands for itself where nobody is named."""
    entry = entry if isinstance(entry, Mapping) else {}
    moment = _moment(str(entry.get(":created_at") or ""))
    people = entry.get(":submitters")
    for person in people if isinstance(people, list) and people else [{}]:
        known = person if isinstance(person, Mapping) else {}
        id_ = known.get(":sid") or known.get(":email") or name
        yield Owner("Gradescope", str(id_), str(known.get(":name") or name), moment)


def _nbgrader(folder: Path, files: Names, folders: Names) -> Layout | None:
    if "submitted" in folders and {"source", NBGRADER_CONFIG} & {*files, *folders}:
        folder = folder / "submitted"  # what was named is the course
        folders = _students(folder)
    # All, so that no one student makes it one; the first, so that no large class is looked through.
    first = [_timestamps(folder / name) for name in folders[:FIRST]]
    if not first or not all(first):
        return None
    owners = {
        name: (Owner("nbgrader", name, name, _last(_timestamps(folder / name))),)
        for name in folders
    }
    return Layout(folder, owners, {})


def _students(submitted: Path) -> Names:
    with suppress(OSError), os.scandir(submitted) as entries:
        return sorted(
            entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not ignored(entry.name)
        )
    return []


def _timestamps(student: Path) -> list[Path]:
    """Return the files that say when a student handed in, one an assignment."""
    with suppress(OSError):
        return sorted(student.glob(f"*/{NBGRADER_FILE}"))
    return []


def _last(timestamps: Iterable[Path]) -> datetime | None:
    moments = []
    for path in timestamps:
        with suppress(OSError, ValueError):
            moments.append(_moment(_read(path, TIMESTAMP_BYTES).decode().strip()))
    return max((moment for moment in moments if moment), default=None)


def _github(folder: Path, files: Names, folders: Names) -> Layout | None:
    if not folders or not all((folder / name / ".git").exists() for name in folders):
        return None
    prefix = f"{folder.name.removesuffix(GITHUB_FOLDER)}-"
    if not folder.name.endswith(GITHUB_FOLDER) or any(not n.startswith(prefix) for n in folders):
        prefix = _shared_words(folders)
    users = {name: name.removeprefix(prefix) for name in folders}
    owners = {name: (Owner("GitHub", user, user),) for name, user in users.items()}
    return Layout(folder, owners, {})


def _shared_words(names: Names) -> str:
    """Return what several names begin with, in whole words: "hw1-" of hw1-ada and hw1-ben-x."""
    columns = zip(*(name.split("-")[:-1] for name in names), strict=False)
    shared = takewhile(lambda words: len(set(words)) == 1, columns)
    return "".join(f"{words[0]}-" for words in shared) if len(names) > 1 else ""


RECOGNISERS: tuple[Recogniser, ...] = (_gradescope, _moodle, _canvas, _nbgrader, _github)


def _read(path: Path, most_bytes: int) -> bytes:
    """Read a small regular file; raise OSError or ValueError where it is none."""
    with open(path, "rb", opener=open_here_and_now) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"{path} is too large")
    return data


def _moment(text: str) -> datetime | None:
    """Return a time with its zone, as Gradescope and nbgrader write them; None where it has none.

    "2026-10-01 09:30:00.123456789 Z", "2026-10-01 09:30:00.123456 Europe/Berlin"
    """
    day, _, rest = text.partition(" ")
    clock, _, zone = rest.partition(" ")
    zone = "UTC" if zone in ("Z", "UTC") else zone
    with suppress(ValueError):
        if re.fullmatch(r"[+-]\d\d:?\d\d", zone):
            return datetime.fromisoformat(f"{day}T{clock[:15]}{zone}")
        with suppress(ZoneInfoNotFoundError, OSError):
            return datetime.fromisoformat(f"{day}T{clock[:15]}").replace(tzinfo=ZoneInfo(zone))
    return None
