"""Which submissions are found below the paths an instructor names."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from times import effort

from grader.rubric import load_rubric
from grader.submissions import discover as module
from grader.submissions.archives import Archives
from grader.submissions.discover import NothingToGrade, Submission

RUBRIC = load_rubric()
ARCHIVES = Archives(RUBRIC.archives, RUBRIC.limits.source_bytes)


@pytest.fixture(scope="module", autouse=True)
def _archives():
    with ARCHIVES:
        yield


def discover(paths: list[Path]) -> list[Submission]:
    return module.discover(paths, ARCHIVES)


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
    "homework_before_others": (
        ["alice/homework.py", "alice/draft.py"],
        {"alice": ["alice/homework.py"]},
    ),
    "capitals": (
        ["alice/Homework.PY", "bob.IPYNB"],
        {"alice": ["alice/Homework.PY"], "bob": ["bob.IPYNB"]},
    ),
    "one_folder_deeper": (
        ["alice/hw4/homework.py", "alice/hw4/notes.py", "alice/data/x.csv"],
        {"alice": ["alice/hw4/homework.py"]},
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
    "other_files_are_ignored": (
        ["alice.py", "README.txt", "grades.csv", "report.pdf", "Makefile"],
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
        where = str(root / "class/mallory" / name)
        assert problem_of(found, by_problem[False].student).startswith(f"{where} {expected}")


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
    assert problem_of(found, "full") == "/dev/full is a device, not a file: submit a regular file"


def test_a_good_candidate_makes_up_for_a_faulty_one(tmp_path):
    root = make(
        tmp_path / "class", "alice/homework.py/x.txt", "alice/homework.ipynb", "alice/a.zip"
    )
    assert summary(discover([root]), root) == {"alice": ["alice/homework.ipynb"]}


def test_nothing_is_opened_but_folders(tmp_path, monkeypatch):
    root = make(tmp_path / "class", "alice.py", "bob/homework.py")
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


@pytest.mark.parametrize("names", [["bob/"], ["bob/report.pdf"], ["bob/a/b/homework.py"]])
def test_a_student_with_nothing_to_grade(tmp_path, names):
    root = make(tmp_path / "class", "alice.py", *names)
    found = discover([root])
    assert found[1] == Submission("bob", (), f"no .py or .ipynb found in {root / 'bob'}")


def test_too_many_candidates(tmp_path):
    """They would all be graded: one student would cost as much as a class."""
    root = make(tmp_path / "class", "a.py", *(f"bob/{n}.py" for n in range(module.MAX_CANDIDATES)))
    assert len(discover([root])[1].files) == module.MAX_CANDIDATES
    make(root, "bob/one_more.py")
    assert problem_of(discover([root]), "bob") == (
        f"21 .py and .ipynb files in {root / 'bob'}: "
        "name the one to grade homework.py or homework.ipynb"
    )


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
    student = "class" if closed == "." else "bob"
    assert problem_of(found, student) == (
        f"{root / closed} cannot be opened (Permission denied): check its permissions"
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
        (["class/"], "class", "nothing to grade: no .py or .ipynb found in {}"),
        (["class/a.txt", "class/b.pdf"], "class", "nothing to grade: no .py or .ipynb found in {}"),
        (
            ["class/bob/a.txt", "class/eve/"],
            "class",
            "nothing to grade: no .py or .ipynb found in {}/bob (and 1 more like it)",
        ),
        (["hw.pdf"], "hw.pdf", "nothing to grade: {} is neither a .py nor an .ipynb file"),
        (["homework"], "homework", "nothing to grade: {} is neither a .py nor an .ipynb file"),
    ],
)
def test_nothing_to_grade(tmp_path, names, path, expected):
    make(tmp_path, *names)
    with pytest.raises(NothingToGrade) as raised:
        discover([tmp_path / path])
    assert str(raised.value) == expected.format(tmp_path / path)


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
    "database": ("gradebook.db.py", "gradebook.db-2"),
}


@pytest.mark.parametrize("case", REPLACED)
def test_a_name_that_is_not_safe_as_a_folder(tmp_path, case):
    name, student = REPLACED[case]
    path = tmp_path / name.lstrip("/")
    path.write_text("x = 1\n")
    assert discover([path]) == [Submission(student, (path,), None)]


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
    students = module._unique(names)
    assert len({student.casefold() for student in students}.union(module.TAKEN)) == (
        len(names) + len(module.TAKEN)
    )
    for student in students:
        assert student not in {"", ".", ".."}
        assert not set("/\\\0\n\r") & set(student)
        assert len(os.fsencode(student)) <= 200
        assert student == module.safe(student)


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
    assert effort(lambda: found.extend(module._unique(["homework"] * 10_000))) < 40
    assert found[-1] == "homework-10000"
