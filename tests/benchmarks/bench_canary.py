"""Time what proving the machine adds to a run: the reference solution is graded before the rest.

Each round starts a grader with one scorer, waits for its first result, and then has it grade what
the canary was, which is the same work again. Prints the medians, and the canary's part of the time
to the first result.
"""

import time
from contextlib import closing
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from grader.grading.pool import ScorerPool
from grader.material.reference import NAME
from grader.rubric import load_rubric
from grader.scoring.protocol import GradingSettings, SubmittedFiles

SOLUTION = Path(__file__).parents[2] / "solution" / "homework.py"
ROUNDS = 5
AGAIN = 5  # times that the canary's work is done in a round


def main() -> None:
    """Run and print."""
    rounds = [measure() for _ in range(ROUNDS)]
    first, canary = (median(column) for column in zip(*rounds, strict=True))
    part = median(canary / first for first, canary in rounds)
    table = Table(box=None, header_style="bold")
    for heading in ("rounds", "first result, s", "canary, s", "its part"):
        table.add_column(heading, justify="right")
    table.add_row(f"{ROUNDS}", f"{first:.2f}", f"{canary:.2f}", f"{part:.3f}")
    Console(width=100).print(table)


def measure() -> tuple[float, float]:
    """Return the seconds to the first result of a run, and those of the canary in it."""
    started = time.perf_counter()
    settings = GradingSettings.of(load_rubric(), 5, strict=False)
    with closing(ScorerPool(settings, jobs=1)) as pool:
        pool.prove()
        assert (
            pool.grade(SubmittedFiles.of("ada", "homework.py", SOLUTION.read_bytes())).record.score
            == 100
        )
        first = time.perf_counter() - started
        again = SubmittedFiles.of("reference", NAME, settings.reference.encode())
        started = time.perf_counter()
        for _ in range(AGAIN):
            assert pool.grade(again).record.score == 100
        return first, (time.perf_counter() - started) / AGAIN


if __name__ == "__main__":
    main()
