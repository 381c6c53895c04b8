"""Who the students are: what an instructor's table says of them, and what the gradebook knows."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

import lms
import pytest
from lms import found_in, lay

from grader.errors import UserError
from grader.lms.layout import Owner
from grader.rubric import Rubric
from grader.submissions.students.roster import (
    STUDENTS,
    Person,
    RosterRow,
    StudentNames,
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
    assert StudentNames(people, rows, "names.csv")(owner) == called


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
    names = StudentNames(people, rows, "names.csv")
    with pytest.raises(UserError, match=f"^{says}$"):
        _ = [names(Owner("Canvas", id_, "y")) for id_ in ("7", "8")]


def test_students_may_change_their_names():
    people = [ADA, Person("ben", "Canvas", "8", "Ben")]
    rows = [RosterRow("7", "ben", ""), RosterRow("8", "ada", "")]
    names = StudentNames(people, rows, "names.csv")
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
    names = StudentNames(people, rows, "names.csv")
    for id_ in come:
        names(Owner("Canvas", id_, "y"))
    assert names.check() == said


def test_a_table_of_another_class_is_refused():
    names = StudentNames([], [RosterRow("7", "ada", "")], "names.csv")
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


# From one run to the next


def called(files: Mapping[str, str], out: Path, rubric: Rubric, table: str = "") -> dict[str, str]:
    """Return the students by id that a run finds, with `table` for `--students`."""
    out.mkdir(exist_ok=True)
    path = out.with_name("names.csv")
    path.write_text(table, encoding="utf-8")
    people = read_people(out)
    names = StudentNames(people, read_roster(path) if table else (), str(path))
    root = lay(out.with_name(f"class{len(list(out.parent.iterdir()))}"), files)
    found = found_in(root, rubric, name_of=names)
    names.check()
    now = [Person(s.student, *astuple(s.owner)[:3]) for s in found if s.owner]
    kept = {(p.system, p.id): p for p in [*people, *now]}
    write_people(kept.values(), out)
    return {s.owner.id if s.owner else "": s.student for s in found}


def test_a_name_belongs_to_whoever_had_it_first(tmp_path, rubric):
    """Another one of that name would share their attempts, and the best of them would count."""
    out = tmp_path / "out"
    first, second = {"ada_2000_1_homework.py": ""}, {"Ada_1000_2_homework.py": ""}
    assert called(first, out, rubric) == {"2000": "ada"}
    assert called(second, out, rubric) == {"1000": "Ada-1000"}
    assert called(first | second, out, rubric) == {"2000": "ada", "1000": "Ada-1000"}


def test_a_table_holds_for_later_runs_too(tmp_path, rubric):
    out, files = tmp_path / "out", {"x_12_2_homework.py": ""}
    assert called(files, out, rubric) == {"12": "x"}
    assert called(files, out, rubric, "id,student\n 12 , Ben \n") == {"12": "Ben"}
    assert called(files, out, rubric) == {"12": "Ben"}


def test_a_table_is_for_a_class_of_no_system_too(tmp_path, rubric):
    table = "id,student\ns123,Ben\n"
    assert called({"s123.py": "", "other/x.py": ""}, tmp_path / "out", rubric, table) == {"": "Ben"}


TABLES = {
    "12,Ben\n13,Ben\n": "names.csv: calls both 12 and 13 Ben",
    "99,Zoe\n": "names.csv: none of its ids is in this class",
    "12,y\n": "names.csv: calls 12 y, who was 13 until now",
}


@pytest.mark.parametrize("rows", TABLES)
def test_a_table_that_does_not_fit_the_class_is_told(tmp_path, rubric, rows):
    out, files = tmp_path / "out", {"x_12_2_homework.py": "", "y_13_3_homework.py": ""}
    called(files, out, rubric)
    with pytest.raises(UserError, match=f"{TABLES[rows]}$"):
        called(files, out, rubric, f"id,student\n{rows}")
    assert called(files, out, rubric, "id,student\n12,y\n13,x\n") == {"12": "y", "13": "x"}


def test_a_canvas_class_of_thirty_is_there_whole(warm, untrained, tmp_path):
    out, canvas = tmp_path / "results", lms.canvas_zip(tmp_path)
    done = warm.run("grade", canvas, "--out", out, "--rubric", untrained, "--no-pages")
    assert done.returncode == 0, done.stderr
    entries = read_people(out)
    assert sorted(entry.id for entry in entries) == list(lms.IDS)
    for entry in entries:
        record = json.loads((out / entry.student / "result.json").read_bytes())
        assert entry.name == lms.name_of(entry.id)
        assert record["score"] == lms.POINTS[lms.file_of(entry.id)]
    # Again, with one more of a name: whoever had a name keeps it.
    more = lay(tmp_path / "more", {"ada_2000_6000_homework.py": ""})
    done = warm.run("grade", canvas, more, "--out", out, "--rubric", untrained, "--no-pages")
    assert "(30 as graded before)" in done.stdout
    after = {entry.id: entry.student for entry in read_people(out)}
    assert after == {entry.id: entry.student for entry in entries} | {
        "2000": "ada"
    }  # the others have ids


def test_a_table_says_what_to_call_whom(warm, tmp_path, untrained):
    root = lay(tmp_path / "class", {"doejane_11_901_homework.py": "", "x_12_902_homework.py": ""})
    table = tmp_path / "names.csv"
    table.write_text("id,student,group\n12,Ben,a\n", encoding="utf-8")
    out = tmp_path / "results"
    done = warm.run("grade", root, "--out", out, "--rubric", untrained, "--students", table)
    assert done.returncode == 0, done.stderr
    assert read_people(out) == [
        Person("Ben", "Canvas", "12", "x"),
        Person("doejane", "Canvas", "11", "doejane"),
    ]
    with (out / "grades.csv").open(encoding="utf-8-sig") as grades:
        assert {row["student"] for row in csv.DictReader(grades)} == {"Ben", "doejane"}


BAD_TABLES = {
    "name,mail\na,b\n": ": has no columns 'id', 'student'; its headings are: name, mail",
    "": ": is empty",
    "id,student\n": ": has no rows below its headings",
    "id,student\n1,a\n1,b\n": ", line 3: id 1 has another student above",
}


@pytest.mark.parametrize("text", BAD_TABLES)
def test_a_table_that_is_none_is_one_line(warm, tmp_path, text):
    root = lay(tmp_path / "class", {"doejane_11_901_homework.py": ""})
    (tmp_path / "names.csv").write_text(text, encoding="utf-8")
    done = warm.run("grade", root, "--out", tmp_path / "out", "--students", tmp_path / "names.csv")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"names.csv{BAD_TABLES[text]}")
    assert not (tmp_path / "out").exists()
