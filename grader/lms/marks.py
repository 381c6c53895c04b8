"""A student's exported mark, and how the student is found in a system's own table."""

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
    """A student's final, and their id and name in a system ("" if they have none)."""

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
    """A system's table with the marks added.

    `problems` has one line per mark that could not be added, `notes` other remarks, and `unmarked`
    each student of the table without a mark.
    """

    text: str
    problems: list[str]
    unmarked: list[str]
    notes: list[str]


def merged_into(path: Path, merge: Callable[[str], Merged]) -> Merged:
    """Merge marks into an exported table; a UserError names its file."""
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

    Students of this system are found by its id, with `id_of` giving that of each row; others by
    name, in all of `names_of`. A student found in two rows, or in a row with another student, gets
    none: nothing is guessed.
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
    """Return the students in rows without a mark."""
    rows_with_marks = set(rows)
    return [name for number, name in who.items() if number not in rows_with_marks]


def named(name: str, id_: str) -> str:
    """Return the name of a row's student for messages."""
    return shown(f"{name} ({id_})".lstrip())


def check_scale(most: str, max_score: float, where: str) -> None:
    """Raise UserError if a system's maximum points differ from the homework's.

    `most` is the cell with the maximum; anything but a number, or 0 for a bonus, is ignored.
    """
    number = number_in(most)
    if number and round(number, 2) != round(max_score, 2):
        raise UserError(
            f"{where} is out of {most}, and the homework out of {max_score:g}: "
            "make them the same, there or in rubric.toml"
        )


def number_in(cell: str) -> float | None:
    """Parse a cell as a number in any language's notation; return None if it is not one."""
    bare = re.sub(r"[\s'\u2019]", "", cell)
    if "." in bare and "," in bare:  # the first one separates thousands
        bare = bare.replace(min(".,", key=bare.index), "")
    try:
        return float(bare.replace(",", "."))
    except ValueError:
        return None


def _rows_by(columns: Iterable[Mapping[int, str]]) -> defaultdict[str, set[int]]:
    """Return, for each text in these columns, the numbers of its rows."""
    rows: defaultdict[str, set[int]] = defaultdict(set)
    for column in columns:
        for number, text in column.items():
            if text:
                rows[_key(text)].add(number)
    return rows


def _key(text: str) -> str:
    """Return a key that ignores case and Unicode normalization."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
