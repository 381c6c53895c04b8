"""Canvas: marks put into the gradebook CSV that Canvas exported, to be imported again.

Format: Instructure's guides, "How do I export grades in the Gradebook" and "How do I import grades
in the Gradebook"; canvas-lms, lib/gradebook_exporter.rb and gradebook_importer.rb. Columns Student
(or LastName and FirstName), ID, SIS User ID, SIS Login ID, Section, then a column an assignment,
"NAME (NUMBER)"; rows before the first student may say how marks are posted and what points are
possible.
"""

import re
from collections.abc import Sequence

from grader.errors import UserError
from grader.exports.marks import Mark, Merged, Table, check_scale, left, place

SYSTEM = "Canvas"
POINTS_POSSIBLE = "Points Possible"
NAMES = ("SIS Login ID", "SIS User ID", "Student")  # what a student may be called by
# What Canvas's importer takes for a student's or for a sum of its own, wherever it stands.
STUDENTS_OWN = frozenset(
    ("Student", "LastName", "FirstName", "ID", "SIS User ID", "SIS Login ID", "Integration ID",
     "Root Account", "Section")
)  # fmt: skip
SUMS = re.compile("(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")
NUMBERED = re.compile(r" \(\d+\)\Z")


def merge(exported: str, marks: Sequence[Mark], assignment: str, max_score: float) -> Merged:
    """Return Canvas's CSV with the marks in the column of an assignment, a new one if need be.

    Raise UserError where it is no export of a gradebook, where there is no one assignment of that
    name and cannot be, and where it is out of other points.
    """
    table = Table(exported)
    if "LastName" not in table.header:
        table.column("Student")
    table.column("ID")
    column = _column(table, assignment)
    rows = table.rows[1:]
    ids = {n: id_ for n, row in enumerate(rows) if (id_ := table.cell(row, "ID"))}
    possible = [row for row in rows if table.cell(row, table.header[0]) == POINTS_POSSIBLE]
    if column is None:
        column = table.add_column(assignment)
        for row in possible:
            table.put(row, column, f"{max_score:g}")
    for row in possible:
        heading = table.header[column]
        check_scale(table.cell(row, heading), max_score, heading)
    names = [{n: table.cell(rows[n], name) for n in ids} for name in NAMES]
    last, first = (
        {n: table.cell(rows[n], name) for n in ids} for name in ("LastName", "FirstName")
    )
    full = {n: f"{first[n]} {last[n]}".strip() for n in ids}
    placed, problems = place(marks, SYSTEM, ids, [*names, full])
    for number, mark in placed.items():
        table.put(rows[number], column, mark.points)
    called = {n: table.cell(rows[n], "Student") or full[n] for n in ids}
    return Merged(table.text(), problems, left(placed, ids, called))


def _column(table: Table, assignment: str) -> int | None:
    """Return the number of an assignment's column; None where there is none."""
    if not assignment.strip() or assignment in STUDENTS_OWN or SUMS.search(assignment):
        raise UserError(f"cannot have an assignment called {assignment!r}: Canvas would ignore it")
    called = [
        number
        for number, heading in enumerate(table.header)
        if assignment in (heading, NUMBERED.sub("", heading))
    ]
    if len(called) > 1:
        names = ", ".join(table.header[number] for number in called)
        raise UserError(f"has several columns of that name, say which: {names}")
    return called[0] if called else None
