"""Blackboard Learn, "Assignment File Download" of the Grade Center.

`ASSIGNMENT_USER_attempt_2026-10-30-18-20-11_homework.py`, and for each attempt a receipt,
`ASSIGNMENT_USER_attempt_2026-10-30-18-20-11.txt`. It is closed source; the names are those of
nbgrader's documentation (managing assignment files manually, `ps1_hacker_attempt_...`) and of
kwurst/bb-file-cleanup (README.md, receipts). "attempt" is in the user's language.

All attempts are included. Their times are local, without a zone.
"""

import re
from datetime import datetime
from pathlib import Path

from grader.lms.files import FileNames
from grader.lms.layout import Layout, Owner, in_order
from grader.lms.names import matches, shared_words
from grader.lms.system import System

NAME = "Blackboard"
PATTERN = re.compile(
    r"(?P<head>.+?)_[^\W\d_]+_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|(?P<receipt>\.txt))",
    re.DOTALL,
)
NO_FILE = f"no file was handed in: {NAME} has a receipt alone"


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return the owners of the attempts; a receipt alone stands for an attempt with no file."""
    if folders:
        return None
    matches_ = matches(PATTERN, files)
    users = _users({match["head"] for match in matches_.values()})
    if not users:
        return None
    try:
        moments = {
            name: datetime.strptime(match["time"], "%Y-%m-%d-%H-%M-%S")
            for name, match in matches_.items()
        }
    except ValueError:
        return None
    with_file = {(m["head"], m["time"]) for m in matches_.values() if not m["receipt"]}
    uploads = {
        name: match
        for name, match in matches_.items()
        if not match["receipt"] or (match["head"], match["time"]) not in with_file
    }
    owners = {
        name: (Owner(NAME, users[match["head"]], users[match["head"]], moments[name]),)
        for name, match in uploads.items()
    }
    names = {name: match["file"] or name for name, match in uploads.items()}
    problems = {name: NO_FILE for name, match in uploads.items() if match["receipt"]}
    return Layout(folder, owners, names, in_order(moments), problems=problems)


def _users(heads: set[str]) -> dict[str, str]:
    """Return the user of each name prefix, if each is the same ASSIGNMENT_ and then the user.

    Both may contain underscores, so the common prefix is taken as the assignment.
    """
    assignment = shared_words(heads, "_")
    return {head: head.removeprefix(assignment) for head in heads} if assignment else {}


SYSTEM = System(NAME, recognise, patterns=[PATTERN])
