"""What an attempt is known by: what was handed in, and what of an assignment decides its score."""

import msgspec
import pytest
from msgspec.structs import replace

from grader.results.record import sha256
from grader.rubric import Rubric
from grader.scoring.protocol import (
    POLICY,
    GradingSettings,
    Paper,
    basis_of,
    cache_key,
    content_of,
)

PAPER = Paper.of("ada", "homework.py", b"x = 1\n")
BOTH = Paper("ada", {"a.py": b"1", "b.py": b"2"})


def test_the_content_of_one_file_is_its_digest():
    assert content_of(PAPER) == sha256(b"x = 1\n")


CONTENTS = [  # two papers, and whether the same was handed in
    (PAPER, Paper.of("bob", "my homework.py", b"x = 1\n"), True),
    (PAPER, Paper.of("ada", "homework.py", b"x = 2\n"), False),
    (PAPER, Paper("ada", {"homework.py": b"x = 1\n"}, {"utils.py": "is empty"}), False),
    (PAPER, Paper("ada", {"homework.py": b"x = 1\n", "utils.py": b""}), False),
    (BOTH, Paper("bob", {"b.py": b"2", "a.py": b"1"}), True),
    (BOTH, Paper("ada", {"a.py": b"2", "b.py": b"1"}), False),  # one may import the other
    (BOTH, Paper("ada", {"a.py": b"1", "c.py": b"2"}), False),
    (Paper("ada", {}, {}, "is empty"), Paper("bob", {}, {}, "is empty"), True),
    (Paper("ada", {}, {}, "is empty"), Paper("ada", {}, {}, "is a folder"), False),
    (Paper("ada", {}, {"a.py": "is empty"}), Paper("ada", {}, {"b.py": "is empty"}), False),
]


@pytest.mark.parametrize(("one", "other", "same"), CONTENTS)
def test_the_same_content_is_the_same_attempt(one, other, same):
    assert (content_of(one) == content_of(other)) == same


@pytest.fixture
def settings(rubric: Rubric) -> GradingSettings:
    return GradingSettings.of(rubric, 7, strict=False)


def test_the_basis_is_the_rubrics_scoring_part_and_the_seed(rubric):
    basis = basis_of(rubric, "7")
    assert basis_of(rubric, "8") != basis
    for part, values in msgspec.to_builtins(rubric).items():
        name, value = next(iter(values.items()))
        if not isinstance(value, int | float):
            continue
        other = value + 1 if isinstance(value, int) else value / 2 or 0.5
        changed = msgspec.convert({**msgspec.to_builtins(rubric), part: {**values, name: other}},
                                  Rubric)  # fmt: skip
        assert (basis_of(changed, "7") == basis) == (part in POLICY), part
    late = replace(rubric, late=replace(rubric.late, due="2026-10-31T23:59:00Z", zone="Asia/Tokyo"))
    assert basis_of(late, "7") == basis


@pytest.mark.parametrize("change", [{"strict": True}, {"software": {"torch": "3"}}])
def test_how_is_graded_is_of_the_key_and_not_of_the_basis(settings, change):
    """Which says what may be compared: a newer torch is no other homework."""
    assert cache_key(replace(settings, **change), PAPER) != cache_key(settings, PAPER)


def test_a_seed_may_have_128_bits(rubric):
    settings = GradingSettings.of(rubric, 2**128 - 1, strict=False)
    assert settings.seed_for("ada") == 2**128 - 1
    assert (
        msgspec.msgpack.decode(msgspec.msgpack.encode(settings), type=GradingSettings) == settings
    )
