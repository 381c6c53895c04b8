"""Moodle, "Download all submissions" (moodle/moodle, mod/assign/locallib.php and
submission/file/locallib.php).

`Full Name_PARTICIPANT_assignsubmission_file_`, a folder or the beginning of a file's name; the name
has no underscore, but what a student called a file may have anything. Of several attempts the last
is there.
"""

import re
from pathlib import Path

from grader.submissions.layouts.common import Layout, Names, by_name

SYSTEM = "Moodle"
PATTERN = re.compile(
    r"(?P<name>.*?)_(?P<id>\d+)_assignsubmission_[a-z][a-z0-9]*(?:_(?P<file>.*))?", re.DOTALL
)


def recognise(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return whose each file or folder is."""
    return by_name(SYSTEM, PATTERN, folder, files, folders)
