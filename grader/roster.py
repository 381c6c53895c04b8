"""Who the students are in the system a class comes from: results/students.csv, and `--students`."""

import csv
import io
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import msgspec

from grader.cells import from_cell, to_cell
from grader.files import write_atomically
from grader.submissions.discover import Submission
from grader.submissions.layouts import Owner

STUDENTS = "students.csv"


class Entry(msgspec.Struct, frozen=True):
    """A row of students.csv: a student of the results, and who that is in a system."""

    student: str
    system: str
    id: str
    name: str


def write_roster(submissions: Iterable[Submission], results: Path) -> None:
    """Add those whom a system knows to results/students.csv; who was there before stays."""
    known = {
        submission.student: Entry(submission.student, owner.system, owner.id, owner.name)
        for submission in submissions
        if (owner := submission.owner)
    }
    if not known:
        return
    entries = {entry.student: entry for entry in read_roster(results)} | known
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(Entry.__struct_fields__)
    for student in sorted(entries):
        writer.writerow(map(to_cell, msgspec.structs.astuple(entries[student])))
    write_atomically(results / STUDENTS, "\ufeff" + table.getvalue())


def read_roster(results: Path) -> list[Entry]:
    """Read results/students.csv; nobody where there is none. Raise ValueError where it is no such.

    An OSError says why it cannot be read.
    """
    path = results / STUDENTS
    if not path.exists():
        return []
    return [Entry(**row) for row in _rows(path, Entry.__struct_fields__)]


def names_of(results: Path, table: Path | None) -> Callable[[Owner], str | None]:
    """Return what says how a student of a system is called: as before, or as in `table`.

    `table` has the columns id and student. Raise ValueError where it has not, or an id twice.
    """
    before = {(entry.system, entry.id): entry.student for entry in read_roster(results)}
    given: dict[str, str] = {}
    for row in _rows(table, ("id", "student")) if table else ():
        if given.setdefault(row["id"], row["student"]) != row["student"]:
            raise ValueError(f"{table}: the id {row['id']} stands there twice")
    return lambda owner: given.get(owner.id) or before.get((owner.system, owner.id))


def _rows(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """Return the rows of a table with these columns, of these columns alone."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: is no CSV file in UTF-8 ({error})") from error
    missing = [name for name in columns if any(row.get(name) is None for row in rows) or not rows]
    if missing:
        raise ValueError(f"{path}: needs the columns {', '.join(columns)}, and a row at least")
    return [{name: from_cell(row[name]) for name in columns} for row in rows]
