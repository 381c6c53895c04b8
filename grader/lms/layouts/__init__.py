"""Whose each file and folder of a class is, where a system laid the class out: one file a system.

A layout is recognised by all entries of a folder together, so that no single odd name makes one:
what fits no system is an ordinary class. Only names are looked at, and the few files of the
systems' own in SYSTEM_FILES, which are read as data.

Each file says where its names are from. Not here, since no source was found that tells what a
download looks like: Google Classroom (a folder of Drive, in which students' files keep the names
that students gave them) and Ed.
"""

from collections.abc import Callable
from pathlib import Path

from grader.lms.layouts import (
    blackboard,
    brightspace,
    canvas,
    github,
    gradescope,
    moodle,
    nbgrader,
    sakai,
    submitty,
    teams,
)
from grader.lms.layouts.common import TIMESTAMP_FILE, Layout, Names, Owner, Unclear

__all__ = [
    "OWN_FILES",
    "STUDENTS_FILES",
    "SYSTEM_FILES",
    "UNTIMED",
    "Layout",
    "Owner",
    "Unclear",
    "layout_of",
    "says_whose",
]

# What archives are unpacked for, beside submissions.
SYSTEM_FILES = frozenset(
    {gradescope.METADATA_FILE, TIMESTAMP_FILE, submitty.SETTINGS_FILE, sakai.MEMBERS_FILE}
)
# What is nobody's in a class that a system laid out.
OWN_FILES = SYSTEM_FILES | {brightspace.INDEX_FILE, *sakai.GRADES_FILES}
# What lies in a student's folder, which then is not one that a class was wrapped in.
STUDENTS_FILES = frozenset({submitty.SETTINGS_FILE})
# What to know of systems whose download has no times, and what to do.
UNTIMED = {github.SYSTEM: github.UNTIMED}
Recogniser = Callable[[Path, Names, Names], Layout | None]
RECOGNISERS: tuple[Recogniser, ...] = (
    gradescope.recognise,
    moodle.recognise,
    submitty.recognise,
    brightspace.recognise,
    blackboard.recognise,
    sakai.recognise,
    teams.recognise,
    canvas.recognise,
    nbgrader.recognise,
    github.recognise,
)
PATTERNS = (
    moodle.PATTERN,
    *canvas.PATTERNS,
    brightspace.PATTERN,
    blackboard.PATTERN,
    sakai.FILE,
)


def layout_of(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return how a system laid out a folder with these entries; None where none did.

    Raise Unclear where a system did, for more than one homework.
    """
    layouts = (recognise(folder, sorted(files), sorted(folders)) for recognise in RECOGNISERS)
    return next((layout for layout in layouts if layout), None)


def says_whose(name: str) -> bool:
    """Tell whether a file's name may be one that a system gave it to say whose it is."""
    return any(pattern.fullmatch(name) for pattern in PATTERNS)
