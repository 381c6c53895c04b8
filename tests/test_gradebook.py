"""The gradebook: what is recorded, what of it counts, and two graders at the same time.

What a database has a part in runs on SQLite and on a PostgreSQL server.
"""

import getpass
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import postgres
import pytest
from conftest import need
from disks import read_only
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect, text
from times import PATIENCE

from grader.errors import UserError
from grader.gradebook import (
    Entry,
    Gradebook,
    GradebookError,
    Grading,
    Override,
    default_url,
    statements,
)
from grader.gradebook.standing import attempts_of, counting
from grader.gradebook.statements import CHUNK
from grader.policy import Attempts, Late, Policy
from grader.records import (
    GRADES,
    Criterion,
    Final,
    Record,
    SourceNote,
    Training,
    read_students,
    to_json,
    write_grades,
)
from grader.rubric import RUBRIC_FILE, Rubric, load_rubric

BEST, LAST = (Policy(Attempts(counts), Late("", 0, 10, 50)) for counts in ("best", "last"))
DUE = datetime(2026, 10, 31, 22, 59, tzinfo=UTC)
LATE = Late("2026-10-31T23:59:00+01:00", 0, 10, 50)  # the same moment
TABLES = ("students", "submissions", "attempts", "criteria", "overrides")


def record(
    student: str = "ada", content: str = "one", a: float = 60.0, b: float = 40.0, seed: int = 1
) -> Record:
    """Return a record of two criteria, of 60 and 40 points."""
    return Record(
        student=student,
        submission=f"{content}.py",
        sha256=content,
        status="graded",
        score=a + b,
        max_score=100.0,
        criteria=[
            Criterion("a", a, 60.0, 1e-16, "right", None),
            Criterion("b", b, 40.0, None, "", None),
        ],
        training=Training(0.1, None, 0.3),
        notes=[],
        flags=[],
        isolation=["uid"],
        seed=seed,
        seconds=0.25,
        grader_version="0.1.0",
    )


def entry(graded: Record, handed_in: datetime = DUE) -> Entry:
    return Entry(f"{graded.sha256} {graded.seed}", graded, handed_in)


def days(number: float) -> timedelta:
    return timedelta(days=number)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    need("postgresql")
    with postgres.server(postgres.programs()) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return default_url(tmp_path)
    return request.getfixturevalue("server").new_database()


@pytest.fixture
def sqlite(tmp_path) -> str:
    return default_url(tmp_path)


def final_of(book: Gradebook, student: str = "ada") -> Final:
    (final,) = book.finals([student])
    return final


def sizes(url: str) -> dict[str, int]:
    """Count the rows of each table, without the gradebook."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in inspect(engine).get_table_names()
        }
    engine.dispose()
    return found


# Policies.

HANDED_IN = [  # due, grace in minutes, handed in, days late
    ("", 0, DUE + days(100), 0),
    (LATE.due, 0, DUE - days(3), 0),
    (LATE.due, 0, DUE, 0),
    (LATE.due, 0, DUE + timedelta(microseconds=1), 1),
    (LATE.due, 0, DUE + days(1), 1),
    (LATE.due, 0, DUE + days(1) + timedelta(seconds=1), 2),
    (LATE.due, 0, DUE + days(365), 365),
    (LATE.due, 15, DUE + timedelta(minutes=15), 0),
    (LATE.due, 15, DUE + timedelta(minutes=15, seconds=1), 1),
    (LATE.due, 15, DUE + days(1) + timedelta(minutes=15), 1),
    ("2026-10-31T22:59:00Z", 0, DUE + timedelta(hours=1), 1),
    (LATE.due, 0, datetime.fromisoformat("2026-11-01T00:30:00+02:00"), 0),
    (LATE.due, 0, datetime.fromisoformat("2026-10-31T23:30:00-01:00"), 1),
]


@pytest.mark.parametrize(("due", "grace", "handed_in", "late"), HANDED_IN)
def test_a_day_that_has_begun_after_due_and_grace_is_a_day_late(due, grace, handed_in, late):
    assert Late(due, grace, 10, 50).days(handed_in) == late


ZONES = {
    "": (0, "UTC, since [late] has no due"),
    "2026-10-31T23:59:00Z": (0, "+00:00, that of due in [late]"),
    "2026-10-31T23:59:00-03:30": (-3.5, "-03:30, that of due in [late]"),
}


@pytest.mark.parametrize("due", ZONES)
def test_times_without_a_zone_are_of_that_of_due(due):
    hours, words = ZONES[due]
    zone = Late(due, 0, 10, 50).zone
    assert (zone.info.utcoffset(None), zone.words) == (timedelta(hours=hours), words)


PENALTIES = [  # score, days late, percent a day, most percent, final
    (80, 0, 10, 50, 80),
    (80, 1, 10, 50, 72),  # of the 80 points that were earned, not of the 100 there are
    (80, 4, 10, 50, 48),
    (80, 5, 10, 50, 40),
    (80, 6, 10, 50, 40),
    (80, 300, 10, 100, 0),
    (80, 300, 0, 100, 80),
    (0, 2, 10, 50, 0),
    (86, 3, 10, 50, 60.2),
    (77.7, 1, 3.3, 50, 75.14),
    (80, 0.5, 10, 50, 76),
]


@pytest.mark.parametrize(("score", "late", "a_day", "most", "final"), PENALTIES)
def test_the_penalty_is_a_share_of_the_score_earned(score, late, a_day, most, final):
    assert Late(LATE.due, 0, a_day, most).final(score, late) == final


@pytest.mark.parametrize("due", ["2026-10-31T23:59:00", "2026-10-31", "tomorrow", "1793487540"])
def test_a_due_date_without_an_offset_is_refused_by_its_name(due):
    with pytest.raises(UserError, match=f"'{due}' is not a time with an offset, like 2026-"):
        msgspec.structs.replace(LATE, due=due).check()


def test_the_rubric_holds_both_policies(rubric: Rubric):
    assert rubric.policy() == BEST


COUNTING = [  # policy, (days after due, score) of each attempt, the one that counts, its final
    ("best", [(0, 50), (0, 70), (0, 60)], 2, 70),
    ("last", [(0, 50), (0, 70), (0, 60)], 3, 60),
    ("best", [(0, 70), (0, 70)], 1, 70),
    ("last", [(0, 70), (0, 70)], 2, 70),
    ("best", [(0, 70), (2, 80)], 1, 70),  # 80 less 20 % is 64
    ("best", [(0, 60), (2, 80)], 2, 64),
    ("last", [(0, 70), (2, 80)], 2, 64),
    ("last", [(2, 80), (0, 70)], 1, 64),  # recorded in this order: handed in the other way round
    ("best", [(1, 80), (0, 72)], 1, 72),  # equal after the penalty
    ("best", [(9, 0)], 1, 0),
]


@pytest.mark.parametrize(("counts", "handed_in", "attempt", "points"), COUNTING)
def test_the_best_or_the_last_attempt_counts(sqlite, counts, handed_in, attempt, points):
    with Gradebook(sqlite, Policy(Attempts(counts), LATE)) as book:
        for number, (late, score) in enumerate(handed_in):
            moment = DUE + days(late) + timedelta(seconds=number - len(handed_in))
            book.add([entry(record(content=str(number), a=score, b=0), moment)])
        final = final_of(book)
    assert (final.attempt, final.attempts, final.final) == (attempt, len(handed_in), points)
    assert final.record.score == handed_in[attempt - 1][1]


MOMENTS = st.datetimes(datetime(2026, 10, 1), datetime(2026, 12, 1), timezones=st.just(UTC))


@given(
    st.lists(st.tuples(st.floats(0, 100), MOMENTS), min_size=1, max_size=8),
    st.floats(0, 100),
    st.floats(0, 100),
    st.none() | st.floats(0, 50),
)
def test_no_attempt_is_worth_more_than_the_best(handed_in, a_day, most, extension):
    policy = Policy(Attempts("best"), Late(LATE.due, 0, a_day, most))
    overrides = [] if extension is None else [Override(
        criterion=None, points=None, late_days=extension, who="", at=DUE, why=""
    )]  # fmt: skip
    gradings = [
        Grading(
            submission_id=number,
            content=str(number),
            name="",
            status="graded",
            score=score,
            seed="1",
            grader_version="",
            handed_in=moment,
            first_at=DUE + timedelta(seconds=number),
            last_at=DUE,
        )
        for number, (score, moment) in enumerate(handed_in)
    ]
    attempts = attempts_of(gradings, overrides, policy)
    best = counting(attempts, policy)
    assert [attempt.number for attempt in attempts] == list(range(1, len(handed_in) + 1))
    assert all(best.final >= attempt.final for attempt in attempts)
    assert all(0 <= attempt.final <= round(attempt.latest.score, 2) for attempt in attempts)


# What is recorded.


def test_the_tables_and_their_rows(url):
    with Gradebook(url, BEST) as book:
        book.add([entry(record()), entry(record(content="two")), entry(record("bob"))])
    assert sizes(url) == {
        "students": 2,
        "submissions": 2,  # the same bytes of ada and bob are one
        "attempts": 3,
        "criteria": 4,
        "overrides": 0,
    }
    assert set(sizes(url)) == set(TABLES)


def nameless(graded: Record) -> Record:
    """Return a record as the book keeps it: of a file, whoever handed it in."""
    return msgspec.structs.replace(graded, student="")


def test_a_file_graded_anew_replaces_what_was_kept_of_it(url):
    crashed = msgspec.structs.replace(record(a=0, b=0), status="crashed", notes=[])
    with Gradebook(url, BEST) as book:
        book.add([entry(crashed), entry(record("bob", "two"))])
        book.add([entry(record(a=60, b=40))])
        assert book.find(["one 1"]) == {"one 1": nameless(record(a=60, b=40))}
        assert final_of(book).final == 100
        (attempt,) = book.history("ada").attempts
        assert [(g.status, g.score) for g in attempt.gradings] == [("graded", 100)]
    assert sizes(url)["criteria"] == 4


def test_adding_again_changes_nothing(url):
    entries = [entry(record(f"s{number}", content=str(number % 7))) for number in range(20)]
    with Gradebook(url, BEST) as book:
        book.add([])
        book.add(entries)
        before = sizes(url), list(book.finals(e.record.student for e in entries))
        book.add([*entries, *entries])
        assert (sizes(url), list(book.finals(e.record.student for e in entries))) == before


RECORDS = [
    record(),
    record(content="an \u00e4 and a \u4e2d", a=0.1 + 0.2, b=1e-300),
    msgspec.structs.replace(record(content="most"), seed=2**64 - 1, flags=["autograd: line 3"]),
    msgspec.structs.replace(
        record(content="odd"),
        criteria=[
            Criterion("a", 0.0, 60.0, float("nan"), "a NUL \0 and a quote '\"", "id"),
            Criterion("b", 0.0, 40.0, float("inf"), "\ufffd\n\U0001f600", None),
        ],
        notes=[SourceNote("line 1", "\0\x1b[31m")],
        training=Training(float("inf"), 0.1, 0.3),
    ),
    msgspec.structs.replace(record(content="none"), sha256=None, status="unreadable"),
]


@pytest.mark.parametrize("graded", RECORDS, ids=lambda graded: graded.sha256)
def test_the_cache_returns_the_same_bytes(url, graded):
    with Gradebook(url, BEST) as book:
        book.add([Entry("the key", graded, DUE)])
    with Gradebook(url, BEST) as book:
        (found,) = book.find(["another key", "the key"]).values()
        final = final_of(book)
    assert to_json(found) == to_json(nameless(graded))
    assert to_json(final.record) == to_json(graded)


def test_a_thousand_keys_are_found_at_once_and_unknown_ones_are_left_out(url):
    entries = [entry(record(f"s{number}", content=str(number))) for number in range(1000)]
    with Gradebook(url, BEST) as book:
        book.add(entries)
        found = book.find([*(e.key for e in entries), *(str(n) for n in range(1000))])
        assert found == {e.key: nameless(e.record) for e in entries}
        assert book.find([]) == {}


def test_the_same_bytes_of_two_students_have_each_their_own_name(url):
    with Gradebook(url, BEST) as book:
        book.add([entry(record("ada")), entry(record("bob"), DUE + days(1))])
        assert book.find(["one 1"])["one 1"].student == ""
        assert [final.student for final in book.finals(["bob", "ada"])] == ["bob", "ada"]


def test_finals_come_in_the_order_asked_and_a_chunk_at_a_time(url):
    names = [f"s{number}" for number in range(3 * CHUNK)]
    asked = []

    def asking() -> Iterator[str]:
        for name in reversed(names):
            asked.append(name)
            yield name
            yield f"nobody like {name}"

    with Gradebook(url, BEST) as book:
        book.add([entry(record(name, content=name)) for name in names])
        finals = book.finals(asking())
        next(finals)
        assert len(asked) <= CHUNK
        assert [names[-1], *(final.student for final in finals)] == names[::-1]


def test_the_same_bytes_graded_anew_are_the_same_attempt_and_the_latest_grading_counts(url):
    with Gradebook(url, BEST) as book:
        book.add([entry(record(seed=1))])
        book.add([entry(record(seed=2, b=10))])
        assert (final_of(book).attempts, final_of(book).final) == (1, 70)
        book.add([entry(record(content="two", b=0))])
        assert (final_of(book).attempts, final_of(book).attempt, final_of(book).final) == (2, 1, 70)
        book.add([entry(record(seed=1))])  # from the cache
        assert (final_of(book).attempts, final_of(book).final) == (2, 100)
        first, _ = book.history("ada").attempts
        assert [grading.seed for grading in first.gradings] == ["2", "1"]


def test_what_was_handed_in_again_was_handed_in_the_first_time(url):
    with Gradebook(url, Policy(Attempts("last"), LATE)) as book:
        for late in (3, 1, 2):
            book.add([entry(record(), DUE + days(late))])
        assert final_of(book).late_days == 1
        assert final_of(book).attempts == 1


def test_a_new_due_date_needs_no_new_grading(url):
    with Gradebook(url, BEST) as book:
        book.add([entry(record(), DUE + days(2))])
        assert final_of(book).final == 100
    with Gradebook(url, Policy(Attempts("best"), LATE)) as book:
        assert final_of(book).final == 80


def test_unreadable_files_are_told_apart_by_their_keys(url):
    unreadable = msgspec.structs.replace(record(), sha256=None, status="unreadable")
    with Gradebook(url, BEST) as book:
        for key in ("x", "y", "x"):
            book.add([Entry(key, unreadable, DUE)])
        assert final_of(book).attempts == 2


# Overrides.


@pytest.fixture
def override() -> Callable[..., None]:
    """Set by hand what is given, as an instructor does."""

    def set_by_hand(book: Gradebook, student: str = "ada", **given: object) -> None:
        nothing = {"criterion": None, "points": None, "late_days": None}
        reason = {"who": "dr. x", "why": "an oral exam", "when": DUE}
        book.override(student, **{**nothing, **reason, **given})

    return set_by_hand


NOTHING: dict[str, object] = {}
OVERRIDES = [  # what is set one after the other on 50 + 30 points, two days late; then the final
    ([], 64),
    ([{"points": 90}], 90),
    ([{"points": 0}], 0),
    ([{"late_days": 0}], 80),
    ([{"late_days": 1}], 72),
    ([{"criterion": "a", "points": 60}], 72),
    ([{"criterion": "a", "points": 60}, {"criterion": "b", "points": 40}], 80),
    ([{"criterion": "a", "points": 60}, {"late_days": 0}], 90),
    ([{"criterion": "a", "points": 60}, {"criterion": "a", "points": 10}], 32),
    ([{"criterion": "a", "points": 60}, {"criterion": "a"}], 64),
    ([{"criterion": "a", "points": 60}, NOTHING], 72),  # withdraws what is of the whole
    ([{"points": 90}, {"criterion": "a"}], 90),
    ([{"points": 90}, {"criterion": "a", "points": 0}], 90),
    ([{"points": 90}, {"points": 95}], 95),
    ([{"points": 90}, {"late_days": 0}], 90),
    ([{"points": 90}, {"late_days": 0}, NOTHING], 64),
    ([{"points": 90}, NOTHING, {"late_days": 0}], 80),
    ([{"points": 90, "late_days": 0}], 90),
    ([{"criterion": "no more in the rubric", "points": 9}], 64),
]


@pytest.mark.parametrize(("set_by_hand", "points"), OVERRIDES)
def test_the_latest_override_of_a_kind_counts(sqlite, override, set_by_hand, points):
    with Gradebook(sqlite, Policy(Attempts("best"), LATE)) as book:
        book.add([entry(record(a=50, b=30), DUE + days(2))])
        for given in set_by_hand:
            override(book, **given)
        final = final_of(book)
        assert final.final == points
        assert final.record.score == 80
        history = book.history("ada")
        assert len(history.overrides) == len(set_by_hand)
        assert final.overridden == any(map(history.in_force, history.overrides))


def test_an_override_survives_regrades_and_new_attempts(url, override):
    with Gradebook(url, BEST) as book:
        book.add([entry(record(a=0)), entry(record("bob", "two", a=0))])
        override(book, criterion="a", points=60)
        override(book, "bob", points=12)
        assert [final.final for final in book.finals(["ada", "bob"])] == [100, 12]
        book.add([entry(record(a=0, b=20, seed=2))])
        assert final_of(book).final == 80
        book.add(
            [entry(record(content="better", a=30, b=40)), entry(record("bob", "bob's better"))]
        )
        assert [final.final for final in book.finals(["ada", "bob"])] == [100, 12]
        assert final_of(book).attempt == 2
        assert [criterion.points for criterion in final_of(book).criteria] == [60, 40]
        assert [criterion.points for criterion in final_of(book).record.criteria] == [30, 40]


EXTENSIONS = [  # days late of each attempt, what is set by hand, days late then
    ([0, 2], 0, [0, 0]),
    ([0, 2], 1, [0, 1]),  # what was on time stays so
    ([0, 1, 2], 1.5, [0, 1, 1.5]),
    ([2, 0], 2, [2, 0]),
    ([0, 2], 3, [0, 3]),
    ([0, 0], 3, [3, 3]),  # their times told nothing
    ([2], 3, [3]),
    ([3, 3], 1, [1, 1]),
]


@pytest.mark.parametrize(("late", "set_by_hand", "then"), EXTENSIONS)
def test_late_days_set_by_hand_are_those_of_the_latest(sqlite, override, late, set_by_hand, then):
    with Gradebook(sqlite, Policy(Attempts("best"), LATE)) as book:
        for number, number_of_days in enumerate(late):
            book.add([entry(record(content=str(number)), DUE + days(number_of_days))])
        override(book, late_days=set_by_hand)
        assert [attempt.late_days for attempt in book.history("ada").attempts] == then


def test_an_extension_can_make_another_attempt_the_best(url, override):
    with Gradebook(url, Policy(Attempts("best"), LATE)) as book:
        book.add([entry(record(a=30)), entry(record(content="late", a=40), DUE + days(2))])
        assert (final_of(book).attempt, final_of(book).final) == (1, 70)
        override(book, late_days=0)
        assert (final_of(book).attempt, final_of(book).final) == (2, 80)


def test_points_set_by_hand_do_not_make_another_attempt_count(url, override):
    with Gradebook(url, BEST) as book:
        book.add([entry(record(a=60, b=0)), entry(record(content="two", a=10, b=40))])
        override(book, criterion="a", points=20)
        assert (final_of(book).attempt, final_of(book).final) == (1, 20)


def test_a_student_who_is_not_there_is_told_with_close_names(url, override):
    with Gradebook(url, BEST) as book:
        book.add([entry(record(name, name)) for name in ("ada", "adam", "bob")])
        for ask in (book.history, lambda name: override(book, name, points=1)):
            with pytest.raises(GradebookError) as told:
                ask("adaa")
            assert str(told.value) == (
                "no student adaa in the gradebook; did you mean ada or adam?"
            )
            with pytest.raises(GradebookError, match=r"^no student zoe in the gradebook$"):
                ask("zoe")
    assert sizes(url)["overrides"] == 0


# Two graders at once, and one that is killed.

ADDING = """
import sys
from datetime import UTC, datetime
import msgspec
from grader.gradebook import Entry, Gradebook
from grader.policy import Attempts, Late, Policy
url, size = sys.argv[1], int(sys.argv[2])
entries = msgspec.json.decode(sys.stdin.buffer.readline(), type=list[Entry])
print("ready", flush=True)
sys.stdin.readline()
with Gradebook(url, Policy(Attempts("best"), Late("", 0, 10, 50))) as book:
    for start in range(0, len(entries), size):
        book.add(entries[start : start + size])
        print(start + size, flush=True)
"""


@contextmanager
def adding(url: str, entries: list[Entry], size: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that is ready to add entries, `size` in a transaction."""
    command = [sys.executable, "-c", ADDING, url, str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            process.stdin.write(msgspec.json.encode(entries) + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def go(process: subprocess.Popen[bytes]) -> None:
    process.stdin.write(b"\n")
    process.stdin.flush()


@pytest.mark.parametrize("size", [1, 100])
def test_two_graders_at_the_same_time_lose_nothing(url, size):
    def handed_in_by(students: range, later: float) -> list[Entry]:
        """One file a student: every other one is the same for both graders."""
        return [
            entry(
                record(f"s{n}", content=f"{n} {later if n % 2 else ''}"), DUE + days(later)
            )
            for n in students
        ]  # fmt: skip

    one, two = handed_in_by(range(500), 1), handed_in_by(range(250, 750), 2)
    two.reverse()  # so that they meet, and want the same rows in another order
    with adding(url, one, size) as first, adding(url, two, size) as second:
        for process in (first, second):  # neither has created the tables
            go(process)
        for process in (first, second):
            assert len(process.stdout.read().splitlines()) == 500 / size
            assert process.wait(timeout=PATIENCE) == 0
    keys = {e.key: e.record for e in one + two}
    pairs = {(e.record.student, e.key): e.handed_in for e in reversed(one + two)}
    assert sizes(url) == {
        "students": 750,
        "submissions": len(keys),
        "attempts": len(pairs),
        "criteria": 2 * len(keys),
        "overrides": 0,
    }
    with Gradebook(url, BEST) as book:
        found = book.find(list(keys))
        assert {key: r.score for key, r in found.items()} == {k: r.score for k, r in keys.items()}
        attempts = {
            (student, f"{attempt.latest.content} {attempt.latest.seed}"): attempt.handed_in
            for student in ("s0", "s249", "s250", "s251", "s400", "s499", "s500", "s749")
            for attempt in book.history(student).attempts
        }
    expected = {pair: min(e.handed_in for e in one + two if (e.record.student, e.key) == pair)
                for pair in attempts}  # fmt: skip
    assert attempts == expected


def test_a_new_file_is_opened_by_several_at_once(tmp_path):
    def open_(number: int) -> None:
        barrier.wait()
        with Gradebook(f"sqlite:///{tmp_path}/{number}.db", BEST) as book:
            assert book.find(["nothing"]) == {}

    with ThreadPoolExecutor(4) as pool:
        for number in range(40):
            barrier = threading.Barrier(4)
            list(pool.map(open_, [number] * 4))


def test_of_two_who_record_the_same_attempt_at_once_the_earlier_time_stays(server):
    url, again = server.new_database(), record(content="one")
    engine = create_engine(url)
    with Gradebook(url, BEST) as book, ThreadPoolExecutor() as pool:
        book.add([entry(record("ada", "zero")), entry(record("bob", "one"))])
        with engine.connect() as other, engine.connect() as watching:
            statements.add(other, [entry(again, DUE + days(2))], datetime.now(UTC))
            adding = pool.submit(book.add, [entry(again, DUE + days(1))])
            deadline = time.monotonic() + PATIENCE
            waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            while not watching.execute(waits).scalar_one():
                assert not adding.done()
                assert time.monotonic() < deadline
                watching.rollback()  # or it would see the same moment for ever
                time.sleep(0.01)
            other.commit()
            adding.result(timeout=PATIENCE)
        _, attempt = book.history("ada").attempts
        assert attempt.handed_in == DUE + days(1)
    engine.dispose()


@pytest.mark.parametrize("moment", [1, 150, 290])
def test_a_grader_that_is_killed_leaves_a_whole_gradebook(url, moment):
    entries = [entry(record(f"s{n}", content=str(n))) for n in range(300)]
    with adding(url, entries, 1) as process:
        go(process)
        for number in range(1, moment + 1):
            assert int(process.stdout.readline()) == number
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=PATIENCE)
    with Gradebook(url, BEST) as book:
        kept = len(book.find([e.key for e in entries]))
        assert moment <= kept
        finals = list(book.finals(e.record.student for e in entries))
        assert [final.record for final in finals] == [e.record for e in entries[:kept]]
        assert sizes(url) == {
            "students": kept,
            "submissions": kept,
            "attempts": kept,
            "criteria": 2 * kept,
            "overrides": 0,
        }
        book.add(entries)
    assert sizes(url)["attempts"] == len(entries)


# What a person has to mend.

URLS = [
    ("", "the gradebook's URL is none"),
    ("gradebook.db", "the gradebook's URL is none"),
    ("nosuch://host/name", "nosuch://host/name: no such kind of database"),
    ("sqlite:///{folder}", "{folder}: unable to open database file"),
    ("sqlite:///{folder}/no/book.db", "{folder}/no/book.db: unable to open database file"),
    ("sqlite:///{folder}/text", "{folder}/text: file is not a database (move it away"),
    ("mysql://user:tell-nobody@localhost/x", "mysql://user:***@localhost/x: needs the Python pac"),
    ("postgresql://user:tell-nobody@localhost:port/x", "the gradebook's URL is none"),
    ("postgresql://user:tell@nobody@localhost/x", "write %40"),
    ("postgresql://user:tell-nobody@/x?host={folder}", "postgresql://user:***@/x: connection"),
    ("postgresql://user@/x?host={folder}&password=tell-nobody", "postgresql://user@/x: conn"),
]


@pytest.mark.parametrize(("bad", "says"), URLS)
def test_a_database_that_is_none_is_one_line_without_the_password(tmp_path, bad, says):
    (tmp_path / "text").write_text("no database, but long enough to be looked at\n" * 100)
    with pytest.raises(GradebookError) as told:
        Gradebook(bad.format(folder=tmp_path), BEST)
    assert says.format(folder=tmp_path) in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert not any(part in str(told.value) for part in ("tell", "nobody"))


SCHEMAS = [
    ("sqlite", "PRAGMA user_version = 7", "7"),
    ("sqlite", "PRAGMA user_version = 0", "0"),
    ("postgresql", "COMMENT ON TABLE students IS '7'", "7"),
    ("postgresql", "COMMENT ON TABLE students IS NULL", "unknown"),
]


@pytest.mark.parametrize(("url", "change", "schema"), SCHEMAS, indirect=["url"])
def test_tables_of_another_schema_are_left_alone(url, change, schema):
    Gradebook(url, BEST).__exit__(None, None, None)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(change))
    engine.dispose()
    with pytest.raises(GradebookError, match=f"are of schema {schema}, not 1; name another"):
        Gradebook(url, BEST)


def test_a_gradebook_that_cannot_be_written_is_one_line(tmp_path, sqlite):
    with Gradebook(sqlite, BEST) as book:
        book.add([entry(record())])
    with read_only(tmp_path), pytest.raises(GradebookError) as told:
        Gradebook(sqlite, BEST)
    # A disk that is read-only, or a file that is: SQLite says which.
    says = r"unable to open database file|attempt to write a readonly database"
    assert re.match(rf"{tmp_path}/gradebook.db: ({says}) \(", str(told.value))


def test_a_failure_in_mid_run_is_one_line(url):
    with Gradebook(url, BEST) as book:
        book.add([entry(record())])
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE overrides"))
        engine.dispose()
        with pytest.raises(GradebookError, match=r"^[^\n]*overrides[^\n]*$"):
            final_of(book)


def test_a_time_without_an_offset_is_refused(url):
    with Gradebook(url, BEST) as book:
        with pytest.raises(GradebookError, match="2026-10-31 22:59:00 has no offset"):
            book.add([entry(record(), DUE.replace(tzinfo=None))])
        assert book.find(["one 1"]) == {}


def test_the_gradebook_and_its_commands_need_no_torch():
    program = "import sys, grader.bookkeeping\n"
    program += "assert 'torch' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)


# grades.csv.

NAMES = ["ada", "=1+1", "'=1+1", "''", "'t Hooft", "-x", "@x", 'a, "b"', "\u00e4", "'"]


def rows(results: Path) -> list[list[str]]:
    return [line.split(",") for line in (results / GRADES).read_text("utf-8-sig").splitlines()]


def test_the_table_has_the_columns_of_today_first_and_then_what_counts(tmp_path, sqlite, override):
    with Gradebook(sqlite, Policy(Attempts("best"), LATE)) as book:
        book.add([entry(record(a=30)), entry(record(content="two"), DUE + days(2))])
        override(book, criterion="b", points=20)
        write_grades(book.finals(["ada"]), ["a", "b", "new"], tmp_path)
    head, row = rows(tmp_path)
    assert " ".join(head[:10]) == (
        "student submission status score a b new loss_manual loss_net seconds"
    )
    assert head[10:] == ["attempt", "late_days", "final"]
    assert ",".join(row) == "ada,two.py,graded,100,60,40,,0.1,,0.250,2,2,64"


def test_names_in_the_table_are_no_formulas_and_are_read_as_they_were(tmp_path, sqlite):
    with Gradebook(sqlite, BEST) as book:
        book.add([entry(record(name, name)) for name in NAMES])
        write_grades(book.finals(NAMES), ["a", "b"], tmp_path)
    assert read_students(tmp_path) == NAMES
    assert not any(row[0].startswith(("=", "+", "-", "@")) for row in rows(tmp_path))


def test_a_table_that_cannot_be_finished_stays_as_it_was(tmp_path, sqlite):
    def failing(finals: Iterator[Final]) -> Iterator[Final]:
        yield from finals
        raise GradebookError("the database is gone")

    with Gradebook(sqlite, BEST) as book:
        book.add([entry(record())])
        write_grades(book.finals(["ada"]), ["a", "b"], tmp_path)
        before = (tmp_path / GRADES).read_bytes()
        with pytest.raises(GradebookError):
            write_grades(failing(book.finals(["ada", "ada"])), ["a", "b"], tmp_path)
    assert (tmp_path / GRADES).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {GRADES, "gradebook.db"}


# The command line.

GRADED = [  # student, when after it was due, points of forward.values and of net
    ("bob", days(0), 12.0, 0.0),
    ("ada", days(-1), 6.0, 0.0),
    ("ada", days(1.5), 12.0, 8.0),
    ("zoe", days(3), 12.0, 12.0),
]


@pytest.fixture
def results(tmp_path) -> Path:
    """The results of a class of three, under a rubric by which work can be late."""
    due = rubric_due(tmp_path)
    with Gradebook(default_url(tmp_path), due.policy()) as book:
        for number, (student, after, values, net) in enumerate(GRADED):
            points = {"forward.values": values, "net": net}
            graded = msgspec.structs.replace(
                record(student, str(number)),
                score=values + net,
                criteria=[
                    Criterion(name, points.get(name, 0.0), most, None, "", None)
                    for name, most in due.points.items()
                ],
            )
            book.add([entry(graded, DUE + after)])
        write_grades(book.finals(["zoe", "ada", "bob"]), list(due.points), tmp_path)
    return tmp_path


def rubric_due(folder: Path) -> Rubric:
    """Write the rubric with a due date to `folder`, and return it."""
    written = RUBRIC_FILE.read_text()
    assert written.count('due = ""') == 1
    (folder / "rubric.toml").write_text(written.replace('due = ""', f'due = "{LATE.due}"'))
    return load_rubric(folder / "rubric.toml")


def bookkeep(warm, results: Path, command: str, *arguments: object) -> str:
    """Run a command of the gradebook on `results`, and return what it prints."""
    where = ("--results", results, "--rubric", results / "rubric.toml")
    done = warm.run(command, *arguments, *where)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def registered(results: Path) -> dict[str, list[str]]:
    """Return attempt, days late and final points of each student in grades.csv."""
    return {row[0]: row[-3:] for row in rows(results)[1:]}


def test_an_override_is_told_and_the_table_follows(warm, results):
    assert registered(results) == {
        "zoe": ["1", "3", "16.8"],
        "ada": ["2", "2", "16"],
        "bob": ["1", "0", "12"],
    }
    changes = [
        (["14", "--criterion", "grad_w1"], "grad_w1 0, final 16, 2 days late -> "
         "grad_w1 14, final 27.2, 2 days late"),
        (["--late-days", "0"], "final 27.2, 2 days late -> final 34"),
        (["50"], "final 34 -> final 50"),
        (["--withdraw"], "final 50 -> final 27.2, 2 days late"),
    ]  # fmt: skip
    for arguments, told in changes:
        printed = bookkeep(
            warm, results, "override", "ada", *arguments, "--why", "x", "--who", "dr. x"
        )
        assert printed == f"ada: {told}\n"
    assert registered(results) == {
        "zoe": ["1", "3", "16.8"],
        "ada": ["2", "2", "27.2"],
        "bob": ["1", "0", "12"],
    }


def test_the_history_shows_what_counts_and_why_and_who_changed_it(warm, results):
    bookkeep(
        warm, results, "override", "ada", 12, "--criterion", "net", "--why", "a typo", "--who", "x"
    )
    bookkeep(
        warm, results, "override", "ada", "--late-days", 0, "--why", "was ill", "--who", "dr. y"
    )
    bookkeep(warm, results, "override", "ada", "--withdraw", "--why", "was not", "--who", "dr. y")
    lines = bookkeep(warm, results, "history", "ada").splitlines()
    assert lines[0] == ("ada: final 19.2 of 100, from attempt 2 of 2 (the best final score counts)")
    for words in (
        "1 2026-10-30 22:59 0 6 6 1.py",
        "2 counts 2026-11-02 10:59 2 20 16 2.py",
        "net 12 points in force",
        "whole 0 days late",
        "whole withdrawn",
        "dr. y was not",
    ):
        assert any(words in " ".join(line.split()) for line in lines), words


BOOKKEEPING = [
    (["override", "ada", "--why", "x"], "give POINTS or --late-days, or else --withdraw"),
    (["override", "ada", "5", "--withdraw", "--why", "x"], "or else --withdraw"),
    (["override", "ada", "5", "--why", " "], "--why is empty"),
    (["override", "ada", "100.5", "--why", "x"], "100.5 is not within 0 and 100 points"),
    (["override", "ada", "nan", "--why", "x"], "nan is not within 0 and 100 points"),
    (["override", "ada", "13", "--criterion", "net", "--why", "x"], "13 is not within 0 and 12"),
    (["override", "ada", "1", "--criterion", "nett", "--why", "x"], "no criterion nett: forward"),
    (["override", "ada", "--late-days", "inf", "--why", "x"], "--late-days inf is no number"),
    (["override", "ada", "--late-days=-1", "--why", "x"], "--late-days -1 is no number"),
    (["override", "ada", "--late-days", "1", "--criterion", "net", "--why", "x"], "leave --crit"),
    (["override", "adda", "5", "--why", "x"], "no student adda in the gradebook; did you mean ada"),
    (["history", "adda"], "no student adda in the gradebook; did you mean ada?"),
    (["history", "ada", "--db", ""], "the gradebook's URL is none"),
    (["history", "ada", "--results", "nowhere"], "nowhere: no gradebook.db in it"),
]


@pytest.mark.parametrize(("arguments", "says"), BOOKKEEPING)
def test_unusable_bookkeeping_is_one_line_and_changes_nothing(warm, results, arguments, says):
    before, table = sizes(default_url(results)), (results / GRADES).read_bytes()
    where = [] if "--results" in arguments else ["--results", results]
    done = warm.run(*arguments, *where, cwd=results)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("grader: ")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (sizes(default_url(results)), (results / GRADES).read_bytes()) == (before, table)
    assert not (results / "nowhere").exists()


def test_an_override_loses_no_student_who_is_only_in_the_table(warm, results):
    table = results / GRADES
    table.write_bytes(table.read_bytes() + b"eve,eve.py\r\n")
    before = table.read_bytes()
    done = warm.run("override", "ada", 50, "--why", "x", "--results", results)
    assert done.returncode == 2
    assert "stays as it was: it lists eve, who is not in this gradebook" in done.stderr
    assert table.read_bytes() == before
    with Gradebook(default_url(results), BEST) as book:
        assert final_of(book).final == 50


def test_an_override_in_another_database_needs_no_results(warm, url, tmp_path):
    with Gradebook(url, BEST) as book:
        book.add([entry(record())])
    done = warm.run(
        "override", "ada", 50, "--why", "x", "--db", url, "--results", tmp_path / "none"
    )
    assert (done.returncode, done.stdout) == (0, "ada: final 100 -> final 50\n")
    assert not (tmp_path / "none").exists()


def test_the_login_name_is_who_sets_by_hand_unless_another_is_given(warm, results):
    bookkeep(warm, results, "override", "ada", 50, "--why", "x")
    with Gradebook(default_url(results), BEST) as book:
        (set_by_hand,) = book.history("ada").overrides
    assert set_by_hand.who == getpass.getuser()
