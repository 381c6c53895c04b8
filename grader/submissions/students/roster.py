"""The students' ids in the system a class comes from, and an instructor's names for them."""

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

import msgspec

from grader.errors import UserError
from grader.lms.layout import Owner
from grader.lms.sheets import SheetRow, read_rows
from grader.source.paths import shown
from grader.submissions.students.naming import is_safe, safe, same_folder
from grader.util.atomic import write_atomically
from grader.util.csv_cells import to_cell

STUDENTS = "students.csv"
MOST_NAMED = 10  # ids of a table that match nobody here


class Person(msgspec.Struct, frozen=True):
    """A student of the gradebook, and their identity in a system ("" if in none).

    Without a system, the id is the name of the file or folder, or "" if written by an older grader.
    """

    student: str
    system: str
    id: str
    name: str

    @property
    def known_by(self) -> str:
        """The id in an instructor's table: the system's, or the student's name if none."""
        return self.id or self.student


class RosterRow(msgspec.Struct, frozen=True):
    """A row of an instructor's table: an id, the student's name ("": unchanged), and section."""

    id: str
    student: str
    section: str


def write_people(people: Iterable[Person], results: Path) -> None:
    """Write results/students.csv: the students known to a system."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(Person.__struct_fields__)
    rows = [msgspec.structs.astuple(person) for person in people if person.system]
    writer.writerows([to_cell(cell) for cell in row] for row in rows)
    if rows:
        write_atomically(results / STUDENTS, "\ufeff" + table.getvalue())


def read_people(results: Path) -> list[Person]:
    """Read the students.csv of an older grader; return an empty list if there is none.

    Raise UserError if it is not such a table, OSError if it cannot be read.
    """
    path = results / STUDENTS
    if not path.exists():
        return []
    return [Person(**row.cells) for row in read_rows(path, Person.__struct_fields__, ["name"])]


def read_roster(table: Path) -> list[RosterRow]:
    """Read an instructor's table: the columns id, student and, optionally, section.

    A row needs at least one of student and section. Raise UserError if it has neither, or if an id
    appears twice with different names.
    """
    rows: dict[str, RosterRow] = {}
    for line, cells in _rows_of(table, ["id", "student"], ["section"]):
        row = RosterRow(cells["id"].strip(), cells["student"].strip(), cells["section"].strip())
        if row.student and not is_safe(row.student):
            raise UserError(f"{table}, line {line}: {row.student!r} cannot be a folder's name")
        if not (row.student or row.section):
            raise UserError(f"{table}, line {line}: there is no student for id {shown(row.id)}")
        if rows.setdefault(row.id, row) != row:
            raise UserError(f"{table}, line {line}: id {shown(row.id)} has another student above")
    return list(rows.values())


class StudentNames:
    """The names of a class's students: as in a table, else as before.

    A table's ids are the system's or, in a class of no system, the names of files or folders.
    """

    def __init__(
        self,
        people: Iterable[Person] = (),
        rows: Iterable[RosterRow] = (),
        table: str = "",
    ) -> None:
        """`people` are the gradebook's; `rows` are those of the file called `table`."""
        people = list(people)
        self._table = table
        self._names_by_id = {(p.system, p.id): p.student for p in people if p.id}
        self._of = {same_folder(person.student): person for person in people}
        self._new: dict[str, str] = {}  # names new in this class, by file or folder name
        self._rows = {row.id: row for row in rows}
        self._table_names = {row.id: row.student for row in self._rows.values() if row.student}
        self._owners: dict[str, Owner] = {}
        self._ids_in_class = {person.known_by for person in people}
        self._ids_in_class |= {
            id_ for id_, name in self._table_names.items() if same_folder(name) in self._of
        }

    @property
    def students(self) -> list[str]:
        """The names of the gradebook's students."""
        return [person.student for person in self._of.values()]

    def __call__(self, owner: Owner) -> str | None:
        """Return the student's name, or None to keep the default.

        Raise UserError if the table gives two students one name, or a name that another student has
        had until now.
        """
        self._ids_in_class.add(owner.id)
        if name := self._table_names.get(owner.id):
            first = self._owners.setdefault(same_folder(name), owner)
            if first != owner:
                raise UserError(f"{self._table}: calls both {first.id} and {owner.id} {name}")
            if (other := self._other(owner, name)) and other.known_by not in self._table_names:
                raise UserError(
                    f"{self._table}: calls {owner.id} {name}, who was {other.known_by} until now"
                )
            return name
        if name := self._names_by_id.get((owner.system, owner.id)):
            return name
        if not owner.system:
            return self._by_file(owner.id)
        name = owner.name
        while self._other(owner, safe(name)):  # otherwise two students would share their attempts
            name = f"{name}-{owner.id}"
        return None if name == owner.name else name

    def check(self) -> list[str]:
        """Return a line listing the table's ids that nobody in this class has, if any.

        Raise UserError if nobody has any of them.
        """
        if self._rows and not self._ids_in_class & self._rows.keys():
            raise UserError(f"{self._table}: none of its ids is in this class")
        others = sorted(self._rows.keys() - self._ids_in_class)
        if not others:
            return []
        more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        ids = ", ".join(map(shown, others[:MOST_NAMED]))
        return [f"{self._table}: nobody in this class has the id {ids}{more}"]

    def _by_file(self, label: str) -> str | None:
        """Name a student of no system after their file or folder; None keeps the default.

        If a student in the gradebook has exactly that name, it is the same student. A new student
        whose folder would collide, like ADA with ada, gets another name.
        """
        name = safe(label)
        person = self._of.get(same_folder(name))
        if person is None:
            return None
        # If there is no id, an older grader knew only the folder's name.
        is_same = person.student == (label if person.system else name)
        is_known_otherwise = person.id or person.student in self._table_names.values()
        if is_same and (person.system or not is_known_otherwise):
            return name
        used_folders = {*self._of, *map(same_folder, self._new.values())}
        free = (f"{name}-{number}" for number in count(2))
        return self._new.setdefault(
            label, next(new for new in free if same_folder(new) not in used_folders)
        )

    def _other(self, owner: Owner, student: str) -> Person | None:
        """Return another person with this name, or with one that has the same folder.

        A person of another system, or of none, is the same student if the names are identical.
        """
        person = self._of.get(same_folder(student))
        if not owner.system or person is None:
            return None
        if person.system != owner.system:
            return person if person.student != student else None
        return person if person.id != owner.id else None


def students_of(table: Path) -> list[str]:
    """Return a CSV file's column `student`.

    Raise UserError if a name appears twice or cannot be a folder's name.
    """
    first: dict[str, int] = {}
    for line, cells in _rows_of(table, ["student"], []):
        student = cells["student"].strip()
        if student in first:
            above = first[student]
            raise UserError(
                f"{table}, line {line}: student {shown(student)} is also in line {above}"
            )
        if student != safe(student):
            raise UserError(f"{table}, line {line}: {student!r} cannot be a folder's name")
        first[student] = line
    return list(first)


def _rows_of(table: Path, columns: Sequence[str], more: Sequence[str]) -> list[SheetRow]:
    """Return the rows of a table made by hand; raise UserError if there are none.

    If there may be a `section`, the name of the student may be empty.
    """
    rows = read_rows(table, columns, ["student"] if more else [], more)
    if not rows:
        raise UserError(f"{table}: has no rows below its headings")
    return rows
