"""How a final mark comes about, step by step, in words for the student."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from grader.judging.messages import BREAKDOWN, Texts
from grader.results.record import ByHand, Final
from grader.util.moments import moment_text

MINUS = "\u2212"


class Step(NamedTuple):
    """A step in words, with the points it leads to ("" if none), and the staff's explanation."""

    words: str
    points: str = ""
    told: str = ""

    @property
    def line(self) -> str:
        """The step as one line of text."""
        return ": ".join(filter(None, (self.words, self.points, self.told)))


def steps(final: Final, texts: Texts) -> list[Step]:
    """Return the steps from the points earned to the final mark."""
    return list(_steps(final, texts))


def attempt_words(final: Final, counts: Literal["best", "last"], texts: Texts) -> str:
    """Return which of several attempts counts, and why; "" if there is only one."""
    if final.attempts == 1:
        return ""
    return texts.say(BREAKDOWN[counts], attempt=final.attempt, attempts=final.attempts)


def _steps(final: Final, texts: Texts) -> Iterator[Step]:
    yield Step(texts.say(BREAKDOWN["earned"]), f"{final.score:g}")
    for change in final.by_hand:
        if change.criterion is not None and change.points is not None:
            yield _criterion(final, change, texts)
    yield Step(_handed_in(final, texts))
    extension = _in_force(final, "due")
    if final.due:
        words = BREAKDOWN["extension" if extension else "due"]
        words_of_staff = extension.told if extension else ""
        yield Step(texts.say(words, due=moment_text(final.due)), told=words_of_staff)
    days = _in_force(final, "late_days")
    is_past_due = final.due is not None and final.handed_in > final.due
    if final.late_days or days or is_past_due:
        # A system may mark work as late without saying when it was handed in.
        of_system = "days" if is_past_due else "days_of_system"
        words = BREAKDOWN["days_by_hand" if days else of_system]
        penalty = f"{MINUS}{final.penalty:g}" if final.penalty else ""
        words_of_staff = days.told if days else ""
        yield Step(texts.say(words, days=f"{final.late_days:g}"), penalty, words_of_staff)
    if total := _in_force(final, "points"):
        yield Step(texts.say(BREAKDOWN["by_hand"]), f"{total.points:g}", total.told)


def _criterion(final: Final, change: ByHand, texts: Texts) -> Step:
    points_before = {criterion.id: criterion.points for criterion in final.record.criteria}
    words = texts.say(
        BREAKDOWN["criterion_by_hand"],
        criterion=change.criterion or "",
        points=f"{change.points:g}",
        graded=f"{points_before[change.criterion]:g}" if change.criterion in points_before else "-",
    )
    return Step(words, told=change.told)


def _handed_in(final: Final, texts: Texts) -> str:
    words = texts.say(BREAKDOWN["handed_in"], moment=moment_text(final.handed_in))
    return f"{words} ({texts.say(BREAKDOWN[final.told_by])})" if final.told_by else words


def _in_force(final: Final, what: Literal["points", "late_days", "due"]) -> ByHand | None:
    """Return the change by hand that sets `what` for the whole mark, if any."""
    of_whole = (change for change in final.by_hand if change.criterion is None)
    return next((change for change in of_whole if getattr(change, what) is not None), None)
