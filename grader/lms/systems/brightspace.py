"""Brightspace (D2L), "Download" of an assignment's submissions.

`USER-ASSIGNMENT - Full Name - Oct 30, 2026 620 PM/` is one folder per attempt; if an assignment
takes a single file, it is a file and ` - homework.py` follows. An index.html lies beside them. It
is closed source; the names are those of cgmb/d2lmf (d2lmf/d2lmf.py), of
UINDY-INSTRUCTORS/brightspace-utils (folder-feedback/folder_feedback.py, which explains the two
numbers) and of OfficeCoffee/GradingFileProject (ToDo.md, files).

All attempts are included. Their times are local, without a zone. If a name or file name contains
such a time, the entry can be read in two ways, as another student's or with another time, and is
nobody's.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from grader.lms.files import FileNames
from grader.lms.layout import Layout, Owner, Unclear, in_order
from grader.lms.names import clear_ids, matters, nobodys
from grader.lms.system import System

NAME = "Brightspace"
INDEX_FILE = "index.html"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TIME = (
    rf"(?P<month>{'|'.join(MONTHS)}) (?P<day>\d{{1,2}}), (?P<year>\d{{4}}) "
    r"(?P<hour>\d{1,2}):?(?P<minute>\d\d)(?: (?P<half>[AP]M))?"
)
HEAD = r"(?P<id>\d+)-(?P<assignment>\d+) - (?P<name>.+"
TAIL = rf" - {TIME}(?: ?- ?(?P<file>.+))?"
NAMED = re.compile(f"{HEAD})", re.DOTALL)
TIMED = re.compile(TAIL, re.DOTALL)
PATTERN = re.compile(f"{HEAD}?){TAIL}", re.DOTALL)


class _Way(NamedTuple):
    """One way to read an entry's name."""

    id: str
    assignment: str
    name: str
    moment: datetime
    file: str | None


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return the owners of the attempts. Raise Unclear if they belong to two assignments."""
    ways_of = {entry: ways for entry in [*files, *folders] if (ways := _ways(entry))}
    if not ways_of or {*folders, *filter(matters, files)} - ways_of.keys():
        return None
    assignments = sorted({ways[0].assignment for ways in ways_of.values()})
    if len(assignments) > 1:
        raise Unclear(
            f"holds several assignments of {NAME} ({', '.join(assignments)}): "
            "download and grade one at a time"
        )
    certain = {entry: ways[0] for entry, ways in ways_of.items() if len(ways) == 1}
    clear = clear_ids((way.id, way.name) for way in certain.values())
    owners = {entry: (_owner(entry, ways, clear),) for entry, ways in ways_of.items()}
    names = {entry: way.file or entry for entry, way in certain.items()}
    problems = {
        entry: nobodys(entry, [f"{way.name} ({way.id})" for way in ways_of[entry]])
        for entry in ways_of.keys() - certain.keys()
    }
    moments = {entry: ways[0].moment for entry, ways in ways_of.items()}
    return Layout(folder, owners, names, in_order(moments), problems=problems, nobodys=problems)


def _ways(entry: str) -> list[_Way]:
    """Return the ways to read a name; an invalid date such as June 31 is not an attempt's."""
    ways = []
    for start in range(len(entry)):
        head, tail = NAMED.fullmatch(entry, 0, start), TIMED.fullmatch(entry, start)
        if head and tail:
            with suppress(ValueError):
                name = head["id"], head["assignment"], head["name"]
                ways.append(_Way(*name, _moment(tail), tail["file"]))
    return ways


def _owner(entry: str, ways: Sequence[_Way], clear: set[str]) -> Owner:
    """Return the user, by number and name if several names have the number."""
    if len(ways) > 1:
        return Owner(NAME, entry, entry)  # no known student
    (way,) = ways
    id_ = way.id if way.id in clear else f"{way.id} {way.name}"
    return Owner(NAME, id_, way.name, way.moment)


def _moment(match: re.Match[str]) -> datetime:
    """Return the local time; raise ValueError if it is invalid. "1204 AM" is 0:04."""
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} {match['half']} is not a time")
        hour = hour % 12 + (12 if match["half"] == "PM" else 0)
    month = MONTHS.index(match["month"]) + 1
    return datetime(int(match["year"]), month, int(match["day"]), hour, int(match["minute"]))


SYSTEM = System(NAME, recognise, patterns=[PATTERN], other_files=[INDEX_FILE])
