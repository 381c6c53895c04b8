"""Which submissions are found below the paths an instructor names."""

import os
import re
import socket
from pathlib import Path

import discovering
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from times import effort

from grader.reports.terminal import GradeScreen
from grader.rubric import load_rubric
from grader.submissions.archives import Archives
from grader.submissions.remarks import OF_THAT_NAME, UNCHANGED
from grader.submissions.search import NothingToGrade
from grader.submissions.students import naming
from grader.submissions.submission import Submission
from grader.submissions.upload import MOST_FILES

RUBRIC = load_rubric()
ARCHIVES = Archives(RUBRIC.archives, RUBRIC.limits.source_bytes)


@pytest.fixture(scope="module", autouse=True)
def _archives():
    with ARCHIVES:
        yield


def discover(paths: list[Path], remarks: list[str] | None = None) -> list[Submission]:
    """Find submissions; a file that says STUB is as it was handed out."""
    return discovering.discover(
        paths,
        ARCHIVES,
        is_untouched=lambda path: path.read_text() == STUB,
        remark=[].append if remarks is None else remarks.append,
    )


DEFINITIONS = [
    f"def {name}(x, *given):\n    return x\n"
    for name in ("forward", "grad_w1", "grad_b1", "grad_w2", "grad_b2")
]
WHOLE = "import torch\n" + "".join(DEFINITIONS) + "class Net(torch.nn.Module):\n    pass\n"
STUB = WHOLE.replace("return x", "raise NotImplementedError")
HALF = DEFINITIONS[0]  # more than a helper, and less than a work


def make(root: Path, *names: str) -> Path:
    """Create files, and a folder for each name that ends in a slash."""
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x = 1\n")
    return root


def summary(submissions: list[Submission], root: Path) -> dict[str, list[str]]:
    """Return the files by student, relative to `root`; none may have a problem."""
    assert [s.problem for s in submissions] == [None] * len(submissions)
    return {s.student: [str(f.relative_to(root)) for f in s.files] for s in submissions}


def problem_of(submissions: list[Submission], student: str) -> str:
    problem = {s.student: s.problem for s in submissions}[student]
    assert problem is not None
    assert "\n" not in problem
    return problem


LAYOUTS = {
    "flat": (["alice.py", "bob.ipynb"], {"alice": ["alice.py"], "bob": ["bob.ipynb"]}),
    "two_candidates": (
        ["alice.py", "alice.ipynb", "bob.py"],
        {"alice": ["alice.ipynb", "alice.py"], "bob": ["bob.py"]},
    ),
    "a_folder_each": (
        ["alice/homework.py", "bob/homework.ipynb", "bob/homework.py"],
        {"alice": ["alice/homework.py"], "bob": ["bob/homework.ipynb", "bob/homework.py"]},
    ),
    "wrong_name": (
        ["alice/my_hw.py", "bob/HW.ipynb", "bob/util.py"],
        {"alice": ["alice/my_hw.py"], "bob": ["bob/HW.ipynb", "bob/util.py"]},
    ),
    "no_name_before_others": (
        ["alice/homework.py", "alice/draft.py"],
        {"alice": ["alice/draft.py", "alice/homework.py"]},
    ),
    "capitals": (
        ["alice/Homework.PY", "bob.IPYNB"],
        {"alice": ["alice/Homework.PY"], "bob": ["bob.IPYNB"]},
    ),
    "folders_deeper": (
        ["alice/hw4/homework.py", "alice/notes.py", "alice/data/x.csv", "bob/a/b/c/d/hw.py"],
        {"alice": ["alice/notes.py", "alice/hw4/homework.py"], "bob": ["bob/a/b/c/d/hw.py"]},
    ),
    "an_added_ending": (
        ["alice.ipynb.txt", "bob.ipynb.json", "carol.PY.TXT", "dave/homework.py.txt"],
        {
            "alice": ["alice.ipynb.txt"], "bob": ["bob.ipynb.json"], "carol": ["carol.PY.TXT"],
            "dave": ["dave/homework.py.txt"],
        },
    ),
    "other_peoples_code": (
        [
            "alice/homework.py", "alice/venv/pyvenv.cfg", "alice/venv/lib/x.py",
            "alice/node_modules/a/b.py", "alice/lib/site-packages/torch/nn.py", "venv/pyvenv.cfg",
            "venv/bin/activate.py",
        ],
        {"alice": ["alice/homework.py"]},
    ),
    "the_handout_is_one_submission": (
        ["homework.py", "homework.ipynb", "selfcheck/check.py", "README.md"],
        {"class": ["homework.ipynb", "homework.py"]},
    ),
    "macosx_and_ds_store": (
        [
            "alice/homework.py", "alice/._homework.py", "alice/.DS_Store", "._bob.py", ".DS_Store",
            "__MACOSX/alice/._homework.py", "alice/.ipynb_checkpoints/homework-checkpoint.ipynb",
            "bob/__MACOSX/._hw.py", "bob/hw/hw.py", "bob/__pycache__/hw.py", "bob/selfcheck/c.py",
            ".git/config.py", "__pycache__/alice.py",
        ],
        {"alice": ["alice/homework.py"], "bob": ["bob/hw/hw.py"]},
    ),
    "the_instructors_own_are_nobodys": (
        ["alice.py", "README.txt", "grades.csv", "config.yaml", "Makefile", "LICENSE", "a.log",
         "~$alice.docx", "~$hw.py"],
        {"alice": ["alice.py"]},
    ),
    "awkward_names": (
        ["王 小明.py", "😀👩‍🔬.py", "José García.ipynb", "a.b.c.py"],
        {
            "José García": ["José García.ipynb"], "a.b.c": ["a.b.c.py"],
            "王 小明": ["王 小明.py"], "😀👩‍🔬": ["😀👩‍🔬.py"],
        },
    ),
    "a_folder_and_a_file_of_one_name": (
        ["alice/homework.py", "alice.py"],
        {"alice": ["alice.py"], "alice-2": ["alice/homework.py"]},
    ),
    "names_that_differ_in_case_alone": (
        ["Alice.py", "alice.py", "alice-2.py"],
        {"Alice": ["Alice.py"], "alice-2": ["alice-2.py"], "alice-3": ["alice.py"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_of_submissions(tmp_path, layout):
    names, expected = LAYOUTS[layout]
    root = make(tmp_path / "class", *names)
    assert summary(discover([root]), root) == expected


def test_a_file_is_named_by_its_stem_and_homework_by_its_folder(tmp_path, monkeypatch):
    root = make(tmp_path, "alice/homework.ipynb", "bob.py", "carol/homework.py")
    paths = [root / "bob.py", root / "alice/homework.ipynb"]
    assert [s.student for s in discover(paths)] == ["alice", "bob"]
    monkeypatch.chdir(root / "carol")
    assert discover([Path("homework.py")])[0].student == "carol"
    assert discover([Path(".")])[0].student == "carol"
    assert discover([Path("../alice/../carol")])[0].student == "carol"


def test_one_submission_named_twice_is_graded_once(tmp_path):
    root = make(tmp_path / "class", "alice.py", "alice.ipynb", "bob/homework.py")
    paths = [root, root / "alice.py", root / "alice.ipynb", root / "bob", root / "bob/homework.py"]
    assert summary(discover(paths), root) == summary(discover([root]), root)


def test_the_same_name_in_two_classes_is_two_students(tmp_path):
    root = make(tmp_path, "monday/alice.py", "tuesday/alice.py")
    found = discover([root / "tuesday", root / "monday"])
    assert summary(found, root) == {"alice": ["monday/alice.py"], "alice-2": ["tuesday/alice.py"]}


def test_the_order_of_the_paths_does_not_matter(tmp_path):
    root = make(tmp_path, *(f"{part}/{name}.py" for part in "ab" for name in ("x", "X", "x-2")))
    assert discover([root / "a", root / "b"]) == discover([root / "b", root / "a"])


# One student or a class, and what is said about it


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        make(root, name)
        (root / name).write_text(text)
    return root


# The files of a folder that is named, the files by student as they are called, and what is said:
# "taken as" and "not graded" alone.
HELPED = WHOLE.replace("import torch", "import torch\nfrom utils import sigmoid", 1)
CELLS = '{"cells": [{"source": ["x\\n", "def forward(x):\\n", "grad_w1 = 1\\n", "dW2 = 2"]}]}'
STUBS = dict.fromkeys(["homework.py", "homework.ipynb", "homework.zh_Hant.ipynb"], STUB)
DECIDED = {
    "the_solved_one_of_three": (
        STUBS | {"homework.zh_Hant.ipynb": WHOLE},
        {"x": ["homework.ipynb", "homework.py", "homework.zh_Hant.ipynb"]},
        ["one student's folder: homework.ipynb, homework.py and homework.zh_Hant.ipynb"],
    ),
    "a_copy_beside_the_stub": (
        {"homework.py": STUB, "homework (1).py": WHOLE},
        {"x": ["homework (1).py", "homework.py"]},
        ["one student's folder: homework (1).py and homework.py"],
    ),
    "another_name_beside_the_stub": (
        {"homework.py": STUB, "hw1_ada.py": WHOLE, "report.pdf": "", "data/x.csv": ""},
        {"x": ["homework.py", "hw1_ada.py"]},
        ["one student's folder: homework.py and hw1_ada.py; not graded: report.pdf"],
    ),
    "a_work_in_a_folder_beside_the_stub": (
        {"homework.py": STUB, "mine/homework.py": WHOLE},
        {"x": ["homework.py", "mine/homework.py"]},
        ["one student's folder: homework.py"],
    ),
    "helpers": (
        {"homework.py": HELPED, "utils.py": "x = 1\n", "notes.ipynb": "", "src/net.py": HALF},
        {"x": ["homework.py", "notes.ipynb", "utils.py", "src/net.py"]},
        ["one student's folder: homework.py, notes.ipynb and utils.py"],
    ),
    "helpers_of_another_name": (
        {"my_hw.py": HELPED, "utils.py": "x = 1\n"},
        {"x": ["my_hw.py", "utils.py"]},
        ["one student's folder: my_hw.py and utils.py"],
    ),
    "a_helper_in_a_folder": (
        {"my_hw.py": HELPED, "utils/__init__.py": HALF},
        {"x": ["my_hw.py", "utils/__init__.py"]},
        ["one student's folder: my_hw.py"],
    ),
    "a_work_in_modules": (
        {
            "homework.py": "from gradients import *\nfrom net import Net\n" + HALF,
            "gradients.py": "".join(DEFINITIONS[1:]),
            "net.py": "class Net:\n    pass\n",
        },
        {"x": ["gradients.py", "homework.py", "net.py"]},
        ["one student's folder: gradients.py, homework.py and net.py"],
    ),
    "two_works": (
        {"homework.py": WHOLE, "homework(1).py": WHOLE},
        {"homework": ["homework.py"], "homework(1)": ["homework(1).py"]},
        [f"a class: 2 files, one student each{OF_THAT_NAME}"],
    ),
    "two_beginnings": (
        {"homework.py": HALF, "homework(1).py": HALF},
        {"homework": ["homework.py"], "homework(1)": ["homework(1).py"]},
        [f"a class: 2 files, one student each{OF_THAT_NAME}"],
    ),
    "a_solution_beside_works": (
        {"homework.py": WHOLE, "ada.py": WHOLE, "ben.py": WHOLE},
        {"ada": ["ada.py"], "ben": ["ben.py"], "homework": ["homework.py"]},
        [f"a class: 3 files, one student each{OF_THAT_NAME}"],
    ),
    "a_solution_beside_beginnings": (
        {"homework.py": WHOLE, "ada.py": HALF, "ben.py": HALF},
        {"ada": ["ada.py"], "ben": ["ben.py"], "homework": ["homework.py"]},
        [f"a class: 3 files, one student each{OF_THAT_NAME}"],
    ),
    "a_work_beside_its_drafts": (
        {"homework.py": WHOLE, "old.py": HALF, "draft.py": HALF, "scratch.py": HALF},
        {"x": ["draft.py", "homework.py", "old.py", "scratch.py"]},
        ["one student's folder: draft.py, homework.py, old.py and scratch.py"],
    ),
    "works_and_the_handout": (
        STUBS | {"ada.py": WHOLE, "ben.ipynb": CELLS, "eve.py": STUB, "names.csv": ""},
        {"ada": ["ada.py"], "ben": ["ben.ipynb"], "eve": ["eve.py"]},
        [
            "a class: 3 files, one student each",
            f"homework.ipynb, homework.py, homework.zh_Hant.ipynb and names.csv{UNCHANGED}",
        ],
    ),
    "two_files_and_two_languages_of_one_student": (
        {"ada.py": WHOLE, "ada.ipynb": CELLS, "ben.zh_Hant.ipynb": CELLS, "ben.ipynb": STUB},
        {"ada": ["ada.ipynb", "ada.py"], "ben": ["ben.ipynb", "ben.zh_Hant.ipynb"]},
        ["a class: 4 files, one student per name"],
    ),
    "nobody_vanishes_by_an_import": (
        {"ada.py": WHOLE, "mallory.py": WHOLE + "import ada\n"},
        {"ada": ["ada.py"], "mallory": ["mallory.py"]},
        ["a class: 2 files, one student each"],
    ),
    "beginners": (
        {"ada.py": HALF, "ben.py": HALF},
        {"ada": ["ada.py"], "ben": ["ben.py"]},
        ["a class: 2 files, one student each"],
    ),
    "folders_and_the_handout": (
        STUBS | {"ada/homework.py": HALF, "ben/homework.py": HALF, "README.md": ""},
        {"ada": ["homework.py"], "ben": ["homework.py"]},
        [f"README.md, homework.ipynb, homework.py and homework.zh_Hant.ipynb{UNCHANGED}"],
    ),
    "folders_and_a_solution": (
        {"homework.py": WHOLE, "ada/hw.py": WHOLE, "ben/homework.py": WHOLE},
        {"ada": ["hw.py"], "ben": ["homework.py"], "homework": ["homework.py"]},
        [f"a class: 1 file and 2 folders, one student each{OF_THAT_NAME}"],
    ),
    "drafts_make_no_class": (
        {"homework.py": WHOLE, "old/homework.py": WHOLE, "v2/homework.py": WHOLE},
        {"x": ["homework.py", "old/homework.py", "v2/homework.py"]},
        ["one student's folder: homework.py"],
    ),
    "a_class_in_a_folder": (
        {"homework.py": STUB, "in/ada/homework.py": WHOLE, "in/ben/a/homework.py": WHOLE},
        {"ada": ["homework.py"], "ben": ["a/homework.py"]},
        ["a class that lies in in"],
    ),
    "a_student_in_a_folder": (
        {"ada/homework.py": WHOLE, "ada/src/utils.py": HALF},
        {"ada": ["homework.py", "src/utils.py"]},
        [],
    ),
    "a_student_of_two_works_in_a_folder": (
        {"ada/gradients.py": WHOLE, "ada/network.py": WHOLE},
        {"ada": ["gradients.py", "network.py"]},
        [],
    ),
    "a_flat_class_in_a_folder": (
        {f"in/{name}.py": WHOLE for name in ("ada", "ben", "cy")},
        {"ada": ["ada.py"], "ben": ["ben.py"], "cy": ["cy.py"]},
        ["a class that lies in in", "a class: 3 files, one student each"],
    ),
    "sections": (
        {f"{part}/{name}/homework.py": WHOLE for part in "ab" for name in ("ada", "ben")},
        {"a": ["ada/homework.py", "ben/homework.py"], "b": ["ada/homework.py", "ben/homework.py"]},
        ["one student's, with whole works in ada and ben: if it is a class, name that folder"] * 2,
    ),
}


@pytest.mark.parametrize("case", DECIDED)
def test_whose_a_folder_is_is_decided_by_what_is_in_it_and_said(tmp_path, case):
    files, expected, said = DECIDED[case]
    remarks = []
    found = discover([lay(tmp_path / "x", files)], remarks)
    assert {s.student: [s.names[f] for f in s.files] for s in found} == expected
    assert [re.split(": taken as |: not graded: ", line, maxsplit=1)[1] for line in remarks] == said


# Folders of versions that a student handed in (those of STUBBED as handed out), and what counts.
VERSIONS = {
    "numbers": ([f"{n}/homework.py" for n in range(1, 12)], ["11/homework.py"], "11"),
    "words": (["attempt 1/hw.py", "Attempt 2/hw.py"], ["Attempt 2/hw.py"], "Attempt 2"),
    "the_newest_is_empty": (["v1/hw.py", "v2/hw.py", "v3/report.pdf"], ["v2/hw.py"], "v2"),
    "the_newest_is_untouched": (["v1/hw.py", "v2/hw.py", "v3/hw.py"], ["v2/hw.py"], "v2"),
    "all_are_untouched": (["v3/hw.py", "v4/hw.py"], ["v4/hw.py"], "v4"),
    "archives": (["1/hw.zip", "2/hw.zip"], [], "2"),  # which are none
    "deeper": (["hw/1/a.py", "hw/2/a.py", "hw/2/b.py"], ["hw/2/a.py", "hw/2/b.py"], "2"),
    "parts_of_one": (["1/forward.py", "2/net.py"], ["1/forward.py", "2/net.py"], None),
    "one": (["1/hw.py"], ["1/hw.py"], None),
    "a_file_beside": (["hw.py", "1/hw.py", "2/hw.py"], ["hw.py", "1/hw.py", "2/hw.py"], None),
    "the_same_twice": (["1/hw.py", "01/hw.py"], ["01/hw.py", "1/hw.py"], None),
}
STUBBED = ("v3/hw.py", "v4/hw.py")


@pytest.mark.parametrize("case", VERSIONS)
def test_of_numbered_versions_the_newest_with_work_is_graded_and_that_is_said(tmp_path, case):
    names, expected, newest = VERSIONS[case]
    root = make(tmp_path / "x", "ada/homework.py", *(f"bob/{name}" for name in names))
    for name in STUBBED:
        if name in names:
            (root / "bob" / name).write_text(STUB)
    remarks = []
    bob = discover([root], remarks)[1]
    assert sorted(bob.names.values() if bob.problem is None else []) == sorted(expected)
    told = [line.partition(" versions: only ")[2] for line in remarks]
    what = f"{newest} counts, the newest with work or else with files"
    assert told == ([what] if newest else [])


def test_a_class_of_numbered_folders_is_one_and_says_so(tmp_path):
    root = make(tmp_path / "x", *(f"{n}/homework.py" for n in (1, 2)))
    remarks = []
    assert [s.student for s in discover([root], remarks)] == ["1", "2"]
    assert remarks == [
        f"{root}: taken as a class: 2 folders, one student each; if they are one student's "
        "versions, name the folder around this one"
    ]


SYSTEMS = {
    "of_a_system": (["12-3456 - Ada L - homework.py", "12-3457 - Ben O - homework.py"], True),
    "folders": (["Ada_L_12345_submission/a.py", "Ben_O_12346_submission/a.py", "x.csv"], True),
    "names": (["Ada Lovelace.py", "Ben O'Neil.py"], False),
    "numbers": (["s1234567.py", "s1234568.py"], False),
    "one_of_two": (["Ada_L_12345_submission/a.py", "ben/a.py"], False),
}


@pytest.mark.parametrize("case", SYSTEMS)
def test_names_of_an_unknown_system_are_told(tmp_path, case):
    names, told = SYSTEMS[case]
    remarks = []
    root = make(tmp_path / "x", *names)
    discover([root], remarks)
    line = f"{root}: no learning platform's layout recognised: taken as a plain folder"
    assert (line in remarks) == told


def test_files_of_one_student_are_called_differently(tmp_path):
    names = ["bob_7_1_homework-1.py", "bob_7_2_utils-1.py", "bob_7_3_x-1.py", "bob_7_4_x-2.py"]
    (canvas,) = discover([make(tmp_path / "canvas", *names)])
    assert sorted(canvas.names.values()) == ["homework.py", "utils.py", "x-1.py", "x-2.py"]
    twice = make(tmp_path / "twice", "c/bob_7_1_homework.py", "d/bob_7_2_homework.py")
    (canvas,) = discover([twice / "c", twice / "d"])
    assert [canvas.names[file] for file in canvas.files] == ["bob_7_2_homework.py", "homework.py"]


# Files of a student whom a table calls p1, the id by which it does, and what they are called then.
RENAMED = {
    "flat": (["ada.py"], "ada", ["p1.py"]),
    "two_languages": (["ada.ipynb", "ada.zh_Hant.ipynb"], "ada", ["p1-2.ipynb", "p1.ipynb"]),
    "a_folder": (["s123/homework.py", "s123/src/s123_x.py"], "s123", ["homework.py", "src/p1.py"]),
    "folders": (["s12/s12/hw.py", "s12/s12-b/hw.py"], "s12", ["p1-2/hw.py", "p1/hw.py"]),
    "imported": (["ada/hw.py:import ada_b", "ada/ada_b.py"], "ada", ["ada_b.py", "hw.py"]),
    "canvas": (["doejane_11_901_Jane_hw.py", "doejane_11_902_net.py"], "11", ["net.py", "p1.py"]),
    "accents": (["doerene_11_901_HW René.py"], "11", ["p1.py"]),
    "no_latin": (["王小明_11_901_作业王小明.py"], "11", ["p1.py"]),
    "moodle": (
        [f"Jo Li_21_assignsubmission_file_/{name}.py" for name in ("work-li", "jo_2")],
        "21",
        ["p1-2.py", "p1.py"],
    ),
    "a_number_in_another": (["x_12_901_lab_123.py"], "12", ["lab_123.py"]),
    "unreadable": (["ada.pdf", "zoe.py"], "ada", []),
}


@pytest.mark.parametrize("case", RENAMED)
def test_a_pseudonym_holds_in_the_names_of_files(tmp_path, case):
    files, id_, expected = RENAMED[case]
    root = lay(tmp_path / "class", dict(file.partition(":")[::2] for file in files))
    found = discovering.discover(
        [root], ARCHIVES, name_of=lambda owner: "p1" if owner.id == id_ else None
    )
    (p1,) = [submission for submission in found if submission.student == "p1"]
    assert sorted(p1.names.values()) == expected
    assert (p1.problem or "p1.pdf").startswith("p1.pdf")


def test_a_fuller_name_is_no_pseudonym(tmp_path):
    root = make(tmp_path / "class", "ada.py", "ben.py")
    found = discovering.discover([root], ARCHIVES, name_of=lambda owner: f"{owner.name} Smith")
    assert [list(each.names.values()) for each in found] == [["ada.py"], ["ben.py"]]


# What is not a file that can be graded


def link(path: Path) -> None:
    path.symlink_to(path.parent.parent / "solution" / "homework.py")


def sock(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket is at most 108 bytes long
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path.name)
    finally:
        os.chdir(here)


FAULTY = {
    "symlink_to_solution": (link, "is a symbolic link, which is never followed: submit the file"),
    "dangling_symlink": (lambda p: p.symlink_to("nowhere"), "is a symbolic link"),
    "link_to_itself": (lambda p: p.symlink_to(p.name), "is a symbolic link"),
    "link_to_dev_zero": (lambda p: p.symlink_to("/dev/zero"), "is a symbolic link"),
    "fifo": (os.mkfifo, "is a named pipe, not a file: submit a regular file"),
    "socket": (sock, "is a socket, not a file: submit a regular file"),
    "folder": (Path.mkdir, "is a folder, not a file: take the homework out of it, or rename it"),
}


@pytest.mark.parametrize("name", ["homework.py", "homework.ipynb", "other.py"])
@pytest.mark.parametrize("fault", FAULTY)
def test_what_is_no_file_is_a_problem_of_its_student_alone(tmp_path, fault, name):
    spoil, expected = FAULTY[fault]
    root = make(tmp_path, "solution/homework.py", "class/bob/homework.py", "class/mallory/")
    spoil(root / "class/mallory" / name)
    for found in (
        discover([root / "class"]),
        discover([root / "class/bob", root / "class/mallory" / name]),
    ):
        by_problem = {s.problem is None: s for s in found}
        assert by_problem[True].student == "bob"
        assert by_problem[False].files == (root / "class/mallory" / name,)
        told = problem_of(found, by_problem[False].student)
        assert told.startswith(f"{name} {expected}")


def test_a_loose_faulty_file_in_a_class(tmp_path):
    root = make(tmp_path, "solution/homework.py", "class/bob.py", "class/carol.py/homework.py")
    (root / "class/alice.py").symlink_to(root / "class/bob.py")
    (root / "class/dave").symlink_to(root / "solution")
    (root / "class/erin").symlink_to("nowhere")
    os.mkfifo(root / "class/frank.ipynb")
    found = discover([root / "class"])
    assert [s.student for s in found] == ["alice", "bob", "carol", "dave", "erin", "frank"]
    assert [s.problem is None for s in found].count(True) == 1
    for student in ("alice", "dave", "erin"):
        assert "is a symbolic link" in problem_of(found, student)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev")
def test_devices_are_not_opened(tmp_path):
    bob = make(tmp_path, "bob.py") / "bob.py"
    found = discover([Path("/dev/full"), bob])
    assert problem_of(found, "full") == "full is a device, not a file: submit a regular file"


def test_a_good_candidate_makes_up_for_a_faulty_one(tmp_path):
    root = make(
        tmp_path / "class", "alice/homework.py/x.txt", "alice/homework.ipynb", "alice/a.zip"
    )
    assert summary(discover([root]), root) == {"alice": ["alice/homework.ipynb"]}


def test_nothing_is_opened_but_folders_where_it_is_clear_whose_all_is(tmp_path, monkeypatch):
    root = make(tmp_path / "class", "alice/homework.py", "alice/utils.py", "bob/a/homework.py")
    monkeypatch.setattr(os, "open", lambda *args: pytest.fail("opened"))
    monkeypatch.setattr("builtins.open", lambda *args: pytest.fail("opened"))
    assert len(discover([root])) == 2


def test_what_is_no_zip_is_a_problem_not_a_silence(tmp_path):
    root = make(
        tmp_path / "class", "alice.py", "bob.zip", "carol/hw.zip", "dave/hw.zip", "dave/d.py"
    )
    found = discover([root])
    assert [s.student for s in found] == ["alice", "bob", "carol", "dave"]
    for student in ("bob", "carol"):
        assert "is not a zip archive, only named .zip" in problem_of(found, student)
    assert found[3].problem is None


RAR = "is a RAR archive, and only zip archives are unpacked: hand in a .zip, or the .py or .ipynb"
UNGRADABLE = {
    "nothing": (["bob/"], "no .py or .ipynb found: hand in the .py or .ipynb"),
    "hidden": (["bob/.hidden/x.py"], "no .py or .ipynb found: hand in the .py or .ipynb"),
    "office's_locks": (["bob/~$hw.py"], "no .py or .ipynb found: hand in the .py or .ipynb"),
    "one": (["bob/report.pdf"], "report.pdf is a PDF document: hand in the .py or .ipynb itself"),
    "two": (["bob/a.pdf", "bob/x/b.txt"], "neither .py nor .ipynb: a.pdf and x/b.txt; hand in the"),
    "many": (
        [f"bob/{n}.png" for n in range(8)],
        "neither .py nor .ipynb: 0.png, 1.png, 2.png, 3.png, 4.png and 3 more; hand in the .py or",
    ),
    "very_deep": (
        ["bob/a.pdf", "bob/b.pdf", f"bob/{'x/' * 21}hw.py"],
        "neither .py nor .ipynb in the nearest 500 folders, 20 deep: a.pdf and b.pdf; hand in the",
    ),
    "deeper_than_is_searched": (
        [f"bob/{'x/' * 21}hw.py"],
        "no .py or .ipynb found in the nearest 500 folders, 20 deep: hand in the .py or .ipynb",
    ),
    "rar": (["bob/report.pdf", "bob/x/hw.RAR"], "x/hw.RAR " + RAR),
    "7z": (["bob.7z"], "bob.7z is a 7z archive, and only zip archives are unpacked"),
    "tar": (["bob.tar.gz"], "bob.tar.gz is a tar archive, and only zip archives are"),
    "tgz": (["bob/hw.tgz"], "hw.tgz is a tar archive, and only zip archives are unpacked"),
    "pdf": (["bob.pdf"], "bob.pdf is a PDF document: hand in the .py or .ipynb itself"),
    "docx": (["bob.docx"], "bob.docx is a word processor's document: hand in the .py or"),
    "text": (["bob.txt"], "bob.txt is a text file: hand in the .py or .ipynb itself"),
    "gz": (["bob.py.gz"], "bob.py.gz is a compressed file, and only zip archives are"),
    "exported": (["bob.ipynb.html"], "bob.ipynb.html is a web page, not a notebook: hand in"),
    "html": (["bob.html"], "bob.html is a web page, not a notebook: hand in the .py or .ipynb"),
    "image": (["bob.JPG"], "bob.JPG is an image: hand in the .py or .ipynb itself"),
    "of_no_kind": (["bob"], "bob is neither a .py nor an .ipynb file: hand in the .py or"),
}


def test_json_is_somebodys_if_it_is_a_notebook(tmp_path):
    root = lay(tmp_path / "class", {"alice.py": "", "bob.json": CELLS, "settings.json": "{}"})
    remarks = []
    found = discover([root], remarks)
    assert problem_of(found, "bob") == (
        "bob.json is a JSON file: if it is a notebook, hand in the .py or .ipynb itself"
    )
    assert remarks[1:] == [f"{root}: not graded: settings.json"]


@pytest.mark.parametrize("case", UNGRADABLE)
def test_nobody_vanishes_and_each_is_told_what_to_do(tmp_path, case):
    names, expected = UNGRADABLE[case]
    root = make(tmp_path / "class", "alice.py", *names)
    found = discover([root])
    assert [s.student for s in found] == ["alice", "bob"]
    assert problem_of(found, "bob").startswith(expected)


def test_the_nearest_of_too_many_files_are_taken_and_that_is_said(tmp_path):
    names = [f"bob/deep/{n}.py" for n in range(MOST_FILES)]
    root = make(tmp_path / "class", "a/homework.py", "bob/homework.py", *names)
    remarks = []
    _, bob = discover([root], remarks)
    assert len(bob.files) == MOST_FILES
    assert bob.names[bob.files[0]] == "homework.py"
    limits = "200 files, 500 folders, 20 folders deep"
    assert remarks == [
        f"{root}/bob: not searched to its end (limits: {limits}): the nearest files are graded"
    ]


@pytest.mark.parametrize(
    "names", [["bob/" + "x/" * 21 + "hw.py"], [f"bob/{n}/" for n in range(501)]]
)
def test_a_search_that_ends_early_is_said(tmp_path, names):
    root = make(tmp_path / "class", "alice/homework.py", *names)
    remarks = []
    discover([root], remarks)
    assert [line.partition(" (")[0] for line in remarks] == [f"{root}/bob: not searched to its end"]


@pytest.mark.parametrize("closed", ["bob", "bob/inner", "."])
def test_a_folder_that_may_not_be_listed(tmp_path, monkeypatch, closed):
    """Through the call, because root may list any folder."""
    root = make(tmp_path / "class", "bob/inner/homework.py")
    other = make(tmp_path, "alice.py") / "alice.py"
    scandir = os.scandir

    def refused(path):
        if Path(path) == root / closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    found = discover([root, other])
    name = {".": "class", "bob": "bob", "bob/inner": "inner"}[closed]
    student = "class" if closed == "." else "bob"
    assert problem_of(found, student) == (
        f"{name} cannot be opened (Permission denied): check its permissions"
    )


# Nothing to grade


def test_a_missing_path_is_an_error_before_anything_else(tmp_path):
    root = make(tmp_path, "alice.py")
    with pytest.raises(NothingToGrade, match=r"nowhere\.py: no such file or folder$"):
        discover([root / "alice.py", root / "nowhere.py"])


@pytest.mark.parametrize("name", ["a" * 300, "nul\0byte", "alice.py/x"])
def test_a_path_that_cannot_exist(tmp_path, name):
    root = make(tmp_path, "alice.py")
    with pytest.raises(NothingToGrade):
        discover([root / name])


@pytest.mark.parametrize(
    ("names", "path", "expected"),
    [
        (["class/"], "class", "no .py or .ipynb found: hand in the .py or .ipynb"),
        (["class/a.csv"], "class", "no .py or .ipynb found: hand in the .py or .ipynb"),
        (
            ["class/a.txt", "class/b.pdf"],
            "class",
            "a.txt is a text file: hand in the .py or .ipynb itself (and 1 more like it)",
        ),
        (
            ["class/bob/a.txt", "class/eve/"],
            "class",
            "a.txt is a text file: hand in the .py or .ipynb itself (and 1 more like it)",
        ),
        (["hw.pdf"], "hw.pdf", "hw.pdf is a PDF document: hand in the .py or .ipynb itself"),
        (
            ["homework"],
            "homework",
            "homework is neither a .py nor an .ipynb file: hand in the .py or .ipynb itself",
        ),
    ],
)
def test_nothing_to_grade(tmp_path, names, path, expected):
    make(tmp_path, *names)
    with pytest.raises(NothingToGrade) as raised:
        discover([tmp_path / path])
    assert str(raised.value) == f"nothing to grade in {tmp_path / path}: {expected}"


def test_no_path():
    with pytest.raises(NothingToGrade):
        discover([])


# The student's id

REPLACED = {
    "control_characters": ("a\nb\tc\x7f.py", "abc"),
    "right_to_left_marks": ("\u202eevil\u200f\u2066.py", "evil"),
    "zero_width": ("al\u200bice\ufeff.py", "alice"),
    "composed": ("e\u0301.py", "\u00e9"),
    "backslash": ("a\\b.py", "a_b"),
    "two_dots": ("...py", "student"),
    "one_dot": ("/..py", "student"),
    "spaces_alone": ("   .py", "student"),
    "undecodable": (os.fsdecode(b"\xcd\xf5.py"), "\ufffd\ufffd"),
    "taken": ("grades.csv.py", "grades.csv-2"),
    "taken_in_capitals": ("INDEX.html.ipynb", "INDEX.html-2"),
    "database": ("gradebook.db.py", "_gradebook.db"),
    "copy_of_the_database": ("Gradebook.of-before.db.py", "_Gradebook.of-before.db"),
    "database_log": ("gradebook.db-wal.py", "_gradebook.db-wal"),
    "database_elsewhere": ("Gradebook.url.ipynb", "_Gradebook.url"),
}


@pytest.mark.parametrize("case", REPLACED)
def test_a_name_that_is_not_safe_as_a_folder(tmp_path, case):
    name, student = REPLACED[case]
    path = tmp_path / name.lstrip("/")
    path.write_text("x = 1\n")
    assert discover([path]) == [Submission(student, (path,), None, names={path: path.name})]


@pytest.mark.parametrize("char", ["a", "王", "😀"])
def test_a_name_of_255_bytes(tmp_path, char):
    stem = char * (252 // len(char.encode()))
    (tmp_path / f"{stem}.py").write_text("x = 1\n")
    (tmp_path / f"{stem[:-1]}.py").write_text("x = 1\n")
    first, second = (s.student for s in discover([tmp_path]))
    assert first != second
    for student in (first, second):
        assert len(student.encode()) <= 200
        assert student.startswith(char * (180 // len(char.encode())))


@example(["\ud800", "\udcff", "a\ud83d\ude00b"])  # halves of a character, and two that make one
@given(st.lists(st.text(st.characters(exclude_characters="/\0"), max_size=80), max_size=12))
def test_ids_are_unique_and_safe_whatever_the_names(names):
    students = naming.unique(names)
    assert len({student.casefold() for student in students}.union(naming.TAKEN)) == (
        len(names) + len(naming.TAKEN)
    )
    for student in students:
        assert student not in {"", ".", ".."}
        assert not set("/\\\0\n\r") & set(student)
        assert len(os.fsencode(student)) <= 200
        assert naming.is_safe(student)
        assert not student.casefold().startswith("gradebook.")


def test_a_class_of_ten_thousand_is_found_quickly(tmp_path):
    for number in range(5000):
        folder = tmp_path / f"student{number}"
        folder.mkdir()
        (folder / "homework.py").touch()
        (tmp_path / f"s{number}.ipynb").touch()
    found = []
    assert effort(lambda: found.extend(discover([tmp_path]))) < 100
    assert len(found) == 10_000


def test_ten_thousand_of_one_name(tmp_path):
    found = []
    assert effort(lambda: found.extend(naming.unique(["homework"] * 10_000))) < 40
    assert found[-1] == "homework-10000"


@pytest.mark.parametrize(("count", "last"), [(3, "line 2"), (20, "line 19"), (33, "and 13 more")])
def test_the_screen_shows_so_many_remarks(tmp_path, capsys, count, last):
    screen = GradeScreen(1, RUBRIC, tmp_path, quiet=False)
    screen.show_remarks([f"[line] line {number}" for number in range(count)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[line] line 0"
    assert lines[-1].endswith(last)
    assert len(lines) == min(count, 21)


def test_a_file_that_is_named_alone_says_what_it_goes_without(tmp_path):
    (tmp_path / "ada.py").write_text("from utils import sigmoid\nimport torch\n")
    (tmp_path / "utils.py").write_text("def sigmoid(h):\n    return h\n")
    (tmp_path / "ben.py").write_text("import torch\n")
    remarks: list[str] = []
    found = discover([tmp_path / "ada.py", tmp_path / "ben.py"], remarks=remarks)
    assert [submission.student for submission in found] == ["ada", "ben"]
    alone = "graded without utils.py: to include that, name its folder"
    assert remarks == [f"{tmp_path / 'ada.py'}: {alone}"]
