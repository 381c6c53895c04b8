"""The cases of a rubric's homework: the hidden ones, the public ones, and the latter's file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache

import msgspec

from grader.confined.limits import Limits
from grader.judging.diagnosis import MistakenAnswer, Mistakes
from grader.judging.judge import Case
from grader.rubric.rubric import CaseTable, Rubric


def hidden_cases(rubric: Rubric, seed: int) -> list[Case]:
    """Return the cases that decide a score, in the order of asking."""
    return _cases(rubric, rubric.cases, seed)


def public_cases(rubric: Rubric) -> list[Case]:
    """Return the cases of the self-check."""
    return _cases(rubric, rubric.public_cases, rubric.public_cases.seed)


def public_training_case(rubric: Rubric) -> Case:
    """Return the training run with hand-written gradients, on data that students may know."""
    return rubric.package.training_case(rubric, rubric.public_cases.seed)


def _cases(rubric: Rubric, settings: CaseTable, seed: int) -> list[Case]:
    return [_with_mistakes(rubric, each) for each in rubric.package.cases(rubric, settings, seed)]


def _with_mistakes(rubric: Rubric, case: Case) -> Case:
    """Add the answers of named mistakes, computed on first use and cached."""
    package = rubric.package
    return replace(
        case,
        mistaken=cache(lambda: Mistakes(package.mistaken(rubric, case.call))),
        mistaken_twice=cache(lambda: Mistakes(package.mistaken_twice(rubric, case.call))),
    )


def _mistakes(rubric: Rubric, case: Case) -> Sequence[list[MistakenAnswer]]:
    package = rubric.package
    return package.mistaken(rubric, case.call), package.mistaken_twice(rubric, case.call)


def public_cases_json(rubric: Rubric) -> str:
    """Return as JSON all that the self-check needs of the rubric, with numbers in full."""
    cases = public_cases(rubric)
    content = {
        **stored_rubric(rubric),
        "mistakes": {
            case.call.function: [
                [each.ids for each in answers] for answers in _mistakes(rubric, case)
            ]
            for case in cases
        },
        "cases": [stored_case(case, *_mistakes(rubric, case)) for case in cases],
    }
    return json.dumps(content, separators=(",", ":")) + "\n"


def stored_rubric(rubric: Rubric) -> dict[str, object]:
    """Return the parts of the rubric needed to ask and judge stored cases, as plain values."""
    package = rubric.package
    return {
        "marking": asdict(rubric.marking()),
        "loss": dict(package.loss_settings(rubric)),
        "texts": dict(package.MISTAKES),
        "spellings": rubric.spellings,
        "software": msgspec.to_builtins(rubric.software),
        "limits": _seconds(rubric.limits),
        "source_bytes": rubric.limits.source_bytes,
    }


def _seconds(limits: Limits) -> dict[str, float]:
    """Return the limits of processor time for the parts of a submission."""
    of_all = ("total_seconds", "grace_seconds")
    numbers = msgspec.structs.asdict(limits)
    return {n: s for n, s in numbers.items() if n.endswith("_seconds") and n not in of_all}


def stored_case(
    case: Case, once: Sequence[MistakenAnswer] = (), twice: Sequence[MistakenAnswer] = ()
) -> dict[str, object]:
    """Return a case as plain values, with what one and two mistakes would answer.

    `mistaken` and `mistaken_twice` hold answers in the order of the function's `mistakes`. Pairs of
    mistakes often share an answer, so each tensor is stored once, in `made`, and an answer lists
    the numbers of its tensors.
    """
    numbers: dict[str, int] = {}

    def plain(each: MistakenAnswer) -> list[int] | str:
        if isinstance(each.answer, str):
            return each.answer
        texts = [json.dumps(tensor.tolist(), separators=(",", ":")) for tensor in each.answer]
        return [numbers.setdefault(text, len(numbers)) for text in texts]

    return {
        "criterion": case.criterion,
        "pass_mark": case.pass_mark,
        "on_path": case.on_path,
        "function": case.call.function,
        "tensors": {name: tensor.tolist() for name, tensor in case.call.tensors.items()},
        "settings": dict(case.call.settings),
        "expected": [tensor.tolist() for tensor in case.expected],
        "mistaken": list(map(plain, once)),
        "mistaken_twice": list(map(plain, twice)),
        "made": [json.loads(text) for text in numbers],
    }
