"""The terminal: the marks that a change affects, and the remembered settings."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.gradebook import Assignment, Moves, Setting

LISTED = 20  # most students listed whose marks change
ORIGINS = {
    "secret": "secret, of 128 bits",
    "given": "given by somebody",
    "before": "from an older gradebook",
}


def show_moves(moves: Moves, before: Sequence[float], after: Sequence[float]) -> None:
    """Print whose final mark changes and by how much; `before` and `after` are all marks."""
    console = Console(highlight=False)
    if not moves:
        console.print(f"No mark of {len(after)} changes.")
        return
    steps = {name: new.final - old.final for name, (old, new) in moves.items()}
    console.print(
        f"{len(moves)} of {len(after)} marks change, by {min(steps.values()):+.2f} to "
        f"{max(steps.values()):+.2f}; the mean goes from {fmean(before):.2f} "
        f"to {fmean(after):.2f}.",
        soft_wrap=True,
    )
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("student", "before", "after"):
        table.add_column(heading, justify="left" if heading == "student" else "right")
    largest = sorted(steps, key=lambda name: (-abs(steps[name]), name))
    for name in largest[:LISTED]:
        old, new = moves[name]
        table.add_row(escape(new.student), f"{old.final:g}", f"{new.final:g}")
    console.print(table)
    if len(moves) > LISTED:
        console.print(f"and {len(moves) - LISTED} more")


def show_settings(
    assignment: Assignment, settings: Sequence[Setting], with_seed: bool, where: str
) -> None:
    """Print the settings in force, each with when and by whom it was set."""
    console = Console(highlight=False)
    by_name: Mapping[str, Setting] = {setting.name: setting for setting in settings}
    policy, seed = assignment.rubric, assignment.seed
    late = policy.late
    due = f"due {late.due}" if late.due else "nothing is due"
    rows = {
        "rubric": f"{assignment.rubric_name}: {policy.max_score:g} points",
        "seed": seed.value if with_seed else ORIGINS[seed.origin],
        "language": assignment.language,
        "roster": assignment.roster_name or "none",
        "software": ", ".join(f"{name} {of}" for name, of in assignment.software.items()),
    }
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("setting", "value", "set", "by"):
        table.add_column(heading, overflow="fold")
    for name, value in rows.items():
        setting = by_name.get(name)
        at = f"{setting.at:%Y-%m-%d %H:%M:%S} UTC" if setting else ""
        table.add_row(name, escape(value), at, escape(setting.who) if setting else "")
    console.print(f"[bold]{escape(where)}[/]", soft_wrap=True)
    console.print(table)
    console.print(
        f"Policy (in the rubric): {policy.attempts.counts} attempt counts; {due}, "
        f"{late.percent_per_day:g}% per day late, at most {late.most_percent:g}%, "
        f"{late.grace_minutes:g} minutes of grace; times are in {escape(late.time_zone.words)}.",
        soft_wrap=True,
    )
