"""The terminal: progress while a class is graded, then its table and what it did not get."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from grader.records import Record
from grader.rubric import Rubric
from grader.validate import Validation

HARDEST = 5  # criteria listed under "what the class did not get"


class GradeScreen:
    """Shows one run of `grader grade`. Use as a context manager; `quiet` shows nothing."""

    def __init__(self, total: int, rubric: Rubric, results: Path, quiet: bool) -> None:
        self._console = Console(quiet=quiet, highlight=False)
        self._groups = list(dict.fromkeys(group_of(name) for name in rubric.points))
        self._points = rubric.points
        self._results = results
        self._scores: list[float] = []
        self._progress = Progress(
            TextColumn("grading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[latest]}"),
            console=self._console,
            disable=quiet,
        )
        self._task = self._progress.add_task("grading", total=total, rate="", latest="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show_isolation(self, layers: Sequence[str], missing: Mapping[str, str]) -> None:
        """Say which layers of confinement the workers have, and why others are missing."""
        self._console.print(f"isolation: {', '.join(layers)}", style="dim", soft_wrap=True)
        for layer, reason in missing.items():
            self._console.print(
                f"[yellow]not in force here:[/] {layer} ({escape(reason)})", soft_wrap=True
            )

    def add(self, record: Record) -> None:
        """Count one more submission as graded."""
        self._scores.append(record.score)
        speed = self._progress.tasks[0].speed
        self._progress.update(
            self._task,
            advance=1,
            rate=f"{speed:.1f}/s" if speed else "",
            latest=escape(f"mean {mean(self._scores):.1f}  {record.student}: {record.score:g}"),
        )

    def show_class(self, records: Sequence[Record]) -> None:
        """Print the table of scores, a summary, and the criteria that cost the class most."""
        self._progress.stop()
        self._console.print(self._table(records))
        scores = [record.score for record in records]
        statuses = Counter(record.status for record in records)
        counts = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
        self._console.print(
            f"{_counted(len(records))}: {counts}. "
            f"Mean {mean(scores):.1f}, median {median(scores):g} of {records[0].max_score:g}."
        )
        self._show_hardest(records)
        self._console.print(
            f"Results: {escape(str(self._results / 'grades.csv'))}, and a result.json with the "
            f"reasons for each student in {escape(str(self._results))}/<student>/.",
            soft_wrap=True,
        )

    def _table(self, records: Sequence[Record]) -> Table:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("student", overflow="ellipsis", max_width=20, no_wrap=True)
        table.add_column("score", justify="right", no_wrap=True)
        for group in self._groups:
            full = sum(p for name, p in self._points.items() if group_of(name) == group)
            table.add_column(
                f"{group.removeprefix('grad_')}\n{full:g}", justify="right", no_wrap=True
            )
        table.add_column("status", no_wrap=True)
        for record in records:
            shares = [self._share(record, group) for group in self._groups]
            status = f"[yellow]{escape(_to_look_at(record))}[/]"
            score = f"[bold]{record.score:g}[/]"
            table.add_row(escape(record.student), score, *shares, status)
        return table

    def _share(self, record: Record, group: str) -> str:
        parts = [c for c in record.criteria if group_of(c.id) == group]
        points = sum(c.points for c in parts)
        full = points == sum(c.max_points for c in parts)
        colour = "green" if full else "red" if points == 0 else "yellow"
        return f"[{colour}]{points:g}[/]"

    def _show_hardest(self, records: Sequence[Record]) -> None:
        """Print the criteria that most submissions lost points in, with the commonest reason."""
        ran = [record for record in records if record.status not in ("unreadable", "failed")]
        lost: dict[str, list[str]] = {}
        for criterion in (c for record in ran for c in record.criteria):
            if criterion.points < criterion.max_points:
                lost.setdefault(criterion.id, []).append(criterion.message)
        if not lost:
            return
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("what the class did not get", no_wrap=True)
        table.add_column("short", justify="right", no_wrap=True)
        table.add_column("most often because", ratio=1)
        for name in sorted(lost, key=lambda name: -len(lost[name]))[:HARDEST]:
            ((reason, _),) = Counter(lost[name]).most_common(1)
            table.add_row(name, f"{len(lost[name])}/{len(ran)}", escape(reason))
        self._console.print("", table, "")


def _to_look_at(record: Record) -> str:
    """Return the status where it is not the usual one, and the id of the first flag."""
    status = [] if record.status == "graded" else [record.status]
    flags = [flag.partition(":")[0] for flag in record.flags]
    return " ".join(status + flags[:1])


def _counted(number: int) -> str:
    return f"{number} submission" if number == 1 else f"{number} submissions"


def show_validations(validations: Sequence[Validation]) -> None:
    """Print what the solution and each mutant lost, and whether that is what they should lose."""
    console = Console(highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("", "graded", "score", "lost points in"):
        table.add_column(heading, justify="right" if heading == "score" else "left")
    for validation in sorted(validations, key=lambda v: (v.holds, v.id)):
        mark = "[green]ok[/]" if validation.holds else "[red]FAULT[/]"
        lost = ", ".join(sorted(validation.lost)) or "nothing"
        if not validation.holds:
            lost += f" [red](expected {', '.join(sorted(validation.expected)) or 'nothing'})[/]"
        table.add_row(mark, validation.id, f"{validation.score:g}", lost)
    console.print(table)
    faults = sum(not validation.holds for validation in validations)
    console.print(f"{len(validations)} graded, {faults} lost other points than they should.")


def group_of(criterion: str) -> str:
    """Return what a criterion is about: "grad_b1" of "grad_b1.row"."""
    return criterion.partition(".")[0]
