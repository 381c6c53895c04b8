"""The systems and formats that the grader knows, and what all of them have in common.

A layout is recognised from all entries of a folder together, so that no single odd name decides; a
folder that fits no system is an ordinary class. Only names are used, and the systems' own few files
in SYSTEM_FILES, which are read as data.

Each system's file cites the source of its names. Google Classroom (a folder on Drive in which files
keep the students' names for them) and Ed are missing, because no source was found for what a
download looks like.
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

# In the order in which they are tried, as some names fit several systems.
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

# Files that archives are unpacked for, besides submissions.
SYSTEM_FILES = frozenset(name for system in SYSTEMS for name in system.read_files)
# Files that belong to no student in a class laid out by a system.
OWN_FILES = SYSTEM_FILES.union(*(system.other_files for system in SYSTEMS))
# Files in a student's folder, which is therefore not a wrapper around a class.
STUDENTS_FILES = frozenset(name for system in SYSTEMS for name in system.students_files)
# Advice for systems whose download has no times.
UNTIMED = {system.name: system.untimed for system in SYSTEMS if system.untimed}

# Sorted by name, for messages and help.
BY_NAME = sorted(SYSTEMS, key=lambda system: system.name.casefold())
TIMES_TABLES = {system.name: system.times for system in BY_NAME if system.times}
SYSTEMS_EXPORTS = {system.name: system.export for system in BY_NAME if system.export}
EXPORTS = {
    export.target: export
    for export in sorted([*FORMATS, *SYSTEMS_EXPORTS.values()], key=lambda export: export.target)
}


def layout_of(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return how a system laid out a folder with these entries, or None if none did.

    Raise Unclear if the folder has more than one homework.
    """
    layouts = (system.recognise(folder, sorted(files), sorted(folders)) for system in SYSTEMS)
    return next((layout for layout in layouts if layout), None)


def says_whose(name: str) -> bool:
    """Tell whether a file's name may be one by which a system identifies the student."""
    return any(pattern.fullmatch(name) for system in SYSTEMS for pattern in system.patterns)


def who_need(need: Need) -> str:
    """Return the systems whose export needs an option, as a phrase."""
    return either([name for name, export in SYSTEMS_EXPORTS.items() if need in export.needs])


def either(names: Sequence[str]) -> str:
    """Join names, at least one, into a phrase: "a, b or c"."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
