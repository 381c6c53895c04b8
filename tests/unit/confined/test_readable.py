"""What a worker may read is Python's parts; what a course keeps to itself lies elsewhere."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from hostile import attacks
from times import PATIENCE
from worth import MAX_UNTRAINED

from grader.commands import shared
from grader.confined import readable

SOLUTION = ROOT / "solution" / "homework.py"


@pytest.fixture
def environment(reachable) -> Iterator[Path]:
    """Give a course whose folder is a virtual environment, with this one's packages."""
    course = reachable / "course"
    (course / "bin").mkdir(parents=True)
    (course / "include").mkdir()
    (course / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (course / "lib").symlink_to(Path(sys.prefix, "lib").resolve())
    shutil.copy(Path(sys.prefix, "pyvenv.cfg"), course)
    (course / "class").mkdir()
    shutil.copy(SOLUTION, course / "class" / "ada.py")
    readable.readable_paths.cache_clear()
    yield course
    readable.readable_paths.cache_clear()


def test_of_an_environment_its_parts_are_readable_and_nothing_beside_them(environment, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(environment))
    monkeypatch.setattr(sys, "exec_prefix", str(environment))
    paths = readable.readable_paths()
    inside = {path.name for path in paths if path.is_relative_to(environment)}
    assert inside == {"bin", "include"}
    assert (environment / "lib").resolve() in paths
    others = ("/", "/usr", "/usr/share", "/usr/local", "/usr/local/etc", "/usr/local/src")
    for path in (environment, environment / "class", *map(Path, others)):
        assert path not in paths


def test_no_readable_path_is_a_link_or_lies_in_another():
    paths = readable.readable_paths()
    assert all(path == path.resolve() for path in paths)
    assert not any(a in b.parents for a in paths for b in paths)


@pytest.mark.parametrize("enabled", [True, False, None])
def test_of_what_a_user_installs_packages_and_libraries_are_readable(
    environment, monkeypatch, enabled
):
    """The user's folder may be the whole home."""
    home = environment.parent / "home"
    packages = home / "lib" / "python3" / "site-packages"
    packages.mkdir(parents=True)
    for other in ("bin", "share", "results"):
        (home / other).mkdir()
    monkeypatch.setattr("site.ENABLE_USER_SITE", enabled)
    monkeypatch.setattr("site.getuserbase", lambda: str(home))
    monkeypatch.setattr("site.getusersitepackages", lambda: str(packages))
    inside = {path for path in readable.readable_paths() if path.is_relative_to(home)}
    assert inside == ({(home / "lib").resolve()} if enabled else set())
    assert (packages in readable.python_paths()) == bool(enabled)


ASKED = {
    "the folder of the course": "os.listdir(sys.prefix)",
    "the class": "os.listdir(sys.prefix + '/class')",
    "another's file": "open(sys.prefix + '/class/ada.py').read(20)",
    "the results": "os.listdir(sys.prefix + '/results')",
    "a result": "open(sys.prefix + '/results/ada/result.json').read(20)",
    "the gradebook": "open(sys.prefix + '/results/gradebook.db', 'rb').read(20)",
}


@pytest.mark.needs("layers")
@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_a_course_in_its_virtual_environment_keeps_its_secrets(environment, untrained, mode):
    """Where root keeps it to itself, workers see Python in mounts of their own, and no more."""
    environment.parent.chmod(mode)
    lines = [
        f"try:\n    raise RuntimeError({what!r}, {code})\n"
        f"except OSError as error:\n    raise ValueError({what!r}, error.errno)\n"
        for what, code in ASKED.items()
    ]
    text = f"{attacks.part('honest')}\nimport os, sys\n{''.join(lines)}"
    (environment / "class" / "mallory.py").write_text(text)
    results = environment / "results"
    main = "import sys; from grader.commands.cli import main; sys.argv[0] = 'grader'; main()"
    command = [
        environment / "bin" / "python", "-c", main, "grade", environment / "class",
        "--out", results, "--rubric", untrained, "--jobs", "1",
    ]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    record = json.loads((results / "mallory" / "result.json").read_bytes())
    assert record["score"] == MAX_UNTRAINED
    assert "landlock.files" in record["isolation"]
    notes = [note["text"] for note in record["notes"]]
    refusals = [
        {f"ValueError: {(what, number)}" for number in (errno.EACCES, errno.ENOENT)}
        for what in ASKED
    ]
    assert len(notes) == len(refusals)
    assert all(note in refusal for note, refusal in zip(notes, refusals, strict=True))


@pytest.fixture
def python(tmp_path, monkeypatch) -> Path:
    """Give a folder that every worker may read."""
    folder = tmp_path / "python" / "lib"
    folder.mkdir(parents=True)
    monkeypatch.setattr(shared, "readable_paths", lambda: (folder,))
    shutil.copy(SOLUTION, folder / "ada.py")
    (folder / "table.csv").write_text("id,student\nada,p1\n")
    shutil.copy(ROOT / "grader" / "homework" / "rubric.toml", folder / "rubric.toml")
    return folder


GRADE = ["grade", SOLUTION, "--out", "results"]
REFUSED = {
    "class": (["grade", "{python}", "--out", "results"], "the class"),
    "one file": (["grade", "{python}/ada.py", "--out", "results"], "the class"),
    "results": (["grade", SOLUTION, "--out", "{python}/results"], "the folder of results"),
    "gradebook": ([*GRADE, "--db", "sqlite:///{python}/book.db"], "the gradebook"),
    "rubric": ([*GRADE, "--rubric", "{python}/rubric.toml"], "the rubric"),
    "roster": ([*GRADE, "--students", "{python}/table.csv"], "the table of students"),
    "times": ([*GRADE, "--times", "{python}/table.csv"], "the table of times"),
    "regrade": (["regrade", "--all", "--results", "{python}"], "the folder of results"),
    "settings": (
        ["settings", "{python}/results", "--rubric", "{python}/rubric.toml"],
        "the folder of results",
    ),
    "settings of a gradebook": (
        ["settings", "results", "--rubric", SOLUTION, "--db", "sqlite:///{python}/book.db"],
        "the gradebook",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_lies_where_workers_read_is_refused_in_one_line(warm, python, tmp_path, case):
    words, what = REFUSED[case]
    before = sorted(python.rglob("*"))
    done = warm.run(*(str(word).format(python=python) for word in words), cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f": {what} lies in {python}, which every submission may read" in line
    assert line.endswith("put it into another folder")
    assert sorted(python.rglob("*")) == before
    assert not (tmp_path / "results").exists()


WAYS = [
    "a link", "a relative path", "results by a link", "a rubric by a link", "the solution",
    "temporary files",
]  # fmt: skip


@pytest.mark.parametrize("kind", WAYS)
def test_so_is_what_gets_there_by_a_link_or_goes_without_saying(
    warm, python, tmp_path, monkeypatch, kind
):
    words, folder = GRADE, tmp_path
    if kind == "a link":
        (tmp_path / "linked").symlink_to(python)
        words = ["grade", "linked", "--out", "results"]
    elif kind == "a relative path":
        words = ["grade", os.path.relpath(python, tmp_path), "--out", "results"]
    elif kind == "results by a link":
        (tmp_path / "linked").symlink_to(python)
        words = ["grade", SOLUTION, "--out", "linked/results"]
    elif kind == "a rubric by a link":
        (tmp_path / "rubric.toml").symlink_to(python / "rubric.toml")
        words = [*GRADE, "--rubric", "rubric.toml"]
    elif kind == "the solution":
        folder = python
        (python / "solution").mkdir()
        words = ["grade", SOLUTION, "--out", tmp_path / "results"]
    else:
        monkeypatch.setattr("tempfile.gettempdir", lambda: str(python))
    done = warm.run(*words, cwd=folder)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"lies in {python}" in line
    assert not (tmp_path / "results").exists()


def test_the_grader_itself_is_never_readable():
    for path in readable.readable_paths():
        for part in readable.without_grader(path):
            assert not readable.GRADER.is_relative_to(part)
            assert os.path.lexists(part)
