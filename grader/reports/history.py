"""The terminal: one student's attempts, what of them counts and why, and what was set by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.gradebook import Attempt, History, Override
from grader.policy import Policy

WHY = {"best": "the best final score counts", "last": "what was handed in last counts"}


def show(history: History, policy: Policy) -> None:
    """Print a student's history; moments are in UTC."""
    console = Console(highlight=False)
    final = history.final
    console.print(
        f"[bold]{escape(final.student)}[/]: final {final.final:g} of {final.record.max_score:g}, "
        f"from attempt {final.attempt} of {final.attempts} ({WHY[policy.attempts.counts]})",
        soft_wrap=True,
    )
    console.print("", _attempts(history), "", _gradings(history.attempts))
    if history.overrides:
        console.print("", _overrides(history))


def days_late(days: float) -> str:
    """Return it in words."""
    return f"{days:g} {'day' if days == 1 else 'days'} late"


def _attempts(history: History) -> Table:
    table = _table("attempt", "handed in", ">days late", ">score", ">final", "file")
    for attempt in history.attempts:
        counts = attempt.number == history.final.attempt
        table.add_row(
            f"{attempt.number}{' counts' if counts else ''}",
            _moment(attempt.handed_in),
            f"{attempt.late_days:g}",
            f"{attempt.latest.score:g}",
            f"{attempt.final:g}",
            escape(attempt.latest.name),
            style="bold" if counts else None,
        )
    return table


def _gradings(attempts: Sequence[Attempt]) -> Table:
    """Return a row a grading; of each attempt the last one counts."""
    table = _table("attempt", "graded", "seed", "version", ">score", "status")
    for attempt in attempts:
        for grading in attempt.gradings:
            table.add_row(
                f"{attempt.number}",
                _moment(grading.last_at),
                grading.seed,
                grading.grader_version,
                f"{grading.score:g}",
                grading.status,
                style=None if grading is attempt.latest else "dim",
            )
    return table


def _overrides(history: History) -> Table:
    table = _table("by hand", "set to", "", "at", "by", "because")
    for override in history.overrides:
        in_force = history.in_force(override)
        table.add_row(
            override.criterion or "whole",
            _value(override),
            "in force" if in_force else "",
            _moment(override.at),
            escape(override.who),
            escape(override.why),
            style=None if in_force else "dim",
        )
    return table


def _value(override: Override) -> str:
    points = [] if override.points is None else [f"{override.points:g} points"]
    days = [] if override.late_days is None else [days_late(override.late_days)]
    return ", ".join(points + days) or "withdrawn"


def _table(*headings: str) -> Table:
    """Return an empty table; a heading that begins with > is of a column of numbers."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading.startswith(">") else "left"
        table.add_column(
            heading.removeprefix(">"), justify=justify, no_wrap=heading != headings[-1]
        )
    return table


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
