"""What comes later counts, whatever the clock of the machine says: it may have been set since.

A gradebook keeps what was done in the order in which it was done.
"""

import csv
from datetime import UTC, datetime

import lms
import pytest
from books import (
    DUE,
    LATE,
    add,
    assignment,
    change,
    days,
    entry,
    final_of,
    opened,
    override,
    record,
)
from sqlalchemy import create_engine, update
from worth import MAX_UNTRAINED, worth

from grader.gradebook import default_url, tables

# Whenever everything before seems to have been done.
CLOCKS = [datetime(2061, 1, 1, tzinfo=UTC), datetime(1999, 1, 1, tzinfo=UTC)]
OF_THE_CLOCK = [
    tables.submissions.c.graded_at, tables.attempts.c.first_at, tables.gradings.c.at,
    tables.overrides.c.at, tables.settings.c.at,
]  # fmt: skip


def set_clock(url: str, at: datetime) -> None:
    """Make what a gradebook has look as if it was done then."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for column in OF_THE_CLOCK:
            connection.execute(update(column.table).values({column: at}))
    engine.dispose()


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_later_grading_counts(url, clock):
    with opened(url) as book:
        add(book, entry(record(a=60), key="1"))
        set_clock(url, clock)
        add(book, entry(record(a=10), key="2"))
        assert final_of(book).final == 50
        set_clock(url, clock)
        add(book, entry(record(a=60), key="1"))  # from the cache
        assert final_of(book).final == 100
        (attempt,) = book.history("ada").attempts
        assert [(g.score, g.in_force) for g in attempt.gradings] == [(50, False), (100, True)]


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(("counts", "number"), [("best", 2), ("last", 3)])
def test_attempts_are_in_the_order_of_being_recorded(url, clock, counts, number):
    with opened(url, assignment(counts=counts)) as book:
        for content, a in (("one", 20), ("two", 60), ("three", 40)):
            add(book, entry(record(content=content, a=a)))  # handed in at the same time
            set_clock(url, clock)
        names = [attempt.file.name for attempt in book.history("ada").attempts]
        assert names == ["one.py", "two.py", "three.py"]
        assert final_of(book).attempt == number


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_later_override_counts(url, clock):
    with opened(url, assignment(LATE)) as book:
        add(book, entry(record(), DUE + days(2)))
        for given, late_days in (({"late_days": 1}, 1), ({"late_days": 0}, 0), ({}, 2)):
            override(book, **given)
            assert final_of(book).late_days == late_days
            set_clock(url, clock)
        for points in (10, 30, 20):
            override(book, criterion="a", points=points)
            set_clock(url, clock)
            assert final_of(book).score == points + 40


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_later_setting_counts(url, clock):
    with opened(url, assignment(LATE)) as book:
        add(book, entry(record(), DUE + days(1)))
        assert final_of(book).final == 90
        for late, final in ((assignment(), 100), (assignment(LATE), 90)):
            set_clock(url, clock)
            change(book, late)
            assert (book.assignment.rubric.late, final_of(book).final) == (late.rubric.late, final)


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_class_graded_by_another_rubric_when_the_clock_is_set_right(
    warm, untrained, tmp_path, clock
):
    root, out, other = tmp_path / "class", tmp_path / "out", tmp_path / "other.toml"
    root.mkdir()
    (root / "ada.py").write_bytes((lms.CORPUS / "gbk_comments.py").read_bytes())
    text = untrained.read_text(encoding="utf-8")
    w2 = worth("grad_w2")
    other.write_text(text.replace(f'"grad_w2" = {w2:g}', '"grad_w2" = 4'), encoding="utf-8")
    assert warm.run("grade", root, "--out", out, "--rubric", untrained).returncode == 0
    set_clock(default_url(out), clock)
    done = warm.run("settings", out, "--rubric", other)
    assert done.returncode == 0, done.stderr
    (row,) = csv.DictReader((out / "grades.csv").read_text("utf-8-sig").splitlines())
    assert (row["grad_w2"], row["final"]) == ("4", f"{MAX_UNTRAINED - w2 + 4:g}")
