"""Zip archives: what is read of them, what is refused, and that nothing of them is left."""

import io
import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import msgspec
import pytest
from conftest import ROOT, run_grader
from discovering import discover
from times import effort
from zips import link, named, overlapping, patched, special, zipped

from grader.confined.temporary import FILES, LOCK, PREFIX
from grader.rubric import Rubric
from grader.submissions.archives import Archives
from grader.submissions.submission import Submission

CODE = b"x = 1\n"
MB = 2**20


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """A folder for temporary files, watched: what was unpacked must be gone from it."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def archives(rubric: Rubric, temporary: Path):
    """Limits of a hundredth, so that a bomb is small."""
    limits = msgspec.structs.replace(
        rubric.archives, student_bytes=2 * MB, class_bytes=8 * MB, entries=500, student_entries=50
    )
    with Archives(limits, MB) as opened:
        yield opened
    assert list(temporary.iterdir()) == []


def files_of(found: list[Submission], archives: Archives, root: Path) -> dict[str, list[str]]:
    """Return the files by student, as people know them; none may have a problem."""
    assert [s.problem for s in found] == [None] * len(found)
    return {
        s.student: [str(archives.original(f).relative_to(root)) for f in s.files] for s in found
    }


def problems(found: list[Submission]) -> dict[str, str]:
    """Return the problems by student, each one line."""
    bad = {s.student: s.problem for s in found if s.problem}
    assert not any("\n" in problem for problem in bad.values())
    return bad


def entries(*names: str, data: bytes = CODE) -> list[tuple[str, bytes]]:
    return [(name, b"" if name.endswith("/") else data) for name in names]


def inner(*content: tuple[object, bytes]) -> bytes:
    """Return the bytes of an archive, to be put into another."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content:
            archive.writestr(name, data)
    return buffer.getvalue()


# What is read

NAMED = {
    "a_class": (["alice.py", "bob.ipynb"], {"alice": ["alice.py"], "bob": ["bob.ipynb"]}),
    "a_folder_each": (
        ["alice/", "alice/homework.py", "bob/hw.py", "bob/report.pdf"],
        {"alice": ["alice/homework.py"], "bob": ["bob/hw.py"]},
    ),
    "one_student": (["homework.py", "notes.py"], {"named": ["homework.py", "notes.py"]}),
    "one_folder_around_a_class": (["c/", "c/alice.py", "c/bob/homework.py", "README.txt"],
                                  {"alice": ["alice.py"], "bob": ["bob/homework.py"]}),
    "one_folder_around_a_student": (["hw4/homework.py", "hw4/data.csv"],
                                    {"named": ["homework.py"]}),
    "folders_deeper": (["alice/a/b/c/homework.py", "bob.py"],
                       {"alice": ["alice/a/b/c/homework.py"], "bob": ["bob.py"]}),
    "other_peoples_code": (["alice/homework.py", "alice/venv/pyvenv.cfg", "alice/venv/lib/x.py",
                            "alice/node_modules/x/y.py", "bob.py"],
                           {"alice": ["alice/homework.py"], "bob": ["bob.py"]}),
    "an_added_ending": (["alice.ipynb.txt", "bob.py.txt"],
                        {"alice": ["alice.ipynb.txt"], "bob": ["bob.py.txt"]}),
    "dots_and_double_slashes": (["./alice.py", "x//bob/.//homework.py", "x/carol/homework.py"],
                                {"alice": ["alice.py"],
                                 "x": ["x/bob/homework.py", "x/carol/homework.py"]}),
    "made_on_windows": (["alice\\homework.py", "bob\\", "bob\\hw\\homework.py"],
                        {"alice": ["alice/homework.py"], "bob": ["bob/hw/homework.py"]}),
    "macosx_and_ds_store": (
        ["alice/homework.py", "__MACOSX/alice/._homework.py", "__MACOSX/._bob.py", ".DS_Store",
         "alice/.DS_Store", "alice/.ipynb_checkpoints/homework-checkpoint.ipynb", "bob.py"],
        {"alice": ["alice/homework.py"], "bob": ["bob.py"]},
    ),
    "names_that_differ_in_case_alone": (["Alice.py", "alice.py", "ALICE.PY"],
                                        {"ALICE": ["ALICE.PY"], "Alice-2": ["Alice.py"],
                                         "alice-3": ["alice.py"]}),
    "awkward_names": (
        ["王 小明.py", "😀👩‍🔬.py", "a\u202eb\u200f.py", "José García.ipynb"],
        {"José García": ["José García.ipynb"], "ab": ["a\u202eb\u200f.py"],
         "王 小明": ["王 小明.py"], "😀👩‍🔬": ["😀👩‍🔬.py"]},
    ),
    "a_file_in_the_way": (["bob.py", "bob.py/x.py"], {"bob": ["bob.py"]}),
}  # fmt: skip


@pytest.mark.parametrize("case", NAMED)
def test_an_archive_that_is_named(tmp_path, archives, case):
    names, expected = NAMED[case]
    path = zipped(tmp_path / "named.zip", entries(*names))
    found = discover([path], archives)
    assert files_of(found, archives, path) == expected


def test_a_folder_in_the_way(tmp_path, archives):
    path = zipped(tmp_path / "class.zip", entries("bob.py/x.txt", "bob.py", "carol.py"))
    assert problems(discover([path], archives)) == {
        "bob": "bob.py is a folder, not a file: take the homework out of it, or rename it"
    }


def test_a_students_archive_is_that_students_submission(tmp_path, archives):
    root = tmp_path / "class"
    zipped(root / "alice.zip", entries("homework.ipynb", "a/b/c/draft.py"))
    zipped(root / "bob" / "whatever.zip", entries("hw/homework.py"))
    zipped(root / "carol" / "hw4" / "hw.ZIP", entries("my.py", "other.py"))
    zipped(root / "dave.zip", [("hw.zip", inner(("homework.py", CODE)))])
    assert files_of(discover([root], archives), archives, root) == {
        "alice": ["alice.zip/homework.ipynb", "alice.zip/a/b/c/draft.py"],
        "bob": ["bob/whatever.zip/homework.py"],
        "carol": ["carol/hw4/hw.ZIP/my.py", "carol/hw4/hw.ZIP/other.py"],
        "dave": ["dave.zip/hw.zip/homework.py"],
    }


WORK = b"def forward(x, params):\n    return x\n"


def test_a_work_counts_before_an_archive_beside_it_and_nothing_else_does(tmp_path, archives):
    root = tmp_path / "class"
    for folder in ("alice", "."):
        zipped(root / folder / "bob.zip", entries("homework.py"))
        (root / folder / "bob.py").write_bytes(WORK)
    for name, data in (("carol", CODE), ("dave", WORK + b"# as it was handed out\n")):
        zipped(root / name / "hw.zip", entries("homework.py"))
        (root / name / "homework.py").write_bytes(data)
    found = discover([root], archives, is_untouched=lambda path: b"handed out" in path.read_bytes())
    assert files_of(found, archives, root) == {
        "alice": ["alice/bob.py"],
        "bob": ["bob.py"],
        "carol": ["carol/homework.py", "carol/hw.zip/homework.py"],
        "dave": ["dave/homework.py", "dave/hw.zip/homework.py"],
    }
    assert list(found[2].names.values()) == ["homework.py", "hw.zip/homework.py"]


@pytest.mark.parametrize("wrapper", ["", "export/", "a/b/"])
def test_a_class_in_the_only_archive_of_a_folder_is_a_class(tmp_path, archives, wrapper):
    whole = WORK + b"class Net: pass\ngrad_w1 = x\n"
    content = [(f"{wrapper}{name}/homework.py", whole) for name in ("ada", "ben")]
    path = zipped(tmp_path / "class" / "x.zip", [*content, (f"{wrapper}README.md", b"")])
    for named_path in (path, path.parent):
        assert [s.student for s in discover([named_path], archives)] == ["ada", "ben"]


def test_archives_in_an_archive_are_read_one_level_deep(tmp_path, archives):
    bob = inner(("homework.py", CODE))
    path = zipped(
        tmp_path / "class.zip",
        [("alice.zip", inner(("hw.py", CODE))), ("bob/hw.zip", bob),
         ("eve.zip", inner(("a.zip", bob)))],
    )  # fmt: skip
    found = discover([path], archives)
    assert problems(found) == {
        "eve": "eve.zip/a.zip is a zip archive in a zip archive in another: submit the file itself"
    }
    assert files_of(found[:2], archives, path) == {
        "alice": ["alice.zip/hw.py"],
        "bob": ["bob/hw.zip/homework.py"],
    }


def test_of_two_entries_with_one_name_the_later_counts_if_it_is_whole(tmp_path, archives):
    twice = zipped(tmp_path / "twice.zip", [("homework.py", b"old"), ("homework.py", b"new")])
    ((path,),) = [s.files for s in discover([twice], archives)]
    assert path.read_bytes() == b"new"
    twice = zipped(tmp_path / "link.zip", [("homework.py", b"old"), link("homework.py", "/etc")])
    ((path,),) = [s.files for s in discover([twice], archives)]
    assert path.read_bytes() == b"old"
    twice = zipped(tmp_path / "first.zip", [link("homework.py", "/etc"), ("homework.py", b"new")])
    ((path,),) = [s.files for s in discover([twice], archives)]
    assert path.read_bytes() == b"new"


def test_only_what_may_be_a_submission_is_unpacked(tmp_path, archives):
    path = zipped(
        tmp_path / "class.zip",
        [
            *entries("bob/homework.py", "eve/x.PY", "bob/report.pdf", "amy.rar", "eve/a/b/c/d.py"),
            *entries(f"cy/{'1/' * 21}x.py", "dan/node_modules/x.py"),
        ],
    )
    discover([path], archives)
    files = {
        str(p.relative_to(archives._folder / "0")): p.read_bytes()
        for p in archives._folder.rglob("*.*")
    }
    # Of what cannot be graded there is the name alone.
    assert files.pop("bob/report.pdf") == files.pop("amy.rar") == b""
    assert files == dict.fromkeys(["bob/homework.py", "eve/x.PY", "eve/a/b/c/d.py"], CODE)
    for path in archives._folder.rglob("*"):
        assert stat.S_IMODE(path.lstat().st_mode) & 0o7133 == 0 or path.is_dir()


# Names

ENCODINGS = {
    "gbk": ["张伟.py", "王小明.ipynb", "第四次作业.py"],
    "big5": ["陳怡君.py", "王小明.py", "作業四.ipynb"],
    "cp932": ["山田太郎.py", "課題_さくら.ipynb"],
    "cp437": ["René.py", "Björn Ångström.py", "José García.ipynb", "Renée.py", "Groß.py"],
    "utf-8": ["王小明.py", "José.py", "😀.py"],
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_names_that_say_no_encoding(tmp_path, archives, encoding):
    names = ENCODINGS[encoding]
    path = named(tmp_path / "class.zip", *(name.encode(encoding) for name in names))
    found = discover([path], archives)
    assert sorted(file.name for s in found for file in s.files) == sorted(names)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("gbk", "张伟.py"), ("big5", "陳怡君.py"), ("cp437", "Björn.py"), ("cp437", "García.py")],
)
def test_one_name_alone(tmp_path, archives, encoding, name):
    path = named(tmp_path / "class.zip", name.encode(encoding))
    assert [s.files[0].name for s in discover([path], archives)] == [name]


def test_a_name_in_another_encoding_than_the_rest(tmp_path, archives):
    names = [
        *(n.encode("big5") for n in ENCODINGS["big5"]),
        "张伟.py".encode("gbk"),
        b"\xff\xff.py",
    ]
    path = named(tmp_path / "class.zip", *names)
    students = {s.student for s in discover([path], archives)}
    assert {"陳怡君", "王小明", "作業四"} <= students
    assert len(students) == 5


def test_a_backslash_in_a_character_is_no_separator(tmp_path, archives):
    name = "功蓋許.py".encode("big5")
    assert b"\\" in name
    path = named(tmp_path / "class.zip", name, "作業四.py".encode("big5"))
    assert {s.student for s in discover([path], archives)} == {"功蓋許", "作業四"}


@pytest.mark.parametrize("char", ["a", "王", "😀"])
def test_long_names(tmp_path, archives, char):
    stem = char * (252 // len(char.encode()))
    names = [f"{stem}.py", f"{stem}{char * 9}.py", f"{stem}{char * 99}/homework.py"]
    found = discover([zipped(tmp_path / "class.zip", entries(*names))], archives)
    assert len({s.student for s in found}) == 3
    assert not problems(found)
    assert found[0].files[0].suffix == ".py"


# What is refused, entry by entry


def encrypted(path: Path) -> Path:
    return patched(zipped(path, entries("homework.py")), flags=1)


ESCAPES = (
    "../homework.py", "../../../etc/homework.py", "a/../../homework.py", "/homework.py",
    "/etc/homework.py", "C:\\homework.py", "c:/homework.py", "C:homework.py",
    "..\\homework.py", "\\\\server\\homework.py",
)  # fmt: skip


@pytest.mark.parametrize("name", ESCAPES)
def test_a_name_that_leads_out_of_the_archive(tmp_path, archives, name):
    path = zipped(tmp_path / "in" / "class.zip", [("bob/homework.py", CODE), (name, b"evil")])
    before = {p for p in tmp_path.rglob("*") if "tmp" not in p.parts}
    found = discover([path], archives)
    written = {p for p in tmp_path.rglob("*") if "tmp" not in p.parts}
    assert written == before
    assert {p.name for p in archives._folder.parent.iterdir()} == {FILES, LOCK}
    assert [s.problem for s in found if s.student == "bob"] == [None]
    (problem,) = problems(found).values()
    assert "which leads out of it" in problem
    assert not [
        file for s in found if not s.problem for file in s.files if b"evil" in file.read_bytes()
    ]


SPECIAL = {
    "link": link("eve/homework.py", "/etc/passwd"),
    "link_to_bob": link("eve/homework.py", "../bob/homework.py"),
    "fifo": special("eve/homework.py", stat.S_IFIFO),
    "device": special("eve/homework.py", stat.S_IFBLK),
    "socket": special("eve/homework.ipynb", stat.S_IFSOCK),
    "loose_link": link("eve.py", "bob.py"),
    "link_in_place_of_the_folder": link("eve", "/etc"),
}


@pytest.mark.parametrize("case", SPECIAL)
def test_a_link_or_special_file(tmp_path, archives, case):
    path = zipped(tmp_path / "class.zip", [SPECIAL[case], *entries("bob/homework.py")])
    found = discover([path], archives)
    assert [s.student for s in found] == ["bob", "eve"]
    assert "is a link or a special file in its archive" in problems(found)["eve"]
    assert not [p for p in archives._folder.rglob("*") if not (p.is_file() or p.is_dir())]
    assert not [p for p in archives._folder.rglob("*") if p.is_symlink()]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (("/a/b/c/d/e/homework.py", CODE), "is called /a/b/c/d/e/homework.py in its archive"),
        (link("hw", "/etc"), "is a link or a special file"),
        (link("hw/data", "/etc"), "is a link or a special file"),
    ],
)
def test_a_student_is_told_of_what_was_refused_and_not_only_that_there_is_nothing(
    tmp_path, archives, entry, expected
):
    path = zipped(tmp_path / "class" / "eve.zip", [entry])
    found = discover([path.parent], archives)
    assert expected in problems(found)["eve"]


def test_nothing_is_written_through_a_link(tmp_path, archives):
    path = zipped(
        tmp_path / "class.zip",
        [link("eve", str(tmp_path / "out")), ("eve/homework.py", b"evil"), ("bob.py", CODE)],
    )
    (tmp_path / "out").mkdir()
    found = discover([path], archives)
    assert list((tmp_path / "out").iterdir()) == []
    assert "is a link" in problems(found)["eve"]


ENTRY_FAULTS = {
    "encrypted": ({"flags": 1}, "is encrypted in its archive: zip it again without a password"),
    "strong_encryption": ({"flags": 0x41}, "is encrypted"),
    "lzma": ({"method": 14}, "is compressed in an unusual way (method 14)"),
    "bzip2": ({"method": 12}, "is compressed in an unusual way (method 12)"),
    "deflate64": ({"method": 9}, "is compressed in an unusual way (method 9)"),
    "wrong_checksum": ({"crc": 1}, "is damaged in its archive"),
    "says_less_than_it_is": ({"size": 3}, "is damaged in its archive"),
    "says_less_compressed": ({"compressed": 3}, "is damaged in its archive"),
    "stored_but_deflated": ({"method": 0}, "is damaged in its archive"),
}


@pytest.mark.parametrize("case", ENTRY_FAULTS)
def test_an_entry_that_cannot_be_read(tmp_path, archives, case):
    fields, expected = ENTRY_FAULTS[case]
    root = tmp_path / "class"
    zipped(root / "bob.zip", entries("homework.py"))
    patched(zipped(root / "eve.zip", [("homework.py", CODE * 99)]), **fields)
    found = discover([root], archives)
    assert list(problems(found)) == ["eve"]
    assert problems(found)["eve"].startswith(f"eve.zip/homework.py {expected}")


def test_sizes_that_are_not_said_right_are_no_matter(tmp_path, archives):
    """What counts is what comes out; an entry may say that it is more."""
    path = patched(zipped(tmp_path / "a.zip", entries("homework.py")), size=10**9)
    ((file,),) = [s.files for s in discover([path], archives)]
    assert file.read_bytes() == CODE


# What is refused as a whole


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("homework.py"))
    return buffer.getvalue()


GOOD = inner(("homework.py", CODE))
WHOLE = {
    "rar": (b"Rar!\x1a\x07\x01\0" + b"x" * 99, "is a RAR archive named .zip: submit the .py"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + b"x" * 99, "is a 7z archive named .zip"),
    "gzip": (b"\x1f\x8b\x08" + b"x" * 99, "is a gzip archive named .zip"),
    "xz": (b"\xfd7zXZ\0" + b"x" * 99, "is an xz archive named .zip"),
    "tar": (tar(), "is a tar archive named .zip"),
    "empty": (b"", "is empty"),
    "text": (b"x = 1\n", "is not a zip archive, only named .zip"),
    "nul": (b"\0" * 5000, "is not a zip archive, only named .zip"),
    "truncated": (GOOD[:-30], "is a damaged or truncated zip archive: zip it again"),
    "the_end_alone_is_missing": (GOOD[:-22], "is a damaged or truncated zip archive"),
    "not_utf8_as_it_says": (
        None, "has names that are not in the encoding it says: zip it again",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_what_is_no_archive_that_can_be_read(tmp_path, archives, case):
    data, expected = WHOLE[case]
    root = tmp_path / "class"
    zipped(root / "bob.zip", entries("homework.py"))
    eve = root / "eve.zip"
    eve.write_bytes(data) if data is not None else named(eve, b"\xff\xff.py", flags=0x800)
    for paths in ([root], [eve]):
        assert problems(discover(paths, archives))["eve"].startswith(f"eve.zip {expected}")


def test_an_archive_without_anything_to_grade(tmp_path, archives):
    root = tmp_path / "class"
    zipped(root / "bob.zip", entries("homework.py"))
    zipped(root / "eve.zip", [])
    zipped(root / "mal.zip", entries("a/report.pdf", "a/x/notes.docx"))
    zipped(root / "zoe.zip", entries("hw.rar"))
    assert problems(discover([root], archives)) == {
        "eve": "no .py or .ipynb found in eve.zip: hand in the .py or .ipynb",
        "mal": "neither .py nor .ipynb: mal.zip/report.pdf and mal.zip/x/notes.docx; "
        "hand in the .py or .ipynb",
        "zoe": "zoe.zip/hw.rar is a RAR archive, and only zip archives are unpacked: "
        "hand in a .zip, or the .py or .ipynb itself",
    }


def test_nobody_vanishes_from_a_class_in_an_archive(tmp_path, archives):
    path = zipped(
        tmp_path / "class.zip", entries("ada.py", "ben.pdf", "cy.7z", "dan/x.png", "names.csv")
    )
    remarks = []
    found = discover([path], archives, remark=remarks.append)
    assert [s.student for s in found] == ["ada", "ben", "cy", "dan"]
    assert list(problems(found)) == ["ben", "cy", "dan"]
    assert remarks == [
        f"{path}: taken as a class: 3 files and 1 folder, one student each",
        f"{path}: not graded: names.csv",
    ]


def noise(size: int) -> bytes:
    return os.urandom(size)


BOMBS = {
    # a ten-thousandth of what comes out of it, four times: a megabyte is free
    "zeros": (
        lambda p: zipped(p, [(f"{n}.py", b"\0" * MB) for n in range(2)]),
        "is a zip bomb: it unpacks to more than 200 times its size",
    ),
    "overlapping": (lambda p: overlapping(p, b"\0" * MB, 400), "is a zip bomb"),
    "a_file_too_large": (
        lambda p: zipped(p, [("homework.py", noise(MB + 1))]),
        "/homework.py is too large: the limit is 1.0 MB",
    ),
    "too_much_in_all": (
        lambda p: zipped(p, [(f"{n}.py", noise(MB)) for n in range(3)]),
        "unpacks to more than 2 MB: submit the .py or .ipynb itself",
    ),
    "too_many": (
        lambda p: zipped(p, entries(*(f"{n}/" for n in range(501)))),
        "holds more than 500 files: submit",
    ),
    "too_many_to_unpack": (
        lambda p: zipped(p, entries(*(f"{n}/report.pdf" for n in range(51)))),
        "unpacks to more than 50 files and folders: submit",
    ),
    "folders_in_folders": (
        lambda p: zipped(p, entries(*(f"{n}/{'x/' * 19}a.py" for n in range(3)))),
        "unpacks to more than 50 files and folders: submit",
    ),
    "too_many_to_list": (
        lambda p: overlapping(p, CODE, 5000),
        "holds too many files, or too long names",
    ),
    "too_long_to_list": (
        lambda p: zipped(p, entries(*(f"{n}{'x' * 60_000}" for n in range(4)))),
        "holds too many files, or too long names",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_its_students_problem_alone(tmp_path, archives, bomb):
    build, expected = BOMBS[bomb]
    root = tmp_path / "class"
    zipped(root / "bob.zip", entries("homework.py"))
    build(root / "eve.zip")
    found = []
    assert effort(lambda: found.extend(discover([root], archives))) < 200  # it hangs no one
    assert list(problems(found)) == ["eve"]
    assert expected in problems(found)["eve"]
    assert sum(p.stat().st_size for p in archives._folder.rglob("*") if p.is_file()) < 2 * MB


# How deep a file lies in a student's archive, how long the folders' names are, and if it is found.
DEPTHS = {"eight": (8, 1, True), "twenty": (20, 1, True), "long_names": (20, 250, True),
          "too_deep": (22, 1, False), "far_too_deep": (300, 90, False)}  # fmt: skip


@pytest.mark.parametrize("case", DEPTHS)
def test_what_lies_deep_is_found_or_the_search_is_told(tmp_path, archives, case):
    depth, length, is_found = DEPTHS[case]
    folders = "".join(f"{n}{'x' * length}/" for n in range(depth))
    path = zipped(tmp_path / "class" / "eve.zip", entries("x/README.md", f"{folders}hw.py"))
    zipped(tmp_path / "class" / "bob.zip", entries("homework.py"))
    bob, eve = discover([path.parent], archives)
    assert bob.problem is None
    if is_found:
        assert [file.name for file in eve.files] == ["hw.py"]
    else:
        assert eve.problem == (
            "neither .py nor .ipynb in the nearest 500 folders, 20 deep: eve.zip/x/README.md; "
            "hand in the .py or .ipynb"
        )


def test_many_files_that_are_not_unpacked_are_no_bomb(tmp_path, archives):
    names = [
        "homework.py",
        *(f"venv/lib/python/x{n}/y.py" for n in range(200)),
        "venv/pyvenv.cfg",
        *(f"{n}.png" for n in range(200)),
    ]
    found = discover([zipped(tmp_path / "class" / "bob.zip", entries(*names)).parent], archives)
    assert files_of(found, archives, tmp_path / "class") == {"bob": ["bob.zip/homework.py"]}


def test_a_bomb_in_a_classs_archive_costs_its_student_alone(tmp_path, archives):
    content = [(f"eve/{n}.py", b"\0" * (MB - 1)) for n in range(5)]
    content += [(f"mal/{n}.py", noise(MB - 1)) for n in range(4)]
    path = zipped(tmp_path / "class.zip", [*content, *entries("bob/homework.py", "zoe.py")])
    found = discover([path], archives)
    by_student = {s.student: s for s in found}
    assert {"bob", "zoe"} <= by_student.keys()
    # The first file is what a student may have; a bomb is what comes after it.
    assert len(by_student["eve"].files) == 1
    assert len(by_student["mal"].files) == 2
    assert not problems([by_student["bob"], by_student["zoe"]])


def test_a_classs_archive_has_a_limit_in_all(tmp_path, archives):
    path = zipped(tmp_path / "class.zip", [(f"{n}.py", noise(MB - 1)) for n in range(9)])
    expected = "class.zip unpacks to more than 8 MB: unpack it yourself"
    assert problems(discover([path], archives)) == {"class": expected}


def test_a_student_may_send_so_many_archives_and_no_more(tmp_path, archives):
    root = tmp_path / "class"
    for number in range(7):
        zipped(root / "bob" / f"{number}.zip", entries("hw.py"))
        zipped(root / "eve" / f"{number}.zip", entries("report.pdf"))
    bob, eve = discover([root], archives)
    assert len(bob.files) == 5
    assert eve.problem == ("5.zip is one zip archive too many: 5 are opened; hand in one")


def test_what_happens_to_the_disk_is_not_the_students_fault(tmp_path, archives, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device", str(target))

    path = zipped(tmp_path / "a.zip", entries("homework.py"))
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        discover([path], archives)


# How long it lives


def test_nothing_is_left_when_the_run_fails(rubric, temporary, tmp_path):
    def interrupted() -> None:
        with Archives(rubric.archives, MB) as opened:
            discover([zipped(tmp_path / "a.zip", entries("homework.py"))], opened)
            assert len(list(temporary.iterdir())) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(temporary.iterdir()) == []


def test_a_run_without_archives_makes_no_folder(rubric, temporary, tmp_path):
    (tmp_path / "homework.py").write_bytes(CODE)
    with Archives(rubric.archives, MB) as archives:
        discover([tmp_path / "homework.py"], archives)
        assert list(temporary.iterdir()) == []


def test_nothing_is_left_where_a_folder_cannot_be_locked(rubric, temporary, tmp_path, monkeypatch):
    def no_locks(*arguments: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    path = zipped(tmp_path / "in" / "class.zip", [("bob/homework.py", CODE)])
    with (
        Archives(rubric.archives, MB) as archives,
        pytest.raises(OSError, match="No locks available"),
    ):
        archives.unpack(path, of_class=True)
    assert list(temporary.iterdir()) == []


HOLD = """
import sys, time
from pathlib import Path
from grader.rubric import load_rubric
from grader.submissions.archives import Archives
from grader.submissions.discover import discover
from grader.submissions.ownership import FileOutline
with Archives(load_rubric().archives, 2**20) as archives:
    discover([Path(sys.argv[1])], archives, look=lambda path, most_bytes: FileOutline())
    print("unpacked", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_run_left_is_removed_by_the_next(rubric, temporary, tmp_path):
    path = zipped(tmp_path / "a.zip", entries("homework.py"))
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    with other:
        assert other.stdout.readline() == b"unpacked\n"
        (left,) = temporary.iterdir()
        with Archives(rubric.archives, MB):
            assert left.exists()  # its run is alive
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert list(temporary.iterdir()) == [left]
    (temporary / f"{PREFIX}link").symlink_to(tmp_path)
    with Archives(rubric.archives, MB):
        assert not left.exists()
    assert path.exists()


# Through the command line


def test_an_archive_is_graded_like_its_files(tmp_path, grade):
    names = ["ada_lindqvist.py", "half_finished_notebook.ipynb", "sign_of_w1.py", "gbk_comments.py"]
    folder = ROOT / "tests" / "submissions"
    (tmp_path / "class").mkdir()
    for name in names:
        (tmp_path / "class" / name).write_bytes((folder / name).read_bytes())
    contents = [(name, (folder / name).read_bytes()) for name in names]
    path = zipped(tmp_path / "class.zip", [(f"class/{name}", data) for name, data in contents])
    nested = [(f"{Path(n).stem}.zip", inner((n, data))) for n, data in contents]
    results = []
    for graded in (tmp_path / "class", path, zipped(tmp_path / "zips.zip", nested)):
        records = grade(graded)
        results.append({s: {**r, "seconds": 0} for s, r in records.items()})
        assert records.keys() == {Path(name).stem for name in names}
    assert results[0] == results[1] == results[2]


def test_the_command_line_leaves_nothing_and_says_one_line(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    root = tmp_path / "class"
    zipped(root / "bob.zip", entries("homework.py"))
    encrypted(root / "eve.zip")
    environment = {**os.environ, "TMPDIR": str(temporary)}
    grader = [Path(sys.executable).with_name("grader"), "grade", "--out", tmp_path / "out"]
    done = subprocess.run([*grader, root], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not list(temporary.glob("grader-*"))
    text = (tmp_path / "out" / "eve" / "result.json").read_text(encoding="utf-8")
    record, page = json.loads(text), (tmp_path / "out" / "eve" / "feedback.html").read_text("utf-8")
    assert str(tmp_path) not in text + page  # which is nobody's business but the instructor's
    assert (record["status"], record["submission"]) == ("unreadable", "eve.zip/homework.py")
    assert "is encrypted in its archive" in record["criteria"][0]["message"]
    done = run_grader("grade", zipped(tmp_path / "none.zip", []), "--out", tmp_path / "none")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.endswith(
        f"{tmp_path}/none.zip: no .py or .ipynb found: hand in the .py or .ipynb\n"
    )
