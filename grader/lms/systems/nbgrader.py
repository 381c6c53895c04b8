"""nbgrader: `submitted/STUDENT/ASSIGNMENT/` with a timestamp.txt (jupyter/nbgrader, the directory
structure in its documentation). Of several attempts the last is there.
"""

from pathlib import Path

from grader.lms.files import TIMESTAMP_FILE, FileNames, absolute, folders_in, listed, read_line
from grader.lms.layout import Layout, Owner, assignment_of
from grader.lms.moments import moment
from grader.lms.system import System
from grader.lms.systems.sakai import is_sakais

NAME = "nbgrader"
CONFIG = "nbgrader_config.py"
SUBMITTED = "submitted"
FIRST = 20


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return whose each assignment's folder is: of a course, its students', or of one student."""
    here = absolute(folder)
    if is_nbgraders(here, files):
        return Layout(here.parent, {here.name: (_submitter(here),)}, {})
    if SUBMITTED in folders and {"source", CONFIG} & {*files, *folders}:
        folder = folder / SUBMITTED  # what was named is the course
        folders = folders_in(folder)
    # All, so that no one student makes it one; the first, so that no large class is looked through.
    first = [_assignments(folder / name) for name in folders[:FIRST]]
    if not first or not all(first):
        return None
    paths = [path for name in folders for path in _assignments(folder / name)]
    assignment = assignment_of([(path.name, listed(path)) for path in paths], SUBMITTED)
    owners = {
        f"{path.parent.name}/{path.name}": (_submitter(path),)
        for path in paths
        if path.name == assignment
    }
    return Layout(folder, owners, {})


def is_nbgraders(folder: Path, files: FileNames) -> bool:
    """Tell whether a folder with these files is submitted/STUDENT/ASSIGNMENT.

    By where it is, too: any student may hand in a file called timestamp.txt.
    """
    return TIMESTAMP_FILE in files and absolute(folder).parts[-3:-2] == (SUBMITTED,)


def _assignments(student: Path) -> list[Path]:
    """Return the folders in which a student handed in, one an assignment.

    A folder of Sakai's students has such files in them, too.
    """
    folders = [student / name for name in folders_in(student)]
    return [
        folder
        for folder in folders
        if (folder / TIMESTAMP_FILE).is_file() and not is_sakais(folder)
    ]


def _submitter(assignment: Path) -> Owner:
    """Return whose submitted/STUDENT/ASSIGNMENT is, and when it was handed in."""
    student = assignment.parent.name
    return Owner(NAME, student, student, moment(read_line(assignment / TIMESTAMP_FILE)))


SYSTEM = System(NAME, recognise, read_files=[TIMESTAMP_FILE])
