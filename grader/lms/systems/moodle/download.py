"""Moodle, "Download all submissions" (moodle/moodle, mod/assign/locallib.php and
submission/file/locallib.php).

`Full Name_PARTICIPANT_assignsubmission_file_` is a folder or the beginning of a file's name. Moodle
replaces underscores in the name by spaces, so the first number is the participant's, although the
student's own file name may contain anything. Only the last attempt is included.
"""

import re
from pathlib import Path

from grader.lms.files import FileNames
from grader.lms.layout import Layout
from grader.lms.names import Reading, by_name
from grader.lms.systems.moodle.worksheet import NAME

PATTERN = re.compile(
    r"(?P<name>.*?)_(?P<id>\d+)_assignsubmission_[a-z][a-z0-9]*(?:_(?P<file>.*))?", re.DOTALL
)


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return the owner of each file or folder."""
    return by_name(NAME, _first, folder, files, folders)


def _first(entry: str) -> list[Reading]:
    match = PATTERN.fullmatch(entry)
    return [Reading.of(match, match["name"])] if match else []
