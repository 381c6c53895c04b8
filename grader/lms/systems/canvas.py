"""Canvas: its download of submissions, and its gradebook, to which marks are added.

"Download Submissions" (instructure/canvas-lms, lib/content_zipper.rb):
`lastfirst[_LATE]_USER_ATTACHMENT_homework.ipynb`, and
`[LATE_]anon_ANONYMOUS_ATTACHMENT_homework.ipynb` if grading is anonymous; typed text or an address
is `lastfirst[_LATE]_USER_text.html` or `_link.html`. Only the last attempt is included.

Students choose their own name and their files' names. Canvas removes `_1_` from a name, but not one
that results from removing punctuation after it (`_1._2`), nor one formed by a final `_1` and the
user's number. So a name may read as that of another student's file: see `by_name`.

The gradebook is the CSV that Canvas exported, to be imported again: Instructure's guides, "How do I
export grades in the Gradebook" and "How do I import grades in the Gradebook"; canvas-lms,
lib/gradebook_exporter.rb and gradebook_importer.rb. Columns Student (or LastName and FirstName),
ID, SIS User ID, SIS Login ID, Section, then one column per assignment, "NAME (NUMBER)"; rows before
the first student may give how marks are posted and the points possible. EX marks an excused
student, N/A one who does not have the assignment; the importer reads commas and semicolons, and
ignores marks of students with N/A.

A group hands in once: the download has one file, with the id of one member and the name of the
group (canvas-lms, lib/content_zipper.rb: `assignment.representatives`; the name is in lower case,
without spaces and punctuation). The members of each group are in People, the group set, "Download
Course Roster CSV", with the columns name, canvas_user_id, user_id, login_id, sections, group_name,
canvas_group_id, group_id (doc/api/group_category_csv.md).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.errors import UserError
from grader.lms.files import FileNames
from grader.lms.layout import Layout
from grader.lms.marks import Mark, Merged, check_scale, merged_into, named, place, unmarked
from grader.lms.names import Reading, by_name, readings
from grader.lms.sheets import SAVE, Table, read_rows
from grader.lms.system import Export, ExportOptions, System
from grader.source.paths import shown

NAME = "Canvas"
NUMBER = "[1-9][0-9]{0,18}"
FILE = rf"_(?:(?P<number>{NUMBER})_(?P<file>.+)|text\.html|link\.html)"
# The part after a name. Canvas keeps only letters, digits and underscores of the name; of a name
# that is all emoji, it keeps nothing.
TAIL = rf"(?:(?P<late>_LATE)|(?<!_LATE))_(?P<id>{NUMBER}){FILE}"
NAMED = re.compile(TAIL, re.DOTALL)
# Its id is not a user's, so "anon_" is kept. LATE comes first here.
ANONYMOUS = re.compile(rf"(?P<late>LATE_)?(?P<id>anon_[0-9A-Za-z]+){FILE}", re.DOTALL)
PATTERNS = (ANONYMOUS, re.compile(f".*?{TAIL}", re.DOTALL))

POINTS_POSSIBLE = "Points Possible"
NAMES = ("SIS Login ID", "SIS User ID", "Student")  # by which a student may be found
# Headings that Canvas's importer treats as a student's data or a total, wherever they stand.
STUDENTS_OWN = frozenset(
    ("Student", "LastName", "FirstName", "ID", "SIS User ID", "SIS Login ID", "Integration ID",
     "Root Account", "Section")
)  # fmt: skip
SUMS = re.compile("(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")
EXCUSED, NOT_ASSIGNED = "EX", "N/A"
UNASSIGNED = f"not assigned to them ({NOT_ASSIGNED}), so Canvas will ignore the grade"
GROUP_ID, GROUP_NAME = "canvas_user_id", "group_name"  # in Canvas's table of groups
GROUP_COLUMNS = (GROUP_NAME, "group name", "group")  # in a gradebook to which a user added one
NOT_THEIR_NAME = "not under their own name: if that is a group, its other members have no file"
HOW_TO_SHARE = (
    "to give all members of a group its grade: --groups FILE (in Canvas: People, the group set, "
    "Download Course Roster CSV)"
)
NUMBERED = re.compile(r" \(\d+\)\Z")


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return the owner of each file."""
    if folders:
        return None
    for ways in (_anonymous, _named):
        if layout := by_name(NAME, ways, folder, files):
            return layout
    return None


def _anonymous(entry: str) -> list[Reading]:
    match = ANONYMOUS.fullmatch(entry)
    return [Reading.of(match, match["id"])] if match else []


def _named(entry: str) -> list[Reading]:
    return readings(NAMED, entry)


def merge(
    csv_text: str,
    marks: Sequence[Mark],
    assignment: str,
    max_score: float,
    groups: Mapping[str, str] | None = None,
) -> Merged:
    """Return Canvas's CSV with the marks in the column of an assignment, added if necessary.

    `groups` has the name of each student's group, by id. Raise UserError if this is not a gradebook
    export, if the name fits several assignments or cannot be one, or if the assignment is out of
    other points.
    """
    table = _gradebook(csv_text)
    column = _column(table, assignment)
    possible = [row for row in table.body if table.cell(row, 0) == POINTS_POSSIBLE]
    if column is None:
        column = table.add_column(assignment)
        for row in possible:
            table.put(row, column, f"{max_score:g}")
    for row in possible:
        check_scale(table.cell(row, column), max_score, table.header[column])

    students = _Students(table)
    marks_by_row, problems = place(marks, NAME, students.ids, students.names)
    teams = groups or _groups_in(table)
    group_marks, unknown = _shared(marks_by_row, teams, students)
    who = students.who
    notes: list[str] = []
    for number, mark in {**marks_by_row, **group_marks}.items():
        row, team = table.body[number], shown(teams.get(students.ids[number], ""))
        before = table.cell(row, column)
        if before.upper() == EXCUSED:
            lines = notes if number in group_marks else problems
            lines.append(f"{who[number]}: is excused ({EXCUSED}); row left unchanged")
            continue
        if number in group_marks:
            notes.append(f"{who[number]}: gets the grade of group {team}")
        if before == NOT_ASSIGNED:
            notes.append(f"{who[number]}: {UNASSIGNED}")
        table.put(row, column, mark.points)
    return Merged(
        table.text(), problems + unknown, unmarked({*marks_by_row, *group_marks}, who), notes
    )


class _Students:
    """The students of a gradebook, by row number."""

    def __init__(self, table: Table) -> None:
        rows = dict(enumerate(table.body))
        self.ids = {n: id_ for n, row in rows.items() if (id_ := table.cell(row, "ID"))}

        def column(name: str) -> dict[int, str]:
            return {n: table.cell(rows[n], name) for n in self.ids}

        last, first, student = column("LastName"), column("FirstName"), column("Student")
        full = {n: f"{first[n]} {last[n]}".strip() for n in self.ids}
        self.names = [*map(column, NAMES), full]
        self.sorted_by = {n: student[n] or f"{last[n]} {first[n]}" for n in self.ids}
        self.who = {n: named(student[n] or full[n], id_) for n, id_ in self.ids.items()}


def _gradebook(csv_text: str) -> Table:
    """Parse a gradebook export; raise UserError if it is not one, or Canvas could not import it."""
    table = Table(csv_text, STUDENTS_OWN)
    if "LastName" not in table.header:
        table.column("Student")
    table.column("ID")
    if table.separator == "\t":
        raise UserError(f"its cells are separated by tabs, which Canvas does not import: {SAVE}")
    return table


def _groups_in(table: Table) -> dict[str, str]:
    """Return each student's group by id, if the gradebook has a column of groups."""
    column = table.find(GROUP_COLUMNS)
    return {table.cell(row, "ID"): table.cell(row, column) for row in table.body}


def _shared(
    marks_by_row: Mapping[int, Mark], teams: Mapping[str, str], students: _Students
) -> tuple[dict[int, Mark], list[str]]:
    """Return marks for members of groups that handed in, and a line for each unshared mark.

    Only a file with the name of a group is the group's, since a member may also hand in alone.
    """
    group_marks: dict[int, Mark] = {}
    problems: list[str] = []
    rows = {id_: number for number, id_ in students.ids.items()}
    for number, mark in marks_by_row.items():
        name, who = _slug(mark.called), students.who[number]
        if mark.called in ("", mark.id) or name == _slug(students.sorted_by[number]):
            continue
        if _slug(teams.get(students.ids[number], "")) != name:
            problems.append(f"{who}: handed in as {shown(mark.called)}, {NOT_THEIR_NAME}")
            continue
        for id_ in (id_ for id_, team in teams.items() if _slug(team) == name):
            if id_ not in rows:
                problems.append(f"{shown(id_)}: no matching row, and in group {shown(teams[id_])}")
            elif rows[id_] not in marks_by_row:
                group_marks[rows[id_]] = mark
    if problems and not any(teams.values()):
        problems.append(HOW_TO_SHARE)
    return group_marks, problems


def _slug(name: str) -> str:
    """Return the form of a name in a file name, for any Unicode normalization."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", name.casefold())))


def _column(table: Table, assignment: str) -> int | None:
    """Return the number of an assignment's column, or None if there is none."""
    if not assignment.strip() or assignment in STUDENTS_OWN or SUMS.search(assignment):
        raise UserError(f"cannot have an assignment called {assignment!r}: Canvas would ignore it")
    numbers = [
        number
        for number, heading in enumerate(table.header)
        if assignment in (heading, NUMBERED.sub("", heading))
    ]
    if len(numbers) > 1:
        names = ", ".join(table.header[number] for number in numbers)
        raise UserError(f"has several columns of that name, say which: {names}")
    return numbers[0] if numbers else None


def _export(marks: Sequence[Mark], options: ExportOptions, max_score: float) -> Merged:
    assert options.assignment is not None  # guaranteed by `needs`
    assert options.into
    assignment, columns = options.assignment, (GROUP_ID, GROUP_NAME)
    rows = read_rows(options.groups, columns, [GROUP_NAME]) if options.groups else ()
    groups = {row.cells[GROUP_ID].strip(): row.cells[GROUP_NAME] for row in rows}
    return merged_into(options.into, lambda text: merge(text, marks, assignment, max_score, groups))


SYSTEM = System(
    NAME,
    recognise,
    PATTERNS,
    export=Export(
        "canvas",
        _export,
        needs=("out", "assignment", "into"),
        groups="Course Roster CSV of a group set",
    ),
)
