"""Blackboard Learn, "Assignment File Download" of the Grade Center.

`ASSIGNMENT_USER_attempt_2026-10-30-18-20-11_homework.py`, and for each attempt a receipt,
`ASSIGNMENT_USER_attempt_2026-10-30-18-20-11.txt`. The program is closed; the names are those of
nbgrader's documentation (managing assignment files manually, `ps1_hacker_attempt_...`) and of
kwurst/bb-file-cleanup (README.md, receipts). "attempt" is in the language of the user.

All attempts are there. Their times are local, with no zone: they order attempts, and say nothing
about days late.
"""

import re
from datetime import datetime
from pathlib import Path

from grader.submissions.layouts.common import (
    Layout,
    Names,
    Owner,
    matches,
    newest_attempts,
    shared_words,
)

SYSTEM = "Blackboard"
PATTERN = re.compile(
    r"(?P<head>.+?)_[^\W\d_]+_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|(?P<receipt>\.txt))",
    re.DOTALL,
)
NO_FILE = f"is a receipt of {SYSTEM}'s: no file was handed in"
UNTIMED = (
    f"the times that {SYSTEM} tells have no time zone: they order attempts, and days late are not "
    "counted from them"
)


def recognise(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return whose the newest attempts are; a receipt stands for who handed in nothing else."""
    if folders:
        return None
    found = matches(PATTERN, files)
    users = _users({match["head"] for match in found.values()})
    if not users:
        return None
    try:
        entries = [
            (
                name,
                Owner(SYSTEM, users[match["head"]], users[match["head"]]),
                datetime.strptime(match["time"], "%Y-%m-%d-%H-%M-%S"),
            )
            for name, match in found.items()
        ]
    except ValueError:
        return None
    owners, remarks = newest_attempts(folder, entries)
    with_file = {owner for name, (owner,) in owners.items() if not found[name]["receipt"]}
    kept = {
        name: of_name
        for name, of_name in owners.items()
        if not found[name]["receipt"] or of_name[0] not in with_file
    }
    called = {name: found[name]["file"] or name for name in kept}
    problems = {name: NO_FILE for name in kept if found[name]["receipt"]}
    return Layout(folder, kept, called, (*remarks, UNTIMED), problems)


def _users(heads: set[str]) -> dict[str, str]:
    """Return the users of what names begin with, where that is one ASSIGNMENT_ and then theirs.

    Either may have underscores; so what all begin with is the assignment's.
    """
    assignment = shared_words(heads, "_")
    return {head: head.removeprefix(assignment) for head in heads} if assignment else {}
