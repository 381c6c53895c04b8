"""Hidden cases: from the seed alone, half of them off the path, and none of them degenerate."""

import hashlib
from collections import Counter

import pytest
import torch

from grader.homework.activations import activation_called
from grader.homework.cases import build_cases
from grader.homework.parameters import Parameters
from grader.homework.reference import Reference
from grader.judging.judge import Case
from grader.rubric.cases import hidden_cases, public_cases
from grader.rubric.draw import Draw

reference = Reference(activation_called("sigmoid"))


def equal(one: Case, other: Case) -> bool:
    tensors = zip(one.expected, other.expected, strict=True)
    inputs = one.call.tensors.keys() == other.call.tensors.keys() and all(
        torch.equal(one.call.tensors[n], other.call.tensors[n]) for n in one.call.tensors
    )
    return inputs and all(torch.equal(a, b) for a, b in tensors)


def test_a_seed_gives_the_same_cases_bit_for_bit_and_leaves_the_global_generator_alone(rubric):
    before = torch.get_rng_state()
    first, second = hidden_cases(rubric, 7), hidden_cases(rubric, 7)
    assert torch.equal(before, torch.get_rng_state())
    assert all(equal(a, b) for a, b in zip(first, second, strict=True))


def test_another_seed_gives_other_cases(rubric):
    for one, other in zip(hidden_cases(rubric, 7), hidden_cases(rubric, 8), strict=True):
        assert not equal(one, other) or one.criterion == "forward.stable"


# Of a seed in a gradebook: 128 bits that follow no pattern.
SECRET = int.from_bytes(hashlib.sha256(b"a seed").digest()[:16])


@pytest.mark.parametrize("bit", range(128))
def test_each_bit_of_a_seed_counts(bit):
    """Neither the numbers nor any of their beginnings are those of the seed without the bit."""
    one, other = (Draw(seed, "train").normal(50) for seed in (SECRET, SECRET ^ (1 << bit)))
    assert not torch.isclose(one, other).any()


@pytest.mark.parametrize("bit", [0, 31, 32, 63, 64, 95, 127])
def test_each_case_of_a_seed_that_differs_in_a_bit_is_another_one(rubric, bit):
    cases = [hidden_cases(rubric, seed) for seed in (SECRET, SECRET ^ (1 << bit))]
    for one, other in zip(*cases, strict=True):
        for name in {"b1", "y"} & one.call.tensors.keys():
            assert not (one.call.tensors[name] == other.call.tensors[name]).any()


def test_each_purpose_has_a_stream_of_its_own():
    streams = [Draw(SECRET, purpose).uniform(0, 1, 100) for purpose in ("a", "b", "a/", "")]
    values = torch.cat(streams)
    assert len(values.unique()) == len(values)


def test_what_is_drawn_is_as_it_was():
    """With another numpy it may not be: then marks of a class are of two sets of cases."""
    draw = Draw(SECRET, "test")
    assert draw.normal(2, 1).tolist() == [[0.11422451356155285], [-1.0497816864434957]]
    assert draw.uniform(-1.0, 1.0, 2).tolist() == [0.20418852896818818, -0.43450022958377876]


def test_no_public_case_is_a_hidden_one(rubric):
    settings = rubric.public_cases
    assert rubric.cases.seed != settings.seed
    public, hidden = public_cases(rubric), hidden_cases(rubric, rubric.cases.seed)
    shared = {"train.manual", "train.net", "net"}  # these compare at equal sizes, other numbers
    for case in public:
        others = [h for h in hidden if h.criterion == case.criterion]
        assert not any(
            case.call.tensors["x"].shape == h.call.tensors["x"].shape
            and torch.equal(case.call.tensors["w1"], h.call.tensors["w1"])
            for h in others
        ), case.criterion
        assert case.criterion in shared or all(
            case.call.tensors["x"].shape != h.call.tensors["x"].shape for h in others
        )


@pytest.mark.parametrize("seed", [0, 1, 20211])
def test_half_of_each_gradients_cases_are_off_the_path(rubric, seed):
    gradients = [c for c in hidden_cases(rubric, seed) if c.criterion.startswith("grad_")]
    counts = Counter((case.criterion, case.on_path) for case in gradients)
    assert {name for name, _ in counts} == {n for n in rubric.points if n.startswith("grad_")}
    assert all(counts[name, True] == counts[name, False] for name, _ in counts)
    for case in gradients:
        given = case.call.tensors
        hs, y_pred = reference.forward(given["x"], Parameters.of(case.call))
        passes = torch.equal(hs, given["hs"]) and torch.equal(y_pred, given["y_pred"])
        assert passes == case.on_path


def test_every_criterion_has_its_cases_and_both_bias_conventions_are_asked(rubric):
    cases = hidden_cases(rubric, 3)
    assert {case.criterion for case in cases} == set(rubric.points)
    for name in ("forward.values", "grad_w1", "grad_w2"):
        rows = {case.call.tensors["b1"].shape[0] == 1 for case in cases if case.criterion == name}
        assert rows == {True, False}


def test_gradients_are_asked_before_training(rubric):
    criteria = [case.criterion for case in hidden_cases(rubric, 3)]
    assert criteria[-2:] == ["train.manual", "train.net"]


def test_stable_cases_saturate_in_both_directions(rubric):
    for case in hidden_cases(rubric, 3):
        if case.criterion == "forward.stable":
            given = case.call.tensors
            h = given["x"] @ given["w1"] + given["b1"]
            assert h.abs().min() >= rubric.cases.saturation - 1
            assert h.min() < 0 < h.max()


def test_training_starts_as_nn_linear_does_and_on_the_reports_data(rubric):
    (case,) = (c for c in hidden_cases(rubric, 3) if c.criterion == "train.manual")
    x, y, params = case.call.tensors["x"], case.call.tensors["y"], Parameters.of(case.call)
    assert (len(x), x[0].item(), x[-1].item()) == (100, -1.0, 1.0)
    assert (y - x.square()).min() >= 0
    assert (y - x.square()).max() < rubric.homework.noise
    bounds = Parameters(1.0, 1.0, 20**-0.5, 20**-0.5)
    assert all(p.abs().max() <= bound for p, bound in zip(params, bounds, strict=True))


def test_sizes_leave_no_room_for_an_accidental_transpose(rubric):
    for settings in (rubric.cases, rubric.public_cases):
        assert all(n != n_hidden and n > 1 and n_hidden > 1 for n, n_hidden in settings.sizes)
        assert build_cases(rubric, settings, 0)
