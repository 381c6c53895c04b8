"""How a system laid out a class: whose each file and folder is, and what was decided about it."""

from calendar import timegm
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from grader.errors import UserError
from grader.lms.files import FileNames
from grader.source.paths import HOMEWORK, is_homework, shown

# So many students are named one by one on the screen.
MOST_REMARKS = 10


class Unclear(UserError):
    """What a system laid out is not one homework's; the message says so, without the folder."""


@dataclass(frozen=True)
class Owner:
    """A student as a system knows them: what it calls them, and the id it has for them.

    `handed_in` is when, where the system tells: without a zone, where it does not tell that, until
    it is read in the assignment's, as `is_local` tells.
    """

    system: str
    id: str
    name: str
    handed_in: datetime | None = None
    is_local: bool = False


@dataclass(frozen=True)
class Layout:
    """The `owners` of each entry of a folder that matters; `of` is the folder the class is in.

    An entry may lie deeper: STUDENT/ASSIGNMENT. `attempts` says which of its students' attempts an
    entry is of, where the system keeps several: of a newer one the number is higher.
    `files` are the names that students gave to files, where the system changed them.
    `remarks` are what was decided about an entry, for the screen. `problems` is, in a
    sentence about an entry, why there is nothing to grade, where the system tells. `late` says if
    an entry is marked as late, where the system marks those that are. `nobodys` are entries that
    may each be of several students.
    """

    of: Path
    owners: Mapping[str, tuple[Owner, ...]]
    files: Mapping[str, str]
    attempts: Mapping[str, int] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    late: Mapping[str, bool] = field(default_factory=dict)
    nobodys: Collection[str] = ()

    @property
    def system(self) -> str:
        """What laid the folder out; each of its students is known to it."""
        return next(iter(self.owners.values()))[0].system


def shortened(remarks: Sequence[str]) -> tuple[str, ...]:
    """Return the first remarks, and how many more there are."""
    first, more = remarks[:MOST_REMARKS], len(remarks) - MOST_REMARKS
    return (*first, *([f"... and {more} more students like these"] if more > 0 else []))


def in_order(moments: Mapping[str, datetime]) -> dict[str, int]:
    """Return the attempt that each entry is of: one for all that was handed in at one time."""
    return {name: timegm(moment.timetuple()) for name, moment in moments.items()}


def assignment_of(assignments: Collection[tuple[str, FileNames]], where: str) -> str:
    """Return the one assignment, or of several the one with files called homework.

    `assignments` are an assignment and its files for each student who handed it in; `where` says
    how the folders of one may be named.
    """
    names = {name for name, _ in assignments}
    if len(names) > 1:
        names = {name for name, files in assignments if any(map(is_homework, files))} or names
    if len(names) > 1:
        several = shown(", ".join(sorted(names)))
        raise Unclear(
            f"holds several assignments ({several}), and not just one with files called "
            f"{HOMEWORK}: name the folders of one, {where}/*/{shown(min(names))}"
        )
    return names.pop()
