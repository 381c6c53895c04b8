"""nbgrader: `submitted/STUDENT/ASSIGNMENT/` with a timestamp.txt (jupyter/nbgrader, the directory
structure in its documentation). Only the last attempt is included.
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
    """Return the owner of each assignment's folder: all students of a course, or one student."""
    here = absolute(folder)
    if is_nbgraders(here, files):
        return Layout(here.parent, {here.name: (_submitter(here),)}, {})
    if SUBMITTED in folders and {"source", CONFIG} & {*files, *folders}:
        folder = folder / SUBMITTED  # the path given is the course
        folders = folders_in(folder)
    # All must fit, so that no single student decides; only the first, to keep large classes fast.
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

    The location counts too, because any student may hand in a file called timestamp.txt.
    """
    return TIMESTAMP_FILE in files and absolute(folder).parts[-3:-2] == (SUBMITTED,)


def _assignments(student: Path) -> list[Path]:
    """Return a student's submission folders, one per assignment.

    Folders of Sakai's students contain such files, too.
    """
    folders = [student / name for name in folders_in(student)]
    return [
        folder
        for folder in folders
        if (folder / TIMESTAMP_FILE).is_file() and not is_sakais(folder)
    ]


def _submitter(assignment: Path) -> Owner:
    """Return the owner of submitted/STUDENT/ASSIGNMENT, with the submission time."""
    student = assignment.parent.name
    return Owner(NAME, student, student, moment(read_line(assignment / TIMESTAMP_FILE)))


SYSTEM = System(NAME, recognise, read_files=[TIMESTAMP_FILE])
