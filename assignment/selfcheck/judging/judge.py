"""Judge the answers to calls: expected and returned tensors in, points and a message out.

This module travels in the self-check, so it needs only torch. Both sides judge by `verdicts`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import torch
from torch import Tensor

from ..source.by_code import ShownByCode, by_source
from ..source.parsing import TOO_DEEP
from ..source.tasks import Question, Tasks
from ..student_code.contract import (
    SWITCHED_OFF,
    UNFOLLOWED,
    Call,
    NamedSightings,
    Outcome,
    Problem,
    Sighting,
    Spellings,
)
from .diagnosis import (
    CONSTANT,
    MOST_NAMES,
    SINGLE,
    ZERO,
    Explanation,
    Ids,
    Mistakes,
    agreed,
    explanations,
    is_constant,
)
from .messages import Reason
from .verdicts import NO_ERROR, ErrorMap, Verdict

NOTHING_NAMED: NamedSightings = {}
# Digits shown of an error and of a loss: more would help nobody, and reveal hidden inputs.
ERROR_DIGITS = 2
LOSS_DIGITS = 4
NOTHING_SHOWN: ShownByCode = {}
RECOMPUTED = "recomputed"
AnsweredCases = Sequence[tuple["Case", Outcome]]

# The ids of the reasons that a problem's hint leads to.
HINTED = (
    "missing_failed",
    "missing_near",
    "missing_nested",
    "missing_unparsed",
    "not_attempted_stub_above",
    "raised_nested",
)


@dataclass(frozen=True)
class Case:
    """One call, the criterion it counts for, and the expected tensors (none for training).

    `on_path` is False if the given results of forward are not those of a forward pass on the other
    inputs. `mistaken` and `mistaken_twice` return the answers of one or two mistakes. For training,
    `final_loss` returns the loss of final parameters, and `pass_mark` is the largest that passes.
    """

    criterion: str
    call: Call
    expected: tuple[Tensor, ...] = ()
    on_path: bool = True
    mistaken: Callable[[], Mistakes] = Mistakes
    mistaken_twice: Callable[[], Mistakes] = Mistakes
    final_loss: Callable[[Sequence[Tensor]], float] | None = None
    pass_mark: float = 0.0


@dataclass(frozen=True)
class Marking:
    """The numbers of the rubric that turn errors into points.

    `words` are the values that messages about this homework use: its activation, and so on.
    """

    tasks: Tasks
    points: Mapping[str, float]
    full_tolerance: float
    half_tolerance: float
    half_share: float
    recompute_share: float
    autograd_share: float
    misconceptions: Mapping[str, float]
    words: Mapping[str, str | int | float]


@dataclass(frozen=True)
class SourceFacts:
    """What judging knows about a student's source, none of which it reads itself.

    `evidence` is what the code of its functions shows, `sightings` what its gradients name of
    autograd, and `spellings` the other names allowed for what is asked. `in_text` maps each name
    that its text cells would define to the cell's label and kind. `notes` are the places and texts
    of its errors.
    """

    evidence: ShownByCode = field(default_factory=dict)
    sightings: NamedSightings = field(default_factory=dict)
    in_text: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    spellings: Spellings = field(default_factory=dict)
    notes: Sequence[tuple[str, str]] = ()

    @property
    def unparsed(self) -> tuple[str, str] | None:
        """Place and error of the first part that does not parse; it may hide what is asked."""
        errors = ("SyntaxError", "IndentationError", "TabError")
        return next((note for note in self.notes if note[1].startswith(errors)), None)

    def cell_of(self, name: str) -> tuple[str, str] | None:
        """Return label and kind of the text cell that would define a name, if there is one."""
        names = (name, *self.spellings.get(name, ()))
        return next((self.in_text[own] for own in names if own in self.in_text), None)


@dataclass(frozen=True)
class _Finding:
    """The result of one case: the share it earns, its relative error, and the reasons to show.

    `comparison` is what was compared: a tensor's name, the actual and the expected tensor.
    """

    share: float
    error: float | None
    reasons: tuple[Reason, ...]
    comparison: tuple[str, Tensor, Tensor] | None = None

    @property
    def badness(self) -> tuple[float, float]:
        return (-self.share, math.inf if self.error is None else self.error)


def verdicts(
    criteria: Sequence[str], answers: AnsweredCases, marking: Marking, facts: SourceFacts
) -> list[Verdict]:
    """Judge some criteria by all of a submission's answers."""
    if {(outcome.problem, outcome.hint) for _, outcome in answers} == {(Problem.MISSING, None)}:
        reason = _nothing_defined(answers, facts)
        return [verdict for verdict in zero(reason, marking) if verdict.criterion in criteria]
    return [_verdict(name, answers, marking, facts) for name in criteria]


def _verdict(
    criterion: str, answers: AnsweredCases, marking: Marking, facts: SourceFacts
) -> Verdict:
    own = [one for one in answers if one[0].criterion == criterion]
    tasks, question = marking.tasks, marking.tasks.question_of(criterion)
    if question.is_training:
        verdict = judge_training(*own[0], marking)
        damage = _damage(answers)
        if damage and question.kind == "descent" and verdict.points == 0:
            reasons = (damage, *verdict.reasons)
            verdict = replace(verdict, reasons=reasons, diagnosis=damage.id)
    else:
        beside = [
            one
            for one in answers
            if one[0].call.function == question.name and one[0].criterion != criterion
        ]
        before = _seen([one for one in answers if one[0].call.function == tasks.forward.name])
        verdict = judge(criterion, own, marking, facts.sightings, facts.evidence, beside, before)
    if criterion == next(iter(marking.points)) and (
        missing := _mostly_missing(own, answers, tasks)
    ):
        verdict = replace(verdict, reasons=(missing, *verdict.reasons))
    return replace(verdict, reasons=tuple(_placed(each, facts) for each in verdict.reasons))


def _mostly_missing(own: AnsweredCases, answers: AnsweredCases, tasks: Tasks) -> Reason | None:
    """Return the missing names if most are missing: it may be work for something else.

    None if the criterion's `own` cases already say so.
    """
    missing = _missing(answers)
    functions = {case.call.function for case, _ in answers}
    required = [name for name in functions if not tasks.by_name[name].is_training]
    if 2 * len(missing) <= len(required) or not missing.keys().isdisjoint(_missing(own)):
        return None
    return Reason("mostly_missing", {"names": ", ".join(missing)})


def _missing(answers: AnsweredCases) -> dict[str, None]:
    """Return the names that are asked but not defined, in order."""
    return dict.fromkeys(
        outcome.detail for _, outcome in answers if outcome.problem is Problem.MISSING
    )


def _damage(answers: AnsweredCases) -> Reason | None:
    """Return a reason if a gradient changed its inputs in place, which only training reveals."""
    for case, outcome in answers:
        if outcome.changed_inputs:
            values = {"function": case.call.function, "detail": ", ".join(outcome.changed_inputs)}
            return Reason("in_place_damage", values)
    return None


def _placed(reason: Reason, facts: SourceFacts) -> Reason:
    """Say of a missing name which text cell would define it, if one does."""
    is_missing = reason.id in ("missing", "missing_near")
    cell = facts.cell_of(str(reason.values["detail"])) if is_missing else None
    if cell is None:
        return reason
    label, kind = cell
    return Reason("missing_in_text", {**reason.values, "cell": label, "kind": kind})


def _nothing_defined(answers: AnsweredCases, facts: SourceFacts) -> Reason:
    """Say what to define, and what may be the cause: code that does not parse or is text."""
    missing = _missing(answers)
    names = ", ".join(missing)
    if cell := next(filter(None, map(facts.cell_of, missing)), None):
        label, kind = cell
        return Reason("nothing_defined_in_text", {"names": names, "cell": label, "kind": kind})
    place, error = facts.unparsed or ("", "")
    if error.endswith(TOO_DEEP):
        return Reason("nothing_defined_too_deep", {"names": names, "place": place})
    error_text = f" {place}: {error}." if error else ""
    return Reason("nothing_defined", {"names": names, "error": error_text})


def zero(reason: Reason, marking: Marking) -> list[Verdict]:
    """Return verdicts of 0 points for a submission that could not be asked."""
    return [Verdict(name, 0, points, (reason,)) for name, points in marking.points.items()]


def judge(
    criterion: str,
    answers: AnsweredCases,
    marking: Marking,
    sightings: NamedSightings = NOTHING_NAMED,
    evidence: ShownByCode = NOTHING_SHOWN,
    beside: AnsweredCases = (),
    seen_in_forward: Sequence[Sighting] = (),
) -> Verdict:
    """Judge a criterion that compares tensors, from its cases and their outcomes.

    The worst case counts, separately on and off the path. A gradient right on the path but wrong
    off it earns a share of its on-path result, which depends on whether the source names autograd.
    If torch was seen to differentiate, in a gradient's own calls or in forward's, which come first,
    the gradient's share is multiplied by the autograd share; forward loses nothing. A recognised
    mistake earns its own share. `evidence` is what the student's code shows, `beside` the
    function's cases for other criteria: both tell apart mistakes with the same answers here.
    """
    findings = [(case, outcome, _examine(case, outcome, marking)) for case, outcome in answers]
    on_path = max((f for case, _, f in findings if case.on_path), key=lambda f: f.badness)
    worst = max((f for _, _, f in findings), key=lambda f: f.badness)
    question = marking.tasks.by_name[answers[0][0].call.function]
    function = question.name
    wrong = [(case, outcome) for case, outcome, finding in findings if finding.share < 1]
    share, reasons, ids = worst.share, worst.reasons, Ids()
    if on_path.share > 0 and worst.share == 0:
        share, reasons, ids = _recomputed(on_path, sightings.get(function, ()), marking)
        if ids == (RECOMPUTED,) and _is_cast([one for one in wrong if one[0].on_path]):
            ids, reasons = (SINGLE, *ids), (_taught(SINGLE, question, marking), *reasons)
    elif worst.share < 1:
        also = [one for one in beside if _examine(*one, marking).share < 1]
        ids = _diagnosed(wrong, also)
        if worst.share > 0 and ids != (SINGLE,):  # it is nearly right, so not a mistake
            ids = ()
        ids = by_source(ids, evidence.get(function, frozenset()), marking.tasks)
        share = prod(_share(name, marking) for name in ids) if ids else share
        reasons = (*(_taught(name, question, marking) for name in ids), *reasons)
    before = seen_in_forward if share else ()  # 0 already has its own reasons
    if question.kind == "gradient" and (
        autograd := _differentiated(_seen(answers), before, marking.tasks)
    ):
        share *= marking.autograd_share
        reasons, ids = (autograd,), ("autograd",)
    points = marking.points[criterion]
    return Verdict(
        criterion=criterion,
        points=share * points,
        max_points=points,
        reasons=reasons,
        error=None if worst.error is None else rounded(worst.error, ERROR_DIGITS),
        diagnosis="+".join(ids) or None,
        map=error_map(*worst.comparison) if worst.comparison else None,
    )


def _seen(answers: AnsweredCases) -> list[Sighting]:
    return [sighting for _, outcome in answers for sighting in outcome.sightings]


def _differentiated(
    own: Sequence[Sighting], in_forward: Sequence[Sighting], tasks: Tasks
) -> Reason | None:
    """Return a reason if torch was seen to differentiate, or the watch for it was switched off."""
    sightings = [*own, *in_forward]
    if not sightings:
        return None
    first = next((each for each in sightings if each.name != SWITCHED_OFF), sightings[0])
    if first.name == SWITCHED_OFF:
        return _autograd("autograd_unwatched", first, tasks)
    return _autograd("autograd" if first in own else "autograd_in_forward", first, tasks)


def _diagnosed(wrong: AnsweredCases, also: AnsweredCases) -> Ids:
    """Return the mistakes that explain all wrong cases, or else all those on the path.

    The cases `also` wrong in another criterion decide between explanations, but add none. If only
    the on-path cases have an explanation, the mistake was made in a second forward pass.
    """
    if is_constant(outcome for _, outcome in wrong):
        return (CONSTANT,) if any(out.tensors[0].any() for _, out in wrong) else (ZERO,)
    if also and (ids := _explained([*wrong, *also])):
        return _part(ids, wrong)
    if ids := _explained(wrong):
        return ids
    on_path = [(case, outcome) for case, outcome in wrong if case.on_path]
    if 0 < len(on_path) < len(wrong) and 0 < len(ids := _explained(on_path)) < MOST_NAMES:
        return (*ids, RECOMPUTED)
    return ()


def _is_cast(wrong: AnsweredCases) -> bool:
    """Tell whether a cast to float32 is all that is wrong in these cases."""
    return bool(wrong) and _explained(wrong) == (SINGLE,)


def _part(ids: Ids, wrong: AnsweredCases) -> Ids:
    """Return a smaller part of these mistakes that explains the wrong cases, if there is one."""
    parts = (each.ids for each in _by_one(wrong) if set(each.ids) < set(ids))
    return next(parts, ids)


def _explained(wrong: AnsweredCases) -> Ids:
    """Return the mistakes that best explain all of these cases, if any do."""
    best = _by_one(wrong)[:1]
    if not best or best[0].rank > (MOST_NAMES, False):
        # A mistake times an arbitrary number is a worse explanation than two mistakes.
        by_two = agreed(_explanations(case, out, case.mistaken_twice()) for case, out in wrong)
        best = sorted([*best, *by_two], key=lambda each: each.rank)[:1]
    return best[0].ids if best else _one_by_one(wrong)


def _by_one(wrong: AnsweredCases) -> list[Explanation]:
    """Return the explanations of all of these by at most one mistake of the catalogue."""
    return agreed(_explanations(case, out, case.mistaken()) for case, out in wrong)


def _one_by_one(wrong: AnsweredCases) -> Ids:
    """Return two mistakes if each case shows one of them: one error may hide the other."""
    ids: dict[str, None] = {}
    for case, outcome in wrong:
        candidates = _explanations(case, outcome, case.mistaken())
        if not candidates or candidates[0].rank > (1, False):
            return ()
        ids |= dict.fromkeys(candidates[0].ids)
    return tuple(ids) if len(ids) == MOST_NAMES else ()


def _explanations(case: Case, outcome: Outcome, mistakes: Mistakes) -> list[Explanation]:
    return explanations(
        outcome, case.expected, mistakes, len(next(iter(case.call.tensors.values())))
    )


def _share(name: str, marking: Marking) -> float:
    """Return the share of the points that a mistake leaves; 0 if the rubric sets none."""
    own = {SINGLE: marking.half_share, RECOMPUTED: marking.recompute_share}
    return own.get(name, marking.misconceptions.get(name, 0.0))


def _taught(name: str, question: Question, marking: Marking) -> Reason:
    values: dict[str, str | int | float] = {
        "function": question.name,
        "equation": question.equation,
        "parameter": question.subject,
        "returned": " and ".join(marking.tasks.forward.returns),
        **marking.words,
    }
    return Reason(name, values)


def judge_training(case: Case, outcome: Outcome, marking: Marking) -> Verdict:
    """Judge a training run by the loss of the parameters that it returned."""
    points = marking.points[case.criterion]
    call = case.call
    if outcome.problem:
        reason = _problem(outcome.problem, call.function, outcome)
        return Verdict(case.criterion, 0, points, (reason,))
    names, mark = marking.tasks.parameters, case.pass_mark
    final = outcome.tensors[: len(names)]
    faulty = _shape_fault(call.take(names), final, names)
    if faulty:
        return Verdict(case.criterion, 0, points, (faulty,))
    params = tuple(tensor.to(torch.float64) for tensor in final)
    assert case.final_loss is not None  # as for every training run
    loss = case.final_loss(params)
    # An activation may map infinite weights to finite values, so the loss alone does not tell.
    if not all(map(math.isfinite, (loss, *(float(p.abs().sum()) for p in params)))):
        return Verdict(case.criterion, 0, points, (Reason("diverged"),))
    passed = loss <= mark
    values = {"loss": rounded(loss, LOSS_DIGITS), "pass_mark": rounded(mark, LOSS_DIGITS)}
    reason = Reason("trained" if passed else "not_trained", values)
    earned_points = points if passed else 0
    return Verdict(case.criterion, earned_points, points, (reason,), loss=values["loss"])


def rounded(value: float, digits: int) -> float:
    """Return a value rounded to some significant digits."""
    return float(f"{value:.{digits - 1}e}")


def relative_error(actual: Tensor, expected: Tensor) -> tuple[float, tuple[int, ...]]:
    """Return max|actual - expected| / max|expected| in float64, and the index of the worst entry.

    Shapes must agree. The error is infinite if `actual` is not finite.
    """
    difference = (actual.to(torch.float64) - expected).abs()
    worst = float(difference.max())
    if worst == 0:
        return 0.0, (0,) * difference.dim()  # most answers are right, and most right ones exact
    if not math.isfinite(worst):
        difference[~difference.isfinite()] = math.inf
    flat = int(difference.argmax())
    error = float(difference.flatten()[flat] / expected.abs().max())
    index: list[int] = []
    for size in reversed(difference.shape):
        flat, entry = divmod(flat, size)
        index.insert(0, entry)
    return error, tuple(index)


def error_map(name: str, actual: Tensor, expected: Tensor) -> ErrorMap:
    """Return where two tensors of the same shape differ, one row per index except the last.

    For a vector, each entry is a row of its own.
    """
    relative = (actual.to(torch.float64) - expected).abs() / expected.abs().max()
    decades = relative.log10().floor().clamp(min=NO_ERROR)
    columns = decades.shape[-1] if decades.dim() > 1 else 1
    rows: list[list[float]] = decades.reshape(-1, columns).tolist()
    return ErrorMap(name, [[int(d) if math.isfinite(d) else None for d in row] for row in rows])


def _examine(case: Case, outcome: Outcome, marking: Marking) -> _Finding:
    function = case.call.function
    if outcome.problem:
        return _Finding(0, None, (_problem(outcome.problem, function, outcome),))
    names = marking.tasks.by_name[function].returns
    faulty = _shape_fault(case.expected, outcome.tensors, names)
    if faulty:
        return _Finding(0, None, (faulty,))
    pairs = zip(names, outcome.tensors, case.expected, strict=True)
    return max(
        (_compare(name, actual, expected, marking) for name, actual, expected in pairs),
        key=lambda finding: finding.badness,
    )


def _compare(name: str, actual: Tensor, expected: Tensor, marking: Marking) -> _Finding:
    error, index = relative_error(actual, expected)
    comparison = (name, actual, expected)
    place = {"tensor": name, "entry": str(list(index))}
    if not math.isfinite(error):
        return _Finding(0, None, (Reason("not_finite", place),), comparison=comparison)
    if error <= marking.full_tolerance:
        return _Finding(1, error, (Reason("right"),))
    rounded_error = rounded(error, ERROR_DIGITS)
    numbers = {"error": rounded_error, "tolerance": marking.full_tolerance}
    if error <= marking.half_tolerance:
        reason = Reason("half", {**place, **numbers})
        return _Finding(marking.half_share, error, (reason,), comparison=comparison)
    return _Finding(0, error, (Reason("wrong", {**place, **numbers}),), comparison=comparison)


def _shape_fault(
    expected: Sequence[Tensor], actual: Sequence[Tensor], names: Sequence[str]
) -> Reason | None:
    if len(actual) != len(expected):
        return Reason("count", {"actual": len(actual), "expected": len(expected)})
    for name, result, target in zip(names, actual, expected, strict=True):
        if result.shape != target.shape:
            shapes = {"actual": str(tuple(result.shape)), "expected": str(tuple(target.shape))}
            return Reason("shape", {"tensor": name, **shapes})
    return None


def _problem(problem: Problem, function: str, outcome: Outcome) -> Reason:
    place = f" ({outcome.where})" if outcome.where else ""
    values = {"function": function, "detail": outcome.detail, "place": place}
    reason_id = f"{problem.value}_{outcome.hint.kind}" if outcome.hint else ""
    if outcome.hint and reason_id in HINTED:  # a worker may answer anything
        return Reason(
            reason_id, {**values, "name": outcome.hint.name, "there": f" ({outcome.hint.where})"}
        )
    return Reason(problem.value, values)


def _recomputed(
    on_path: _Finding, sightings: Sequence[Sighting], marking: Marking
) -> tuple[float, tuple[Reason, ...], Ids]:
    """Return share, reason and name for a gradient that is right on the path and wrong off it."""
    if followed := [each for each in sightings if each.name != UNFOLLOWED]:
        reason = _autograd("autograd_named", followed[0], marking.tasks)
        return on_path.share * marking.autograd_share, (reason,), ("autograd_named",)
    words = marking.tasks.words
    reason = Reason("only_on_path", words)
    if on_path.share < 1 and on_path.error is not None:
        rounded_error = rounded(on_path.error, ERROR_DIGITS)
        reason = Reason("recomputed_half", {"error": rounded_error, **words})
    return on_path.share * marking.recompute_share, (reason,), (RECOMPUTED,)


def _autograd(message: str, sighting: Sighting, tasks: Tasks) -> Reason:
    place = f" ({sighting.where})" if sighting.where else ""
    return Reason(message, {"name": sighting.name, "place": place, **tasks.words})
