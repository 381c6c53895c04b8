"""Marks are put into the gradebook that Canvas exported, and nobody is lost or guessed."""

import re
import unicodedata
from collections.abc import Sequence

import pytest
from exported import table
from finals import mark
from hypothesis import assume, given
from hypothesis import strategies as st

from grader.errors import UserError
from grader.lms.marks import Mark
from grader.lms.systems import canvas

GRADEBOOK = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (77),Homework 2 (78)\r
    Points Possible,,,,,20,20\r
"Doe, Jane",11,s11,jane@x,"A, B",,3\r
"Doe, Jane",12,s12,jd12,A,7,\r
王小明,13,,ming,A,,\r
"Student, Test",99,,test,A,,\r
"""
MARKS = (
    mark("doejane-11", 20, "Canvas", "11"),
    mark("doejane-12", 8, "Canvas", "12"),
    mark("ming", 10),  # of an ordinary class, by the login
)


def test_canvas_gets_the_marks_and_keeps_the_rest():
    merged = canvas.merge(GRADEBOOK, MARKS, "Homework 1", 20)
    assert (merged.problems, merged.unmarked) == ([], ["Student, Test (99)"])
    before, after = table(GRADEBOOK), table(merged.text)
    assert [row[5] for row in after] == ["Homework 1 (77)", "20", "19.5", "7.5", "9.5", ""]
    assert [row[:5] + row[6:] for row in after] == [row[:5] + row[6:] for row in before]
    assert merged.text.count("\r\n") == GRADEBOOK.count("\r\n")


def test_canvas_gets_a_new_column():
    after = table(canvas.merge(GRADEBOOK, MARKS, "Homework 3", 20).text)
    assert [row[7:] for row in after] == [["Homework 3"], ["20"], ["19.5"], ["7.5"], ["9.5"], [""]]


NOT_CANVAS = [
    ("", "is empty"),
    ("a,b\n", "has no column 'Student'"),
    (GRADEBOOK.replace("Homework 2 (78)", "Homework 1 (79)"), "has several columns of that name"),
]


@pytest.mark.parametrize(("text", "says"), NOT_CANVAS)
def test_what_canvas_never_exported_is_said_to_be(text, says):
    with pytest.raises(UserError, match=re.escape(says)):
        canvas.merge(text, MARKS, "Homework 1", 20)


@pytest.mark.parametrize(
    "name",
    ["ID", "Student", "SIS Login ID", "Section", "Final Score", "Homework Current Points (5)", " "],
)
def test_a_column_of_canvas_own_is_never_written_to(name):
    with pytest.raises(UserError, match="cannot have an assignment called"):
        canvas.merge(GRADEBOOK, MARKS, name, 20)


UNPLACED = [
    ([mark("x", 1, "Canvas", "55")], ["x: no matching row"]),
    ([mark("Doe, Jane", 1)], ["Doe, Jane: 2 rows match, so none was filled in"]),
    ([mark("ming", 1, "Moodle", "13")], []),  # the id is another system's, the name decides
    (
        [mark("a", 1, "Canvas", "13"), mark("ming", 2)],
        [f"{name}: another student matches the same row" for name in ("a", "ming")],
    ),
    ([mark("s11", 1), mark("jd12", 2)], []),  # one by each kind of name
    ([mark("11", 1)], ["11: no matching row"]),  # an id is no name
]


@pytest.mark.parametrize(("marks", "problems"), UNPLACED)
def test_nobody_is_guessed_and_nobody_lost(marks, problems):
    merged = canvas.merge(GRADEBOOK, marks, "Homework 1", 20)
    assert merged.problems == problems
    if problems:
        assert merged.text == GRADEBOOK
        assert len(merged.unmarked) == 4


def test_who_is_called_as_two_columns_call_two_students_is_not_guessed():
    two = 'Student,ID,SIS User ID,SIS Login ID,HW\n"A, B",1,ming,x,\n"C, D",2,y,ming,\n'
    merged = canvas.merge(two, [mark("ming", 10)], "HW", 20)
    assert merged.problems == ["ming: 2 rows match, so none was filled in"]
    assert (merged.text, merged.unmarked) == (two, ["A, B (1)", "C, D (2)"])


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_a_name_is_found_in_each_form_of_unicode(form):
    written = unicodedata.normalize(form, "ÉMILE Nguyễn")
    merged = canvas.merge(f"Student,ID,HW\n{written},1,\n", [mark("émile nguyễn", 10)], "HW", 20)
    assert (merged.problems, merged.unmarked) == ([], [])


def test_canvas_may_write_first_and_last_names_apart():
    head = "LastName,FirstName,ID,SIS Login ID,Section"
    apart = f"{head}\n    Points Possible,,,,\nDoe,Jane,1,jd,A\nRoe,Rick\x1b,2,rr,A\n"
    merged = canvas.merge(apart, [mark("Jane Doe", 10)], "HW", 20)
    assert merged.text == (
        f"{head},HW\n    Points Possible,,,,,20\nDoe,Jane,1,jd,A,9.5\nRoe,Rick\x1b,2,rr,A,\n"
    )
    assert (merged.problems, merged.unmarked) == ([], ["Rick\ufffd Roe (2)"])


LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def written_cells(draw: st.DrawFn) -> str:
    """Return a cell as some program wrote it: in quotation marks where it must be, or anyway."""
    text = draw(st.text(st.one_of(st.sampled_from('",;\r\n =\0'), st.characters(codec="utf-8"))))
    if draw(st.booleans()) or re.search(r'^"|[,;\r\n]', text):
        return '"' + text.replace('"', '""') + '"'
    return text


@given(
    st.lists(st.tuples(*[written_cells()] * 3, LINE_ENDS), min_size=1, max_size=6),
    written_cells(),
    st.sampled_from(["", "\ufeff"]),
    LINE_ENDS,
    st.booleans(),
    st.sampled_from([",", ";"]),
    st.sampled_from(["", '""', "3", '"3"']),
)
def test_whatever_else_is_in_canvas_table_comes_back_byte_for_byte(
    rows, heading, byte_order_mark, end, ends_with_line, delimiter, old
):
    def written(first: str) -> str:
        lines = [delimiter.join(["Student", "ID", heading, "HW (1)", "Section"]) + end]
        for number, (name, note, section, line_end) in enumerate(rows):
            points = first if number == 0 else old
            cells = [name, f"i{number}", note, points, section]
            last = number == len(rows) - 1 and not ends_with_line
            lines.append(delimiter.join(cells) + ("" if last else line_end))
        return byte_order_mark + "".join(lines)

    assume(heading.strip('"') not in ("Student", "ID", "HW", "HW (1)", "Section"))
    merged = canvas.merge(written(old), [mark("first", 20, "Canvas", "i0")], "HW", 20)
    assert merged.text == written('"19.5"' if old.startswith('"') else "19.5")


NO_CSV = [
    ('Student,ID,HW\nA,1,"x\nB,2,\n', "line 2"),
    ('Student,ID,HW\nA,1,\n"B" C,2,\n', "line 3"),
    ('"Student', "line 1"),
]


@pytest.mark.parametrize(("text", "line"), NO_CSV)
def test_a_quotation_mark_left_open_swallows_no_rows(text, line):
    with pytest.raises(UserError, match=f"^{line}: a quotation mark is not closed"):
        canvas.merge(text, MARKS, "HW", 20)


# Groups of Canvas: one file for all members, with the id of one and the name of the group

CLASS = """\
Student,ID,SIS Login ID,Section,Notes,HW (1)
    Points Possible,,,,,20
"Adams, Ada",1,ada,A,,
"Brown, Bo",2,bo,A,,
"Chen, Ci",3,ci,B,,
"Diaz, Di",4,di,B,,EX
"Née-Łuk, Zoë",5,zl,A,,N/A
"""
TEAMS = {"1": "Team A!", "2": "Team A!", "3": "Team B", "4": "Team B", "5": "", "99": "Team B"}
TEAM_A = mark("teama", 20, "Canvas", "1", called="teama")
TEAM_B = mark("x", 10, "Canvas", "3", called="teamb")
ALONE = mark("neelukzoe", 5, "Canvas", "5", called="néełukzoë")
UNKNOWN = "not under their own name: if that is a group, its other members have no file"
TO_SHARE = (
    "to give all members of a group its grade: --groups FILE (in Canvas: People, the group set, "
    "Download Course Roster CSV)"
)
NOT_THEIRS = "not assigned to them (N/A), so Canvas will ignore the grade"
GROUPED: Sequence[tuple[str, list[Mark], dict[str, str], list[str], list[str], list[str]]] = [
    (
        "nothing tells who is in a group",
        [TEAM_A, TEAM_B, ALONE],
        {},
        ["19.5", "", "9.5", "EX", "4.5"],
        [
            f"Adams, Ada (1): handed in as teama, {UNKNOWN}",
            f"Chen, Ci (3): handed in as teamb, {UNKNOWN}",
            TO_SHARE,
        ],
        [f"Née-Łuk, Zoë (5): {NOT_THEIRS}"],
    ),
    (
        "a table tells it",
        [TEAM_A, TEAM_B],
        TEAMS,
        ["19.5", "19.5", "9.5", "EX", "N/A"],
        ["99: no matching row, and in group Team B"],
        [
            "Brown, Bo (2): gets the grade of group Team A!",
            "Diaz, Di (4): is excused (EX); row left unchanged",
        ],
    ),
    (
        "a table tells of another group",
        [mark("x", 20, "Canvas", "1", called="teamz")],
        TEAMS,
        ["19.5", "", "", "EX", "N/A"],
        [f"Adams, Ada (1): handed in as teamz, {UNKNOWN}"],
        [],
    ),
    (
        "who is in a group hands in alone",
        [mark("a", 20, "Canvas", "1", called="adamsada")],
        TEAMS,
        ["19.5", "", "", "EX", "N/A"],
        [],
        [],
    ),
    (
        "a member has a file of their own",
        [TEAM_A, mark("b", 7, "Canvas", "2", called="brownbo")],
        TEAMS,
        ["19.5", "6.5", "", "EX", "N/A"],
        [],
        [],
    ),
    (
        "a name of no letters, for which the id stands",
        [mark("1", 20, "Canvas", "1", called="1")],
        {},
        ["19.5", "", "", "EX", "N/A"],
        [],
        [],
    ),
    (
        "a mark of somebody excused",
        [mark("di", 20, "Canvas", "4", called="diazdi")],
        {},
        ["", "", "", "EX", "N/A"],
        ["Diaz, Di (4): is excused (EX); row left unchanged"],
        [],
    ),
]


@pytest.mark.parametrize(
    ("marks", "teams", "column", "problems", "notes"),
    [case[1:] for case in GROUPED],
    ids=[case[0] for case in GROUPED],
)
def test_a_group_of_canvas_is_marked_or_said(marks, teams, column, problems, notes):
    merged = canvas.merge(CLASS, marks, "HW", 20, teams)
    assert [row[5] for row in table(merged.text)[2:]] == column
    assert (merged.problems, merged.notes) == (problems, notes)


def test_the_gradebook_may_say_who_is_in_a_group():
    told = CLASS.replace("Notes", "Group").replace("A,,\n", "A,Team A!,\n")
    merged = canvas.merge(told, [TEAM_A], "HW", 20)
    assert [row[5] for row in table(merged.text)[2:]] == ["19.5", "19.5", "", "EX", "N/A"]
    assert merged.notes == ["Brown, Bo (2): gets the grade of group Team A!"]
    assert merged.problems == []


def test_names_apart_are_no_group():
    apart = "LastName,FirstName,ID,SIS Login ID,Section,HW\nDoe,Jane,1,jd,A,\n"
    merged = canvas.merge(apart, [mark("x", 10, "Canvas", "1", called="doejane")], "HW", 20)
    assert (merged.problems, merged.notes) == ([], [])


def test_canvas_imports_no_tabs():
    with pytest.raises(UserError, match="separated by tabs, which Canvas does not import"):
        canvas.merge(GRADEBOOK.replace(",", "\t"), MARKS, "Homework 1", 20)
