"""Canvas: marks put into the gradebook CSV that Canvas exported, to be imported again.

Format: Instructure's guides, "How do I export grades in the Gradebook" and "How do I import grades
in the Gradebook"; canvas-lms, lib/gradebook_exporter.rb and gradebook_importer.rb. Columns Student,
ID, SIS User ID, SIS Login ID, Section, then a column an assignment, "NAME (NUMBER)"; rows before
the first student may say how marks are posted and what points are possible.
"""

import re
from collections.abc import Sequence

from grader.exports.marks import Mark, Merged, Table, place

SYSTEM = "Canvas"
POINTS_POSSIBLE = "Points Possible"
NUMBERED = re.compile(r" \(\d+\)\Z")


def merge(exported: str, marks: Sequence[Mark], assignment: str, max_score: float) -> Merged:
    """Return Canvas's CSV with the marks in the column of an assignment, a new one if need be.

    Raise ValueError where it is no export of a gradebook, or two assignments are called so.
    """
    table = Table(exported)
    for name in ("Student", "ID"):
        table.column(name)
    column = _column(table, assignment)
    rows = table.rows[1:]
    students = {n: row for n, row in enumerate(rows) if table.cell(row, "ID")}
    if column is None:
        column = table.add_column(assignment)
        for row in rows:
            if table.cell(row, "Student") == POINTS_POSSIBLE:
                table.put(row, column, f"{max_score:g}")
    names = [
        {n: table.cell(row, name) for n, row in students.items()}
        for name in ("SIS Login ID", "SIS User ID", "Student")
    ]
    ids = {n: table.cell(row, "ID") for n, row in students.items()}
    placed, problems = place(marks, SYSTEM, ids, names)
    for number, mark in placed.items():
        table.put(rows[number], column, mark.points)
    return Merged(table.text(), problems)


def _column(table: Table, assignment: str) -> int | None:
    """Return the number of an assignment's column; None where there is none."""
    called = [
        number
        for number, heading in enumerate(table.header)
        if assignment in (heading, NUMBERED.sub("", heading))
    ]
    if len(called) > 1:
        names = ", ".join(table.header[number] for number in called)
        raise ValueError(f"has several columns of that name, say which: {names}")
    return called[0] if called else None
