"""The systems and formats that the grader knows, and what it asks of all of them.

A layout is recognised by all entries of a folder together, so that no single odd name makes one:
what fits no system is an ordinary class. Only names are looked at, and the few files of the
systems' own in SYSTEM_FILES, which are read as data.

Each system's file says where its names are from. Not here, since no source was found that tells
what a download looks like: Google Classroom (a folder of Drive, in which students' files keep the
names that students gave them) and Ed.
"""

from collections.abc import Sequence
from pathlib import Path

from grader.lms.files import FileNames
from grader.lms.formats import junit, tables
from grader.lms.layout import Layout
from grader.lms.system import Export, Need, System
from grader.lms.systems import (
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

# In the order in which they are asked whether a download is theirs: some names fit several.
SYSTEMS: tuple[System, ...] = (
    gradescope.SYSTEM,
    moodle.SYSTEM,
    submitty.SYSTEM,
    brightspace.SYSTEM,
    blackboard.SYSTEM,
    sakai.SYSTEM,
    teams.SYSTEM,
    canvas.SYSTEM,
    nbgrader.SYSTEM,
    github.SYSTEM,
)
FORMATS: tuple[Export, ...] = (tables.CSV, tables.PARQUET, junit.JUNIT)

# What archives are unpacked for, beside submissions.
SYSTEM_FILES = frozenset(name for system in SYSTEMS for name in system.read_files)
# What is nobody's in a class that a system laid out.
OWN_FILES = SYSTEM_FILES.union(*(system.other_files for system in SYSTEMS))
# What lies in a student's folder, which then is not one that a class was wrapped in.
STUDENTS_FILES = frozenset(name for system in SYSTEMS for name in system.students_files)
# What to know of systems whose download has no times, and what to do.
UNTIMED = {system.name: system.untimed for system in SYSTEMS if system.untimed}

# As people are told of them: by name.
BY_NAME = sorted(SYSTEMS, key=lambda system: system.name.casefold())
TIMES_TABLES = {system.name: system.times for system in BY_NAME if system.times}
SYSTEMS_EXPORTS = {system.name: system.export for system in BY_NAME if system.export}
EXPORTS = {
    export.target: export
    for export in sorted([*FORMATS, *SYSTEMS_EXPORTS.values()], key=lambda export: export.target)
}


def layout_of(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return how a system laid out a folder with these entries; None where none did.

    Raise Unclear where a system did, for more than one homework.
    """
    layouts = (system.recognise(folder, sorted(files), sorted(folders)) for system in SYSTEMS)
    return next((layout for layout in layouts if layout), None)


def says_whose(name: str) -> bool:
    """Tell whether a file's name may be one that a system gave it to say whose it is."""
    return any(pattern.fullmatch(name) for system in SYSTEMS for pattern in system.patterns)


def who_need(need: Need) -> str:
    """Return the systems whose export needs an option, as words."""
    return either([name for name, export in SYSTEMS_EXPORTS.items() if need in export.needs])


def either(names: Sequence[str]) -> str:
    """Return names, at least one, as words: "a, b or c"."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
