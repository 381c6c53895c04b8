"""Who the students are: what an instructor's table says of them, and what the gradebook knows."""

from collections.abc import Sequence

import pytest

from grader.errors import UserError
from grader.lms.layout import Owner
from grader.submissions.roster import (
    STUDENTS,
    Names,
    Person,
    RosterRow,
    read_people,
    read_roster,
    write_people,
)

ROWS = [  # a table, and what it says
    ("id,student\n7,ada\n", [RosterRow("7", "ada", "")]),
    ("id,student,section\n7,ada,B\n", [RosterRow("7", "ada", "B")]),
    ("Section;ID;Student\n B ; 7 ; ada \n", [RosterRow("7", "ada", "B")]),
    ("id,student,section\n7,,B\n8,ben,\n", [RosterRow("7", "", "B"), RosterRow("8", "ben", "")]),
    ("id,student,section\n7,ada,B\n7,ada,B\n", [RosterRow("7", "ada", "B")]),
]


@pytest.mark.parametrize(("text", "rows"), ROWS)
def test_a_table_says_what_to_call_whom_and_their_section(tmp_path, text, rows):
    table = tmp_path / "names.csv"
    table.write_text(text)
    assert read_roster(table) == rows


REFUSED = [
    ("id,student\n7,\n", ", line 2: there is no student for id 7"),
    ("id,student,section\n7,ada,B\n8,,\n", ", line 3: there is no student for id 8"),
    ("id,student,section\n7,ada,B\n7,ada,C\n", ", line 3: id 7 has another student above"),
    ("id,student,section,Section\n7,ada,B,C\n", ": has several columns called section"),
    ("student,section\nada,B\n", ": has no column 'id'"),
    # Folders of the results are called so, and removed when their students are called otherwise.
    ("id,student\n7,../evil\n", ", line 2: '../evil' cannot be a folder's name"),
    ("id,student\n7,ada\n8,..\n", ", line 3: '..' cannot be a folder's name"),
    ("id,student\n7,/etc\n", ", line 2: '/etc' cannot be a folder's name"),
    ("id,student\n7,a\\b\n", ", line 2: 'a\\\\b' cannot be a folder's name"),
    ("id,student\n7,Grades.csv\n", ", line 2: 'Grades.csv' cannot be a folder's name"),
    ("id,student\n7,gradebook.db\n", ", line 2: 'gradebook.db' cannot be a folder's name"),
    ("id,student\n7,gradebook.db-wal\n", ", line 2: 'gradebook.db-wal' cannot be a folder's name"),
    ("id,student\n7,.lock\n", ", line 2: '.lock' cannot be a folder's name"),
]


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_a_table_that_is_off_is_one_line_that_says_where(tmp_path, text, says):
    table = tmp_path / "names.csv"
    table.write_text(text)
    with pytest.raises(UserError) as told:
        read_roster(table)
    assert str(told.value).startswith(f"{table}{says}")
    assert len(str(told.value).splitlines()) == 1


ADA, BEN = Person("ada", "Canvas", "7", "Ada"), Person("Ben-9", "Canvas", "9", "Ben")
CALLED = [  # the gradebook's people, a table's rows, who comes now; what they are called
    ((), (), Owner("Canvas", "7", "Ada"), None),  # as the system says
    ((ADA,), (), Owner("Canvas", "7", "Ada Married"), "ada"),  # as ever
    ((ADA,), (), Owner("Moodle", "7", "Zoe"), None),  # another system's 7
    ((BEN,), (), Owner("Canvas", "9", "Ben"), "Ben-9"),
    ((ADA,), (), Owner("Canvas", "8", "ada"), "ada-8"),  # or two would share their attempts
    ((), (RosterRow("7", "x", ""),), Owner("Canvas", "7", "Ada"), "x"),
    ((ADA,), (RosterRow("7", "", "B"),), Owner("Canvas", "7", "Ada"), "ada"),
    ((), (RosterRow("7", "", "B"),), Owner("Canvas", "7", "Ada"), None),
    ((), (RosterRow("s123", "x", ""),), Owner("", "s123", "s123"), "x"),  # of no system
    (
        (Person("ada", "", "", ""),),
        (),
        Owner("Canvas", "8", "ada"),
        None,
    ),  # graded as a file before
    ((Person("ada", "", "", ""),), (), Owner("Canvas", "8", "ADA"), "ADA-8"),
    ((ADA,), (), Owner("Canvas", "8", "ADA"), "ADA-8"),
]


@pytest.mark.parametrize(("people", "rows", "owner", "called"), CALLED)
def test_students_are_called_as_the_table_says_or_else_as_ever(
    people: Sequence[Person], rows: Sequence[RosterRow], owner: Owner, called: str | None
):
    assert Names(people, rows, "names.csv")(owner) == called


CLASHES = [
    (
        (),
        (RosterRow("7", "x", ""), RosterRow("8", "X", "")),
        "names.csv: calls both 7 and 8 X",
    ),
    ((ADA,), (RosterRow("8", "ada", ""),), "names.csv: calls 8 ada, who was 7 until now"),
]


@pytest.mark.parametrize(("people", "rows", "says"), CLASHES)
def test_no_two_students_are_called_alike(people, rows, says):
    names = Names(people, rows, "names.csv")
    with pytest.raises(UserError, match=f"^{says}$"):
        _ = [names(Owner("Canvas", id_, "y")) for id_ in ("7", "8")]


def test_students_may_change_their_names():
    people = [ADA, Person("ben", "Canvas", "8", "Ben")]
    rows = [RosterRow("7", "ben", ""), RosterRow("8", "ada", "")]
    names = Names(people, rows, "names.csv")
    assert [names(Owner("Canvas", id_, "")) for id_ in ("7", "8")] == ["ben", "ada"]


SEEN = [  # the gradebook's people, the table's ids, who comes now; what is said of the table
    ((), ("7",), ("7",), []),
    ((), ("7", "8", "9"), ("7",), ["names.csv: nobody in this class has the id 8, 9"]),
    ((ADA,), ("7", "8"), ("8",), []),  # ada came in an earlier run
    ((Person("s1", "", "", ""),), ("s1", "8"), ("8",), []),
    ((Person("zoe", "", "", ""),), ("s1", "8"), ("8",), []),  # the table calls s1 zoe
    ((), tuple(map(str, range(10, 25))), ("10",), [
        "names.csv: nobody in this class has the id "
        "11, 12, 13, 14, 15, 16, 17, 18, 19, 20 and 4 more"
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("people", "ids", "come", "said"), SEEN)
def test_ids_that_are_nobodys_in_the_class_are_named(people, ids, come, said):
    rows = [RosterRow(id_, "zoe" if id_ == "s1" else f"x{id_}", "") for id_ in ids]
    names = Names(people, rows, "names.csv")
    for id_ in come:
        names(Owner("Canvas", id_, "y"))
    assert names.check() == said


def test_a_table_of_another_class_is_refused():
    names = Names([], [RosterRow("7", "ada", "")], "names.csv")
    names(Owner("Canvas", "8", "y"))
    with pytest.raises(UserError, match=r"^names.csv: none of its ids is in this class$"):
        names.check()


def test_what_the_system_says_of_people_is_written_and_read_back(tmp_path):
    people = [ADA, Person("=1+1", "Moodle", "8", ""), Person("zoe", "", "", "")]
    write_people(people, tmp_path)
    assert read_people(tmp_path) == people[:2]  # of no system there is nothing to say
    assert ",'=1+1" in (tmp_path / STUDENTS).read_text().replace("\n", ",")


def test_where_nobody_is_of_a_system_there_is_no_table(tmp_path):
    write_people([Person("zoe", "", "", "")], tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert read_people(tmp_path) == []
