"""Time what confinement adds to a submission: workers with it and without it, in turn.

A worker is forked, loads the solution, answers one forward pass, and is killed. Prints the median
of each kind in milliseconds, their difference and their ratio.
"""

import time
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from rich.table import Table

from grader.cases import hidden_cases
from grader.confined import zygote
from grader.confined.contract import Call
from grader.confined.limits import Limits
from grader.rubric import load_rubric
from grader.workers import Zygote

SOLUTION = Path(__file__).parents[2] / "solution" / "homework.py"
PAIRS = 200
WARM_UP = 10


class Unconfined:
    """Stands in for Confinement, and confines nothing."""

    folder = Path("/tmp")
    missing: dict[str, str] = {}  # noqa: RUF012  # nobody writes to it

    def __init__(self, base: Path) -> None:
        """Do nothing."""

    def prepare(self) -> None:
        """Do nothing."""

    def enter(self, limits: Limits, cpu: int | None, channel: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def main() -> None:
    """Run and print."""
    torch.set_num_threads(1)  # before any fork
    rubric = load_rubric()
    call = hidden_cases(rubric, rubric.cases.seed)[0].call
    confined = Zygote.fork()
    zygote.Confinement = Unconfined  # type: ignore[misc, assignment]  # in the next zygote forked
    free = Zygote.fork()
    try:
        times = [
            (submission(confined, rubric.limits, call), submission(free, rubric.limits, call))
            for _ in range(WARM_UP + PAIRS)
        ][WARM_UP:]
    finally:
        confined.close()
        free.close()
    show(*(median(each) * 1000 for each in zip(*times, strict=True)))


def submission(forked: Zygote, limits: Limits, call: Call) -> float:
    """Return the seconds that one short submission takes."""
    source = SOLUTION.read_text(encoding="utf-8")
    started = time.perf_counter()
    with forked.fork_worker(limits) as worker:
        worker.load("module", [("homework.py", source)])
        outcome = worker.ask(call)
    seconds = time.perf_counter() - started
    assert outcome.problem is None
    return seconds


def show(confined: float, free: float) -> None:
    """Print a table."""
    table = Table(box=None, header_style="bold")
    for heading in ("a submission, median of", "confined, ms", "free, ms", "adds, ms", "ratio"):
        table.add_column(heading, justify="right")
    difference, ratio = f"{confined - free:.1f}", f"{confined / free:.2f}"
    table.add_row(f"{PAIRS}", f"{confined:.1f}", f"{free:.1f}", difference, ratio)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
