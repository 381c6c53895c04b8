"""What is exported of a student, and how a student is found in a system's own table."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.records import Final

BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Mark:
    """A student's final, and who the student is in a system ("" where no system told)."""

    final: Final
    system: str = ""
    id: str = ""

    @property
    def student(self) -> str:
        """The student's name in the results."""
        return self.final.student

    @property
    def points(self) -> str:
        """The final points as a cell."""
        return f"{self.final.final:g}"


@dataclass(frozen=True)
class Merged:
    """A system's table with the marks in it, and a line for each student it has no place for."""

    text: str
    problems: list[str]


class Table:
    """A CSV file of a system's, of which all but the cells that are set stays as it was.

    Raise ValueError, in words for people, where it is no CSV.
    """

    def __init__(self, text: str) -> None:
        self._mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
        text = text.removeprefix(BYTE_ORDER_MARK)
        first = text.partition("\n")[0]
        self._delimiter = ";" if first.count(";") > first.count(",") else ","
        self._line_end = "\r\n" if first.endswith("\r") else "\n"
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter)
            self.rows = list(reader)
        except csv.Error as error:
            raise ValueError(f"is no CSV file ({error})") from error
        if not self.rows:
            raise ValueError("is empty")
        self.header = self.rows[0]

    def column(self, name: str) -> int:
        """Return the number of a column; raise ValueError where there is none."""
        if name not in self.header:
            raise ValueError(f"has no column {name!r}")
        return self.header.index(name)

    def cell(self, row: Sequence[str], name: str) -> str:
        """Return a row's cell in a column, "" where either has none."""
        number = self.header.index(name) if name in self.header else len(row)
        return row[number].strip() if number < len(row) else ""

    def put(self, row: list[str], column: int, value: str) -> None:
        """Set a cell, of a row that may be shorter than the header."""
        row.extend([""] * (column + 1 - len(row)))
        row[column] = value

    def text(self) -> str:
        """Return the table as it is to be written."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=self._delimiter, lineterminator=self._line_end)
        writer.writerows(self.rows)
        return self._mark + out.getvalue()


def place(
    marks: Iterable[Mark],
    system: str,
    id_of: Mapping[int, str],
    names_of: Sequence[Mapping[int, str]],
) -> tuple[dict[int, Mark], list[str]]:
    """Return the mark for each row that gets one, and a line for each student without a row.

    Students are found by the id that the system gave with the class, by `id_of` the number of a
    row. Who has none is found by name: the first of `names_of` that has it decides. Who is found in
    two rows, or shares one with somebody, gets none: nothing is guessed.
    """
    found: dict[int, list[Mark]] = {}
    problems = []
    for mark in marks:
        by_id = mark.system == system
        columns = [id_of] if by_id else names_of
        wanted = mark.id if by_id else mark.student.casefold()
        numbers: list[int] = []
        for column in columns:
            numbers = [n for n, name in column.items() if name and name.casefold() == wanted]
            if numbers:
                break
        if len(numbers) == 1:
            found.setdefault(numbers[0], []).append(mark)
        else:
            what = f"{len(numbers)} rows are theirs" if numbers else "no row is theirs"
            problems.append(f"{mark.student}: {what}")
    for same in found.values():
        if len(same) > 1:
            problems += [f"{mark.student}: shares a row with another student" for mark in same]
    return {number: same[0] for number, same in found.items() if len(same) == 1}, problems
