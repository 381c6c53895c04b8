"""Time what confinement adds to a submission: workers with it and without it, in turn.

A worker is forked, loads the solution, answers one forward pass, and is killed. All of it is on
one processor: elsewhere a worker is confined while the one before is at work, which hides its cost.
Prints the median of each kind in milliseconds, their difference and their ratio.
"""

import os
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from handed import round_of
from rich.console import Console
from rich.table import Table

from grader.confined import zygote
from grader.confined.limits import Limits
from grader.homework.tasks import TASKS
from grader.rubric import load_rubric
from grader.rubric.cases import hidden_cases
from grader.scoring.workers import Zygote
from grader.source.files import Cell, File

SOLUTION = Path(__file__).parents[2] / "solution" / "homework.py"
BLOCK = 20  # submissions of a kind in a row: the next worker is forked while one is at work
BLOCKS = 10


class Unconfined:
    """Stands in for Confinement, and confines nothing.

    But for the session: Linux shares the processors between sessions, so a busy machine would
    slow the one kind more than the other.
    """

    folder = Path("/tmp")
    missing: dict[str, str] = {}  # noqa: RUF012  # nobody writes to it

    def __init__(self, base: Path) -> None:
        """`base` is a folder for all workers; each lays out there what was handed in."""
        self._base = base

    def prepare(self) -> None:
        """Do nothing."""

    def enter(self, limits: Limits, cpu: int | None, channel: int) -> None:
        """Begin a session, in a folder of its own."""
        os.setsid()
        os.chdir(tempfile.mkdtemp(dir=self._base))

    def clear(self, pid: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def main() -> None:
    """Run and print."""
    torch.set_num_threads(1)  # before any fork
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    show(*measure(BLOCK, BLOCKS))


def measure(block: int, blocks: int) -> tuple[float, float]:
    """Return the milliseconds of a submission, confined and free: the median of blocks of each."""
    confined = Zygote.fork()
    kept, zygote.Confinement = zygote.Confinement, Unconfined  # type: ignore[misc, assignment]
    free = Zygote.fork()
    zygote.Confinement = kept  # type: ignore[misc]
    try:
        for forked in (confined, free):
            seconds(forked, 1)  # until the zygote is ready
        times = [(seconds(confined, block), seconds(free, block)) for _ in range(blocks)]
    finally:
        confined.close()
        free.close()
    by_kind = zip(*times, strict=True)
    of_confined, of_free = (median(each) / block * 1000 for each in by_kind)
    return of_confined, of_free


def seconds(forked: Zygote, submissions: int) -> float:
    """Return the seconds that some short submissions take."""
    rubric = load_rubric()
    questions = round_of(1, hidden_cases(rubric, rubric.cases.seed)[0].call)
    main = File("homework.py", "module", (Cell("homework.py", SOLUTION.read_text()),))
    packages = rubric.software.packages
    started = time.perf_counter()
    for _ in range(submissions):
        with forked.fork_worker(rubric.limits) as worker:
            worker.load(main, [], packages, TASKS)
            (outcome,) = worker.ask(questions)
        assert outcome.problem is None
    return time.perf_counter() - started


def show(confined: float, free: float) -> None:
    """Print a table."""
    table = Table(box=None, header_style="bold")
    for heading in ("submissions of each", "confined, ms", "free, ms", "adds, ms", "ratio"):
        table.add_column(heading, justify="right")
    difference, ratio = f"{confined - free:.1f}", f"{confined / free:.2f}"
    table.add_row(f"{BLOCK * BLOCKS}", f"{confined:.1f}", f"{free:.1f}", difference, ratio)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
