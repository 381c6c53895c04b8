"""The terminal: progress while a class is graded, then its table and its hardest criteria."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from grader.judging.messages import ENGLISH
from grader.reports.figures import NEVER_RAN, ClassFigures, Summary, problem_of
from grader.results.record import CriterionResult, Final, Record
from grader.rubric import Rubric
from grader.scoring.machine_faults import Smell
from grader.scoring.protocol import ScorerReady
from grader.submissions.file_names import counted

if TYPE_CHECKING:  # which needs the solution's texts and the notebook maker
    from grader.authoring.validate import Validation

LONGEST_TABLE = 200  # most students shown; more are in grades.csv
LISTED = 20  # most students with no points that are explained
HARDEST = 5  # most criteria listed under "what the class did not get"
MOST_REMARKS = 20  # most lines about the files found


class GradeScreen:
    """Shows one run of `grader grade`. Use as a context manager; `quiet` shows nothing."""

    def __init__(self, total: int, rubric: Rubric, results: Path, quiet: bool) -> None:
        self._console = Console(quiet=quiet, highlight=False)
        self._groups = list(dict.fromkeys(group_of(name) for name in rubric.points))
        self._points = rubric.points
        self._results = results
        self._max_score = rubric.max_score
        self._isolations: list[ScorerReady] = []
        self.graded_count = 0
        """The number of submissions graded so far."""
        self._old_count = 0
        self._statuses: Counter[str] = Counter()
        self.alarms: list[tuple[Smell, int]] = []
        """Possible faults of the machine, each with the number of submissions in a row."""
        self.total = total
        """The number of submissions to grade."""
        self._progress = Progress(
            TextColumn("grading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failures]}"),
            TextColumn("{task.fields[latest]}"),
            console=self._console,
            disable=quiet,
        )
        self._task = self._progress.add_task(
            "grading", total=total, rate="", failures="", latest=""
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._progress.stop()

    def show_isolation(self, ready: ScorerReady) -> None:
        """Print the workers' layers of confinement, and why others are missing; once."""
        if ready in self._isolations:
            return
        self._isolations.append(ready)
        layers = ", ".join(ready.layers)
        self._console.print(f"isolation: {layers}", style="dim", soft_wrap=True)
        for layer, reason in ready.missing.items():
            self._console.print(
                f"[yellow]not in force here:[/] {layer} ({escape(reason)})", soft_wrap=True
            )

    def show_remarks(self, remarks: Sequence[str]) -> None:
        """Print the decisions about the files found, one line each, up to a limit."""
        lines = [*remarks[:MOST_REMARKS]]
        if len(remarks) > MOST_REMARKS:
            lines.append(f"and {len(remarks) - MOST_REMARKS} more")
        for line in lines:
            self._console.print(escape(line), style="dim", soft_wrap=True)

    def show_untimed(self, systems: Sequence[str]) -> None:
        """Print that days late are guessed, as these systems do not give submission times."""
        self._console.print(
            f"[yellow]{' and '.join(systems)}[/] does not say when work was handed in: days late "
            "are counted from the times of archive entries or files (better: --times FILE)",
            soft_wrap=True,
        )

    def show_alarm(self, smell: Smell, count: int) -> None:
        """Print that submissions in a row ended alike although this machine is fit."""
        self.alarms.append((smell, count))
        self._console.print(f"[yellow]{escape(ENGLISH.alarm(smell, count))}[/]", soft_wrap=True)

    def show_pages(self, count: int) -> None:
        """Print the number of feedback pages still to be written."""
        latest = f"pages to write: {count}" if count else ""
        self._progress.update(self._task, latest=latest)

    def add(self, records: Sequence[Record], were_known: bool) -> None:
        """Count submissions as graded, now or earlier."""
        self.graded_count += len(records)
        self._statuses.update(record.status for record in records)
        self._old_count += len(records) if were_known else 0
        speed = self._progress.tasks[0].speed
        failures = self.graded_count - self._statuses["graded"]
        self._progress.update(
            self._task,
            advance=len(records),
            rate=f"{speed:.1f}/s" if speed else "",
            failures=f"[yellow]{failures} not graded[/]" if failures else "",
            latest=escape(records[-1].student),
        )

    def show_class(self, figures: ClassFigures, of_run: Sequence[Final]) -> None:
        """Print the table of the run's students, a summary of the class, and what was hardest.

        `figures` are for everybody in the gradebook, `of_run` are the finals of this run.
        """
        self._progress.stop()
        if len(of_run) <= LONGEST_TABLE:
            self._console.print(self._table(of_run))
            self._show_problems([final.record for final in of_run])
        self._show_summary(figures.summary)
        self._show_hardest(figures)
        self._console.print(
            f"Results: {escape(str(self._results / 'index.html'))} and grades.csv, and for each "
            f"student the reasons in {escape(str(self._results))}/<student>/.",
            soft_wrap=True,
        )

    def _show_summary(self, summary: Summary) -> None:
        counts = ", ".join(f"{count} {status}" for status, count in self._statuses.most_common())
        before = f" ({self._old_count} as graded before)" if self._old_count else ""
        self._console.print(
            f"{counted(self.graded_count, 'submission')} in this run: {counts}{before}.\n"
            f"{counted(summary.count, 'student')} in the class: final mark mean {summary.mean}, "
            f"median {summary.median} of {self._max_score:g}.",
            soft_wrap=True,
        )

    def _show_problems(self, records: Sequence[Record]) -> None:
        """Print why students got no points whose files were unreadable or defined nothing."""
        idle = [record for record in records if record.status in NEVER_RAN]
        for record in idle[:LISTED]:
            why = escape(problem_of(record, ENGLISH))
            self._console.print(f"[yellow]{escape(record.student)}[/]: {why}", soft_wrap=True)
        if len(idle) > LISTED:
            self._console.print(f"and {len(idle) - LISTED} more, listed in index.html")
        if idle:
            self._console.print()

    def _table(self, finals: Sequence[Final]) -> Table:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("student", overflow="ellipsis", max_width=20, no_wrap=True)
        table.add_column("final", justify="right", no_wrap=True)
        differ = any(final.final != final.score for final in finals)
        if differ:  # late, or overridden as a whole
            table.add_column("score", justify="right", no_wrap=True)
        for group in self._groups:
            full = sum(p for name, p in self._points.items() if group_of(name) == group)
            table.add_column(
                f"{group.removeprefix('grad_')}\n{full:g}", justify="right", no_wrap=True
            )
        table.add_column("status", no_wrap=True)
        for final in finals:
            shares = [_share(final.criteria, group) for group in self._groups]
            score = [f"{final.score:g}"] if differ else []
            status = f"[yellow]{escape(_to_look_at(final.record))}[/]"
            table.add_row(
                escape(final.student), f"[bold]{final.final:g}[/]", *score, *shares, status
            )
        return table

    def _show_hardest(self, figures: ClassFigures) -> None:
        """Print the criteria that cost most of the class points, with the most common reason."""
        items = [item for item in figures.items() if item.full < item.asked]
        if not items:
            return
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("what the class did not get", no_wrap=True)
        table.add_column("short", justify="right", no_wrap=True)
        table.add_column("most often because", ratio=1)
        for item in sorted(items, key=lambda item: item.full - item.asked)[:HARDEST]:
            reason = figures.name_of(item.reason or "unknown")
            short = f"{item.asked - item.full}/{item.asked}"
            table.add_row(item.id, short, f"{escape(reason)} ({item.reason_count})")
        self._console.print("", table, "")


def _to_look_at(record: Record) -> str:
    """Return the status unless it is "graded", and the id of the first flag."""
    status = [] if record.status == "graded" else [record.status]
    flags = [flag.partition(":")[0] for flag in record.flags]
    return " ".join(status + flags[:1])


def _share(criteria: Sequence[CriterionResult], group: str) -> str:
    parts = [c for c in criteria if group_of(c.id) == group]
    points = sum(c.points for c in parts)
    full = points == sum(c.max_points for c in parts)
    colour = "green" if full else "red" if points == 0 else "yellow"
    return f"[{colour}]{points:g}[/]"


def show_validations(validations: Sequence["Validation"], pairs: Sequence["Validation"]) -> None:
    """Print what the solution and each mutant lost, and whether that is right.

    Also print how many mistakes are named correctly, alone and in `pairs`.
    """
    console = Console(highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("", "graded", "score", "mistake", "lost points in"):
        table.add_column(heading, justify="right" if heading == "score" else "left")
    for validation in sorted(validations, key=lambda v: (v.holds, v.id)):
        mark = "[green]ok[/]" if validation.holds else "[red]FAULT[/]"
        lost_points = ", ".join(sorted(validation.lost)) or "nothing"
        if not validation.holds:
            lost_points += (
                f" [red](expected {', '.join(sorted(validation.expected)) or 'nothing'})[/]"
            )
        names = _names_in(validation)
        if not validation.is_named:
            names += f" [red](expected {', '.join(validation.mistakes) or 'none'})[/]"
        table.add_row(mark, validation.id, f"{validation.score:g}", names, lost_points)
    console.print(table)
    for pair in pairs:
        if not pair.is_named:
            console.print(f"not both named: {pair.id}: {_names_in(pair)}", soft_wrap=True)
    faults = sum(validation.expected != validation.lost for validation in validations)
    single = [validation for validation in validations if validation.mistakes]
    right = [validation for validation in validations if not validation.expected]
    console.print(
        f"{len(validations)} graded, {faults} lost other points than they should.\n"
        f"Mistakes named: {_rate(single)} alone, {_rate(pairs)} of two at once, "
        f"{_rate([pair for pair in pairs if len(pair.functions) == 1])} of two in one function; "
        f"correct work not flagged as a mistake: {_rate(right)}.",
        soft_wrap=True,
    )


def _names_in(validation: "Validation") -> str:
    return ", ".join(
        sorted({" + ".join(sorted(names)) or "none" for names in validation.diagnoses})
    )


def _rate(validations: Sequence["Validation"]) -> str:
    count = sum(validation.is_named for validation in validations)
    if not validations:
        return "none of 0"
    return f"{count} of {len(validations)} ({count / len(validations):.0%})"


def group_of(criterion: str) -> str:
    """Return a criterion's group: the part before its dot."""
    return criterion.partition(".")[0]
