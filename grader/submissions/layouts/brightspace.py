"""Brightspace (D2L), "Download" of an assignment's submissions.

`USER-ASSIGNMENT - Full Name - Oct 30, 2026 620 PM/`, a folder for each attempt; where an assignment
takes a single file, ` - homework.py` follows and it is a file. An index.html lies beside them. The
program is closed; the names are those of cgmb/d2lmf (d2lmf/d2lmf.py), of
UINDY-INSTRUCTORS/brightspace-utils (folder-feedback/folder_feedback.py, which says what the two
numbers are) and of OfficeCoffee/GradingFileProject (ToDo.md, files).

All attempts are there. Their times are local, with no zone.
"""

import re
from datetime import datetime
from pathlib import Path

from grader.submissions.layouts.common import (
    Layout,
    Names,
    Owner,
    Unclear,
    clear_ids,
    in_order,
    matches,
)

SYSTEM = "Brightspace"
INDEX_FILE = "index.html"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TIME = (
    rf"(?P<month>{'|'.join(MONTHS)}) (?P<day>\d{{1,2}}), (?P<year>\d{{4}}) "
    r"(?P<hour>\d{1,2}):?(?P<minute>\d\d)(?: (?P<half>[AP]M))?"
)
PATTERN = re.compile(
    rf"(?P<id>\d+)-(?P<assignment>\d+) - (?P<name>.+?) - {TIME}(?: ?- ?(?P<file>.+))?", re.DOTALL
)


def recognise(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return whose the attempts are. Raise Unclear where they are of two assignments."""
    found = matches(PATTERN, files, folders)
    try:
        moments = {name: _moment(match) for name, match in found.items()}
    except ValueError:  # the 31st of June is no attempt's
        return None
    if not found:
        return None
    assignments = sorted({match["assignment"] for match in found.values()})
    if len(assignments) > 1:
        raise Unclear(
            f"holds several assignments of {SYSTEM} ({', '.join(assignments)}): "
            "download and grade one at a time"
        )
    clear = clear_ids(found.values())
    owners = {name: (_owner(match, clear, moments[name]),) for name, match in found.items()}
    called = {name: match["file"] or name for name, match in found.items()}
    return Layout(folder, owners, called, in_order(moments))


def _owner(match: re.Match[str], clear: set[str], moment: datetime) -> Owner:
    """Return the user; by number and name, where the number is that of several names."""
    number, name = match["id"], match["name"]
    return Owner(SYSTEM, number if number in clear else f"{number} {name}", name, moment)


def _moment(match: re.Match[str]) -> datetime:
    """Return the local time; raise ValueError where there is no such. "1204 AM" is 0:04."""
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} {match['half']} is no time")
        hour = hour % 12 + (12 if match["half"] == "PM" else 0)
    month = MONTHS.index(match["month"]) + 1
    return datetime(int(match["year"]), month, int(match["day"]), hour, int(match["minute"]))
