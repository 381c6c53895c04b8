"""Sakai, "Download All" of an assignment (sakaiproject/sakai, AssignmentServiceImpl.java,
zipSubmissions and zipGroupSubmissions).

`ASSIGNMENT/Last, First(EID)/Submission attachment(s)/homework.py` beside a timestamp.txt; without
folders per user, `ASSIGNMENT/Last, First(EID)_Submission attachment(s)_homework.py`. A group's
folder has a members.txt, `Last, First(EID); Last, First(EID)`, with characters as HTML writes them.
What an instructor gave back lies in another folder of the student's. Of several attempts the last
is there.

The time is one of GMT without marks (older: BasicTimeService.java), or one with a Z; one of
another zone is an abbreviation, which may mean several, and is not used.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

from grader.lms.files import TIMESTAMP_FILE, FileNames, folders_in, listed, read_line
from grader.lms.layout import Layout, Owner
from grader.lms.names import Reading, by_name, readings
from grader.lms.system import System

NAME = "Sakai"
ATTACHMENTS = "Submission attachment(s)"  # in the language of the user
MEMBERS_FILE = "members.txt"
GRADES_FILES = ("grades.csv", "grades.xls", "grades.xlsx")
BETWEEN = "; "  # of the members of a group
# Whoever has one name alone has a comma, too.
STUDENT = re.compile(r"(?P<name>[^,]*,.*)\((?P<id>[^()]+)\)", re.DOTALL)
# What follows a name. What was typed is that student's, too, and told of.
TAIL = re.compile(
    rf"\((?P<id>[^()]+)\)_+(?:{re.escape(ATTACHMENTS)}_(?P<file>.+)|submissionText\.html)",
    re.DOTALL,
)
FILE = re.compile(f"[^,]*,.*{TAIL.pattern}", re.DOTALL)
GMT = re.compile(r"\d{14}(?:\d{1,3})?")


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return whose each folder of attachments is, or each file."""
    if not folders:
        return by_name(NAME, _ways, folder, files)
    if not all(is_sakais(folder / name) for name in folders):
        return None
    owners = {
        f"{name}/{_attachments(folder / name)}".removesuffix("/"): tuple(_students(folder / name))
        for name in folders
    }
    return Layout(folder, owners, {})


def _ways(entry: str) -> list[Reading]:
    return [way for way in readings(TAIL, entry) if "," in way.name]


def is_sakais(submission: Path) -> bool:
    """Tell whether a folder says whose it is, and has a time or the folder of attachments.

    Where that is called otherwise, a single folder is it: what was given back may lie in another.
    """
    names, folders = listed(submission), folders_in(submission)
    says_whose = MEMBERS_FILE in names or STUDENT.fullmatch(submission.name)
    one_folder = TIMESTAMP_FILE in names and len(folders) <= 1
    return bool(says_whose) and (ATTACHMENTS in folders or one_folder)


def _attachments(submission: Path) -> str:
    """Return the folder of what was handed in, "" where there is none."""
    folders = folders_in(submission)
    return ATTACHMENTS if ATTACHMENTS in folders else "".join(folders)


def _students(submission: Path) -> Iterator[Owner]:
    """Yield whose a folder is: by its name, or by the list of a group's members.

    Where neither says, it stands for itself.
    """
    name, moment = submission.name, _moment(read_line(submission / TIMESTAMP_FILE))
    one = STUDENT.fullmatch(name)  # whatever else is in the student's name
    members = unescape(read_line(submission / MEMBERS_FILE)).split(BETWEEN)
    matches_ = [one] if one else [m for each in members if (m := STUDENT.fullmatch(each))]
    for match in matches_:
        yield Owner(NAME, match["id"], match["name"].strip(" ,"), moment)
    if not matches_:
        yield Owner(NAME, name, name, moment)


def _moment(text: str) -> datetime | None:
    with suppress(ValueError):
        if GMT.fullmatch(text):
            return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if text.endswith("Z"):
            return datetime.fromisoformat(text)
    return None


SYSTEM = System(
    NAME,
    recognise,
    patterns=[FILE],
    read_files=[TIMESTAMP_FILE, MEMBERS_FILE],
    other_files=GRADES_FILES,
)
