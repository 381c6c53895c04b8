"""Who the students are in the system a class comes from: results/students.csv, and `--students`."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from grader.cells import to_cell
from grader.errors import UserError
from grader.files import write_atomically
from grader.sheets import Row, read_rows
from grader.submissions import shown
from grader.submissions.discover import Submission
from grader.submissions.layouts import Owner
from grader.submissions.naming import safe

STUDENTS = "students.csv"
MOST_NAMED = 10  # ids of a table that are nobody's here


class Entry(msgspec.Struct, frozen=True):
    """A row of students.csv: a student of the results, and who that is in a system."""

    student: str
    system: str
    id: str
    name: str


def write_roster(submissions: Iterable[Submission], results: Path) -> None:
    """Add those whom a system knows to results/students.csv.

    Who was there before stays, but under one name alone.
    """
    known = {
        submission.student: Entry(submission.student, owner.system, owner.id, owner.name)
        for submission in submissions
        if (owner := submission.owner)
    }
    if not known:
        return
    now = {(entry.system, entry.id) for entry in known.values()}
    before = [entry for entry in read_roster(results) if (entry.system, entry.id) not in now]
    entries = {entry.student: entry for entry in before} | known
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(Entry.__struct_fields__)
    for student in sorted(entries):
        writer.writerow(map(to_cell, msgspec.structs.astuple(entries[student])))
    write_atomically(results / STUDENTS, "\ufeff" + table.getvalue())


def read_roster(results: Path) -> list[Entry]:
    """Read results/students.csv; nobody where there is none. Raise UserError where it is no such.

    An OSError says why it cannot be read.
    """
    path = results / STUDENTS
    if not path.exists():
        return []
    return [Entry(**row.cells) for row in read_rows(path, Entry.__struct_fields__, ["name"])]


class Names:
    """What the students of a class are called: as in `table`, else as they were before.

    `table` has the columns id and student; the id is the system's or, in a class of no system, the
    name of the file or folder. Raise UserError if it has not, or has an id for two students.
    """

    def __init__(self, results: Path, table: Path | None) -> None:
        self._table = table
        before = read_roster(results)
        self._known = {(entry.system, entry.id): entry.student for entry in before}
        self._of = {entry.student.casefold(): entry for entry in before}
        self._given: dict[str, str] = {}
        self._found: dict[str, Owner] = {}
        for line, cells in _given(table, ("id", "student")) if table else ():
            id_, student = cells["id"].strip(), cells["student"].strip()
            if self._given.setdefault(id_, student) != student:
                raise UserError(f"{table}, line {line}: id {shown(id_)} has another student above")

    def __call__(self, owner: Owner) -> str | None:
        """Return what somebody is to be called, None where there is nothing to say about it.

        Raise UserError where the table calls them as it calls somebody else, or as somebody else
        was called before.
        """
        if given := self._given.get(owner.id):
            found = self._found.setdefault(given.casefold(), owner)
            if found != owner:
                raise UserError(f"{self._table}: calls both {found.id} and {owner.id} {given}")
            if (other := self._other(owner, given)) and other.id not in self._given:
                raise UserError(
                    f"{self._table}: calls {owner.id} {given}, who was {other.id} until now"
                )
            return given
        if known := self._known.get((owner.system, owner.id)):
            return known
        name = owner.name
        while self._other(owner, safe(name)):  # two would share their attempts
            name = f"{name}-{owner.id}"
        return None if name == owner.name else name

    def check(self) -> list[str]:
        """Return a line that names the table's ids which are nobody's in this class, if any are.

        Raise UserError if all of them are.
        """
        if self._given and not self._found:
            raise UserError(f"{self._table}: none of its ids is in this class")
        others = sorted(self._given.keys() - {owner.id for owner in self._found.values()})
        if not others:
            return []
        more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        named = ", ".join(map(shown, others[:MOST_NAMED]))
        return [f"{self._table}: nobody in this class has the id {named}{more}"]

    def _other(self, owner: Owner, student: str) -> Entry | None:
        """Return who else in the same system has this name."""
        entry = self._of.get(student.casefold())
        return entry if entry and entry.system == owner.system and entry.id != owner.id else None


def students_of(table: Path) -> list[str]:
    """Return the column `student` of a CSV file.

    Raise UserError if a name is in it twice, or cannot be a folder's name.
    """
    first: dict[str, int] = {}
    for line, cells in _given(table, ["student"]):
        student = cells["student"].strip()
        if student in first:
            above = first[student]
            raise UserError(
                f"{table}, line {line}: student {shown(student)} is in line {above}, too"
            )
        if student != safe(student):
            raise UserError(f"{table}, line {line}: {student!r} cannot be a folder's name")
        first[student] = line
    return list(first)


def _given(table: Path, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a table that somebody made; raise UserError if there are none."""
    rows = read_rows(table, columns)
    if not rows:
        raise UserError(f"{table}: has no row below its headings")
    return rows
