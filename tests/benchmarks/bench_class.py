"""Time a class of 100, mixed from the sample submissions, against the bare `import torch`.

Prints the time per submission with one job and with two, the `import torch` that peers pay for
each submission, and how often torch was imported. The mean is that of a class in which some train
for seconds in their own cells; the median is an ordinary submission's. Figures of one run are
comparable with each other, not with another machine's.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))
from opens import imports_of_torch

CORPUS = Path(__file__).parent.parent / "submissions"
GRADER = Path(sys.executable).with_name("grader")
CLASS_SIZE = 100
IMPORTS = 5


@dataclass(frozen=True)
class Run:
    """One run of `grader grade`: wall-clock seconds of all and of each, imports of torch."""

    seconds: float
    each: list[float]
    imports: int


def main() -> None:
    """Run and print."""
    originals = sorted(path for path in CORPUS.iterdir() if path.suffix in (".py", ".ipynb"))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        one = make_class(Path(folder, "one"), originals[:1], 1)
        full = make_class(Path(folder, "class"), originals, CLASS_SIZE)
        runs = {"1 submission, cold": grade(one, 1)}
        for jobs in (1, 2):
            runs[f"{CLASS_SIZE} submissions, jobs {jobs}"] = grade(full, jobs)
    show(runs, seconds([sys.executable, "-c", "import torch"], IMPORTS) / IMPORTS)


def make_class(folder: Path, originals: list[Path], size: int) -> Path:
    """Copy submissions in turn until there are `size`."""
    folder.mkdir()
    for number, original in enumerate(islice(cycle(originals), size)):
        shutil.copy(original, folder / f"{number:03}_{original.name}")
    return folder


def grade(folder: Path, jobs: int) -> Run:
    """Grade a class."""
    results = folder.with_name(f"{folder.name}-{jobs}")
    command = [GRADER, "grade", folder, "--out", results, "--jobs", jobs]
    with imports_of_torch() as opens:
        taken = seconds([str(word) for word in command])
    with (results / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        each = [float(row["seconds"]) for row in csv.DictReader(file)]
    return Run(taken, each, opens.count)


def seconds(command: list[str], times: int = 1) -> float:
    """Run a command some times and return the seconds of all runs."""
    started = time.perf_counter()
    for _ in range(times):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def show(runs: dict[str, Run], bare: float) -> None:
    """Print a table, times per submission in milliseconds."""
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for heading in ("s", "ms each", "median ms", "imports of torch", "each / import torch"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, run in runs.items():
        each = run.seconds / len(run.each)
        table.add_row(
            name,
            f"{run.seconds:.1f}",
            f"{each * 1000:.0f}",
            f"{median(run.each) * 1000:.0f}",
            str(run.imports),
            f"{each / bare:.2f}",
        )
    table.add_row("bare import torch", f"{bare:.1f}", f"{bare * 1000:.0f}", "", "1", "1.00")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
