"""Canvas, "Download Submissions" (instructure/canvas-lms, lib/content_zipper.rb).

`lastfirst[_LATE]_USER_ATTACHMENT_homework.ipynb`, and
`[LATE_]anon_ANONYMOUS_ATTACHMENT_homework.ipynb` where grading is anonymous; what was typed, or an
address, is `lastfirst[_LATE]_USER_text.html` or `_link.html`. Of several attempts the last is
there.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from grader.submissions.layouts.common import Layout, Names, by_name

SYSTEM = "Canvas"
FILE = r"_(?:\d+_(?P<file>.+)|text\.html|link\.html)"
# Of a name only letters, digits and underscores are left; of one that is all emoji, nothing.
NAMED = re.compile(rf"(?P<name>.*?)(?P<late>_LATE)?_(?P<id>\d+){FILE}", re.DOTALL)
# Its id is not that of a user, so "anon_" stays with it. LATE is in front here.
ANONYMOUS = re.compile(rf"(?P<late>LATE_)?(?P<name>(?P<id>anon_[0-9A-Za-z]+)){FILE}", re.DOTALL)
PATTERNS = (ANONYMOUS, NAMED)


def recognise(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return whose each file is."""
    if folders:
        return None
    for pattern in PATTERNS:
        if layout := by_name(SYSTEM, pattern, folder, files):
            return replace(layout, late=_late(pattern, layout.owners))
    return None


def _late(pattern: re.Pattern[str], names: Iterable[str]) -> dict[str, bool]:
    """Return which files Canvas marks as late; nothing if none is, as perhaps none was due."""
    late = {name: bool(match["late"]) for name in names if (match := pattern.fullmatch(name))}
    return late if any(late.values()) else {}
