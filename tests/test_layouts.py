"""What each system hands an instructor is read as it is: whose everything is, and when it came.

The layouts are made here as the systems are documented to make them: see layouts.py.
"""

import csv
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import lms
import pytest
from conftest import run_grader
from zips import zipped

from grader.roster import Entry, read_roster
from grader.rubric import Rubric
from grader.submissions.archives import Archives
from grader.submissions.discover import Submission, discover
from grader.submissions.layouts import Owner

METADATA = """\
submission_101:
  :submitters:
  - :name: Ada Lovelace
    :sid: '007'
    :email: ada@example.org
  :created_at: 2026-10-01 09:30:00.123456789 Z
  :score: 3.0
  :history: []
submission_102:
  :submitters:
  - :name: 'No'
    :sid:
    :email: no@example.org
  - :name: 王小明
    :sid: '8'
    :email: wang@example.org
  :created_at: 2026-10-02 00:00:00 Z
submission_103:
  :submitters: []
"""
"""Two in a group, one of whom has no id; and one submission of nobody's."""


def lay(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def found_in(path: Path, rubric: Rubric, **options: object) -> list[Submission]:
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        return discover([path], archives, **options)


CANVAS = (
    "doejane_11_901_homework.ipynb",
    "doejane_LATE_12_902_homework-1.py",
    "王小明_13_903_homework.py",
    "odea_14_904_notes.py",
    "odea_14_905_homework-2.py",
    "émile😀_15_906_work.zip",
)
MOODLE_FOLDERS = (
    "Jane Doe_21_assignsubmission_file_/homework.py",
    "Jane Doe_22_assignsubmission_file_/my work/homework.ipynb",
    "王 小明_23_assignsubmission_file/hw.py",
    "Anna_Lena O'Neil_24_assignsubmission_onlinetext/onlinetext.html",
    "Anna_Lena O'Neil_24_assignsubmission_file/homework.py",
)
MOODLE_FILES = (
    "Jane Doe_21_assignsubmission_file_homework.py",
    "Participant_22_assignsubmission_file_homework_v2.ipynb",
)
NBGRADER = {
    "submitted/ada/ps1/homework.ipynb": "{}",
    "submitted/ada/ps1/timestamp.txt": "2026-10-01 09:30:00.000000 UTC",
    "submitted/ben/ps1/homework.py": "",
    "submitted/ben/ps1/timestamp.txt": "yesterday",
    "source/ps1/homework.ipynb": "{}",
}
CLASSROOM = (
    "hw-two-ada-l/.git/config", "hw-two-ada-l/homework.py", "hw-two-ada-l/tests/test_it.py",
    "hw-two-ben/.git/config", "hw-two-ben/README.md",
)  # fmt: skip

# What is laid out, whose it is by name, the system and its ids, and the files that are graded.
LAYOUTS = {
    "canvas": (
        dict.fromkeys(CANVAS, ""),
        {
            "doejane-11": ("Canvas", "11", ["doejane_11_901_homework.ipynb"]),
            "doejane-12": ("Canvas", "12", ["doejane_LATE_12_902_homework-1.py"]),
            "odea": ("Canvas", "14", ["odea_14_905_homework-2.py"]),
            "émile😀": ("Canvas", "15", ["émile😀_15_906_work.zip"]),  # which is no archive
            "王小明": ("Canvas", "13", ["王小明_13_903_homework.py"]),
        },
    ),
    "moodle, a folder each": (
        dict.fromkeys(MOODLE_FOLDERS, ""),
        {
            "Anna_Lena O'Neil": ("Moodle", "24", ["homework.py"]),
            "Jane Doe-21": ("Moodle", "21", ["homework.py"]),
            "Jane Doe-22": ("Moodle", "22", ["homework.ipynb"]),
            "王 小明": ("Moodle", "23", ["hw.py"]),
        },
    ),
    "moodle, files": (
        dict.fromkeys(MOODLE_FILES, ""),
        {
            "Jane Doe": ("Moodle", "21", [MOODLE_FILES[0]]),
            "Participant": ("Moodle", "22", [MOODLE_FILES[1]]),
        },
    ),
    "gradescope": (
        {
            "submission_metadata.yml": METADATA,
            **dict.fromkeys([f"submission_{n}/homework.py" for n in (101, 102, 103)], ""),
        },
        {
            "Ada Lovelace": ("Gradescope", "007", ["homework.py"]),
            "No": ("Gradescope", "no@example.org", ["homework.py"]),
            "submission_103": ("Gradescope", "submission_103", ["homework.py"]),
            "王小明": ("Gradescope", "8", ["homework.py"]),
        },
    ),
    "nbgrader": (
        NBGRADER,
        {
            "ada": ("nbgrader", "ada", ["homework.ipynb"]),
            "ben": ("nbgrader", "ben", ["homework.py"]),
        },
    ),
    "github": (
        dict.fromkeys(CLASSROOM, ""),
        {"ada-l": ("GitHub", "ada-l", ["homework.py"]), "ben": ("GitHub", "ben", [])},
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_whose_everything_is(tmp_path, rubric, layout):
    files, expected = LAYOUTS[layout]
    found = found_in(lay(tmp_path / "class", files), rubric)
    assert {
        s.student: (s.owner.system, s.owner.id, [path.name for path in s.files]) for s in found
    } == expected


def test_classroom_folders_name_the_assignment(tmp_path, rubric):
    files = ["x-a-b/.git/config", "x-a-b/homework.py", "x-a-c/.git/config", "x-a-c/homework.py"]
    root = lay(tmp_path / "x-submissions", dict.fromkeys(files, ""))
    assert [s.student for s in found_in(root, rubric)] == ["a-b", "a-c"]


@pytest.mark.parametrize("layout", ["canvas", "moodle, a folder each", "gradescope", "nbgrader"])
def test_a_zip_of_it_is_the_same(tmp_path, rubric, layout):
    files, expected = LAYOUTS[layout]
    # Of nbgrader's course what students submitted: deeper in an archive nobody looks.
    entries = [(name, text.encode()) for name, text in files.items() if "source/" not in name]
    archive = zipped(tmp_path / "class.zip", entries)
    found = {s.student: s.owner for s in found_in(archive, rubric)}
    assert {name: (o.system, o.id) for name, o in found.items()} == {
        name: row[:2] for name, row in expected.items()
    }


ORDINARY = [
    ["jane_1_2_homework.py", "ben.py"],  # one odd name makes no Canvas class
    ["ada/homework.py", "ada/x/timestamp.txt", "ben/homework.py"],  # nor one student nbgrader's
    ["ada/.git/config", "ada/homework.py", "ben/homework.py"],
    ["submission_1/homework.py", "submission_2/homework.py"],
]


@pytest.mark.parametrize("names", ORDINARY)
def test_what_is_of_no_system_is_an_ordinary_class(tmp_path, rubric, names):
    found = found_in(lay(tmp_path / "class", dict.fromkeys(names, "")), rubric)
    assert len(found) == 2
    assert [s.owner for s in found] == [None, None]


@pytest.mark.parametrize("metadata", ["", "- a", "{", "a: *b", "submission_101: 3", "[" * 10_000])
def test_metadata_that_tells_nothing_costs_names_only(tmp_path, rubric, metadata):
    files = {"submission_metadata.yml": metadata, "submission_101/homework.py": ""}
    (submission,) = found_in(lay(tmp_path / "class", files), rubric)
    assert submission.student == "submission_101"
    assert submission.problem is None


HANDED_IN = {
    "gradescope": {"Ada Lovelace": datetime(2026, 10, 1, 9, 30, 0, 123456, UTC)},
    "nbgrader": {"ada": datetime(2026, 10, 1, 9, 30, tzinfo=UTC), "ben": None},
    "canvas": {"odea": None},
}


@pytest.mark.parametrize("layout", HANDED_IN)
def test_when_it_was_handed_in_where_the_system_tells(tmp_path, rubric, layout):
    found = found_in(lay(tmp_path / "class", LAYOUTS[layout][0]), rubric)
    moments = {s.student: s.owner.handed_in for s in found}
    assert moments | HANDED_IN[layout] == moments


def test_two_archives_of_a_class_are_one_class(tmp_path, rubric):
    for name, file in (("a", "doejane_11_901_homework.py"), ("b", "doejane_11_950_homework.py")):
        lay(tmp_path / name, {file: ""})
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        (one,) = discover([tmp_path / "a", tmp_path / "b"], archives)
    assert (one.student, len(one.files)) == ("doejane", 2)


def test_a_canvas_class_of_thirty_is_there_whole(untrained, tmp_path):
    out, canvas = tmp_path / "results", lms.canvas_zip(tmp_path)
    done = run_grader("grade", canvas, "--out", out, "--rubric", untrained, "--no-pages")
    assert done.returncode == 0, done.stderr
    entries = read_roster(out)
    assert sorted(entry.id for entry in entries) == list(lms.IDS)
    for entry in entries:
        record = json.loads((out / entry.student / "result.json").read_bytes())
        assert entry.name == lms.name_of(entry.id)
        assert record["score"] == lms.POINTS[lms.file_of(entry.id)]
    # Again, with one more of a name: whoever had a name keeps it.
    more = lay(tmp_path / "more", {"ada_2000_6000_homework.py": ""})
    done = run_grader("grade", canvas, more, "--out", out, "--rubric", untrained, "--no-pages")
    assert "(30 as graded before)" in done.stdout
    after = {entry.id: entry.student for entry in read_roster(out)}
    assert after == {entry.id: entry.student for entry in entries} | {
        "2000": "ada"
    }  # the others have ids


def test_a_table_says_what_to_call_whom(tmp_path, untrained):
    root = lay(tmp_path / "class", {"doejane_11_901_homework.py": "", "x_12_902_homework.py": ""})
    table = tmp_path / "names.csv"
    table.write_text("id,student,group\n12,Ben,a\n", encoding="utf-8")
    out = tmp_path / "results"
    done = run_grader("grade", root, "--out", out, "--rubric", untrained, "--students", table)
    assert done.returncode == 0, done.stderr
    assert read_roster(out) == [
        Entry("Ben", "Canvas", "12", "x"),
        Entry("doejane", "Canvas", "11", "doejane"),
    ]
    with (out / "grades.csv").open(encoding="utf-8-sig") as grades:
        assert {row["student"] for row in csv.DictReader(grades)} == {"Ben", "doejane"}


BAD_TABLES = {
    "name,mail\na,b\n": "needs the columns id, student, and a row at least",
    "": "needs the columns id, student, and a row at least",
    "id,student\n1,a\n1,b\n": "the id 1 stands there twice",
    "id,student\n1\n": "needs the columns id, student, and a row at least",
}


@pytest.mark.parametrize("text", BAD_TABLES)
def test_a_table_that_is_none_is_one_line(tmp_path, text):
    root = lay(tmp_path / "class", {"doejane_11_901_homework.py": ""})
    (tmp_path / "names.csv").write_text(text, encoding="utf-8")
    done = run_grader(
        "grade", root, "--out", tmp_path / "out", "--students", tmp_path / "names.csv"
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"names.csv: {BAD_TABLES[text]}")
    assert not (tmp_path / "out").exists()


def test_an_owner_without_a_time_has_its_files_time(tmp_path, rubric):
    (found,) = found_in(lay(tmp_path / "class", {"doejane_11_901_homework.py": ""}), rubric)
    assert found.owner == Owner("Canvas", "11", "doejane")


def test_days_late_that_nobody_told_are_said_to_be_guessed(tmp_path, untrained):
    root = lay(tmp_path / "class", {"doejane_11_901_homework.py": ""})
    due = tmp_path / "due.toml"
    text = untrained.read_text(encoding="utf-8")
    due.write_text(text.replace('due = ""', 'due = "2020-01-01T00:00:00Z"'), encoding="utf-8")
    for rubric, said in ((untrained, False), (due, True)):
        done = run_grader("grade", root, "--out", tmp_path / "out", "--rubric", rubric)
        assert ("Canvas does not say when work was handed in" in done.stdout) is said
