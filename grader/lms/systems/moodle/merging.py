"""Moodle: add marks and comments to the offline grading worksheet that Moodle made.

Format: docs.moodle.org, "Using Assignment", offline grading worksheet; moodle,
mod/assign/gradingtable.php and mod/assign/feedback/offline/importgradeslib.php. Columns Identifier
("Participant 123"), Full name, ID number, Email address, Status, Grade, Maximum grade (or Scale),
Grade can be changed, ..., Feedback comments; all in the language of the user who downloads it.
"""

from collections.abc import Iterator, Mapping, Sequence

from grader.errors import UserError
from grader.judging.messages import ENGLISH as TEXTS
from grader.lms.marks import Mark, Merged, check_scale, named, number_in, place, unmarked
from grader.lms.sheets import Table, heading_key
from grader.lms.systems.moodle.worksheet import (
    COLUMNS,
    ENGLISH,
    EVERY_HEADING,
    NAME,
    Headings,
    columns_of,
    participant,
)
from grader.results.breakdown import steps
from grader.source.paths import shown
from grader.util.csv_cells import to_cell


def merge(worksheet: str, marks: Sequence[Mark]) -> Merged:
    """Return the worksheet with the marks, and with the lost points in its comment columns, if any.

    Raise UserError if it is not a worksheet in a known language, uses a scale, or has other maximum
    points.
    """
    table = Table(worksheet, EVERY_HEADING)
    words, columns = columns_of(table, ["identifier", "grade"])
    grade = columns["grade"]
    assert grade is not None
    rows = dict(enumerate(table.body))
    cells = {name: {n: table.cell(rows[n], columns[name]) for n in rows} for name in COLUMNS}
    ids = {n: participant(id_, table.lines[n]) for n, id_ in cells["identifier"].items() if id_}
    who = {n: named(cells["full_name"][n], cells["identifier"][n]) for n in ids}
    _check_points(cells, ids)
    locked_rows = {n for n in ids if _is_locked(cells["changeable"][n], words, table.lines[n])}

    names = [{n: cells[name][n] for n in ids} for name in ("id_number", "email", "full_name")]
    marks_by_row, problems = place(marks, NAME, ids, names)
    for number in sorted(locked_rows & {*marks_by_row}):
        problems.append(f"{who[number]}: is locked in Moodle's gradebook; row left unchanged")
    for number in sorted({*marks_by_row} - locked_rows):
        mark = marks_by_row[number]
        check_scale(cells["maximum"][number], mark.final.record.max_score, who[number])
        table.put(rows[number], grade, mark.points)
        if columns["comments"] is not None:
            table.put(rows[number], columns["comments"], _comment(mark))
    return Merged(
        table.text(), problems, unmarked(marks_by_row, who), list(_unknown(columns, words))
    )


def _unknown(columns: Mapping[str, int | None], words: Headings) -> Iterator[str]:
    """Yield a note for each missing column that leaves something unknown."""
    if columns["changeable"] is None:
        yield f"no column {words.names('changeable')[0]!r}: locked rows are not known"
    if columns["maximum"] is None:
        yield f"no column {words.names('maximum')[0]!r}: the assignment's points are not known"


def _check_points(cells: Mapping[str, Mapping[int, str]], ids: Mapping[int, str]) -> None:
    """Raise UserError if an assignment is graded by a scale, which takes no points."""
    for number in ids:
        most = cells["maximum"][number]
        is_points = most in ("", "-") or number_in(most) is not None
        if scale := cells["scale"][number] or ("" if is_points else most):
            words = ", ".join(word.strip() for word in scale.replace("\n", ",").split(","))
            raise UserError(f"uses the scale {shown(words)}: give the assignment a point grade")


def _is_locked(cell: str, words: Headings, line: int) -> bool:
    """Tell whether "Grade can be changed" is no; raise UserError if it is neither yes nor no.

    A site may keep these two words in English.
    """
    says = {
        answer: {heading_key(word) for word in words.names(answer) + ENGLISH.names(answer)}
        for answer in ("yes", "no")
    }
    if cell and heading_key(cell) not in says["yes"] | says["no"]:
        raise UserError(
            f"line {line}: {shown(cell)!r} under {words.names('changeable')[0]!r} "
            f"is neither {words.yes.split('|')[0]} nor {words.no.split('|')[0]}"
        )
    return heading_key(cell) in says["no"]


def _comment(mark: Mark) -> str:
    """Return how the mark was computed and what cost points, one line each.

    Moodle interprets the comment as HTML, and users first open the worksheet in a spreadsheet.
    """
    final = mark.final
    is_changed = final.penalty or final.by_hand
    lines = [step.line for step in steps(final, TEXTS)] if is_changed else []
    lines += [
        f"{c.id} {c.points:g}/{c.max_points:g}: {c.message}"
        for c in final.criteria
        if c.points < c.max_points
    ]
    text = "\n".join(lines) or "All is right."
    return to_cell(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
