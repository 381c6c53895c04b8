"""The policies of a rubric: when work is late, what that costs, and in which zone times are."""

from datetime import UTC, datetime, timedelta

import pytest
from books import DUE, LATE, NOT_DUE, days
from msgspec.structs import replace

from grader.errors import UserError
from grader.results.policy import Attempts, Late, Policy
from grader.rubric import Rubric

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
    assert Late(due, "", grace, 10, 50).days(handed_in) == late


OWN = [  # due, grace in minutes, a student's own due date, handed in, days late
    (LATE.due, 0, DUE + days(3), DUE + days(3), 0),
    (LATE.due, 0, DUE + days(3), DUE + days(3) + timedelta(seconds=1), 1),
    (LATE.due, 15, DUE + days(3), DUE + days(3) + timedelta(minutes=15), 0),
    (LATE.due, 0, DUE + days(3), DUE + days(5), 2),
    (LATE.due, 0, DUE - days(1), DUE, 1),  # sooner than the others
    ("", 0, DUE + days(3), DUE + days(5), 0),  # nothing is due
]


@pytest.mark.parametrize(("due", "grace", "own", "handed_in", "late"), OWN)
def test_with_an_extension_late_is_what_is_beyond_it(due, grace, own, handed_in, late):
    assert Late(due, "", grace, 10, 50).days(handed_in, own) == late


@pytest.mark.parametrize("day", [25, 26])
def test_a_day_late_has_24_hours_when_the_clocks_change(day):
    """In Berlin, 25 October 2026 has 25 hours."""
    late = Late(f"2026-10-{day - 1}T12:00:00", "Europe/Berlin", 0, 10, 50)
    due = late.due_at
    assert due is not None
    in_utc = due.astimezone(UTC)
    assert [late.days(in_utc + timedelta(hours=hours)) for hours in (0, 24, 25)] == [0, 1, 2]


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
    assert Late(LATE.due, "", 0, a_day, most).final(score, late) == final


ZONES = [  # due, zone, hours from UTC on 31 October, words
    ("", "", 0, "UTC, since [late] has neither due nor zone"),
    ("2026-10-31T23:59:00Z", "", 0, "+00:00, that of due in [late]"),
    ("2026-10-31T23:59:00-03:30", "", -3.5, "-03:30, that of due in [late]"),
    ("2026-10-31T23:59:00-03:30", "Asia/Taipei", 8, "Asia/Taipei, that of zone in [late]"),
    ("2026-10-31T23:59:00", "Europe/Berlin", 1, "Europe/Berlin, that of zone in [late]"),
    ("", "America/New_York", -4, "America/New_York, that of zone in [late]"),
]


@pytest.mark.parametrize(("due", "zone", "hours", "words"), ZONES)
def test_an_assignment_has_one_zone_and_says_why_it_is_that(due, zone, hours, words):
    asked = Late(due, zone, 0, 10, 50).time_zone
    moment = datetime(2026, 10, 31, tzinfo=asked.info)
    assert (moment.utcoffset(), asked.words) == (timedelta(hours=hours), words)


def test_when_nothing_is_due_there_is_no_due_date():
    assert (NOT_DUE.due_at, LATE.due_at) == (None, DUE)


IN_BERLIN = replace(NOT_DUE, zone="Europe/Berlin")
MOMENTS = [  # policy, text, the moment
    (NOT_DUE, "2026-10-31T23:59:00+01:00", DUE),
    (NOT_DUE, " 2026-10-31 22:59Z ", DUE),
    (IN_BERLIN, "2026-10-31T23:59:00", DUE),
    (IN_BERLIN, "2026-10-31T22:59:00+00:00", DUE),  # its own offset counts
    (IN_BERLIN, "2026-07-31T23:59", datetime(2026, 7, 31, 21, 59, tzinfo=UTC)),  # summer
    (LATE, "2026-10-31T23:59:00", DUE),  # the zone is that of due
    (LATE, "2026-07-31T23:59", datetime(2026, 7, 31, 22, 59, tzinfo=UTC)),  # which has no summer
    (replace(LATE, zone="Asia/Taipei"), "2026-11-01T06:59", DUE),
]


@pytest.mark.parametrize(("late", "text", "moment"), MOMENTS)
def test_a_time_without_an_offset_is_of_the_assignments_zone(late, text, moment):
    assert late.moment(text) == moment


NO_MOMENTS = [  # zone, text
    ("", "2026-10-31T23:59:00"),
    ("", "2026-10-31"),
    ("", "tomorrow"),
    ("", "1793487540"),
    ("Europe/Berlin", "2026-10-31"),  # does it end, or begin?
    ("Europe/Berlin", "tomorrow"),
    ("Europe/Berlin", ""),
]


@pytest.mark.parametrize(("zone", "text"), NO_MOMENTS)
def test_what_is_no_time_is_refused_by_its_words(zone, text):
    with pytest.raises(UserError, match=f"'{text}' is not a time with an offset, like 2026-"):
        replace(NOT_DUE, zone=zone).moment(text)


@pytest.mark.parametrize("zone", ["", "Europe/Berlin"])
@pytest.mark.parametrize("text", ["9999-12-31T23:59:00-12:00", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_in_another_zone_is_refused(zone, text):
    with pytest.raises(UserError) as told:
        replace(NOT_DUE, zone=zone).moment(text)
    assert str(told.value) == f"{text!r} is not within the years 2 to 9998"


FAULTS = [
    (replace(LATE, due="tomorrow"), "'tomorrow' is not a time with an offset"),
    (replace(LATE, zone="Mars/Olympus"), "'Mars/Olympus' is not a time zone, like Europe/Berlin"),
    (replace(NOT_DUE, zone="../etc/passwd"), "is not a time zone"),
    (replace(LATE, due="9999-12-31T23:59:00Z"), "is not within the years 2 to 9998"),
    (replace(LATE, due="9998-12-31T23:59:00Z", grace_minutes=1e6), "beyond the year 9999"),
]


@pytest.mark.parametrize(("late", "says"), FAULTS)
def test_a_policy_that_is_none_is_refused(late, says):
    with pytest.raises(UserError, match=says) as told:
        late.check()
    assert len(str(told.value).splitlines()) == 1


def test_the_rubric_holds_both_policies(rubric: Rubric):
    assert rubric.policy() == Policy(Attempts("best"), NOT_DUE)
