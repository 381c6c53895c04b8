"""Random sequences of what instructors do: on the command line, and in a plain model of it.

The model is a dictionary of students with their attempts. It knows no seed, cache, database or
file; what each submission earns of a criterion is from the table of the sample class. After each
step every place that says what counts of somebody must say what the model says.

GRADER_TESTS_SEQUENCES asks for more sequences than `make test` has patience for.
"""

import csv
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipInfo

import hypothesis
import pytest
import readback
from conftest import GRADER, ROOT
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from times import PATIENCE
from worth import worth
from zips import zipped

SEQUENCES = int(os.environ.get("GRADER_TESTS_SEQUENCES", "4"))
STEPS = 10
SEED = 20269988772026998877202699887720

# What is handed in, and what it earns.

CORPUS = ROOT / "tests" / "submissions"
RUBRIC = (ROOT / "grader" / "homework" / "rubric.toml").read_text(encoding="utf-8")
TRAINED = ("train.manual", "train.net")  # left out: it is no matter of bookkeeping, and slow
SOURCES = (
    "gbk_comments.py",
    "sign_of_w1.py",
    "sums_always.py",
    "half_finished.py",
    "syntax_error.py",
    "untouched_stub.py",
)
# Of each criterion; each of these differs from the rubric in what it adds up to.
WEIGHTS = (
    {},
    {"grad_w1": 40.0},  # sums_always is better than sign_of_w1 then
    {"forward.stable": 0.5, "grad_w2": 30.0},
)


def shares() -> dict[str, dict[str, float]]:
    """Return which share of each criterion's points each submission earns."""
    points = tomllib.loads(RUBRIC)["points"]
    with (CORPUS / "expected.csv").open(encoding="utf-8", newline="") as table:
        rows = {row["submission"]: row for row in csv.DictReader(table)}
    return {
        source: {name: float(rows[source][name]) / most for name, most in points.items()}
        for source in SOURCES
    }


SHARES = shares()

# When. Whole minutes, as some systems tell no more.

DUE = datetime.fromisoformat("2026-10-31T23:59:00+01:00")
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MOMENTS = (
    DUE - 3 * DAY,
    DUE,
    DUE + MINUTE,
    DUE + DAY,
    DUE + DAY + MINUTE,
    DUE + 3.5 * DAY,
    DUE + 9 * DAY,
)
DUES = (None, DUE, DUE + DAY, DUE - 2 * DAY)


class Rules(NamedTuple):
    """What an assignment is graded by: weights of criteria, due date and policies."""

    weights: int
    due: datetime | None
    percent_per_day: float
    counts: str

    @property
    def points(self) -> dict[str, float]:
        points = tomllib.loads(RUBRIC)["points"] | WEIGHTS[self.weights]
        return {name: most for name, most in points.items() if name not in TRAINED}

    def write(self, path: Path) -> Path:
        """Write a rubric that says so."""
        due = self.due.isoformat() if self.due else ""
        lines = {
            **{f'"{name}"': f"{most:g}" for name, most in self.points.items()},
            **dict.fromkeys((f'"{name}"' for name in TRAINED), "false"),
            "due": f'"{due}"',
            "zone": '"Europe/Berlin"',
            "percent_per_day": f"{self.percent_per_day}",
            "counts": f'"{self.counts}"',
        }
        text = RUBRIC
        for key, value in lines.items():
            text, count = re.subn(rf"(?m)^{re.escape(key)} = .*$", f"{key} = {value}", text)
            assert count == 1, key
        path.write_text(text, encoding="utf-8")
        return path


# The model.


@dataclass
class Attempt:
    """Something that was handed in; `by_hand` are its days late, if somebody set them."""

    source: str
    handed_in: datetime
    by_hand: float | None = None


@dataclass
class Student:
    """All that there is of somebody."""

    attempts: list[Attempt] = field(default_factory=list)
    until: datetime | None = None
    whole: float | None = None
    points: dict[str, float] = field(default_factory=dict)


class Standing(NamedTuple):
    """What counts of somebody."""

    final: float
    score: float
    attempt: int
    attempts: int
    late_days: float
    points: dict[str, float]


class Model:
    """What a class comes to."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.students: dict[str, Student] = {}

    def hand_in(self, name: str, source: str, moment: datetime) -> None:
        """Of the same bytes handed in twice the first time counts."""
        attempts = self.students.setdefault(name, Student()).attempts
        for attempt in attempts:
            if attempt.source == source:
                attempt.handed_in = min(attempt.handed_in, moment)
                return
        attempts.append(Attempt(source, moment))

    def standings(self) -> dict[str, Standing]:
        """Return what counts of everybody who has handed in something."""
        return {name: self._standing(s) for name, s in self.students.items() if s.attempts}

    def _standing(self, student: Student) -> Standing:
        late = self._late_days(student)
        earned = [self._points(attempt) for attempt in student.attempts]
        left = [
            self._after_penalty(sum(points.values()), days)
            for points, days in zip(earned, late, strict=True)
        ]
        numbers = range(len(left))
        if self.rules.counts == "best":
            number = max(numbers, key=lambda n: (left[n], -n))
        else:
            number = max(numbers, key=lambda n: (student.attempts[n].handed_in, n))
        points = earned[number] | student.points
        score = sum(points.values())
        final = self._after_penalty(score, late[number])
        whole = student.whole
        return Standing(
            final if whole is None else whole, score, number + 1, len(left), late[number], points
        )

    def _points(self, attempt: Attempt) -> dict[str, float]:
        share = SHARES[attempt.source]
        return {name: share[name] * most for name, most in self.rules.points.items()}

    def _after_penalty(self, score: float, days: float) -> float:
        percent = min(days * self.rules.percent_per_day, 50)
        return round(score * (100 - percent) / 100, 2)

    def _late_days(self, student: Student) -> list[float]:
        """Return the days late of each attempt; those set by hand are of the latest they are for.

        What was less late than that, of these, is no later than it was.
        """
        due = max(student.until, self.rules.due) if student.until else self.rules.due
        by_time = [0 if due is None else _begun(a.handed_in - due) for a in student.attempts]
        meant = [
            days for days, a in zip(by_time, student.attempts, strict=True) if a.by_hand is not None
        ]
        return [
            days if a.by_hand is None else a.by_hand if days == max(meant) else min(days, a.by_hand)
            for days, a in zip(by_time, student.attempts, strict=True)
        ]


def _begun(late: timedelta) -> int:
    """Count the days that have begun."""
    return max(0, -(-late // DAY))


# The sequences.

NAMES, OTHERS = ("ada", "bob", "cy", "dee"), ("yan", "zoe")
SYSTEM = {"Kim Lee": 201, "Lea Ott": 202}  # of Brightspace, with their ids
CRITERIA = ("grad_w1", "net")
OVERRIDES = (0.0, 3.5, min(map(worth, CRITERIA)))  # of each of them
HandIn = tuple[str, str, datetime]

sources, moments = st.sampled_from(SOURCES), st.sampled_from(MOMENTS)
someone = st.integers(0, 11)  # the so-manieth of those who are there
hand_ins, others = (
    st.lists(
        st.tuples(st.sampled_from(names), sources, moments),
        min_size=2,
        max_size=3,
        unique_by=lambda hand_in: hand_in[0],
    )
    for names in (NAMES, OTHERS)
)
uploads = st.lists(
    st.tuples(st.sampled_from(tuple(SYSTEM)), sources, moments),
    min_size=1,
    max_size=3,
    unique_by=(lambda upload: upload[:2], lambda upload: (upload[0], upload[2])),
)
rules = st.builds(
    Rules,
    weights=st.integers(0, len(WEIGHTS) - 1),
    due=st.sampled_from(DUES),
    percent_per_day=st.sampled_from([10.0, 25.0]),
    counts=st.sampled_from(["best", "last"]),
)
# A fresh grader has begun to write after one to two seconds; one that only sets points earlier.
seconds = st.floats(0, 2.5)

Run = Callable[..., subprocess.CompletedProcess[str]]


class Course(RuleBasedStateMachine):
    """One sequence, in a folder of its own; `run` is the command line."""

    def __init__(self, run: Run, database: list[object]) -> None:
        super().__init__()
        self._run = run
        self._database = database
        self._folder = Path(tempfile.mkdtemp(prefix="model-"))
        self._results = self._folder / "results"
        self._count = 0
        self.model = Model(Rules(0, None, 10, "best"))

    def teardown(self) -> None:
        shutil.rmtree(self._folder)

    # What an instructor does.

    @initialize(first=rules, some=hand_ins)
    def begin(self, first: Rules, some: list[HandIn]) -> None:
        self.model.rules = first
        rubric = first.write(self._new("rubric.toml"))
        self._grade(self._lay(some), "--rubric", rubric, "--seed", SEED)
        self._remember(some)

    @rule(name=st.sampled_from(NAMES), source=sources, moment=moments)
    def grade_one(self, name: str, source: str, moment: datetime) -> None:
        self._grade(self._lay([(name, source, moment)]) / f"{name}.py")
        self._remember([(name, source, moment)])

    @rule(some=hand_ins)
    def grade_a_folder(self, some: list[HandIn]) -> None:
        self._grade(self._lay(some))
        self._remember(some)

    @rule(some=hand_ins)
    def grade_an_archive(self, some: list[HandIn]) -> None:
        entries = [
            (zip_entry(f"{name}.py", moment), (CORPUS / source).read_bytes())
            for name, source, moment in some
        ]
        self._grade(zipped(self._new("class.zip"), entries))
        self._remember(some)

    @rule(some=uploads)
    def grade_an_archive_of_a_system(self, some: list[HandIn]) -> None:
        entries = [("index.html", b"")] + [
            (
                f"{SYSTEM[name]}-67890 - {name} - {at_brightspace(moment)}/homework.py",
                (CORPUS / source).read_bytes(),
            )
            for name, source, moment in some
        ]
        self._grade(zipped(self._new("download.zip"), entries))
        self._remember(sorted(some, key=lambda upload: upload[2]))

    @rule(some=hand_ins, others=others)
    def two_grade_at_once(self, some: list[HandIn], others: list[HandIn]) -> None:
        for process in [self._start_grading(self._lay(each)) for each in (some, others)]:
            out, errors = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, (out, errors)
        self._remember([*some, *others])

    @rule(some=hand_ins, after=seconds)
    def grading_is_killed_and_run_again(self, some: list[HandIn], after: float) -> None:
        path = self._lay(some)
        kill(self._start_grading(path), after)
        self._grade(path)
        self._remember(some)

    @precondition(lambda self: self._present)
    @rule(at=someone, points=st.sampled_from([0.0, 30.0, 39.5]))
    def override_the_whole(self, at: int, points: float) -> None:
        name = self._who(at)
        self._override(name, f"{points:g}")
        self.model.students[name].whole = points

    @precondition(lambda self: self._present)
    @rule(at=someone, criterion=st.sampled_from(CRITERIA), points=st.sampled_from(OVERRIDES))
    def override_a_criterion(self, at: int, criterion: str, points: float) -> None:
        name = self._who(at)
        self._override(name, f"{points:g}", "--criterion", criterion)
        self.model.students[name].points[criterion] = points

    @precondition(lambda self: self._where(self._may_have_days))
    @rule(at=someone, days=st.sampled_from([0.0, 1.0, 2.0]))
    def override_late_days(self, at: int, days: float) -> None:
        name = self._who(at, self._may_have_days)
        self._override(name, "--late-days", f"{days:g}")
        for attempt in self.model.students[name].attempts:
            attempt.by_hand = days

    @precondition(lambda self: self.model.rules.due and self._where(self._may_be_extended))
    @rule(at=someone, until=moments)
    def extend(self, at: int, until: datetime) -> None:
        hypothesis.assume(until > self.model.rules.due)  # else it is refused: it extends nothing
        name = self._who(at, self._may_be_extended)
        self._override(name, "--until", until.isoformat())
        self.model.students[name].until = until

    @precondition(lambda self: self.model.rules.due)
    @rule(name=st.sampled_from(NAMES), until=moments)
    def extend_who_has_handed_in_nothing(self, name: str, until: datetime) -> None:
        hypothesis.assume(not self.model.students.get(name, Student()).attempts)
        hypothesis.assume(until > self.model.rules.due)
        self._override(name, "--until", until.isoformat())
        self.model.students[name] = Student(until=until)

    @precondition(lambda self: self._where(self._is_set_as_a_whole))
    @rule(at=someone)
    def withdraw_the_whole(self, at: int) -> None:
        name = self._who(at, self._is_set_as_a_whole)
        self._override(name, "--withdraw")
        student = self.model.students[name]
        student.whole = student.until = None
        for attempt in student.attempts:
            attempt.by_hand = None

    @precondition(lambda self: self._where(lambda student: student.points))
    @rule(at=someone)
    def withdraw_a_criterion(self, at: int) -> None:
        name = self._who(at, lambda student: student.points)
        criterion = min(self.model.students[name].points)
        self._override(name, "--withdraw", "--criterion", criterion)
        del self.model.students[name].points[criterion]

    @rule(new=rules)
    def settings_tried(self, new: Rules) -> None:
        self._do("settings", self._results, "--rubric", self._rubric(new), "--dry-run")

    @rule(new=rules, after=st.none() | seconds)
    def settings_changed(self, new: Rules, after: float | None) -> None:
        """With extensions there is a due date. A first try may be killed, `after` some seconds."""
        extended = any(student.until for student in self.model.students.values())
        hypothesis.assume(new.due or not extended)
        command = ("settings", self._results, "--rubric", self._rubric(new))
        if after is not None:
            kill(self._start(*command), after)
        self._do(*command)
        self.model.rules = new

    @precondition(lambda self: self._present)
    @rule(at=st.none() | someone)
    def grade_again(self, at: int | None) -> None:
        who = "--all" if at is None else self._who(at)
        self._do("regrade", who, "--results", self._results)

    @precondition(lambda self: len(self._present) > 1)
    @rule(at=someone)
    def forget(self, at: int) -> None:
        name = self._who(at)
        self._do("forget", name, "--results", self._results, "--who", "Weber")
        del self.model.students[name]

    # What must hold.

    @invariant()
    def all_places_agree(self) -> None:
        expected = self.model.standings()
        in_table = readback.grades(self._results)
        in_index = readback.index(self._results)
        in_records = readback.outcomes(self._results)
        export = self._new("export.csv")
        self._do("export", self._results, "--to", "csv", "--out", export)
        in_export = readback.exported_finals(export)
        places = (in_table, in_index, in_records, in_export)
        assert [sorted(place) for place in places] == [sorted(expected)] * len(places)
        for name, standing in expected.items():
            record = from_record(in_records[name])
            assert same(record, standing), (name, record, standing)
            row = from_table(in_table[name], standing.attempts)
            assert same(row, standing), (name, row, standing)
            near = pytest.approx(standing.final, abs=0.0051)
            assert in_index[name] == (pytest.approx(standing.score, abs=0.0051), near), name
            assert in_export[name] == near, name
            head = readback.page_head(self._results, name)
            assert any(float(number) == near for number in readback.NUMBER.findall(head)), name

    # How it is done.

    @property
    def _present(self) -> list[str]:
        return self._where(lambda student: student.attempts)

    def _where(self, holds: Callable[[Student], object]) -> list[str]:
        return sorted(name for name, s in self.model.students.items() if s.attempts and holds(s))

    def _who(self, at: int, holds: Callable[[Student], object] = lambda student: True) -> str:
        names = self._where(holds)
        return names[at % len(names)]

    @staticmethod
    def _may_have_days(student: Student) -> bool:
        return student.until is None

    @staticmethod
    def _may_be_extended(student: Student) -> bool:
        return all(attempt.by_hand is None for attempt in student.attempts)

    @staticmethod
    def _is_set_as_a_whole(student: Student) -> bool:
        days = [attempt.by_hand for attempt in student.attempts if attempt.by_hand is not None]
        return bool(student.whole is not None or student.until or days)

    def _remember(self, some: Sequence[HandIn]) -> None:
        for hand_in in some:
            self.model.hand_in(*hand_in)

    def _rubric(self, new: Rules) -> Path:
        return new.write(self._new("rubric.toml"))

    def _new(self, name: str) -> Path:
        """Return the path of a file in a folder that nobody has used yet."""
        self._count += 1
        path = self._folder / f"{self._count:03}" / name
        path.parent.mkdir()
        return path

    def _lay(self, some: Sequence[HandIn]) -> Path:
        """Write files as old as they are said to be, and return their folder."""
        folder = self._new("x").parent
        for name, source, moment in some:
            path = folder / f"{name}.py"
            shutil.copyfile(CORPUS / source, path)
            os.utime(path, (moment.timestamp(), moment.timestamp()))
        return folder

    def _grade(self, *arguments: object) -> None:
        self._do("grade", *arguments, "--out", self._results)

    def _override(self, name: str, *arguments: object) -> None:
        self._do(
            "override", name, *arguments, "--why", "x", "--who", "W", "--results", self._results
        )

    def _do(self, *arguments: object) -> None:
        done = self._run(*arguments, *self._database)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)

    def _start_grading(self, path: Path) -> subprocess.Popen[str]:
        return self._start("grade", path, "--out", self._results)

    def _start(self, *arguments: object) -> subprocess.Popen[str]:
        command = [str(GRADER), *map(str, (*arguments, *self._database))]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )


def zip_entry(name: str, moment: datetime) -> ZipInfo:
    """Return an entry as old as `moment` is where the assignment is."""
    return ZipInfo(name, moment.timetuple()[:6])


def at_brightspace(moment: datetime) -> str:
    return f"{moment:%b} {moment.day}, {moment:%Y %H%M}"


def kill(process: subprocess.Popen[str], after: float) -> None:
    """Kill a process after so many seconds, unless it has ended by then."""
    try:
        process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate(timeout=PATIENCE)


def from_table(row: Mapping[str, str], attempts: int) -> Standing:
    """Return what grades.csv says, which does not say how many attempts there are."""
    points = {name: float(row[name]) for name in SHARES[SOURCES[0]] if row.get(name)}
    numbers = (float(row[name]) for name in ("final", "score"))
    return Standing(*numbers, int(row["attempt"]), attempts, float(row["late_days"]), points)


def from_record(record: Mapping[str, Any]) -> Standing:
    """Return what result.json says."""
    points = {criterion["id"]: criterion["points"] for criterion in record["criteria"]}
    return Standing(points=points, **{name: record[name] for name in Standing._fields[:-1]})


def same(one: Standing, other: Standing) -> bool:
    """Tell whether both say the same, to the second decimal."""
    return one[2:-1] == other[2:-1] and [*one[:2], one.points] == [
        pytest.approx(value, abs=0.0051) for value in (*other[:2], other.points)
    ]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_random_sequences_come_to_what_a_plain_model_says(request, warm, database):
    """On PostgreSQL, where what is asked of the database is the same, fewer of them."""
    on_server = database == "postgresql"
    server = request.getfixturevalue("server") if on_server else None

    def sequence() -> Course:
        return Course(warm.run, ["--db", server.new_database()] if server else [])

    settings = hypothesis.settings(
        max_examples=max(2, SEQUENCES // 5) if on_server else SEQUENCES,
        stateful_step_count=STEPS,
        phases=[hypothesis.Phase.generate],  # not shrunk: it takes minutes, and steps are few
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    run_state_machine_as_test(sequence, settings=settings)
