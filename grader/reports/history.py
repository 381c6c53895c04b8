"""The terminal: one student's attempts, which one counts and why, and the overrides."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.gradebook import Attempt, History, Override
from grader.results.policy import Policy
from grader.util.moments import moment_text

WHY = {"best": "the best final mark counts", "last": "what was handed in last counts"}
MOMENTS = ("handed in", "graded", "at")  # columns whose cells stay on one line


def show(history: History, policy: Policy, zone: tzinfo) -> None:
    """Print a student's history; times are shown in `zone`."""
    console = Console(highlight=False)
    final = history.final
    if final is None:
        console.print(f"[bold]{escape(history.student)}[/]: nothing is handed in yet")
        console.print("", _overrides(history, zone))
        return
    console.print(
        f"[bold]{escape(final.student)}[/]: final {final.final:g} of {final.record.max_score:g}, "
        f"from attempt {final.attempt} of {final.attempts} ({WHY[policy.attempts.counts]})",
        soft_wrap=True,
    )
    if final.due:
        extension = " (extension)" if any(change.due for change in final.by_hand) else ""
        console.print(
            f"due {moment_text(final.due.astimezone(zone))}{extension}",
            soft_wrap=True,
        )
    console.print("", _attempts(history, zone), "", _gradings(history.attempts, zone))
    if history.overrides:
        console.print("", _overrides(history, zone))


def days_late(days: float) -> str:
    """Return days late in words."""
    return f"{days:g} {'day' if days == 1 else 'days'} late"


def _attempts(history: History, zone: tzinfo) -> Table:
    table = _table("attempt", "handed in", "told by", ">days late", ">score", ">final", "file")
    for attempt in history.attempts:
        counts = history.final is not None and attempt.number == history.final.attempt
        table.add_row(
            f"{attempt.number}{' counts' if counts else ''}",
            moment_text(attempt.file.handed_in.astimezone(zone)),
            attempt.file.told_by or "unknown",
            f"{attempt.late_days:g}",
            f"{attempt.file.score:g}",
            f"{attempt.final:g}",
            escape(attempt.file.name),
            style="bold" if counts else None,
        )
    return table


def _gradings(attempts: Sequence[Attempt], zone: tzinfo) -> Table:
    """Return a table with one row per grading; the one in force of each attempt counts."""
    table = _table("attempt", "graded", "version", ">score", "", "status")
    for attempt in attempts:
        for grading in attempt.gradings:
            table.add_row(
                f"{attempt.number}",
                moment_text(grading.at.astimezone(zone)),
                grading.grader_version,
                f"{grading.score:g}",
                "in force" if grading.in_force else "",
                grading.status,
                style=None if grading.in_force else "dim",
            )
    return table


def _overrides(history: History, zone: tzinfo) -> Table:
    table = _table("by hand", "set to", "", "at", "by", "because (staff)", "the student reads")
    for override in history.overrides:
        in_force = history.in_force(override)
        table.add_row(
            override.criterion or "whole",
            _value(override, zone),
            "in force" if in_force else "",
            moment_text(override.at.astimezone(zone)),
            escape(override.who),
            escape(override.why),
            escape(override.told),
            style=None if in_force else "dim",
        )
    return table


def _value(override: Override, zone: tzinfo) -> str:
    points = [] if override.points is None else [f"{override.points:g} points"]
    days = [] if override.late_days is None else [days_late(override.late_days)]
    due = [f"due {moment_text(override.due.astimezone(zone))}"] if override.due else []
    return ", ".join(points + days + due) or "withdrawn"


def _table(*headings: str) -> Table:
    """Return an empty table; a heading that begins with > marks a column of numbers."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading.startswith(">") else "left"
        table.add_column(
            heading.removeprefix(">"), justify=justify, overflow="fold", no_wrap=heading in MOMENTS
        )
    return table
