"""What is exported of a student, and how a student is found in a system's own table."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.errors import UserError
from grader.records import Final
from grader.submissions import shown

BYTE_ORDER_MARK = "\ufeff"
QUOTE = '"'
LINE_END = re.compile(r"\r\n|\r|\n")
FIRST_CELL = re.compile(r'"[^"]*"|[^",;\r\n]*')  # the delimiter is what follows it


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
    """A system's table with the marks in it.

    `problems` is a line for each student it has no place for, `left` one for each of its students
    who has no mark here.
    """

    text: str
    problems: list[str]
    left: list[str]


class Table:
    """A CSV file of a system's, of which all but the cells that are set stays, byte for byte.

    `rows` are the cells as they are written, in quotation marks or not; the first is the header.
    Raise UserError, in words for people, where it is no CSV.
    """

    def __init__(self, text: str) -> None:
        self._mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
        text = text.removeprefix(BYTE_ORDER_MARK)
        if not text.strip():
            raise UserError("is empty")
        self._delimiter = ";" if FIRST_CELL.sub("", text, count=1).startswith(";") else ","
        self._plain = re.compile(rf'[^{self._delimiter}"\r\n]*')
        self.rows: list[list[str]] = [[]]
        self._line_ends: list[str] = []
        self._parse(text)
        self.header = [_value(cell) for cell in self.rows[0]]

    def _parse(self, text: str) -> None:
        """Split at delimiters and line ends; what is between them is kept as it is."""
        cell = re.compile(
            rf'(?P<cell>"[^"]*+(?:""[^"]*+)*+"|[^{self._delimiter}"\r\n][^{self._delimiter}\r\n]*+|)'
            rf"(?P<end>{self._delimiter}|\r\n|\n|\r|\Z)"
        )
        position = 0
        while match := cell.match(text, position):
            position = match.end()
            self.rows[-1].append(match["cell"])
            if match["end"] == self._delimiter:
                continue
            self._line_ends.append(match["end"])
            if position == len(text):
                return
            self.rows.append([])
        line = 1 + len(LINE_END.findall(text, 0, position))
        raise UserError(f"is no CSV file (line {line}: a quotation mark is not closed)")

    def column(self, name: str) -> int:
        """Return the number of a column; raise UserError where there is none."""
        if name not in self.header:
            raise UserError(f"has no column {name!r}")
        return self.header.index(name)

    def add_column(self, name: str) -> int:
        """Add a column at the end, of empty cells; return its number.

        All rows get it: Canvas tells the delimiter by rows being of one length.
        """
        number = len(self.header)
        self.header.append(name)
        for row in self.rows:
            if row != [""]:  # an empty line
                self.put(row, number, "")
        self.put(self.rows[0], number, name)
        return number

    def cell(self, row: Sequence[str], name: str) -> str:
        """Return what a row has in a column, "" where either has none."""
        number = self.header.index(name) if name in self.header else len(row)
        return _value(row[number]).strip() if number < len(row) else ""

    def put(self, row: list[str], column: int, value: str) -> None:
        """Set a cell, of a row that may be shorter than the header."""
        row.extend([""] * (column + 1 - len(row)))
        bare = self._plain.fullmatch(value) and not row[column].startswith(QUOTE)
        row[column] = value if bare else QUOTE + value.replace(QUOTE, 2 * QUOTE) + QUOTE

    def text(self) -> str:
        """Return the table as it is to be written."""
        lines = (self._delimiter.join(row) for row in self.rows)
        return self._mark + "".join(
            part for line in zip(lines, self._line_ends, strict=True) for part in line
        )


def _value(cell: str) -> str:
    """Return what a written cell says."""
    return cell[1:-1].replace(2 * QUOTE, QUOTE) if cell.startswith(QUOTE) else cell


def place(
    marks: Iterable[Mark],
    system: str,
    id_of: Mapping[int, str],
    names_of: Sequence[Mapping[int, str]],
) -> tuple[dict[int, Mark], list[str]]:
    """Return the mark for each row that gets one, and a line for each student without a row.

    Students are found by the id that the system gave with the class, by `id_of` the number of a
    row. Who has none is found by name, in all of `names_of`. Who is found in two rows, or shares
    one with somebody, gets none: nothing is guessed.
    """
    by_id, by_name = _rows_by([id_of]), _rows_by(names_of)
    found: dict[int, list[Mark]] = {}
    problems = []
    for mark in marks:
        known = mark.system == system
        numbers = by_id[_key(mark.id)] if known else by_name[_key(mark.student)]
        if len(numbers) == 1:
            found.setdefault(min(numbers), []).append(mark)
        else:
            what = f"{len(numbers)} rows are theirs" if numbers else "no row is theirs"
            problems.append(f"{mark.student}: {what}")
    for same in found.values():
        if len(same) > 1:
            problems += [f"{mark.student}: shares a row with another student" for mark in same]
    return {number: same[0] for number, same in found.items() if len(same) == 1}, problems


def left(
    placed: Mapping[int, Mark], id_of: Mapping[int, str], name_of: Mapping[int, str]
) -> list[str]:
    """Return a line for each student of the table who gets no mark."""
    return [
        shown(f"{name_of.get(number, '')} ({id_})".lstrip())
        for number, id_ in id_of.items()
        if number not in placed
    ]


def check_scale(most: str, max_score: float, where: str) -> None:
    """Raise UserError where a system marks out of other points than the homework has.

    `most` is the cell that says so; what is no number, or 0 for a bonus, says nothing.
    """
    try:
        number = float(most.replace(",", "."))
    except ValueError:
        return
    if number and round(number, 2) != round(max_score, 2):
        raise UserError(
            f"{where} is out of {most}, and the homework out of {max_score:g}: "
            "make them the same, there or in rubric.toml"
        )


def _rows_by(columns: Iterable[Mapping[int, str]]) -> defaultdict[str, set[int]]:
    """Return the numbers of the rows that have a text in one of some columns."""
    rows: defaultdict[str, set[int]] = defaultdict(set)
    for column in columns:
        for number, text in column.items():
            if text:
                rows[_key(text)].add(number)
    return rows


def _key(text: str) -> str:
    """Return what is the same for a name in capitals and not, and in any of Unicode's forms."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
