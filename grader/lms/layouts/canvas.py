"""Canvas, "Download Submissions" (instructure/canvas-lms, lib/content_zipper.rb).

`lastfirst[_LATE]_USER_ATTACHMENT_homework.ipynb`, and
`[LATE_]anon_ANONYMOUS_ATTACHMENT_homework.ipynb` where grading is anonymous; what was typed, or an
address, is `lastfirst[_LATE]_USER_text.html` or `_link.html`. Of several attempts the last is
there.

Students choose what they are called, and what their files are. Canvas takes `_1_` out of a name,
but not what becomes that when it leaves signs out after it (`_1._2`), nor what the user's number
makes of `_1` at the end. So a name may read as that of somebody else's file: see `by_name`.
"""

import re
from pathlib import Path

from grader.lms.layouts.common import Layout, Names, Reading, by_name, readings

SYSTEM = "Canvas"
NUMBER = "[1-9][0-9]{0,18}"
FILE = rf"_(?:(?P<number>{NUMBER})_(?P<file>.+)|text\.html|link\.html)"
# What follows a name. Of that only letters, digits and underscores are left; of one that is all
# emoji, nothing.
TAIL = rf"(?:(?P<late>_LATE)|(?<!_LATE))_(?P<id>{NUMBER}){FILE}"
NAMED = re.compile(TAIL, re.DOTALL)
# Its id is not that of a user, so "anon_" stays with it. LATE is in front here.
ANONYMOUS = re.compile(rf"(?P<late>LATE_)?(?P<id>anon_[0-9A-Za-z]+){FILE}", re.DOTALL)
PATTERNS = (ANONYMOUS, re.compile(f".*?{TAIL}", re.DOTALL))


def recognise(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return whose each file is."""
    if folders:
        return None
    for ways in (_anonymous, _named):
        if layout := by_name(SYSTEM, ways, folder, files):
            return layout
    return None


def _anonymous(entry: str) -> list[Reading]:
    match = ANONYMOUS.fullmatch(entry)
    return [Reading.of(match, match["id"])] if match else []


def _named(entry: str) -> list[Reading]:
    return readings(NAMED, entry)
