"""Show what was measured: tables for the terminal and in Markdown, and a plot."""

import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from statistics import median

import rich.table
from homeworks import FAILS, ROOT
from measured import (
    FLOOR,
    NBGRADER,
    OTTER,
    OTTER_LOOP,
    OURS,
    PAGES,
    PYTEST,
    TWO_JOBS,
    Key,
    Measured,
)
from rich.console import Console

CONSTRAINTS = Path(__file__).with_name("peers-constraints.txt")
PINNED = ("nbgrader", "otter-grader", "ipykernel", "nbclient")
MEGABYTE = 1e6
COLOURS = {
    OTTER: "#b2182b",
    OTTER_LOOP: "#d6604d",
    NBGRADER: "#bf812d",
    PYTEST: "#8073ac",
    FLOOR: "#666666",
}


@dataclass(frozen=True)
class Table:
    """A table: title, headings, rows of which the first cell is text, and a note below."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def show(measured: Measured) -> None:
    """Print the tables."""
    console = Console(width=120)
    for table in tables(measured):
        shown = rich.table.Table(title=table.title, title_justify="left", box=None)
        for number, heading in enumerate(table.headings):
            shown.add_column(heading, justify="right" if number else "left", overflow="fold")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown, table.note, "", sep="\n")


def write(measured: Measured, folder: Path) -> None:
    """Write latest.md, and latest.png, which it shows."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = ["# `make bench`: this grader beside its peers", about(measured)]
    for table in tables(measured):
        parts += [f"## {table.title}", markdown(table), *([table.note] if table.note else [])]
        if table.title.startswith("A class as it grows"):
            parts.append("![Cost of a submission by the size of its class](latest.png)")
    (folder / "latest.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    plot(measured, folder / "latest.png")


def markdown(table: Table) -> str:
    """Return a table in Markdown."""
    ruler = ["---", *["---:"] * (len(table.headings) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (table.headings, ruler, *table.rows))


def about(measured: Measured) -> str:
    """Say when, where and with what it was measured."""
    pinned = dict(line.split("==") for line in CONSTRAINTS.read_text().splitlines())
    versions = [f"torch {version('torch')}", f"pytest {version('pytest')}"]
    versions += [f"{name} {pinned[name]}" for name in PINNED]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit()}, {len(measured.rounds)} "
        f"rounds. {processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB, "
        f"Linux {platform.release()}, Python {platform.python_version()}; {', '.join(versions)}. "
        f"Other processes kept {measured.others:.2f} cores busy meanwhile.\n\n"
        f"The submissions are notebooks with the definitions of this repository's solution, in "
        f"turn {', '.join(FAILS)}. All tools grade the same ones, the peers with the checks of "
        "`tests/benchmarks/checks.py`, this grader with all its cases; every result is compared "
        "with what it should be. Files are in the page cache, bytecode is compiled."
    )


def commit() -> str:
    """Return the commit that is measured, and whether there are changes on top of it."""
    # What the last run wrote is none.
    words = ["git", "describe", "--always", "--abbrev=10"]
    status = ["git", "status", "--porcelain", "--", ".", ":!tests/benchmarks/results"]
    name, changed = (
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
        for command in (words, status)
    )
    return f"{name or 'unknown'}{' with changes' if changed else ''}"


def processor() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def tables(measured: Measured) -> list[Table]:
    """Return all tables."""
    return [
        promises(measured),
        beside_peers(measured, training=False),
        beside_peers(measured, training=True),
        growth(measured),
        memory(measured),
    ]


def beside_peers(measured: Measured, *, training: bool) -> Table:
    """Compare the tools."""
    ours, floor = measured.sizes.key(OURS, training), measured.sizes.key(FLOOR, training)
    rows = []
    for tool in (FLOOR, OURS, TWO_JOBS, PAGES, PYTEST, OTTER, OTTER_LOOP, NBGRADER):
        key = measured.sizes.key(tool, training)
        if measured.has(key):
            rows.append(
                [
                    tool,
                    str(key.size),
                    f"{measured.of(key) * 1000:.1f}",
                    spread(runs[key].each * 1000 for runs in measured.rounds),
                    times(measured.ratio(key, ours)),
                    times(measured.ratio(key, floor)),
                    *whole_run(measured, key),
                    f"{measured.of(key, lambda r: r.peak) / MEGABYTE:.0f}",
                ]
            )
    if not training:
        bare = [seconds * 1000 for seconds in measured.bare]
        rows.append(["import torch", "", f"{median(bare):.1f}", spread(bare), *[""] * 6])
    headings = [
        "", "submissions", "ms each", "of rounds", "x ours", "x floor", "first result, s",
        "whole run, s", "cores busy", "largest process, MB",
    ]  # fmt: skip
    name = "with both trainings" if training else "without training"
    note = (
        "`ms each` is from the first result to the end of the run, for the submissions after the "
        "first: the median of the rounds, with the least and the most beside it. pytest and "
        "`otter run` are a process for each submission. `otter, in a loop` is otter's Python "
        "function `grade_submission`, many times in one process. `cores busy` is computing time "
        "by the whole run's time: this grader gets the next worker ready while one is at work. "
        "No tool but `ours, 1 job, and pages` writes a page for the student."
    )
    return Table(f"A submission, {name}", headings, rows, note)


def whole_run(measured: Measured, key: Key) -> list[str]:
    """Return a run's first result, seconds, and cores; the floor has no start that would count."""
    if key.tool == FLOOR:
        return [""] * 3
    figures = [measured.of(key, attrgetter(name)) for name in ("first", "seconds", "cores")]
    return [f"{figure:.2f}" for figure in figures]


def times(ratio: float) -> str:
    """Return a ratio in three digits or more."""
    return f"{ratio:.3g}" if ratio < 1000 else f"{ratio:.0f}"


def spread(figures: Iterable[float]) -> str:
    """Return the smallest and the largest of the rounds."""
    smallest, *_, largest = sorted([*figures] * 2)
    return f"{smallest:.4g} to {largest:.4g}"


def growth(measured: Measured) -> Table:
    """Show how the cost of a submission changes with the size of the class."""
    rows = []
    for size in measured.sizes.growth:
        key = Key(OURS, False, size)
        rows.append(
            [
                str(size),
                f"{measured.of(key, lambda r: r.first):.2f}",
                f"{measured.of(key, lambda r: r.seconds):.1f}",
                f"{measured.of(key, lambda r: r.overall) * 1000:.1f}",
                f"{measured.of(key, lambda r: r.each) * 1000:.1f}",
                f"{measured.of(key, lambda r: r.steady) * 1000:.1f}",
            ]
        )
    headings = [
        "submissions", "first result, s", "whole run, s", "whole run, ms each",
        "from the first result to the end, ms each", "to the last result, ms each",
    ]  # fmt: skip
    note = (
        "Results of a tenth of a second are recorded together, so the last column is too low for "
        "a class that takes hardly longer."
    )
    return Table("A class as it grows, one job, without training", headings, rows, note)


def memory(measured: Measured) -> Table:
    """Show where this grader's memory is."""
    shown = (
        ("the zygote, resident", measured.memory.zygote),
        ("a worker, pages of its own", measured.memory.worker),
        ("all processes together", measured.memory.together),
    )
    rows = [[name, f"{size / MEGABYTE:.1f}"] for name, size in shown]
    note = "One job, with both trainings; looked at fifty times a second. Shared pages count once."
    return Table("Memory of this grader", ["", "peak, MB"], rows, note)


def promises(measured: Measured) -> Table:
    """Compare what was aimed at with what was measured."""
    return Table(
        "What was aimed at",
        ["", "target", "measured", "reached"],
        [
            [what, target, shown, "yes" if reached else "no"]
            for what, target, shown, reached in _promises(measured)
        ],
    )


def _promises(measured: Measured) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what was aimed at: what, its target, what was measured, and whether that is enough."""
    key = measured.sizes.key
    ours, floor = key(OURS, training=False), key(FLOOR, training=False)
    over = measured.across(lambda runs: runs[ours].each - runs[floor].each) * 1000
    yield "above the floor, a submission", "<= 15 ms", f"{over:.1f} ms", over <= 15
    for peer, training, least in (
        (NBGRADER, False, 100),
        (OTTER, False, 150),
        (NBGRADER, True, 6),
    ):
        if measured.has(key(peer, training)):
            ratio = measured.ratio(key(peer, training), key(OURS, training))
            name = f"{peer}, {'both trainings' if training else 'without training'}"
            yield name, f">= {least} times ours", f"{times(ratio)} times", ratio >= least
    smallest, small, *_, large = (Key(OURS, False, size) for size in measured.sizes.growth)
    first = measured.of(smallest, lambda run: run.first)
    yield "first result, from the start of the command", "< 4 s", f"{first:.2f} s", first < 4
    more = measured.ratio(large, small, lambda run: run.steady) * 100 - 100
    name = f"a submission of {large.size} beside one of {small.size}, first to last result"
    yield name, "within 10%", f"{more:+.1f}%", abs(more) <= 10
    for training in (False, True):
        faster = measured.ratio(key(OURS, training), key(TWO_JOBS, training))
        name = f"two jobs, {'both trainings' if training else 'without training'}"
        yield name, ">= 1.8 times as fast", f"{faster:.2f} times", faster >= 1.8
    zygote, worker = measured.memory.zygote / MEGABYTE, measured.memory.worker / MEGABYTE
    yield "memory of the zygote", "<= 400 MB", f"{zygote:.0f} MB", zygote <= 400
    yield "memory that is a worker's own", "<= 20 MB", f"{worker:.1f} MB", worker <= 20
    yield "imports of torch in a class", "1", str(measured.imports), measured.imports == 1


def plot(measured: Measured, path: Path) -> None:
    """Draw the cost of a submission by the size of its class, and the peers as lines across."""
    import matplotlib.pyplot as plt  # here, so that it does not add to what children start from

    sizes = measured.sizes.growth
    keys = [Key(OURS, False, size) for size in sizes]
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    lines = [
        (measured.of(key), tool, colour)
        for tool, colour in COLOURS.items()
        if measured.has(key := measured.sizes.key(tool, False))
    ]
    height = 0.0
    for seconds, tool, colour in sorted(lines):
        axes.axhline(seconds, color=colour, linewidth=1.2)
        height = max(seconds, height * 1.3)  # so that no two labels lie on each other
        label = f"{tool}, {duration(seconds)}"
        axes.text(sizes[-1] * 1.25, height, label, color=colour, va="center", fontsize=9)
    for name, style, label in (
        ("overall", "o-", "this grader, start and all"),
        ("steady", "s:", "this grader, once started"),
    ):
        seconds_each = [measured.of(key, attrgetter(name)) for key in keys]
        axes.plot(sizes, seconds_each, style, color="#2166ac", markersize=5, label=label)
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(sizes[0] * 0.8, sizes[-1] * 1.15),
        xlabel="submissions in the class",
        ylabel="a submission",
        title="Grading without training, one job",
    )
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.minorticks_off()
    axes.yaxis.set_major_formatter(lambda seconds, _: duration(seconds))
    axes.grid(which="major", alpha=0.3)
    axes.legend(frameon=False, fontsize=9, loc="center right")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def duration(seconds: float) -> str:
    """Return a time in milliseconds, or in seconds where it is one or more."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
