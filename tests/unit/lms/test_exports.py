"""What counts and why is the same in every export."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from exported import WORKSHEET, table
from finals import mark
from lxml import etree
from msgspec.structs import replace

from grader.lms.formats import junit, tables
from grader.lms.marks import Mark
from grader.lms.systems import github, gradescope, moodle
from grader.results.record import ByHand

DUE = datetime(2026, 10, 31, 23, 59, tzinfo=timezone(timedelta(hours=1)))
SET = mark("ada", 8).final
SET = replace(
    SET,
    section="Lab A", handed_in=DUE + timedelta(hours=1, seconds=5), told_by="system", due=DUE,
    late_days=1, criteria=[replace(SET.criteria[0], points=12)], score=12, penalty=1.2, final=15,
    by_hand=[
        ByHand(criterion="forward.values", points=12, told="right in <the> exam"),
        ByHand(criterion=None, points=15, told="for effort"),
    ],
)  # fmt: skip
SAYS = [
    "Points earned: 12",
    "forward.values was set by hand to 12 points (graded: 8): right in <the> exam",
    "Handed in: 2026-11-01 00:59:05 +01:00 (as the course's system recorded it)",
    "Due: 2026-10-31 23:59:00 +01:00",
    "Days late: 1: \u22121.2",
    "Set by hand: 15: for effort",
]


def plain(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


EXPORTS = {
    "gradescope": lambda final: plain(gradescope.results(final)["output"]),
    "github": lambda final: plain(github.summary([final])),
    "junit": lambda final: etree.fromstring(junit.report([final])).findtext(".//system-out"),
    "moodle": lambda final: (
        table(moodle.merge(WORKSHEET, [Mark(final, "Moodle", "21")]).text)[1][9]
        .replace("&lt;", "<")
        .replace("&gt;", ">")
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_says_how_the_mark_comes_about(name):
    text = EXPORTS[name](SET)
    assert [line for line in SAYS if line not in text] == []
    assert name == "moodle" or "15 of 20 points" in text


def test_points_set_by_hand_are_in_every_export():
    assert gradescope.results(SET)["tests"][0]["score"] == 12
    assert "| 12/20 |" in github.summary([SET])
    failure = etree.fromstring(junit.report([SET])).find(".//failure")
    assert failure.get("message") == "12 of 20 points"
    assert table(moodle.merge(WORKSHEET, [Mark(SET, "Moodle", "21")]).text)[1][5] == "15"
    (values,) = tables.rows([Mark(SET)])
    row = dict(zip(tables.COLUMNS, values, strict=True))
    assert [row[name] for name in ("score", "final", "points", "penalty", "section")] == [
        12, 15, 12, 1.2, "Lab A",
    ]  # fmt: skip
    assert (row["handed_in"], row["due"]) == ("2026-11-01T00:59:05+01:00", DUE.isoformat())
    assert row["by_hand"] == "right in <the> exam for effort"
