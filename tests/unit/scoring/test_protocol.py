"""What an attempt is known by: what was handed in, and what of an assignment decides its score."""

import msgspec
import pytest
from msgspec.structs import replace

from grader.results.record import sha256
from grader.rubric import Rubric, rubric_from
from grader.scoring.protocol import (
    POLICY,
    GradingSettings,
    SubmittedFiles,
    basis_of,
    cache_key,
    content_of,
)

SUBMISSION = SubmittedFiles.of("ada", "homework.py", b"x = 1\n")
BOTH = SubmittedFiles("ada", {"a.py": b"1", "b.py": b"2"})


def test_the_content_of_one_file_is_its_digest():
    assert content_of(SUBMISSION) == sha256(b"x = 1\n")


CONTENTS = [  # two submissions, and whether the same was handed in
    (SUBMISSION, SubmittedFiles.of("bob", "my homework.py", b"x = 1\n"), True),
    (SUBMISSION, SubmittedFiles.of("ada", "homework.py", b"x = 2\n"), False),
    (
        SUBMISSION,
        SubmittedFiles("ada", {"homework.py": b"x = 1\n"}, {"utils.py": "is empty"}),
        False,
    ),
    (SUBMISSION, SubmittedFiles("ada", {"homework.py": b"x = 1\n", "utils.py": b""}), False),
    (BOTH, SubmittedFiles("bob", {"b.py": b"2", "a.py": b"1"}), True),
    (BOTH, SubmittedFiles("ada", {"a.py": b"2", "b.py": b"1"}), False),  # one may import the other
    (BOTH, SubmittedFiles("ada", {"a.py": b"1", "c.py": b"2"}), False),
    (SubmittedFiles("ada", {}, {}, "is empty"), SubmittedFiles("bob", {}, {}, "is empty"), True),
    (
        SubmittedFiles("ada", {}, {}, "is empty"),
        SubmittedFiles("ada", {}, {}, "is a folder"),
        False,
    ),
    (
        SubmittedFiles("ada", {}, {"a.py": "is empty"}),
        SubmittedFiles("ada", {}, {"b.py": "is empty"}),
        False,
    ),
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
        changed = rubric_from({**msgspec.to_builtins(rubric), part: {**values, name: other}})
        assert (basis_of(changed, "7") == basis) == (part in POLICY), part
    late = replace(rubric, late=replace(rubric.late, due="2026-10-31T23:59:00Z", zone="Asia/Tokyo"))
    assert basis_of(late, "7") == basis


@pytest.mark.parametrize("change", [{"strict": True}, {"software": {"torch": "3"}}])
def test_how_is_graded_is_of_the_key_and_not_of_the_basis(settings, change):
    """Which says what may be compared: a newer torch is no other homework."""
    assert cache_key(replace(settings, **change), SUBMISSION) != cache_key(settings, SUBMISSION)


def test_a_seed_may_have_128_bits(rubric):
    settings = GradingSettings.of(rubric, 2**128 - 1, strict=False)
    assert settings.seed_for("ada") == 2**128 - 1
    assert GradingSettings.decoded(msgspec.msgpack.encode(settings)) == settings
