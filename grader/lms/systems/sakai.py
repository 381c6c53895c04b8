"""Sakai, "Download All" of an assignment (sakaiproject/sakai, AssignmentServiceImpl.java,
zipSubmissions and zipGroupSubmissions).

`ASSIGNMENT/Last, First(EID)/Submission attachment(s)/homework.py` beside a timestamp.txt; without
folders per user, `ASSIGNMENT/Last, First(EID)_Submission attachment(s)_homework.py`. A group's
folder has a members.txt, `Last, First(EID); Last, First(EID)`, with characters as HTML writes them.
Work that an instructor returned lies in another folder of the student's. Only the last attempt is
included.

Times are in GMT without a zone (older versions: BasicTimeService.java) or end in Z. Other zones are
abbreviated; as these are ambiguous, such times are not used.
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
ATTACHMENTS = "Submission attachment(s)"  # in the user's language
MEMBERS_FILE = "members.txt"
GRADES_FILES = ("grades.csv", "grades.xls", "grades.xlsx")
BETWEEN = "; "  # between the members of a group
# A student with a single name has a comma, too.
STUDENT = re.compile(r"(?P<name>[^,]*,.*)\((?P<id>[^()]+)\)", re.DOTALL)
# The part after a name. Text typed online belongs to that student too, and is reported.
TAIL = re.compile(
    rf"\((?P<id>[^()]+)\)_+(?:{re.escape(ATTACHMENTS)}_(?P<file>.+)|submissionText\.html)",
    re.DOTALL,
)
FILE = re.compile(f"[^,]*,.*{TAIL.pattern}", re.DOTALL)
GMT = re.compile(r"\d{14}(?:\d{1,3})?")


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return the owner of each folder of attachments, or of each file."""
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
    """Tell whether a folder identifies its student and has a time or the folder of attachments.

    If that folder has another name, it must be the only one: returned work may lie in another.
    """
    names, folders = listed(submission), folders_in(submission)
    says_whose = MEMBERS_FILE in names or STUDENT.fullmatch(submission.name)
    one_folder = TIMESTAMP_FILE in names and len(folders) <= 1
    return bool(says_whose) and (ATTACHMENTS in folders or one_folder)


def _attachments(submission: Path) -> str:
    """Return the folder of the submitted files, or "" if there is none."""
    folders = folders_in(submission)
    return ATTACHMENTS if ATTACHMENTS in folders else "".join(folders)


def _students(submission: Path) -> Iterator[Owner]:
    """Yield the owners of a folder, from its name or from the list of a group's members.

    If neither tells, the folder stands for itself.
    """
    name, moment = submission.name, _moment(read_line(submission / TIMESTAMP_FILE))
    one = STUDENT.fullmatch(name)  # whatever else the student's name contains
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
