"""Whose a file of a class of no system is, from one run to the next: what it was called at first.

No other name takes a student over, though a file system or a spreadsheet may think it the same.
"""

import csv
import itertools
import unicodedata
from pathlib import Path

import lms
import pytest

from grader.lms.layout import Owner
from grader.submissions.students.naming import same_folder, unique
from grader.submissions.students.roster import Person, RosterRow, StudentNames

ADA, RENÉ = Person("ada", "", "ada", "ada"), Person("rené", "", "rené", "rené")
OLD = Person("ada", "", "", "")  # as an older grader noted it
OTHER = unicodedata.normalize("NFD", "rené")
# The gradebook's people, a table's rows, what files are called; and what their students are called.
CALLED = [
    ((), (), ("ADA", "ada"), ["ADA", "ada-2"]),
    ((ADA,), (), ("ada",), ["ada"]),
    ((ADA,), (), ("ADA",), ["ADA-2"]),
    ((ADA,), (), ("ADA", "ada"), ["ADA-2", "ada"]),
    ((ADA,), (), ("ADA", "Ada", "ada"), ["ADA-2", "Ada-3", "ada"]),
    ((ADA, Person("ADA-2", "", "ADA", "ADA")), (), ("ADA",), ["ADA-2"]),
    ((ADA, Person("ADA-2", "", "ADA", "ADA")), (), ("Ada", "ada-2"), ["Ada-3", "ada-2-2"]),
    ((ADA, Person("X-2", "", "X", "X")), (), ("x", "y"), ["x", "y"]),
    ((Person("x", "", "x", "x"), Person("X-2", "", "X", "X")), (), ("y", "Y"), ["y", "Y-2"]),
    ((Person("y-2", "", "y-2", "y-2"),), (), ("Y", "y"), ["Y", "y-3"]),
    ((RENÉ,), (), (OTHER,), ["rené-2"]),
    ((RENÉ,), (), (OTHER, "rené"), ["rené-2", "rené"]),
    ((Person("a_b", "", "a_b", "a_b"),), (), ("a\\b", "a_b"), ["a_b-2", "a_b"]),
    ((OLD,), (), ("ada",), ["ada"]),
    ((OLD,), (), ("ADA",), ["ADA-2"]),
    ((Person("rené", "", "", ""),), (), (OTHER,), ["rené"]),
    # By case, form, width and folding of other scripts; a look-alike of another script is another.
    ((Person("zoe", "", "zoe", "zoe"),), (), ("ZOE", "zoe"), ["ZOE-2", "zoe"]),
    ((ADA,), (), ("\uff21da", "ada"), ["\uff21da", "ada"]),
    ((Person("strasse", "", "strasse", "strasse"),), (), ("stra\u00dfe",), ["stra\u00dfe-2"]),
    ((ADA,), (), ("\u0430da", "ada"), ["\u0430da", "ada"]),
    # Who is known to a system may hand in a file under just the name that is here.
    ((Person("ada", "Canvas", "7", "Ada"),), (), ("ada",), ["ada"]),
    ((Person("ada", "Canvas", "7", "Ada"),), (), ("ADA",), ["ADA-2"]),
    # A table calls s1 ben; a file called ben is somebody else's.
    ((Person("ben", "", "s1", "s1"),), (RosterRow("s1", "ben", ""),), ("s1",), ["ben"]),
    ((Person("ben", "", "s1", "s1"),), (RosterRow("s1", "ben", ""),), ("ben",), ["ben-2"]),
    ((Person("ben", "", "", ""),), (RosterRow("s1", "ben", ""),), ("ben",), ["ben-2"]),
]  # fmt: skip


@pytest.mark.parametrize(("people", "rows", "files", "expected"), CALLED)
def test_a_student_keeps_the_name_that_was_there_first(people, rows, files, expected):
    names = StudentNames(people, rows, "names.csv")
    told = [names(Owner("", called, called)) for called in files]
    called = [name or file for name, file in zip(told, files, strict=True)]
    assert unique(called, {*filter(None, told)}, names.students) == expected


def test_whoever_comes_first_keeps_it_in_each_order_of_arrival():
    files = ("ada", "ADA", "Ada", "ada-2")
    for order in itertools.permutations(files):
        people: list[Person] = []
        for called in order:
            names = StudentNames(people)
            told = names(Owner("", called, called))
            (student,) = unique([told or called], {told} if told else (), names.students)
            people.append(Person(student, "", called, called))
        assert people[0].student == order[0]
        assert len({same_folder(person.student) for person in people}) == len(files)
        again = StudentNames(people)
        assert [again(Owner("", p.id, p.id)) for p in people] == [p.student for p in people]


def grade(warm, root: Path, out: Path, rubric: Path) -> dict[str, tuple[str, str]]:
    """Grade a folder; return the status and final of each student."""
    done = warm.run("grade", root, "--out", out, "--rubric", rubric)
    assert done.returncode == 0, done.stderr
    with (out / "grades.csv").open(encoding="utf-8-sig") as grades:
        return {row["student"]: (row["status"], row["final"]) for row in csv.DictReader(grades)}


def test_ada_keeps_what_was_set_by_hand_when_capitals_appear(warm, untrained, tmp_path):
    best, worse = (
        (lms.CORPUS / name).read_bytes() for name in ("gbk_comments.py", "syntax_error.py")
    )
    root, out = tmp_path / "class", tmp_path / "out"
    root.mkdir()
    (root / "ada.py").write_bytes(worse)
    assert grade(warm, root, out, untrained) == {
        "ada": ("graded", f"{lms.POINTS['syntax_error.py']:g}")
    }
    for by_hand in (["50"], ["--due", "2030-01-01T00:00:00Z"]):
        done = warm.run("override", "ada", *by_hand, "--results", out, "--why", "ill", "--who", "W")
        assert done.returncode in (0, 2), done.stderr
    page = (out / "ada" / "feedback.html").read_bytes()
    (root / "ADA.py").write_bytes(best)
    full = ("graded", f"{lms.POINTS['gbk_comments.py']:g}")
    for _ in range(2):
        assert grade(warm, root, out, untrained) == {
            "ADA-2": full,
            "ada": ("graded", "50"),
        }
    assert (out / "ada" / "feedback.html").read_bytes() == page
    history = warm.run("history", "ada", "--results", out)
    assert "ill" in history.stdout
    (root / "ada.py").unlink()  # ADA alone is no other student than before
    assert grade(warm, root, out, untrained)["ADA-2"] == full
    assert len(grade(warm, root, out, untrained)) == 2
