"""Some seconds of what tests/benchmarks/fuzz_reading.py does for minutes, by fixed seeds."""

from contextlib import closing

import pytest
from fuzzing import Fuzzer

SEEDS = 60


@pytest.mark.parametrize("most", [1_000, 30_000])
def test_no_text_takes_a_reader_along(most):
    with closing(Fuzzer()) as fuzzer:
        for seed in range(SEEDS):
            broken = [
                (tried.target.run.__name__, tried.lost, tried.data[:80])
                for tried in fuzzer.tries(seed, most)
                if tried.lost
            ]
            assert broken == [], seed
