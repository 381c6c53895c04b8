"""Time a class of 100, mixed from the sample submissions, against what its parts must cost.

Prints the time per submission with one job and with two, the bare `import torch` that peers pay
for each submission, and how often torch was imported. Figures of one run are comparable with each
other, not with another machine's.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))
from opens import imports_of_torch

CORPUS = Path(__file__).parent.parent / "submissions"
GRADER = Path(sys.executable).with_name("grader")
CLASS_SIZE = 100
IMPORTS = 5


def main() -> None:
    """Run and print."""
    originals = sorted(path for path in CORPUS.iterdir() if path.suffix in (".py", ".ipynb"))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        one = make_class(Path(folder, "one"), originals[:1], 1)
        full = make_class(Path(folder, "class"), originals, CLASS_SIZE)
        start, imports = grade(one, 1)
        rows = {jobs: grade(full, jobs) for jobs in (1, 2)}
    bare = seconds([sys.executable, "-c", "import torch"], IMPORTS) / IMPORTS
    table = Table(box=None, header_style="bold")
    for heading in ("", "seconds", "per submission", "imports of torch", "to bare import torch"):
        table.add_column(heading, justify="right")
    table.add_row(
        "one submission, cold", f"{start:.2f}", f"{start * 1000:.0f} ms", str(imports), ""
    )
    for jobs, (taken, imports) in rows.items():
        each = taken / CLASS_SIZE
        table.add_row(
            f"{CLASS_SIZE} submissions, jobs {jobs}",
            f"{taken:.2f}",
            f"{each * 1000:.0f} ms",
            str(imports),
            f"{each / bare:.2f}",
        )
    table.add_row("bare import torch", f"{bare:.2f}", "", "", "1.00")
    Console().print(table)


def make_class(folder: Path, originals: list[Path], size: int) -> Path:
    """Copy submissions in turn until there are `size`."""
    folder.mkdir()
    for number, original in enumerate(islice(cycle(originals), size)):
        shutil.copy(original, folder / f"{number:03}_{original.name}")
    return folder


def grade(folder: Path, jobs: int) -> tuple[float, int]:
    """Grade a class; return the seconds and the number of imports of torch."""
    with imports_of_torch() as opens:
        taken = seconds(
            [str(GRADER), "grade", str(folder), "--out", f"{folder}-{jobs}", "--jobs", str(jobs)]
        )
    return taken, opens.count


def seconds(command: list[str], times: int = 1) -> float:
    """Run a command some times and return the seconds of all runs."""
    started = time.perf_counter()
    for _ in range(times):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
