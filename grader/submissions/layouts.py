"""Whose each file and folder of a class is, where a system laid the class out.

A layout is recognised by all entries of a folder together, so that no single odd name makes one:
what fits no system is an ordinary class. Only names are looked at, and two files of the systems'
own, which are read as data.

Names of entries as their systems write them:

- Canvas, "Download Submissions": `lastfirst[_LATE]_USER_ATTACHMENT_homework.ipynb`, and
  `[LATE_]anon_ANONYMOUS_ATTACHMENT_homework.ipynb` where grading is anonymous; what was typed, or
  an address, is `lastfirst[_LATE]_USER_text.html` or `_link.html` (canvas-lms,
  lib/content_zipper.rb)
- Moodle, "Download all submissions": `Full Name_PARTICIPANT_assignsubmission_file_`, a folder or
  the beginning of a file's name (moodle, mod/assign/locallib.php and submission/file/locallib.php);
  the name has no underscore, but what a student called a file may have anything
- Gradescope, "Export Submissions": `submission_NUMBER/`, whose they are in submission_metadata.yml
- nbgrader: `submitted/STUDENT/ASSIGNMENT/` with a timestamp.txt (nbgrader's directory structure)
- GitHub Classroom, `gh classroom clone student-repos`: `ASSIGNMENT-submissions/ASSIGNMENT-USER/`
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from grader.errors import UserError
from grader.submissions import (
    GRADABLE,
    HOMEWORK,
    ZIP,
    is_homework,
    open_here_and_now,
    scan,
    shown,
    suffix,
)

GRADESCOPE_FILE = "submission_metadata.yml"
NBGRADER_FILE = "timestamp.txt"
# What archives are unpacked for, beside submissions.
SYSTEM_FILES = frozenset({GRADESCOPE_FILE, NBGRADER_FILE})
NBGRADER_CONFIG = "nbgrader_config.py"
SUBMITTED = "submitted"
FIRST = 20
METADATA_BYTES = 50_000_000
TIMESTAMP_BYTES = 200

CANVAS_FILE = r"_(?:\d+_(?P<file>.+)|text\.html|link\.html)"
# Of a name only letters, digits and underscores are left; of one that is all emoji, nothing.
CANVAS = re.compile(rf"(?P<name>.*?)(?:_LATE)?_(?P<id>\d+){CANVAS_FILE}", re.DOTALL)
# Its id is not that of a user, so "anon_" stays with it. LATE is in front here.
CANVAS_ANONYMOUS = re.compile(
    rf"(?:LATE_)?(?P<name>(?P<id>anon_[0-9A-Za-z]+)){CANVAS_FILE}", re.DOTALL
)
MOODLE = re.compile(
    r"(?P<name>.*?)_(?P<id>\d+)_assignsubmission_[a-z][a-z0-9]*(?:_(?P<file>.*))?", re.DOTALL
)
GRADESCOPE = re.compile(r"submission_\d+")
GITHUB_FOLDER = "-submissions"


class Unclear(UserError):
    """What a system laid out is not one homework's; the message says so, without the folder."""


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

    An entry may lie deeper: STUDENT/ASSIGNMENT.
    `files` are the names that students gave to files, where the system changed them.
    """

    of: Path
    owners: Mapping[str, tuple[Owner, ...]]
    files: Mapping[str, str]


Names = Sequence[str]
Recogniser = Callable[[Path, Names, Names], Layout | None]


def layout_of(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return how a system laid out a folder with these entries; None where none did.

    Raise Unclear where a system did, for more than one homework.
    """
    layouts = (recognise(folder, files, folders) for recognise in RECOGNISERS)
    return next((layout for layout in layouts if layout), None)


def says_whose(name: str) -> bool:
    """Tell whether a file's name may be one that Canvas or Moodle gave it."""
    return any(pattern.fullmatch(name) for pattern in (MOODLE, CANVAS_ANONYMOUS, CANVAS))


def _canvas(folder: Path, files: Names, folders: Names) -> Layout | None:
    if folders:
        return None
    anonymous = _by_name("Canvas", CANVAS_ANONYMOUS, folder, files)
    return anonymous or _by_name("Canvas", CANVAS, folder, files)


def _moodle(folder: Path, files: Names, folders: Names) -> Layout | None:
    return _by_name("Moodle", MOODLE, folder, files, folders)


def _by_name(
    system: str, pattern: re.Pattern[str], folder: Path, files: Names, folders: Names = ()
) -> Layout | None:
    """Return the layout where each name says whose it is, but those of files nobody grades.

    An id that goes with two names is nobody's (ada_2026_10_x.py, ben_2026_10_x.py; or somebody who
    is called x_12): what has it stands for itself, and all that has one for no system.
    """
    matters = {*folders, *(name for name in files if suffix(name) in {*GRADABLE, ZIP})}
    matches = {}
    for name in [*files, *folders]:
        if match := pattern.fullmatch(name):
            matches[name] = match
        elif name in matters:
            return None
    names: dict[str, set[str]] = {}
    for match in matches.values():
        names.setdefault(match["id"], set()).add(match["name"])
    clear = {name for name, match in matches.items() if len(names[match["id"]]) == 1}
    owners = {
        name: (
            Owner(system, match["id"], match["name"] or match["id"])
            if name in clear
            else Owner(system, name, Path(name).stem),
        )
        for name, match in matches.items()
    }
    called = {name: match["file"] or name for name, match in matches.items()}
    return Layout(folder, owners, called) if clear else None


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
    moment = _moment(_told(entry, ":created_at"))
    people = entry.get(":submitters") if isinstance(entry, Mapping) else None
    for person in people if isinstance(people, list) and people else [{}]:
        id_ = _told(person, ":sid") or _told(person, ":email") or name
        yield Owner("Gradescope", id_, _told(person, ":name") or name, moment)


def _told(about: object, key: str) -> str:
    """Return a text of the metadata, "" where there is none: a list may be endless as a text."""
    value = about.get(key) if isinstance(about, Mapping) else None
    return value if isinstance(value, str) else ""


def _nbgrader(folder: Path, files: Names, folders: Names) -> Layout | None:
    here = Path(os.path.abspath(folder))
    if is_nbgraders(here, files):
        return Layout(here.parent, {here.name: (_submitter(here),)}, {})
    if SUBMITTED in folders and {"source", NBGRADER_CONFIG} & {*files, *folders}:
        folder = folder / SUBMITTED  # what was named is the course
        folders = _folders(folder)
    # All, so that no one student makes it one; the first, so that no large class is looked through.
    first = [_assignments(folder / name) for name in folders[:FIRST]]
    if not first or not all(first):
        return None
    found = [path for name in folders for path in _assignments(folder / name)]
    meant = _meant(found)
    owners = {
        f"{path.parent.name}/{path.name}": (_submitter(path),)
        for path in found
        if path.name == meant
    }
    return Layout(folder, owners, {})


def is_nbgraders(folder: Path, files: Names) -> bool:
    """Tell whether a folder with these files is submitted/STUDENT/ASSIGNMENT.

    By where it is, too: any student may hand in a file called timestamp.txt.
    """
    return NBGRADER_FILE in files and Path(os.path.abspath(folder)).parts[-3:-2] == (SUBMITTED,)


def _folders(folder: Path) -> Names:
    with suppress(OSError):
        return [entry.name for entry in scan(folder) if entry.is_dir(follow_symlinks=False)]
    return []


def _assignments(student: Path) -> list[Path]:
    """Return the folders in which a student handed in, one an assignment."""
    folders = [student / name for name in _folders(student)]
    return [folder for folder in folders if (folder / NBGRADER_FILE).is_file()]


def _meant(found: Sequence[Path]) -> str:
    """Return the one assignment, or of several the one with files called homework."""
    names = {path.name for path in found}
    if len(names) > 1:
        names = {path.name for path in found if any(map(is_homework, _listed(path)))} or names
    if len(names) > 1:
        several = shown(", ".join(sorted(names)))
        raise Unclear(
            f"holds several assignments ({several}), and no single one with files called "
            f"{HOMEWORK}: name the folders of one, {SUBMITTED}/*/{shown(min(names))}"
        )
    return names.pop()


def _listed(folder: Path) -> Names:
    with suppress(OSError):
        return [entry.name for entry in scan(folder)]
    return []


def _submitter(assignment: Path) -> Owner:
    """Return whose submitted/STUDENT/ASSIGNMENT is, and when it was handed in."""
    student, moment = assignment.parent.name, None
    with suppress(OSError, ValueError):
        moment = _moment(_read(assignment / NBGRADER_FILE, TIMESTAMP_BYTES).decode().strip())
    return Owner("nbgrader", student, student, moment)


def _github(folder: Path, files: Names, folders: Names) -> Layout | None:
    if not folders or not all((folder / name / ".git").exists() for name in folders):
        return None
    assignment = os.path.basename(os.path.abspath(folder)).removesuffix(GITHUB_FOLDER)
    prefix = f"{assignment}-"
    if not all(name.startswith(prefix) for name in folders):
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
