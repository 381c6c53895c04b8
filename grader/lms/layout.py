"""How a system laid out a class: each entry's owners, and what was decided about it."""

from calendar import timegm
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from grader.errors import UserError
from grader.lms.files import FileNames
from grader.source.paths import HOMEWORK, is_homework, shown

# The number of students listed individually on the screen.
MOST_REMARKS = 10


class Unclear(UserError):
    """A folder holds more than one homework; the message says so, without the folder."""


@dataclass(frozen=True)
class Owner:
    """A student as a system knows them: its name for them, and its id.

    `handed_in` is the submission time, if the system tells it. It has no zone if the system gives
    none, until the assignment's is added (then `is_local` is true).
    """

    system: str
    id: str
    name: str
    handed_in: datetime | None = None
    is_local: bool = False


@dataclass(frozen=True)
class Layout:
    """The `owners` of each entry that matters in `of`, the folder the class is in.

    An entry may lie deeper: STUDENT/ASSIGNMENT. `attempts` numbers each entry's attempt, if the
    system keeps several: a newer one has a higher number. `files` are the students' own file names,
    if the system changed them. `remarks` are what was decided about an entry, for the screen.
    `problems` says in a sentence about an entry why there is nothing to grade, if the system tells.
    `late` says whether an entry is late, if the system marks late ones. `nobodys` are entries that
    may each belong to several students.
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
        """The system that laid out the folder; it knows each student here."""
        return next(iter(self.owners.values()))[0].system


def shortened(remarks: Sequence[str]) -> tuple[str, ...]:
    """Return the first remarks, and a line with the number of the others."""
    first, more = remarks[:MOST_REMARKS], len(remarks) - MOST_REMARKS
    return (*first, *([f"... and {more} more students like these"] if more > 0 else []))


def in_order(moments: Mapping[str, datetime]) -> dict[str, int]:
    """Return each entry's attempt number; entries handed in at the same time share one."""
    return {name: timegm(moment.timetuple()) for name, moment in moments.items()}


def assignment_of(assignments: Collection[tuple[str, FileNames]], where: str) -> str:
    """Return the only assignment, or the only one with files called homework.

    `assignments` has one item per student and assignment: its name and its files. `where` says how
    the folders of one assignment may be named.
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
