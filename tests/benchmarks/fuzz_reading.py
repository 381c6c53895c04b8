"""Fuzz all that reads students' text, within limits of memory and time, for some minutes.

    python tests/benchmarks/fuzz_reading.py [MINUTES] [FIRST_SEED]

Prints the seeds, the worst time and memory of each target by the size of the input, and every input
that breaks something; those are saved in the folder `broken`. Exit code 1 if there are any that
nothing catches.
"""

import random
import sys
import time
from collections import defaultdict
from contextlib import closing
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from fuzzing import Fuzzer, Tried
from rich.console import Console
from rich.table import Table

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
BROKEN = Path("broken")


def main(minutes: float, first: int) -> int:
    """Fuzz for so long; return the exit code."""
    worst: dict[tuple[str, int], Tried] = {}
    largest: defaultdict[tuple[str, int], float] = defaultdict(float)
    broken: list[Tried] = []
    until = time.monotonic() + 60 * minutes
    print(f"seeds from {first}")
    with closing(Fuzzer()) as fuzzer:
        for seed in count(first):
            if time.monotonic() > until:
                break
            for tried in fuzzer.tries(seed, SIZES[seed % len(SIZES)]):
                size = next((each for each in SIZES if len(tried.data) <= each), len(tried.data))
                key = tried.target.run.__name__, size
                largest[key] = max(largest[key], tried.megabytes)
                if key not in worst or worst[key].seconds < tried.seconds:
                    worst[key] = tried
                if tried.lost:
                    broken.append(tried)
                    _save(tried, seed)
    print(f"seeds up to {seed - 1}")
    _show(worst, largest)
    return int(any(not tried.target.may_be_lost for tried in broken))


def _save(tried: Tried, seed: int) -> None:
    BROKEN.mkdir(exist_ok=True)
    name = f"{tried.target.run.__name__}-{seed}-{tried.name}"
    (BROKEN / name).write_bytes(tried.data)
    caught = " (caught: there is a fallback)" if tried.target.may_be_lost else ""
    print(f"{BROKEN / name}: {len(tried.data)} bytes: {tried.lost}{caught}", flush=True)


def _show(worst: dict[tuple[str, int], Tried], largest: dict[tuple[str, int], float]) -> None:
    table = Table("target", *(f"<= {size:,}" for size in SIZES), title="worst seconds, MB")
    for name in dict.fromkeys(name for name, _ in worst):
        cells = [
            f"{worst[name, size].seconds:.2f} s, {largest[name, size]:.0f}"
            if (name, size) in worst
            else ""
            for size in SIZES
        ]
        table.add_row(name, *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    given = sys.argv[1:]
    minutes = float(given[0]) if given else 10.0
    sys.exit(main(minutes, int(given[1]) if len(given) > 1 else random.randrange(10**9)))
