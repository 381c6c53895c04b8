"""What was decided once is remembered: by the command line, in results that later commands find.

The first part are eleven ways in which an instructor who was careless got wrong marks and exit 0.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean
from unittest import mock
from zipfile import ZipInfo

import pytest
import readback
from conftest import GRADER, ROOT
from times import PATIENCE
from warm import WarmGrader
from worth import MAX_UNTRAINED, worth
from zips import zipped

CORPUS = ROOT / "tests" / "submissions"
DUE = "2026-10-31T23:59:00+01:00"
ON_TIME, A_DAY_LATE = "2026-10-30T12:00:00Z", "2026-11-01T12:00:00Z"
SEED = "20269988772026998877202699887720"


def left(points: float, days_late: int) -> float:
    """Return what is left of points at 10% a day, and at most half."""
    return round(points * (100 - min(10 * days_late, 50)) / 100, 2)


# Points without training, and what is left of them a day late.
RIGHT, SIGN, HALF = "gbk_comments.py", "sign_of_w1.py", "half_finished.py"
W1 = worth("grad_w1")
POINTS = {
    RIGHT: MAX_UNTRAINED,
    SIGN: MAX_UNTRAINED - W1 / 2,
    HALF: worth("forward.values", "forward.stable", "grad_w1", "grad_w2"),
}
CLASS = {"ada": (RIGHT, ON_TIME), "bob": (SIGN, A_DAY_LATE), "eve": (HALF, A_DAY_LATE)}
FINALS = {"ada": POINTS[RIGHT], "bob": left(POINTS[SIGN], 1), "eve": left(POINTS[HALF], 1)}


def start(*arguments: object, seed: str | None = None, **more: str) -> subprocess.Popen[str]:
    """Start the command line as a user does, who may have set GRADER_SEED."""
    variables = {name: value for name, value in os.environ.items() if name != "GRADER_SEED"}
    return subprocess.Popen(
        [str(GRADER), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env=variables | more | ({} if seed is None else {"GRADER_SEED": seed}),
    )  # fmt: skip


KEPT: list[WarmGrader] = []  # what `run` uses while the tests of this module run


@pytest.fixture(scope="module", autouse=True)
def in_process(warm) -> Iterator[None]:
    """Let `run` use the command line in this process, whose graders are kept."""
    KEPT.append(warm)
    yield
    KEPT.clear()


def run(
    *arguments: object, seed: str | None = None, code: int | None = 0, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line, which is to end with `code`, if that is known.

    It is a process of its own where `more` variables of the environment are the point.
    """
    if more:
        with start(*arguments, seed=seed, **more) as process:
            out, errors = process.communicate(timeout=PATIENCE)
        done = subprocess.CompletedProcess(process.args, process.returncode, out, errors)
    else:
        variables = {} if seed is None else {"GRADER_SEED": seed}
        with mock.patch.dict(os.environ, variables):
            if seed is None:
                os.environ.pop("GRADER_SEED", None)
            done = KEPT[0].run(*arguments, cwd=ROOT)
    assert code in (None, done.returncode), (arguments, done.stdout, done.stderr)
    return done


def refused(*arguments: object, seed: str | None = None) -> str:
    """Run a command that is refused, and return the one line that says why."""
    (line,) = run(*arguments, seed=seed, code=2).stderr.splitlines()
    return line


def hand_in(path: Path, source: str, moment: str, more: str = "") -> Path:
    """Write a submission of the corpus, as old as `moment`; `more` makes it another content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((CORPUS / source).read_bytes() + more.encode())
    seconds = datetime.fromisoformat(moment).timestamp()
    os.utime(path, (seconds, seconds))
    return path


def entry(name: str, *moment: int) -> ZipInfo:
    return ZipInfo(name, (*moment, 0))


@dataclass
class Course:
    """A folder with a class, its rubric and its results; `seed` is what GRADER_SEED is set to."""

    folder: Path
    seed: str | None

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def files(self) -> Path:
        return self.folder / "cls"

    @property
    def rubric(self) -> Path:
        return self.folder / "late.toml"

    def run(self, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        return run(*arguments, seed=self.seed, code=code)

    def grade(self, *paths: Path, code: int = 0, options: tuple[object, ...] = ()) -> str:
        """Grade into the results, without saying anything again; return what is on the screen."""
        command = ("grade", *(paths or [self.files]), "--out", self.results, *options)
        return self.run(*command, code=code).stdout

    def by_hand(self, command: str, *arguments: object) -> str:
        """Run a command that takes --results."""
        return self.run(command, *arguments, "--results", self.results).stdout

    def override(self, *arguments: object) -> str:
        return self.by_hand("override", *arguments, "--why", "an oral exam", "--who", "Weber")

    def finals(self) -> dict[str, float]:
        """Return the final points of everybody, on which all places that say them agree."""
        in_table = readback.finals(self.results)
        in_records = readback.outcomes(self.results)
        assert {name: record["final"] for name, record in in_records.items()} == in_table
        in_index = readback.index(self.results)
        assert {name: row.final for name, row in in_index.items()} == in_table
        exported = self.folder / "exported.csv"
        self.run("export", self.results, "--to", "csv", "--out", exported)
        assert readback.exported_finals(exported) == in_table
        return in_table


def set_up(folder: Path, seed: str | None, untrained: Path) -> Course:
    """Grade a class of three, two of them a day late."""
    course = Course(folder, seed)
    for student, (source, moment) in CLASS.items():
        hand_in(course.files / f"{student}.py", source, moment)
    course.rubric.write_text(rubric_text(untrained, due=DUE), encoding="utf-8")
    course.grade(options=("--rubric", course.rubric))
    return course


def rubric_text(path: Path, due: str = "", **points: float | str) -> str:
    """Return a rubric's text with a due date and other points for some criteria."""
    text = path.read_text(encoding="utf-8").replace('due = ""', f'due = "{due}"')
    for criterion, value in points.items():
        text, count = re.subn(rf"(?m)^\"{criterion}\" = .*$", f'"{criterion}" = {value}', text)
        assert count == 1
    return text


def copied(course: Course, folder: Path) -> Course:
    """Return a copy of a class's folder, in another place."""
    shutil.copytree(course.folder, folder)
    return Course(folder, course.seed)


@pytest.fixture(scope="module")
def seedless(tmp_path_factory, untrained) -> Course:
    """Give a class for which nobody ever said a seed; not to be changed."""
    return set_up(tmp_path_factory.mktemp("seedless"), None, untrained)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory, untrained) -> Course:
    """Give a class of an assistant who has set a seed; not to be changed."""
    return set_up(tmp_path_factory.mktemp("seeded"), SEED, untrained)


@pytest.fixture
def course(seedless, tmp_path) -> Course:
    """Give a class that a test may change, for which nobody ever said a seed."""
    return copied(seedless, tmp_path / "course")


@pytest.fixture(params=["seeded", "seedless"])
def either(request, tmp_path) -> Course:
    """Give a class that a test may change, with a seed of the assistant's and without one."""
    return copied(request.getfixturevalue(request.param), tmp_path / "course")


# Eleven faults.


def test_the_class_is_graded_as_it_should_be(either):
    assert either.finals() == FINALS


@pytest.mark.parametrize("again", [False, True], ids=["rubric not said", "rubric said again"])
def test_1_an_override_keeps_everybodys_penalty(either, again):
    said = ("--rubric", either.rubric) if again else ()
    either.override("ada", 50, *said)
    assert either.finals() == {**FINALS, "ada": 50}
    late = {name: row["late_days"] for name, row in readback.grades(either.results).items()}
    assert late == {"ada": "0", "bob": "1", "eve": "1"}


def test_1_an_export_sends_the_mark_after_the_penalty(course):
    canvas, out = course.folder / "canvas.csv", course.folder / "out.csv"
    rows = [f"{name},{number},,{name},A,\r\n" for number, name in enumerate(CLASS)]
    heads = "Student,ID,SIS User ID,SIS Login ID,Section,HW (7)\r\n"
    heads += f"    Points Possible,,,,,{MAX_UNTRAINED:g}\r\n"
    canvas.write_text(heads + "".join(rows), encoding="utf-8", newline="")
    command = ("export", course.results, "--to", "canvas", "--into", canvas, "--out", out)
    course.run(*command, "--assignment", "HW")
    sent = {row["SIS Login ID"]: row["HW (7)"] for row in readback.table(out)}
    assert {name: float(sent[name]) for name in CLASS} == FINALS


def test_2_what_is_graded_into_the_class_leaves_the_others_there(either):
    either.grade(either.files / "bob.py")
    assert either.finals() == FINALS
    assert {row["attempt"] for row in readback.grades(either.results).values()} == {"1"}


def test_2_late_hand_ins_in_a_zip_are_attempts_of_the_same_students(course):
    late = zipped(
        course.folder / "late.zip",
        [
            (entry("eve.py", 2026, 11, 2, 9, 0), (CORPUS / RIGHT).read_bytes()),
            (entry("zoe.py", 2026, 11, 2, 9, 0), (CORPUS / SIGN).read_bytes()),
        ],
    )
    course.grade(late)
    assert course.finals() == {
        **FINALS, "eve": left(POINTS[RIGHT], 2), "zoe": left(POINTS[SIGN], 2),
    }  # fmt: skip
    attempts = {name: row["attempt"] for name, row in readback.grades(course.results).items()}
    assert attempts == {"ada": "1", "bob": "1", "eve": "2", "zoe": "1"}


def test_2_a_folder_of_some_is_graded_into_the_class(course):
    for name in ("xia", "yan", "bob"):
        hand_in(course.folder / "some" / f"{name}.py", HALF, ON_TIME)
    course.grade(course.folder / "some")
    new = dict.fromkeys(["xia", "yan"], POINTS[HALF])
    assert course.finals() == FINALS | new  # bob's first one is better


def test_2_a_second_archive_of_a_system_is_merged_by_its_ids(tmp_path, untrained):
    """Another of the same name comes with it, who is somebody else."""
    results, one, two = tmp_path / "results", tmp_path / "one.zip", tmp_path / "two.zip"
    zipped(one, [(f"doejane_11_501_{HALF}", (CORPUS / HALF).read_bytes()),
                 (f"ming_13_502_{HALF}", (CORPUS / HALF).read_bytes())])  # fmt: skip
    zipped(two, [(f"doejane_LATE_11_777_{RIGHT}", (CORPUS / RIGHT).read_bytes()),
                 (f"doejane_12_778_{SIGN}", (CORPUS / SIGN).read_bytes())])  # fmt: skip
    run("grade", one, "--out", results, "--rubric", untrained)
    run("grade", two, "--out", results)
    rows = readback.grades(results).values()
    assert sorted((float(row["final"]), row["attempt"]) for row in rows) == [
        (POINTS[HALF], "1"), (POINTS[SIGN], "1"), (POINTS[RIGHT], "2"),
    ]  # fmt: skip


def test_2_two_assistants_grade_halves_at_once(either):
    halves = []
    for half in ("abc", "xyz"):
        for letter in half:
            hand_in(either.folder / half / f"{letter}{letter}.py", HALF, ON_TIME)
        halves.append(either.folder / half)
    both = [start("grade", half, "--out", either.results, seed=either.seed) for half in halves]
    for process in both:
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
    assert either.finals() == FINALS | {letter * 2: POINTS[HALF] for letter in "abcxyz"}


def test_2_two_who_grade_at_once_into_an_empty_folder_have_one_seed(tmp_path, untrained):
    course = Course(tmp_path, None)
    for name in ("ada", "bob"):
        for letter in "xyz":
            hand_in(tmp_path / name / f"{name}{letter}.py", HALF, ON_TIME)
    options = ("--out", course.results, "--rubric", untrained, "--no-pages")
    both = [start("grade", tmp_path / name, *options) for name in ("ada", "bob")]
    for process in both:
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
    students = [f"{name}{letter}" for name in ("ada", "bob") for letter in "xyz"]
    assert course.finals() == dict.fromkeys(students, POINTS[HALF])
    assert "(3 as graded before)" in course.grade(tmp_path / "ada")
    assert "(3 as graded before)" in course.grade(tmp_path / "bob")
    assert seed_of(course) > 0


@pytest.fixture
def other(tmp_path, untrained) -> Path:
    """Return another rubric, in which grad_w1 earns nothing."""
    path = tmp_path / "other.toml"
    path.write_text(rubric_text(untrained, due=DUE, grad_w1="false"), encoding="utf-8")
    return path


def test_3_another_rubric_is_refused_and_both_are_named(course, other):
    before = {path: path.read_bytes() for path in course.results.rglob("*.*") if path.is_file()}
    commands = [
        ("grade", course.files, "--out", course.results),
        ("override", "ada", 5, "--why", "x", "--who", "W", "--results", course.results),
        ("export", course.results, "--to", "csv", "--out", course.folder / "x.csv"),
    ]
    for command in commands:
        line = refused(*command, "--rubric", other, seed=course.seed)
        assert "other.toml" in line
        assert "late.toml" in line
        assert "grad_w1" in line
    assert not (course.folder / "x.csv").exists()
    after = {path: path.read_bytes() for path in course.results.rglob("*.*") if path.is_file()}
    written = {path.name for path in after if after[path] != before.get(path)}
    assert {name for name in written if not name.startswith("gradebook.db")} == set()


def test_3_a_rubric_that_is_set_grades_every_attempt(either, other):
    """Nobody's files are needed for it, and nobody has more than there is."""
    hand_in(either.files / "ada.py", SIGN, ON_TIME)
    either.grade()
    assert either.finals() == FINALS  # the first one is better
    shutil.rmtree(either.files)
    either.run("settings", either.results, "--rubric", other, "--who", "Weber")
    most = MAX_UNTRAINED - W1
    assert either.finals() == {
        "ada": most, "bob": left(most, 1), "eve": left(POINTS[HALF] - W1, 1),
    }  # fmt: skip
    records = readback.outcomes(either.results).values()
    assert {record["max_score"] for record in records} == {most}


def test_3_attempts_are_compared_under_one_rubric(course, untrained):
    """Under the first rubric ada's first attempt is the better one, under the other the second."""
    hand_in(course.files / "ada.py", SIGN, ON_TIME)
    hand_in(course.files / "zed.py", SIGN, ON_TIME)
    course.grade()
    hand_in(course.files / "zed.py", "sums_always.py", ON_TIME)  # b1.sample and b2.sample lost
    course.grade()
    assert readback.grades(course.results)["zed"]["attempt"] == "1"
    steep = course.folder / "steep.toml"
    steep.write_text(rubric_text(untrained, due=DUE, grad_w1=40), encoding="utf-8")
    course.run("settings", course.results, "--rubric", steep)
    rows = readback.grades(course.results)
    most = MAX_UNTRAINED - W1 + 40
    assert {name: (row["attempt"], float(row["final"])) for name, row in rows.items()} == {
        "ada": ("1", most),
        "bob": ("1", left(most - 20, 1)),
        "eve": ("1", left(POINTS[HALF] - W1 + 40, 1)),
        "zed": ("2", most - worth("grad_b1.sample", "grad_b2.sample")),
    }  # fmt: skip
    course.finals()


def test_3_a_dry_run_says_what_moves_and_changes_nothing(course, other):
    before = readback.grades(course.results)
    screen = course.run("settings", course.results, "--rubric", other, "--dry-run").stdout
    assert re.search(r"\b3\b", screen)
    lost, left_to_ada = f"{W1:g}", f"{MAX_UNTRAINED - W1:g}"
    assert re.search(rf"\b({lost}|{left_to_ada})\b", screen)
    assert readback.grades(course.results) == before
    course.grade(options=("--rubric", course.rubric))  # is still the one in force
    assert course.finals() == FINALS


def test_3_a_changed_policy_recomputes_without_grading(course, untrained):
    shutil.rmtree(course.files)
    later = course.folder / "later.toml"
    text = rubric_text(untrained, due="2026-11-01T23:59:00+01:00")
    later.write_text(text, encoding="utf-8")
    screen = course.run("settings", course.results, "--rubric", later).stdout
    assert re.search(r"\b2\b", screen)  # bob's and eve's marks move
    assert course.finals() == {
        "ada": POINTS[RIGHT], "bob": POINTS[SIGN], "eve": POINTS[HALF],
    }  # fmt: skip


def test_4_screen_index_table_and_pages_say_the_same(course):
    hand_in(course.files / "ada.py", SIGN, ON_TIME)
    screen = course.grade()
    finals = course.finals()
    assert finals == FINALS
    in_table = mean(finals.values())
    (on_screen,) = re.findall(r"mean (\d+(?:\.\d+)?)", screen)
    assert float(on_screen) == pytest.approx(in_table, abs=0.051)
    assert readback.index_mean(course.results) == pytest.approx(in_table, abs=0.051)
    for student, final in FINALS.items():
        numbers = readback.NUMBER.findall(readback.page_head(course.results, student))
        assert final in map(float, numbers)
    numbers = readback.NUMBER.findall(readback.page_head(course.results, "ada"))
    assert POINTS[SIGN] not in map(float, numbers)
    record = readback.outcomes(course.results)["ada"]
    assert (record["score"], record["final"], record["attempt"], record["attempts"]) == (
        POINTS[RIGHT], POINTS[RIGHT], 1, 2,
    )  # fmt: skip


def test_4_the_penalty_and_what_is_set_by_hand_are_in_every_record(course):
    by_hand, score = W1 / 2, POINTS[HALF] - W1 / 2
    final = left(score, 1)
    course.override("eve", by_hand, "--criterion", "grad_w1")
    assert course.finals() == {**FINALS, "eve": final}
    record = readback.outcomes(course.results)["eve"]
    penalty = round(score - final, 2)
    assert (record["score"], record["penalty"], record["final"]) == (score, penalty, final)
    (points,) = [c["points"] for c in record["criteria"] if c["id"] == "grad_w1"]
    row = readback.grades(course.results)["eve"]
    assert (points, row["grad_w1"], row["score"]) == (by_hand, f"{by_hand:g}", f"{score:g}")
    assert readback.index(course.results)["eve"] == (score, final)


@pytest.mark.parametrize(("mark", "code"), [(FINALS["eve"], 0), (FINALS["eve"] + 1, 1)])
def test_4_what_is_under_a_mark_is_so_after_the_penalty(course, mark, code):
    course.grade(options=("--fail-under", mark), code=code)


@pytest.mark.parametrize(("mark", "code"), [(50, 0), (51, 1)])
def test_4_what_is_under_a_mark_is_so_with_what_is_set_by_hand(course, mark, code):
    course.override("eve", 50)
    course.grade(options=("--fail-under", mark), code=code)


def test_4_what_other_systems_read_is_the_final_mark(tmp_path, course):
    file, results, out = course.files / "eve.py", tmp_path / "eves", tmp_path / "out"
    run("grade", file, "--out", results, "--rubric", course.rubric)
    run("export", results, "--to", "gradescope", "--out", out)
    assert json.loads(out.read_bytes())["score"] == FINALS["eve"]
    run("export", results, "--to", "github", "--out", out)
    assert f"{FINALS['eve']:g}" in out.read_text(encoding="utf-8")


def test_5_a_homework_py_beside_the_class_makes_it_nobodys(course, tmp_path):
    hand_in(course.files / "homework.py", RIGHT, ON_TIME)
    results = tmp_path / "others"
    run("grade", course.files, "--out", results, "--rubric", course.rubric)
    finals = readback.finals(results)
    assert {name: finals.get(name) for name in CLASS} == FINALS


STUDENT_ZIP = [("2026-11-20T12:00:00Z", 20), (ON_TIME, 0)]


@pytest.mark.parametrize(("moment", "late"), STUDENT_ZIP)
def test_6_times_in_a_students_own_zip_count_for_nothing(course, tmp_path, moment, late):
    archive = tmp_path / "zips" / "kim.zip"
    zipped(archive, [(entry("homework.py", 2026, 10, 1, 10, 0), (CORPUS / HALF).read_bytes())])
    seconds = datetime.fromisoformat(moment).timestamp()
    os.utime(archive, (seconds, seconds))
    course.grade(archive)
    record = readback.outcomes(course.results)["kim"]
    final = left(POINTS[HALF], late)
    assert (record["late_days"], record["final"], record["told_by"]) == (late, final, "file")


def test_6_the_entry_of_the_classs_archive_counts_and_not_that_of_the_students(course, tmp_path):
    inner = zipped(
        tmp_path / "inner.zip",
        [(entry("homework.py", 2026, 10, 1, 10, 0), (CORPUS / HALF).read_bytes())],
    )
    whole = zipped(
        tmp_path / "class.zip",
        [(entry(f"{name}.zip", 2026, 11, 3, 12, 0), inner.read_bytes()) for name in ("kim", "lea")],
    )
    course.grade(whole)
    for name in ("kim", "lea"):
        record = readback.outcomes(course.results)[name]
        assert (record["late_days"], record["told_by"]) == (3, "archive")
        assert record["handed_in"] == "2026-11-03T12:00:00+01:00"


@pytest.fixture(params=["Europe/Berlin", "UTC", "Asia/Taipei", "America/New_York"])
def zone(request, monkeypatch) -> Iterator[None]:
    """Be in a zone, as a process is that was started there."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_6_lateness_is_the_same_in_every_zone(course, tmp_path):
    """Times of an archive, which have no zone, are read in that of the due date."""
    archive = zipped(
        tmp_path / "tz.zip",
        [
            (entry("kim/homework.py", 2026, 10, 31, 23, 50), (CORPUS / HALF).read_bytes()),
            (entry("lea/homework.py", 2026, 11, 1, 0, 10), (CORPUS / SIGN).read_bytes()),
        ],
    )
    course.grade(archive)
    records = readback.outcomes(course.results)
    assert (records["kim"]["late_days"], records["lea"]["late_days"]) == (0, 1)
    assert records["kim"]["handed_in"] == "2026-10-31T23:50:00+01:00"
    assert records["kim"]["due"] == records["bob"]["due"] == DUE
    assert records["bob"]["handed_in"] == "2026-11-01T13:00:00+01:00"


def test_7_an_unknown_criterion_is_refused(course, untrained, tmp_path):
    typo = tmp_path / "typo.toml"
    text = untrained.read_text(encoding="utf-8").replace("[points]", '[points]\n"derivation" = 20')
    typo.write_text(text, encoding="utf-8")
    for command in (["grade", course.files, "--out", tmp_path / "r8"], ["validate"]):
        line = refused(*command, "--rubric", typo)
        assert "derivation" in line
        assert "typo.toml" in line
    assert not (tmp_path / "r8").exists()


def test_8_a_rubric_may_say_only_what_differs(course, tmp_path):
    part, results = tmp_path / "part.toml", tmp_path / "results"
    part.write_text(f'[late]\ndue = "{DUE}"\n', encoding="utf-8")
    run("grade", course.files / "eve.py", "--out", results, "--rubric", part)
    (row,) = readback.grades(results).values()
    assert (float(row["score"]), row["late_days"]) == (POINTS[HALF], "1")
    assert float(row["final"]) == FINALS["eve"]
    run("override", "eve", "--late-days", 0, "--why", "x", "--who", "W", "--results", results)
    assert readback.finals(results) == {"eve": POINTS[HALF]}


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Return a folder with the grader as pip installs it from a wheel, without the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "grader", tree / "grader", ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, tree]
    subprocess.run(build, check=True, timeout=PATIENCE, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    install = [*pip, "install", "--no-deps", "--target", folder / "site", wheel]
    subprocess.run(install, check=True, timeout=PATIENCE, capture_output=True)
    shutil.rmtree(tree)
    return folder / "site"


def test_9_a_wheel_releases_the_assignment(installed, tmp_path):
    program = (
        "import sys; from grader.commands.cli import main; sys.argv[0] = 'grader'; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, "release"],
        capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "assignment" / "homework.py").exists()
    assert (tmp_path / "solution" / "homework.py").exists()
    assert list((tmp_path / "dist").iterdir())


def language_of(results: Path) -> str:
    page = (results / "index.html").read_text(encoding="utf-8")
    return re.search('<html lang="([^"]*)"', page)[1]


def test_10_the_language_stays(course, tmp_path):
    results = tmp_path / "results"
    command = ("grade", course.files, "--out", results)
    run(*command, "--rubric", course.rubric, "--lang", "zh_Hant")
    language = language_of(results)
    assert language.startswith("zh")
    run("override", "bob", 50, "--why", "x", "--who", "W", "--results", results)
    assert language_of(results) == language
    run(*command)
    assert language_of(results) == language
    page = (results / "bob" / "feedback.html").read_text(encoding="utf-8")
    assert f'<html lang="{language}"' in page
    line = refused(*command, "--lang", "en")
    assert "en" in line
    assert "zh_Hant" in line
    run("settings", results, "--lang", "en")
    assert language_of(results) == "en"
    page = (results / "ada" / "feedback.html").read_text(encoding="utf-8")
    assert '<html lang="en"' in page


def test_11_late_days_set_by_hand_are_of_the_attempts_there_are(course):
    course.override("eve", "--late-days", 0)
    assert course.finals() == {**FINALS, "eve": POINTS[HALF]}
    hand_in(course.files / "eve.py", RIGHT, "2026-11-03T12:00:00Z")
    course.grade()
    assert course.finals() == {**FINALS, "eve": left(POINTS[RIGHT], 3)}
    row = readback.grades(course.results)["eve"]
    assert (row["attempt"], row["late_days"]) == ("2", "3")
    assert readback.outcomes(course.results)["eve"]["attempts"] == 2


def test_11_late_days_set_by_hand_for_a_worse_later_attempt_leave_the_first_as_it_is(course):
    course.override("eve", "--late-days", 0)
    hand_in(course.files / "eve.py", SIGN, "2026-12-24T12:00:00Z")  # half of it is left
    course.grade()
    assert course.finals() == {**FINALS, "eve": POINTS[HALF]}


EXTENDED = [  # handed in; days late with an extension to November 3
    ("2026-11-02T12:00:00Z", 0),
    ("2026-11-03T22:59:00Z", 0),
    ("2026-11-03T22:59:01Z", 1),
    ("2026-11-05T12:00:00Z", 2),
]


@pytest.mark.parametrize(("moment", "late"), EXTENDED)
def test_11_after_an_extension_late_is_what_is_beyond_it(course, moment, late):
    course.override("eve", "--until", "2026-11-03T23:59:00+01:00")
    assert course.finals() == {**FINALS, "eve": POINTS[HALF]}
    hand_in(course.files / "eve.py", RIGHT, moment)
    course.grade()
    assert course.finals() == {**FINALS, "eve": left(POINTS[RIGHT], late)}
    record = readback.outcomes(course.results)["eve"]
    assert (record["attempt"], record["late_days"]) == (2, late)
    assert record["due"] == "2026-11-03T23:59:00+01:00"
    assert readback.outcomes(course.results)["bob"]["due"] == DUE
    course.override("eve", "--withdraw")
    assert readback.outcomes(course.results)["eve"]["due"] == DUE


def test_11_an_extension_may_come_before_anything_is_handed_in(course, tmp_path):
    roster = tmp_path / "names.csv"
    roster.write_text("id,student\nada,Ada\numa,uma\n", encoding="utf-8")
    course.run("settings", course.results, "--students", roster)
    course.override("uma", "--until", "2026-11-03T23:59:00+01:00")
    others = {"Ada": FINALS["ada"], "bob": FINALS["bob"], "eve": FINALS["eve"]}
    assert course.finals() == others
    hand_in(course.files / "uma.py", HALF, "2026-11-04T12:00:00Z")
    course.grade()
    assert course.finals() == {**others, "uma": left(POINTS[HALF], 1)}


def test_11_an_extension_may_be_of_whom_no_table_names_yet(course):
    course.override("uma", "--until", "2026-11-03T23:59:00+01:00")
    assert course.finals() == FINALS
    hand_in(course.files / "uma.py", HALF, "2026-11-03T12:00:00Z")
    course.grade(course.files / "uma.py")
    assert course.finals() == {**FINALS, "uma": POINTS[HALF]}


# The seed.


def seed_of(course: Course) -> int:
    """Return the seed as `settings --show-seed` tells it: the one line that the other has not."""
    shown = course.run("settings", course.results, "--show-seed").stdout
    hidden = course.run("settings", course.results).stdout
    assert shown != hidden
    (number,) = set(re.findall(r"\d+", shown)) - set(re.findall(r"\d+", hidden))
    return int(number)


def test_a_seed_that_nobody_said_is_secret_and_stays(course):
    seed = seed_of(course)
    assert seed.bit_length() > 96  # of 128: one of four billion has fewer
    assert "(3 as graded before)" in course.grade()
    assert seed_of(course) == seed
    assert course.finals() == FINALS
    spellings = [str(seed).encode(), b"%x" % seed, b"%X" % seed]
    spellings += [seed.to_bytes(16, order) for order in ("big", "little")]
    for path in course.results.rglob("*"):
        if path.is_file() and not path.name.startswith("gradebook.db"):
            content = path.read_bytes()
            assert [spelling for spelling in spellings if spelling in content] == [], path


def test_seeds_of_two_assignments_differ(warm, untrained, tmp_path):
    courses = [Course(tmp_path / name, None) for name in ("one", "other")]
    for course in courses:
        done = warm.run("settings", course.results, "--rubric", untrained, own_seed=True)
        assert done.returncode == 0, done.stderr
    assert seed_of(courses[0]) != seed_of(courses[1])


@pytest.mark.parametrize("how", ["variable", "option"])
@pytest.mark.parametrize("first", [SEED, None], ids=["said", "not said"])
def test_another_seed_is_refused_and_neither_is_shown(how, first, tmp_path, untrained):
    course = set_up(tmp_path, first, untrained)
    other = "31415926535897932384626433832795"
    command = ("grade", course.files, "--out", course.results)
    option, variable = (("--seed", other), None) if how == "option" else ((), other)
    line = refused(*command, *option, seed=variable)
    assert "seed" in line.lower()
    assert other not in line
    assert str(seed_of(Course(tmp_path, None))) not in line


def test_the_same_seed_may_be_said_again(tmp_path, untrained):
    course = set_up(tmp_path, SEED, untrained)
    assert "(3 as graded before)" in course.grade(options=("--seed", SEED))
    assert "(3 as graded before)" in run("grade", course.files, "--out", course.results).stdout
    assert seed_of(Course(tmp_path, None)) == int(SEED)


@pytest.mark.parametrize("how", [["--seed", str(2**127)], ["--new-seed"]])
def test_a_seed_is_changed_by_settings_alone(course, how):
    before = seed_of(course)
    shutil.rmtree(course.files)
    course.run("settings", course.results, *how)
    assert seed_of(course) != before
    assert course.finals() == FINALS  # these are worth the same, whatever they are asked


# What else is remembered.


def test_settings_say_what_is_in_force_and_who_set_it(course):
    screen = course.run("settings", course.results).stdout
    assert DUE in screen
    assert "late.toml" in screen
    later = course.folder / "later.toml"
    text = course.rubric.read_text(encoding="utf-8").replace("-10-31T", "-11-07T")
    later.write_text(text, encoding="utf-8")
    course.run("settings", course.results, "--rubric", later, "--who", "Weierstrass")
    screen = course.run("settings", course.results).stdout
    assert "2026-11-07T23:59:00+01:00" in screen
    assert "Weierstrass" in screen


def test_names_and_sections_are_remembered(course, tmp_path):
    results = tmp_path / "results"
    roster = tmp_path / "names.csv"
    roster.write_text(
        "id,student,section\nada,Ada Lovelace,Monday group\nbob,,Friday group\neve,Eve,\n",
        encoding="utf-8",
    )
    command = ("grade", course.files, "--out", results)
    run(*command, "--rubric", course.rubric, "--students", roster)
    named = {"Ada Lovelace": FINALS["ada"], "bob": FINALS["bob"], "Eve": FINALS["eve"]}
    assert readback.finals(results) == named
    index = (results / "index.html").read_text(encoding="utf-8")
    assert "Monday group" in index
    run(*command)
    assert readback.finals(results) == named
    run("override", "Eve", 50, "--why", "x", "--who", "W", "--results", results)
    assert "Friday group" in (results / "index.html").read_text(encoding="utf-8")
    assert readback.finals(results) == {**named, "Eve": 50}
    roster.write_text("id,student\nada,Augusta\neve,Eve\n", encoding="utf-8")
    assert "names.csv" in refused(*command, "--students", roster)
    run("settings", results, "--students", roster)
    assert readback.finals(results) == {
        "Augusta": FINALS["ada"], "bob": FINALS["bob"], "Eve": 50,
    }  # fmt: skip


def test_a_gradebook_elsewhere_is_found_again_or_asked_for(course, tmp_path):
    """No second one is begun beside the results, with nobody's late days in it."""
    results, url = tmp_path / "results", f"sqlite:///{tmp_path / 'book.db'}"
    command = ("grade", course.files, "--out", results)
    run(*command, "--rubric", course.rubric, "--db", url)
    override = ("override", "ada", 50, "--why", "x", "--who", "W", "--results", results)
    for again in (override, (*command,)):
        done = run(*again, code=None)
        (line,) = done.stderr.splitlines() or [""]
        assert done.returncode == 0 or (done.returncode == 2 and "--db" in line)
        assert not (results / "gradebook.db").exists()
    run(*override, "--db", url)
    assert readback.finals(results) == {**FINALS, "ada": 50}


def test_results_hold_no_path_of_this_machine_for_students(course):
    course.override("bob", 50)
    for student in CLASS:
        for path in (course.results / student).iterdir():
            text = path.read_text(encoding="utf-8")
            assert str(course.folder.parent) not in text, path
            assert str(course.results) not in text, path


def test_reasons_for_the_staff_reach_no_student_and_words_for_the_student_do(course):
    staff, student = "suspected of copying 7f3a", "We talked on Friday 9b1c"
    course.by_hand("override", "bob", 50, "--why", staff, "--tell", student, "--who", "Weierstrass")
    texts = {path.name: path.read_text("utf-8") for path in (course.results / "bob").iterdir()}
    for text in texts.values():
        assert staff not in text
    assert student in texts["feedback.html"]
    assert student in texts["result.json"]
    wide = run("history", "bob", "--results", course.results, COLUMNS="200").stdout
    history = " ".join(wide.split())
    assert "suspected" in history
    (set_,) = readback.outcomes(course.results)["bob"]["by_hand"]
    assert (set_["criterion"], set_["points"], set_["told"]) == (None, 50, student)


# Grading again, from the gradebook.

CRASHES = "import os\ndef forward(x, params):\n    os._exit(0)\n"
AGAIN = [["bob"], ["bob", "eve"], ["--status", "graded"], ["--all"]]


@pytest.mark.parametrize("who", AGAIN, ids=" ".join)
def test_who_is_graded_again_gets_the_same_without_files(either, who):
    shutil.rmtree(either.files)
    either.override("ada", 50)
    either.by_hand("regrade", *who)
    assert either.finals() == {**FINALS, "ada": 50}
    assert {row["attempt"] for row in readback.grades(either.results).values()} == {"1"}


def test_what_crashed_is_graded_again(course):
    (course.files / "cy.py").write_text(CRASHES, encoding="utf-8")
    course.grade(course.files / "cy.py")
    assert readback.outcomes(course.results)["cy"]["status"] == "crashed"
    course.by_hand("regrade", "--status", "crashed")
    assert readback.outcomes(course.results)["cy"]["status"] == "crashed"
    assert course.finals() == {**FINALS, "cy": 0}


def test_where_nobody_is_to_be_graded_again_nothing_changes(course):
    command = ("regrade", "--status", "timeout", "--results", course.results)
    done = run(*command, code=None)
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr
    assert course.finals() == FINALS


def test_nobody_is_graded_again_by_a_name_that_is_nobodys(course):
    line = refused("regrade", "boob", "--results", course.results, seed=course.seed)
    assert "boob" in line
    assert "bob" in line.replace("boob", "")  # did you mean


# Forgetting.

NAME, MARK = "wilhelmina_quast", "a_marker_of_her_own_source"


@pytest.fixture
def known(course) -> Course:
    """Give a class in which there is somebody who will be forgotten."""
    hand_in(course.files / f"{NAME}.py", HALF, ON_TIME, f"\n# {MARK}\n")
    course.grade()
    course.override(NAME, 20, "--tell", f"dear {NAME}")
    course.override(NAME, "--until", "2026-11-03T23:59:00+01:00")
    hand_in(course.files / f"{NAME}.py", SIGN, A_DAY_LATE, f"\n# {MARK} again\n")
    course.grade()
    return course


def contents(results: Path) -> Iterator[bytes]:
    """Yield every file of the results, and every blob of the gradebook as zlib unpacks it."""
    for path in results.rglob("*"):
        if path.is_file():
            yield path.read_bytes()
    with closing(sqlite3.connect(results / "gradebook.db")) as book:
        tables = book.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            for row in book.execute(f'SELECT * FROM "{name}"'):
                for value in row:
                    if isinstance(value, bytes):
                        yield value
                        yield from unpacked(value)


def unpacked(blob: bytes) -> Iterator[bytes]:
    for kind in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # zlib or gzip; raw
        try:
            yield zlib.decompress(blob, kind)
        except zlib.error:
            continue


def test_of_who_is_forgotten_nothing_is_left(known):
    assert any(NAME.encode() in content for content in contents(known.results))
    assert any(MARK.encode() in content for content in contents(known.results))
    known.by_hand("forget", NAME, "--who", "Weber")
    for content in contents(known.results):
        assert NAME.encode() not in content
        assert MARK.encode() not in content
    assert not (known.results / NAME).exists()
    assert known.finals() == FINALS
    (line,) = known.run("history", NAME, "--results", known.results, code=2).stderr.splitlines()
    assert NAME in line


def test_who_is_forgotten_may_come_again_as_somebody_new(known):
    known.by_hand("forget", NAME)
    known.grade(known.files / f"{NAME}.py")
    assert known.finals() == {**FINALS, NAME: left(POINTS[SIGN], 1)}
    record = readback.outcomes(known.results)[NAME]
    assert (record["attempt"], record["attempts"], record["by_hand"]) == (1, 1, [])


def test_who_handed_in_the_same_is_not_forgotten_with_another(known):
    """Their source is kept, too: they can be graded again."""
    (known.files / "twin.py").write_bytes((known.files / f"{NAME}.py").read_bytes())
    os.utime(known.files / "twin.py", (0, 0))
    known.grade(known.files / "twin.py")
    known.by_hand("forget", NAME)
    shutil.rmtree(known.files)
    known.by_hand("regrade", "twin")
    assert known.finals() == {**FINALS, "twin": POINTS[SIGN]}


def test_forgetting_is_told_as_a_count_and_a_stranger_is_refused(known):
    line = refused("forget", "nobody", "--results", known.results, seed=known.seed)
    assert "nobody" in line
    assert known.finals().keys() == {*FINALS, NAME}
    assert "1" in known.by_hand("forget", NAME)
