"""What is exported of a student, and how a student is found in a system's own table."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UserError
from grader.lms.sheets import about, read_text
from grader.results.record import Final
from grader.source.paths import shown


@dataclass(frozen=True)
class Mark:
    """A student's final, and who handed it in: the system's id and name ("" if no system told)."""

    final: Final
    system: str = ""
    id: str = ""
    called: str = ""

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

    `problems` has a line for each mark that is not in it, `notes` what else there is to know, and
    `unmarked` each of its students who has no mark here.
    """

    text: str
    problems: list[str]
    unmarked: list[str]
    notes: list[str]


def merged_into(path: Path, merge: Callable[[str], Merged]) -> Merged:
    """Merge into the table that a system exported; a UserError names its file."""
    text = read_text(path)
    try:
        return merge(text)
    except UserError as error:
        raise about(path, error) from error


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
    marks_by_row: dict[int, list[Mark]] = {}
    problems = []
    for mark in marks:
        is_of_system = mark.system == system
        numbers = by_id[_key(mark.id)] if is_of_system else by_name[_key(mark.student)]
        if len(numbers) == 1:
            marks_by_row.setdefault(min(numbers), []).append(mark)
        else:
            what = f"{len(numbers)} rows match, so none was filled in"
            problems.append(f"{mark.student}: {what if numbers else 'no matching row'}")
    for same in marks_by_row.values():
        if len(same) > 1:
            problems += [f"{mark.student}: another student matches the same row" for mark in same]
    return {number: same[0] for number, same in marks_by_row.items() if len(same) == 1}, problems


def unmarked(rows: Iterable[int], who: Mapping[int, str]) -> list[str]:
    """Return who has one of the other rows."""
    rows_with_marks = set(rows)
    return [name for number, name in who.items() if number not in rows_with_marks]


def named(name: str, id_: str) -> str:
    """Return what messages call the student of a row."""
    return shown(f"{name} ({id_})".lstrip())


def check_scale(most: str, max_score: float, where: str) -> None:
    """Raise UserError if a system marks out of other points than the homework has.

    `most` is the cell that says so; what is no number, or 0 for a bonus, says nothing.
    """
    number = number_in(most)
    if number and round(number, 2) != round(max_score, 2):
        raise UserError(
            f"{where} is out of {most}, and the homework out of {max_score:g}: "
            "make them the same, there or in rubric.toml"
        )


def number_in(cell: str) -> float | None:
    """Return the number that a cell is, as any language writes it; None if it is none."""
    bare = re.sub(r"[\s'\u2019]", "", cell)
    if "." in bare and "," in bare:  # the one that comes first parts thousands
        bare = bare.replace(min(".,", key=bare.index), "")
    try:
        return float(bare.replace(",", "."))
    except ValueError:
        return None


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
