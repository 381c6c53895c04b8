"""Measure this grader beside its peers, on the same submissions in one run.

The tools take turns, for some rounds, since a machine's speed drifts: a time is the median of the
rounds' times, a ratio the median of their ratios. Each result is looked at: a submission must pass
with every tool what is right in it, and fail what is wrong. Prints tables, and writes them to
results/latest.md with a plot beside them. Figures of one run are comparable with each other, not
with another machine's.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from homeworks import CHECKS, TRAININGS, passes
from measure import Busy, Command, Failed, Run, run
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
    Sizes,
)
from ours import Floor, Ours, write_rubric
from peers import ENVIRONMENTS, Nbgrader, OtterLoop, OtterRun, Pytest, Tool
from report import show, write

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from opens import imports_of_torch

RESULTS = Path(__file__).parent / "results"
HOMEWORKS = Path(__file__).with_name("homeworks.py")
ROUNDS = 3
Peer = Callable[[Path, Sequence[Path], Sequence[str]], Tool]
PEERS: dict[str, Peer] = {
    PYTEST: Pytest,
    OTTER: OtterRun,
    OTTER_LOOP: OtterLoop,
    NBGRADER: Nbgrader,
}


def main() -> int:
    """Measure, print and write; return the exit code."""
    missing = [
        tool
        for tool in ("otter-grader", "nbgrader")
        if not (ENVIRONMENTS / tool / ".installed").exists()
    ]
    if missing:
        print(f"bench: {' and '.join(missing)} not installed: run `make bench`", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            measured = measure(Path(folder), Sizes(), ROUNDS, PEERS)
    except Failed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    show(measured)
    write(measured, RESULTS)
    return 0


def measure(folder: Path, sizes: Sizes, rounds: int, peers: Mapping[str, Peer]) -> Measured:
    """Set all tools up in `folder` and let them take turns; raise Failed where one fails."""
    tools = dict(set_up(folder, sizes, peers))
    for key, tool in tools.items():
        if key.size <= min(sizes.growth):
            graded(key, tool)  # once before it counts, so that all files are cached
    busy = Busy()
    measured: list[dict[Key, Run]] = []
    bare = []
    for number in range(rounds):
        bare.append(run(Command([sys.executable, "-c", "import torch"])).seconds)
        measured.append({})
        for key, tool in tools.items():
            measured[-1][key] = graded(key, tool)
            print(f"round {number + 1} of {rounds}: {describe(key)}", file=sys.stderr)
    others = busy.others()
    ours = tools[sizes.key(OURS, training=True)]
    assert isinstance(ours, Ours)
    with imports_of_torch() as opens:
        memory = ours.watch()
    return Measured(sizes, measured, bare, opens.count, memory, others)


def set_up(
    folder: Path, sizes: Sizes, peers: Mapping[str, Peer]
) -> Iterator[tuple[Key, Tool | Floor]]:
    """Yield all tools, ready to grade."""
    for training in (False, True):
        checks = checks_of(training)
        place = folder / ("training" if training else "plain")
        place.mkdir()
        rubric = write_rubric(place / "rubric.toml", checks)
        submissions = class_of(folder, sizes.key(OURS, training).size)
        yield sizes.key(FLOOR, training), Floor(place / FLOOR, submissions, rubric)
        for name, jobs, pages in ((OURS, 1, False), (TWO_JOBS, 2, False), (PAGES, 1, True)):
            ours = Ours(place / name, submissions, rubric, jobs, pages=pages)
            yield sizes.key(name, training), ours
        notebooks = sorted(class_of(folder, sizes.peers).iterdir())
        for name, peer in peers.items():
            yield sizes.key(name, training), peer(place / name, notebooks, checks)
    for size in sizes.growth:
        if size != sizes.ours:
            rubric = folder / "plain" / "rubric.toml"
            key = Key(OURS, False, size)
            yield key, Ours(folder / f"{size}", class_of(folder, size), rubric, 1, pages=False)


def checks_of(training: bool) -> tuple[str, ...]:
    """Return the checks that are asked for."""
    return CHECKS + TRAININGS if training else CHECKS


def class_of(folder: Path, size: int) -> Path:
    """Return a class of this size, written when first asked for."""
    submissions = folder / f"class-{size}"
    if not submissions.exists():
        run(Command([sys.executable, HOMEWORKS, submissions, size]))
    return submissions


def graded(key: Key, tool: Tool | Floor) -> Run:
    """Have a tool grade its class; raise Failed where it did not tell right from wrong."""
    taken = tool.grade()
    passed = tool.passed()
    if passed is not None:
        checks = checks_of(key.training)
        wrong = [student for student in passed if passed[student] != passes(student, checks)]
        if wrong or len(passed) != key.size:
            sample = {student: sorted(passed[student]) for student in wrong[:3]}
            raise Failed(f"{describe(key)}: {len(passed)} graded, these wrongly: {sample}")
    return taken


def describe(key: Key) -> str:
    """Return a key in words."""
    return f"{key.tool}, {key.size} submissions, {'with' if key.training else 'without'} training"


if __name__ == "__main__":
    sys.exit(main())
