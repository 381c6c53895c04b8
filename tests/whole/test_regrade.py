"""Grading again: what is known is not graded, and what determines a score makes it unknown."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from conftest import GRADER, ROOT, criteria_of, run_grader
from times import PATIENCE
from worth import MAX_UNTRAINED, worth

from grader.grading.batch import AHEAD, CHUNK, Batch, files_of, work_of
from grader.results.record import Record, TrainingResult
from grader.rubric import load_rubric, rubric_from
from grader.scoring.protocol import (
    POLICY,
    Graded,
    GradingSettings,
    SubmittedFiles,
    cache_key,
    content_of,
    may_be_faster,
)
from grader.submissions.students.times import Moment
from grader.submissions.submission import Submission

CORPUS = ROOT / "tests" / "submissions"
# Quick ones of each kind of status; the last crashes.
CHEAP = ("half_finished.py", "syntax_error.py", "gbk_comments.py", "sign_of_w1.py")
CRASHES = "import os\ndef forward(x, params):\n    os._exit(0)\n"


@pytest.fixture
def submissions(tmp_path) -> Path:
    folder = tmp_path / "class"
    folder.mkdir()
    for name in CHEAP:
        shutil.copy(CORPUS / name, folder)
    (folder / "crashes.py").write_text(CRASHES)
    (folder / "empty.ipynb").touch()
    return folder


@pytest.fixture
def grade(warm, submissions, untrained, tmp_path):
    """Grade the class and return which result.json were written, and the text on the screen."""
    results = tmp_path / "results"

    def graded(*options: object) -> tuple[set[str], str]:
        before = written(results)
        done = warm.run("grade", submissions, "--out", results, "--rubric", untrained, *options)
        assert done.returncode == 0, done.stderr
        after = written(results)
        return {name for name in after if after[name] != before.get(name)}, done.stdout

    return graded


def written(results: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in results.glob("*/result.json")}


EVERYBODY = {*(name.partition(".")[0] for name in CHEAP), "crashes", "empty"}


def test_a_class_is_graded_once_but_for_what_crashed_and_what_changed(grade, submissions, tmp_path):
    assert grade()[0] == EVERYBODY
    written, screen = grade()
    assert written <= {"crashes"}
    assert "(5 as graded before)" in screen
    (submissions / "crashes.py").unlink()
    assert grade()[0] == set()
    before = criteria_of(tmp_path / "results")
    with (submissions / "sign_of_w1.py").open("a") as file:
        file.write("# one more line\n")
    written, screen = grade()
    assert written == {"sign_of_w1"}
    assert "(4 as graded before)" in screen
    assert criteria_of(tmp_path / "results") == before


WAITS = "import time\ntime.sleep(60)\ndef forward(x, params):\n    return x\n"


def test_what_waited_and_did_not_compute_is_graded_again_by_the_next_run(warm, untrained, tmp_path):
    """It may have been the machine, or another submission, that kept it waiting."""
    text = untrained.read_text(encoding="utf-8")
    short = tmp_path / "short.toml"
    for limit in ("import_seconds = 10.0", "load_seconds = 6.0"):
        assert limit in text
        text = text.replace(limit, f"{limit.split()[0]} = 0.5")
    short.write_text(text, encoding="utf-8")
    folder, results = tmp_path / "class", tmp_path / "results"
    folder.mkdir()
    shutil.copy(CORPUS / "sign_of_w1.py", folder)
    (folder / "waits.py").write_text(WAITS)
    for known in ("2 graded", "(1 as graded before)"):
        done = warm.run("grade", folder, "--out", results, "--rubric", short)
        assert done.returncode == 0, done.stderr
        assert known in done.stdout
        (note,) = json.loads((results / "waits" / "result.json").read_bytes())["notes"]
        assert "was stopped because it waited too long" in note["text"]


def test_what_is_asked_for_otherwise_is_graded_anew(grade):
    assert "as graded before" not in grade()[1]
    assert "as graded before" in grade()[1]
    assert "as graded before" not in grade("--no-cache")[1]


def test_what_is_graded_anew_replaces_what_was_kept_by_the_same_key(grade, tmp_path):
    """Which only --no-cache and another try of what crashed do."""

    def scores() -> list[float]:
        with closing(sqlite3.connect(tmp_path / "results" / "gradebook.db")) as book:
            return [score for (score,) in book.execute("SELECT score FROM submissions ORDER BY id")]

    grade()
    before = scores()
    with closing(sqlite3.connect(tmp_path / "results" / "gradebook.db")) as book:
        record = f"replace(record, '{MAX_UNTRAINED}', '1.0')"
        book.execute(f"UPDATE submissions SET score = 1, record = {record}")
        book.commit()
    grade()
    assert scores() != before
    grade("--no-cache")
    assert scores() == before


def test_a_pseudonym_that_is_set_later_hides_what_files_are_called(
    warm, grade, submissions, tmp_path
):
    results = tmp_path / "results"
    (submissions / "crashes.py").unlink()
    grade()
    table = tmp_path / "names.csv"
    table.write_text("id,student\nsign_of_w1,p7\n")
    done = warm.run("settings", results, "--students", table)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (results / "sign_of_w1").exists()
    (page, record) = (results / "p7" / name for name in ("feedback.html", "result.json"))
    for path in (page, record):
        assert "sign_of_w1" not in path.read_text(encoding="utf-8")
    outcome = json.loads(record.read_bytes())
    points = MAX_UNTRAINED - worth("grad_w1") / 2
    assert (outcome["submission"], outcome["final"], outcome["attempts"]) == ("p7.py", points, 1)
    written, screen = grade()  # the files are called as ever
    assert (written, "(5 as graded before)" in screen) == (set(), True)
    assert json.loads(record.read_bytes()) == outcome


def test_another_seed_that_is_typed_is_refused_and_set_by_settings_grades_all_anew(
    warm, grade, submissions, untrained, tmp_path
):
    grade()
    results = tmp_path / "results"
    before = written(results)
    done = warm.run("grade", submissions, "--out", results, "--rubric", untrained, "--seed", 2**127)
    assert done.returncode == 2
    assert "differs from --seed or GRADER_SEED" in done.stderr
    assert written(results) == before
    done = warm.run("settings", results, "--seed", 2**127)
    assert (done.returncode, done.stderr) == (0, "")
    assert "No mark of 6 changes." in done.stdout
    assert "(5 as graded before)" in grade("--seed", 2**127)[1]


@pytest.mark.needs("layers")
def test_what_is_asked_to_be_strict_is_graded_anew(grade):
    assert "as graded before" not in grade()[1]
    assert "as graded before" not in grade("--isolation", "strict")[1]


def test_a_policy_is_changed_by_settings_and_needs_no_new_grading(
    warm, grade, submissions, untrained, tmp_path
):
    results = tmp_path / "results"
    grade()
    rubric = untrained.read_text(encoding="utf-8")
    due = tmp_path / "due.toml"
    due.write_text(rubric.replace('due = ""', 'due = "2020-01-01T00:00:00Z"'), encoding="utf-8")
    done = warm.run("settings", results, "--rubric", due)
    assert (done.returncode, done.stderr) == (0, "")
    assert "isolation" not in done.stdout  # nothing was graded
    record = json.loads((results / "gbk_comments" / "result.json").read_bytes())
    half = MAX_UNTRAINED / 2
    assert (record["score"], record["penalty"], record["final"]) == (MAX_UNTRAINED, half, half)
    done = warm.run("grade", submissions, "--out", results)
    assert "(5 as graded before)" in done.stdout


def test_a_rubric_without_training_trains_nobody(grade, tmp_path):
    grade()
    record = json.loads((tmp_path / "results" / "gbk_comments" / "result.json").read_bytes())
    assert (record["score"], record["max_score"]) == (MAX_UNTRAINED, MAX_UNTRAINED)
    assert record["training"]["losses"]["manual"] is None


BAD_RUBRICS = [
    ("[points]\nnet = ", "line 2: not TOML"),
    (b"\xff", "line 1: not UTF-8"),
]


@pytest.mark.parametrize(("text", "says"), BAD_RUBRICS)
def test_a_rubric_that_is_none_is_one_line(tmp_path, text, says):
    path = tmp_path / "bad.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = run_grader("grade", CORPUS, "--out", tmp_path / "out", "--rubric", path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert str(path) in line
    assert says in line


def test_an_interrupted_class_is_gone_on_with(tmp_path):
    folder, results = tmp_path / "class", tmp_path / "results"
    folder.mkdir()
    for number in range(8):
        shutil.copy(CORPUS / "gbk_comments.py", folder / f"s{number:02}.py")
        with (folder / f"s{number:02}.py").open("ab") as file:
            file.write(b"# %d\n" % number)
    command = [str(GRADER), "grade", str(folder), "--out", str(results), "--no-pages"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + PATIENCE
    while len(written(results)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    kept = written(results)
    assert 3 <= len(kept) < 8
    assert errors.decode().startswith("grader: interrupted: ")
    done = run_grader("grade", folder, "--out", results, "--no-pages")
    (before,) = re.findall(r"\((\d+) as graded before\)", done.stdout)
    assert len(kept) <= int(before) <= len(kept) + 2  # in the book, and not yet in a file
    assert {name: written(results)[name] for name in kept} == kept
    assert len((results / "grades.csv").read_text().splitlines()) == 9


# What is in a key


@pytest.fixture
def grading(rubric) -> GradingSettings:
    return GradingSettings.of(rubric, 7, strict=False)


SUBMISSION = SubmittedFiles.of("ada", "homework.py", b"x = 1\n")


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "1"},
        {"strict": True},
        {"software": {"torch": "2.14.0"}},
    ],
)
def test_a_key_depends_on_how_is_graded(grading, change):
    assert cache_key(msgspec.structs.replace(grading, **change), SUBMISSION) != cache_key(
        grading, SUBMISSION
    )


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"student": "bob"}, True),
        ({"files": {"hw.py": b"x = 1\n"}}, False),
        ({"files": {"homework.py": b"x = 2\n"}}, False),
        ({"files": {"homework.py": b"x = 1\n", "utils.py": b""}}, False),
        ({"problems": {"utils.py": "is empty"}}, False),
        ({"files": {}, "problem": "is empty"}, False),
    ],
)
def test_a_key_depends_on_the_file_and_not_on_its_student(grading, change, same):
    changed = msgspec.structs.replace(SUBMISSION, **change)
    assert (cache_key(grading, changed) == cache_key(grading, SUBMISSION)) == same


def test_a_key_depends_on_every_part_of_the_rubric_that_decides_a_record(grading):
    rubric = msgspec.to_builtins(grading.rubric)
    for part, values in rubric.items():
        name, value = next(iter(values.items()))
        if not isinstance(value, int | float):
            continue
        other = value + 1 if isinstance(value, int) else value / 2 or 0.5
        changed = rubric_from({**rubric, part: {**values, name: other}})
        key = cache_key(msgspec.structs.replace(grading, rubric=changed), SUBMISSION)
        assert (key == cache_key(grading, SUBMISSION)) == (part in POLICY), part


def test_the_software_in_a_key_is_what_is_installed(grading):
    assert set(grading.software) == {
        "grader", "python", "machine", "torch", "numpy", "matplotlib", "ipython"
    }  # fmt: skip
    assert grading.software["torch"] == "2.13.0+cpu" or grading.software["torch"] == "2.13.0"


# A stream

LIMIT = load_rubric().limits.source_bytes


def at(second: float) -> Moment:
    return Moment(datetime.fromtimestamp(second, UTC), "file")


class Tracked:
    """Grades nothing, and counts the records that are alive."""

    jobs = 2

    def __init__(self) -> None:
        self.alive: weakref.WeakSet[Held] = weakref.WeakSet()
        self.most = 0

    def prove(self) -> None:
        """Grade nothing."""

    def grade(self, submission: SubmittedFiles) -> Graded:
        return Graded(self.record_of(submission.student), None)

    def record_of(self, student: str) -> Record:
        record = Held.of(student)
        self.alive.add(record)
        self.most = max(self.most, len(self.alive))
        return record


class Held(Record, frozen=True, kw_only=True, weakref=True, eq=False):
    """A record that can be told to be alive."""

    @classmethod
    def of(cls, student: str) -> "Held":
        return cls(
            student=student, submission="a.py", sha256=None, status="graded", score=1.0,
            max_score=1.0, criteria=[], training=TrainingResult({}, 0.1), notes=[], flags=[],
            isolation=[], seconds=0.0, grader_version="0",
        )  # fmt: skip


@pytest.mark.parametrize("known", [False, True])
def test_thousands_of_submissions_are_never_in_memory_together(grading, known):
    tracked = Tracked()

    @contextmanager
    def start() -> Iterator[Tracked]:
        yield tracked

    def find(keys: Sequence[str]) -> dict[str, Record]:
        return {key: tracked.record_of("") for key in keys} if known else {}

    many = 3_000
    works = (work_of(Submission(f"s{number}", (), "is empty"), LIMIT) for number in range(many))
    counted = 0
    with Batch(works, grading, find, start) as batch:
        for some in batch.results(find):
            counted += len(some)
            assert all(result.was_known == known for result in some)
            del some
    assert counted == many
    assert tracked.most <= (3 * CHUNK if known else 4 * AHEAD * tracked.jobs)


# Attempts of one student, by when their files were last changed, and when they were handed in.
CHANGED = [((1, 2, 3), (1, 2, 3)), ((3, 1, 5), (3, 3, 5)), ((2, 2, 2), (2, 2, 2))]


@pytest.mark.parametrize("known", [0, 2, 3])
@pytest.mark.parametrize(("changed", "handed_in"), CHANGED)
def test_attempts_of_a_student_come_together_in_their_order(
    grading, tmp_path, changed, handed_in, known
):
    attempts = []
    for number, second in enumerate(changed):
        path = tmp_path / f"{number}.py"
        path.write_text(f"x = {number}\n")
        os.utime(path, (second, second))
        attempts.append(Submission("ada", (path,), None))
    newest = replace(attempts[-1], earlier=tuple(attempts[:-1]))
    keys = [cache_key(grading, files_of(attempt, LIMIT)) for attempt in attempts[:known]]
    tracked = Tracked()

    @contextmanager
    def start() -> Iterator[Tracked]:
        yield tracked

    def find(asked: Sequence[str]) -> dict[str, Record]:
        return {key: Held.of("") for key in asked if key in keys}

    with Batch([work_of(newest, LIMIT)], grading, find, start) as batch:
        (results,) = batch.results(find)
    submissions = [files_of(attempt, LIMIT) for attempt in attempts]
    assert [result.files() for result in results] == submissions
    assert [result.key for result in results] == [
        cache_key(grading, submission) for submission in submissions
    ]
    assert [result.content for result in results] == [
        content_of(submission) for submission in submissions
    ]
    assert [result.moment for result in results] == [at(second) for second in handed_in]
    assert {result.record.student for result in results} == {"ada"}
    assert {result.was_known for result in results} == {known == len(attempts)}


# Another try for what ran out of time

CONDITIONS = [
    ("Epyc, 2 processors", "Epyc, 2 processors", False),
    ("Epyc, 2 processors, busy", "Epyc, 2 processors, busy", False),
    ("Epyc, 2 processors, busy", "Epyc, 2 processors", False),
    ("Epyc, 2 processors", "Epyc, 2 processors, busy", True),
    ("Xeon, 2 processors", "Epyc, 2 processors", True),
    ("Epyc, 4 processors, busy", "Epyc, 2 processors", True),
]


@pytest.mark.parametrize(("now", "then", "is_worth_it"), CONDITIONS)
def test_what_ran_out_of_time_is_tried_again_where_it_may_have_more(now, then, is_worth_it):
    assert may_be_faster(now, then) == is_worth_it


@pytest.mark.parametrize(("then", "known"), [("here", True), ("here, busy", False), (None, False)])
def test_a_time_out_is_known_unless_another_try_is_worth_it(grading, then, known):
    record = msgspec.structs.replace(Held.of(""), status="timeout", conditions=then)
    tracked = Tracked()

    @contextmanager
    def start() -> Iterator[Tracked]:
        yield tracked

    def find(keys: Sequence[str]) -> dict[str, Record]:
        return dict.fromkeys(keys, record)

    here = msgspec.structs.replace(grading, conditions="here")
    with Batch([work_of(Submission("ada", (), "is empty"), LIMIT)], here, find, start) as batch:
        ((result,),) = batch.results(find)
    assert result.was_known == known
