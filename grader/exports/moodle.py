"""Moodle: marks and comments put into the offline grading worksheet that Moodle made.

Format: docs.moodle.org, "Using Assignment", offline grading worksheet; moodle,
mod/assign/gradingtable.php and mod/assign/feedback/offline/importgradeslib.php. Columns Identifier
("Participant 123"), Full name, ID number, Email address, Status, Grade, Maximum Grade, ...,
Feedback comments.
"""

from collections.abc import Sequence

from grader.exports.marks import Mark, Merged, Table, check_scale, left, place

SYSTEM = "Moodle"
PARTICIPANT = "Participant "
COMMENTS = "Feedback comments"
NAMES = ("ID number", "Email address", "Full name")  # what a student may be called by


def merge(worksheet: str, marks: Sequence[Mark]) -> Merged:
    """Return the worksheet with the marks, and what cost points where it asks for comments.

    Raise UserError where it is none (worksheets are read in English), or out of other points.
    """
    table = Table(worksheet)
    grade = table.column("Grade")
    table.column("Identifier")
    rows = table.rows[1:]
    ids = {n: id_ for n, row in enumerate(rows) if (id_ := table.cell(row, "Identifier"))}
    numbers = {n: id_.removeprefix(PARTICIPANT) for n, id_ in ids.items()}
    names = [{n: table.cell(rows[n], name) for n in ids} for name in NAMES]
    placed, problems = place(marks, SYSTEM, numbers, names)
    for number, mark in placed.items():
        most = table.cell(rows[number], "Maximum Grade")
        check_scale(most, mark.final.record.max_score, ids[number])
        table.put(rows[number], grade, mark.points)
        if COMMENTS in table.header:
            table.put(rows[number], table.column(COMMENTS), _comment(mark))
    called = {n: table.cell(rows[n], "Full name") for n in ids}
    return Merged(table.text(), problems, left(placed, ids, called))


def _comment(mark: Mark) -> str:
    """Return what cost points, a line each; Moodle shows it as text with HTML in it."""
    lines = [
        f"{c.id} {c.points:g}/{c.max_points:g}: {c.message}"
        for c in mark.final.criteria
        if c.points < c.max_points
    ]
    text = "\n".join(lines) or "All is right."
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
