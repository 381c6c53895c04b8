"""Whatever is sent, it is read or refused in one line: almost-notebooks, almost-archives."""

import json
import os
import struct
import tempfile
import zipfile
from pathlib import Path

import msgspec
import pytest
from conftest import ROOT, read_file
from discovering import discover
from hypothesis import example, given, settings
from hypothesis import strategies as st
from zips import DIRECTORY, LOCAL, zipped

from grader.confined.temporary import FILES
from grader.rubric import load_rubric
from grader.source.read import Source, SourceCell, Unreadable
from grader.submissions.archives import Archives
from grader.submissions.search import NothingToGrade

LIMIT = 2**20
MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())


def read_anything(data: bytes, name: str) -> None:
    """Read a file of these bytes; only Unreadable may be raised, with one line."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        try:
            source = read_file(path, LIMIT)
        except Unreadable as error:
            source = None
            said = str(error)
    if source is None:
        assert said.isprintable()
        return
    assert isinstance(source, Source)
    assert source.cells
    for cell in source.cells:
        assert isinstance(cell, SourceCell)
        assert "\0" not in cell.source or source.kind == "notebook"
        cell.source.encode()  # as the wire does


# Notebooks

KEYS = st.sampled_from([
    "cells", "cell_type", "source", "input", "metadata", "outputs", "worksheets", "nbformat",
    "nbformat_minor", "kernelspec", "language_info", "language", "name", "attachments", "id",
])  # fmt: skip
WORDS = st.sampled_from([
    "code", "markdown", "raw", "python", "python3", "R", "ir", "julia-1.9", "", "x = 1\n",
    "%%time\nx = 1", "%matplotlib inline\n", "!ls", "x = !ls\n", "?x", "%%bash\nrm", "def f(:",
    "\ud800", "\0", "\r\n\t", "\u2028x = 1", "'''", "x = %time f(\n", "\\\n%%time\n", "    x\n",
])  # fmt: skip
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 3, 4, 5, 10**20, -(10**400)]),
    st.floats(),
    WORDS,
    st.text(st.characters(), max_size=30),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | WORDS, inner, max_size=5),
    max_leaves=12,
)
SOURCES = WORDS | st.lists(WORDS | LEAVES, max_size=6) | ANYTHING
CELLS = st.fixed_dictionaries(
    {"cell_type": st.just("code") | ANYTHING},
    optional={"source": SOURCES, "input": SOURCES, "metadata": ANYTHING, "outputs": ANYTHING},
)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "kernelspec": st.dictionaries(KEYS, WORDS | ANYTHING, max_size=3) | ANYTHING,
        "language_info": st.dictionaries(KEYS, WORDS | ANYTHING, max_size=3) | ANYTHING,
    },
)
LISTS_OF_CELLS = st.lists(CELLS | ANYTHING, max_size=5)
SHEETS = st.lists(
    st.fixed_dictionaries({"cells": LISTS_OF_CELLS | ANYTHING}) | ANYTHING, max_size=3
)
NOTEBOOKS = st.fixed_dictionaries(
    {},
    optional={
        "nbformat": st.sampled_from([3, 4, 5, "4", None]) | ANYTHING,
        "metadata": METADATA | ANYTHING,
        "cells": LISTS_OF_CELLS | ANYTHING,
        "worksheets": SHEETS | ANYTHING,
    },
)


class Twice(dict):
    """An object whose every key json.dumps writes twice, with the values the other way round."""

    def items(self):
        pairs = list(super().items())
        return pairs + [
            (key, value) for (key, _), (_, value) in zip(pairs, pairs[::-1], strict=True)
        ]


@settings(max_examples=300)
@given(NOTEBOOKS | ANYTHING, st.booleans(), st.sampled_from(["homework.ipynb", "homework.py"]))
@example({"cells": [{"cell_type": "code", "source": ["x\ud800 = 1"]}]}, False, "homework.ipynb")
def test_almost_notebooks(document, twice, name):
    text = json.dumps(Twice(document) if twice and isinstance(document, dict) else document)
    read_anything(text.encode(), name)


@settings(max_examples=60)
@given(
    st.integers(1, 300_000), st.sampled_from(['{"cells":', "[", '{"a":[', '{"cells":[{"source":'])
)
def test_deep_nesting(depth, opening):
    data = (opening * depth)[:LIMIT].encode()
    read_anything(b'{"cells": ' + data, "homework.ipynb")


@settings(max_examples=60)
@given(st.integers(1, 200_000), st.sampled_from(["1", "-9", "1e", "0.1", "1E-"]))
def test_huge_numbers(digits, start):
    text = (
        f'{{"nbformat": {start}{"9" * digits}, "cells": [{{"cell_type": "code", "source": "x"}}]}}'
    )
    read_anything(text.encode(), "homework.ipynb")


SAMPLES = sorted(
    (path for path in (ROOT / "tests" / "submissions").glob("*.*") if path.stat().st_size < 40_000),
    key=lambda path: path.name,
)
PIECES = st.sampled_from([
    b"", b"\0", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b"\xff\xfe", b"\xef\xbb\xbf", b"\x80",
    b"\\ud800", b"<<<<<<< HEAD\n", b"null", b"1" * 50, b"\n%%bash\n", b"# coding: utf-7\n", b"\r",
])  # fmt: skip
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True), st.integers(0, 40), PIECES | st.binary(max_size=4)
    ),
    max_size=8,
)


def mutated(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Replace, at each place, that many bytes by others."""
    for where, length, piece in changes:
        at = int(where * len(data))
        data = data[:at] + piece + data[at + length :]
    return data


@settings(max_examples=300)
@given(st.sampled_from(SAMPLES), CHANGES, st.floats(0, 1))
def test_real_files_with_some_bytes_changed(path, changes, kept):
    data = mutated(path.read_bytes(), changes)
    read_anything(data[: int(len(data) * kept)] if kept < 0.3 else data, path.name)


# Archives

LIMITS = msgspec.structs.replace(
    load_rubric().archives, student_bytes=LIMIT, class_bytes=4 * LIMIT, entries=100
)


def discover_anything(data: bytes) -> None:
    """Find what is in an archive of these bytes, and in one student's; nothing lies outside."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        root = Path(name)
        (root / "class").mkdir()
        (root / "tmp").mkdir()
        archive = root / "class" / "eve.zip"
        archive.write_bytes(data)
        (root / "class" / "bob.py").write_bytes(b"x = 1\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(root / "tmp"))
            with Archives(LIMITS, LIMIT // 2) as archives:
                for paths in ([root / "class"], [archive]):
                    found_anything(paths, archives, root / "class")
                (own,) = (root / "tmp").iterdir()
                inside = own / FILES
                assert {path.name for path in inside.iterdir()} <= {*map(str, range(20)), "scratch"}
                assert not any(path.is_symlink() for path in inside.rglob("*"))
        everything = {str(path.relative_to(root)) for path in root.rglob("*")}
        assert everything == {"class", "tmp", "class/eve.zip", "class/bob.py"}


def found_anything(paths: list[Path], archives: Archives, folder: Path) -> None:
    try:
        found = discover(paths, archives)
    except NothingToGrade as error:
        found = []
        said = str(error)
    if not found:
        assert said.isprintable()
        return
    if paths == [folder]:
        assert [s.problem for s in found if s.files == (folder / "bob.py",)] == [None]
    for submission in found:
        assert (submission.problem is None) <= bool(submission.files)
        assert (submission.problem or "x").isprintable()
        for file in submission.files if submission.problem is None else ():
            assert file.is_file()
            assert len(file.read_bytes()) <= LIMIT


PARTS = st.sampled_from([
    "..", ".", "", "homework.py", "homework.ipynb", "a", "A", "bob.py", "eve.zip", "hw", ".hidden",
    "__MACOSX", "C:", "C:a.py", "...", " ", "a\u202eb.py", "x" * 250 + ".py", "王" * 100 + ".py",
    "x" * 300, "😀.py", "\n.py", "nul\0.py", "b.zip", "-rf", "~", "con.py", "\ud83d.py", ".py",
])  # fmt: skip
WAYS_OUT = st.sampled_from(["", "", "", "../", "../../", "../../../", "a/../../../", "/", "C:/"])
NAMES = st.builds(
    lambda out, parts, separator: (out + "/".join(parts)).replace("/", separator),
    WAYS_OUT,
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from(["/", "/", "\\", "//"]),
).map(lambda name: name.encode("utf-8", "replace").decode())
CONTENTS = st.sampled_from(
    [b"", b"x = 1\n", b"\0" * 300_000, b"/etc/passwd", b"PK\x05\x06" + b"\0" * 18]
)
MODES = st.sampled_from([0, 0o100644, 0o120777, 0o040755, 0o010600, 0o060600, 0o140700, 0o170000])
METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])


def info(name: str, mode: int, method: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


ENTRIES = st.lists(st.tuples(st.builds(info, NAMES, MODES, METHODS), CONTENTS), max_size=6)


def archive_of(entries: list[tuple[zipfile.ZipInfo, bytes]], method: int) -> bytes:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        return zipped(Path(folder, "a.zip"), entries, method=method).read_bytes()


ARCHIVES = st.builds(archive_of, ENTRIES, METHODS)
NESTED = st.builds(
    lambda inner, name, more: archive_of([(info(name, 0, 0), inner), *more], 0),
    ARCHIVES,
    st.sampled_from(["eve.zip", "a/eve.zip", "a/b/eve.ZIP"]),
    ENTRIES,
)


@settings(max_examples=200)
@given(ARCHIVES | NESTED)
def test_archives_of_any_structure(data):
    discover_anything(data)


@settings(max_examples=200)
@given(ARCHIVES | NESTED, CHANGES)
def test_archives_with_some_bytes_changed(data, changes):
    discover_anything(mutated(data, changes))


# Of each field of a local header and of one in the list at the end: where it is, and how long.
LOCAL_FIELDS = [(4, "H"), (6, "H"), (8, "H"), (14, "L"), (18, "L"), (22, "L"), (26, "H"), (28, "H")]
LISTED_FIELDS = [
    (4, "H"), (6, "H"), (8, "H"), (10, "H"), (16, "L"), (20, "L"), (24, "L"), (28, "H"), (30, "H"),
    (32, "H"), (34, "H"), (38, "L"), (42, "L"),
]  # fmt: skip
END_FIELDS = [(4, "H"), (6, "H"), (8, "H"), (10, "H"), (12, "L"), (16, "L"), (20, "H")]
FIELDS = st.sampled_from(
    [(LOCAL, *field) for field in LOCAL_FIELDS]
    + [(DIRECTORY, *field) for field in LISTED_FIELDS]
    + [(b"PK\x05\x06", *field) for field in END_FIELDS]
)
NUMBERS = st.sampled_from([0, 1, 2, 8, 9, 12, 14, 99, 0x800, 0x7FFF, 0xFFFF, 2**31, 2**32 - 1])


@settings(max_examples=300)
@given(
    ARCHIVES | NESTED, st.lists(st.tuples(FIELDS, NUMBERS | st.integers(0, 2**32 - 1)), max_size=4)
)
def test_archives_that_lie(data, lies):
    changed = bytearray(data)
    for (mark, offset, kind), number in lies:
        at = data.find(mark)
        if at >= 0 and at + offset + 4 <= len(data):
            size = struct.calcsize(f"<{kind}")
            struct.pack_into(f"<{kind}", changed, at + offset, number % 256**size)
    discover_anything(bytes(changed))


@settings(max_examples=100)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_bytes_around_an_archive(before, after):
    discover_anything(before + archive_of([(info("homework.py", 0, 0), b"x = 1\n")], 0) + after)
