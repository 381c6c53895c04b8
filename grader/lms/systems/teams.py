"""Microsoft Teams for Education: the SharePoint library "Student Work" of a class.

`Submitted files/Full Name/ASSIGNMENT/Version N/homework.py`, with a new version for each
submission, and `Working files/` for work not handed in yet. It is closed source; the names are
those of lwchkg/teams_assignment_explorer (README.md, DirAndFileScanner.cs) and, in German, of
rtotheb2000/Microsoft-Teams-Retrieve-Assignments-Hand-In (README.md). The download has no times.
"""

import re
from pathlib import Path

from grader.lms.files import FileNames, absolute, folders_in, listed
from grader.lms.layout import Layout, Owner, assignment_of
from grader.lms.names import matters
from grader.lms.system import System

NAME = "Teams"
SUBMITTED = ("Submitted files", "Gesendete Dateien")
VERSION = re.compile(r"Version (\d{1,9})")


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return the owner of each version: of a class, or of one student's assignment."""
    if any(map(matters, files)):
        return None
    here = absolute(folder)
    if here.parent.parent.name in SUBMITTED and _versions(here):
        return _layout(here.parent.parent, [(here.parent.name, here.name)])
    library = next((name for name in SUBMITTED if name in folders), None)
    if library:
        folder = folder / library
        folders = folders_in(folder)
    if not folders or not all(_assignments(folder / name) for name in folders):
        return None
    pairs = [(name, each) for name in folders for each in _assignments(folder / name)]
    assignment = assignment_of(
        [(each, _files(folder / name / each)) for name, each in pairs], SUBMITTED[0]
    )
    return _layout(folder, [pair for pair in pairs if pair[1] == assignment])


def _layout(folder: Path, pairs: list[tuple[str, str]]) -> Layout:
    owners, attempts = {}, {}
    for student, assignment in pairs:
        for number, version in _versions(folder / student / assignment).items():
            name = f"{student}/{assignment}/{version}"
            owners[name], attempts[name] = (Owner(NAME, student, student),), number
    return Layout(folder, owners, {}, attempts)


def _assignments(student: Path) -> list[str]:
    """Return a student's assignments; none if anything else is there that may be graded."""
    names = folders_in(student)
    if any(map(matters, listed(student))) or not all(_versions(student / name) for name in names):
        return []
    return list(names)


def _versions(assignment: Path) -> dict[int, str]:
    """Return the folders of versions by number; none if anything else is there."""
    matches = [VERSION.fullmatch(name) for name in listed(assignment)]
    versions = {int(match[1]): match[0] for match in matches if match}
    return versions if len(versions) == len(matches) else {}


def _files(assignment: Path) -> FileNames:
    return [name for each in _versions(assignment).values() for name in listed(assignment / each)]


SYSTEM = System(NAME, recognise)
