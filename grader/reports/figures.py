"""What an instructor wants to know of a graded class: its rows, and figures on each criterion."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import StatisticsError, correlation, fmean
from typing import NamedTuple

from grader.catalogue import Texts
from grader.records import Criterion, Final, Record, Status

BINS = 20
LONGEST_SENTENCE = 200
# Records of what never ran: they say nothing about a criterion.
NEVER_RAN = ("unreadable", "failed")


class Row(NamedTuple):
    """A student's row; all as graded but for `final`.

    `points`, `marks` and `why` are by criterion of the rubric. `points` are None where it was not
    asked, `why` where nothing was lost or nothing ran; `marks` are the points as text, with
    "right", "partly" or "wrong". `lost` names the criteria that lack some. A reason is the id of
    a misconception, two of them joined by "+", or else of a text of the catalogue. `problem` is why
    nothing of it counts, where nothing ran or nothing asked is defined.
    """

    student: str
    status: Status
    problem: str
    score: float
    final: float
    by_hand: bool
    points: tuple[float | None, ...]
    marks: tuple[tuple[str, str], ...]
    lost: tuple[str, ...]
    why: tuple[str | None, ...]
    flags: tuple[str, ...]
    attempt: int
    attempts: int
    late_days: float
    seconds: float
    loss_manual: float | None
    loss_net: float | None

    @property
    def ran(self) -> bool:
        """Whether any of its code did."""
        return self.status not in NEVER_RAN

    @property
    def reasons(self) -> list[str]:
        """The ids of all that points were lost for, each once."""
        return list(dict.fromkeys(id_ for why in self.why if why for id_ in why.split("+")))

    @property
    def flag_ids(self) -> list[str]:
        """The ids of its flags, each once."""
        return list(dict.fromkeys(flag.partition(":")[0] for flag in self.flags))


@dataclass(frozen=True)
class Item:
    """How a criterion went, of the submissions that ran and were asked it.

    `share` is the mean of points by full points, `discrimination` the correlation of the points
    with those of all other criteria (None where one of the two is the same for all), `reason` why
    points were lost most often.
    """

    id: str
    max_points: float
    asked: int
    full: int
    share: float
    discrimination: float | None
    reason: str | None
    reason_count: int


@dataclass(frozen=True)
class Cause:
    """Something that points were lost for: by how many students, in which criteria."""

    id: str
    is_misconception: bool
    students: int
    criteria: dict[str, int]


@dataclass
class ClassFigures:
    """The rows of a class, and a sentence for each reason that occurs in them."""

    points: Mapping[str, float]
    rows: list[Row] = field(default_factory=list)
    sentences: dict[str, str] = field(default_factory=dict)
    misconceptions: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls, finals: Iterable[Final], points: Mapping[str, float], texts: Texts
    ) -> "ClassFigures":
        """Read a class, one final at a time; `points` are the rubric's, by criterion."""
        figures = cls(points)
        for final in finals:
            figures._add(final, texts)
        return figures

    def _add(self, final: Final, texts: Texts) -> None:
        record = final.record
        criteria = {criterion.id: criterion for criterion in record.criteria}
        asked = [criteria.get(id_) for id_ in self.points]
        ran = record.status not in NEVER_RAN
        self.rows.append(
            Row(
                student=record.student,
                status=record.status,
                problem="" if ran else problem_of(record, texts),
                score=record.score,
                final=final.final,
                by_hand=final.overridden,
                points=tuple(c.points if c else None for c in asked),
                marks=tuple(_mark(c) for c in asked),
                lost=tuple(c.id for c in asked if c and c.points < c.max_points),
                why=tuple(self._lost(c, texts) if c and ran else None for c in asked),
                flags=tuple(record.flags),
                attempt=final.attempt,
                attempts=final.attempts,
                late_days=final.late_days,
                seconds=record.seconds,
                loss_manual=record.training.manual,
                loss_net=record.training.net,
            )
        )

    def _lost(self, criterion: Criterion, texts: Texts) -> str | None:
        """Return why points of a criterion were lost, and keep a sentence about it."""
        if criterion.points >= criterion.max_points:
            return None
        first = criterion.reasons[0] if criterion.reasons else None
        why = criterion.diagnosis or (first.id if first else "unknown")
        parts = why.split("+")
        if criterion.diagnosis:
            self.misconceptions.update(parts)
        # A sentence on two misconceptions stands for either until there is one of its own.
        missing = [id_ for id_ in (why, *parts) if id_ not in self.sentences]
        if missing:
            words = first_sentence(texts.of(first) if first else criterion.message)
            self.sentences.update(dict.fromkeys(missing, words))
        return why

    @property
    def ran(self) -> int:
        """How many submissions ran."""
        return sum(row.ran for row in self.rows)

    def items(self) -> list[Item]:
        """Return the figures on each criterion, in the rubric's order."""
        return [self._item(index, id_) for index, id_ in enumerate(self.points)]

    def _item(self, index: int, id_: str) -> Item:
        asked = [
            (row, points)
            for row in self.rows
            if row.ran and (points := row.points[index]) is not None
        ]
        full_points = self.points[id_]
        own = [points for _, points in asked]
        rest = [sum(p for p in row.points if p is not None) - points for row, points in asked]
        reasons = Counter(why for row, _ in asked if (why := row.why[index]))
        reason, count = reasons.most_common(1)[0] if reasons else (None, 0)
        return Item(
            id=id_,
            max_points=full_points,
            asked=len(asked),
            full=sum(points >= full_points for points in own),
            share=fmean(own) / full_points if own else 0.0,
            discrimination=_correlation(own, rest),
            reason=reason,
            reason_count=count,
        )

    def causes(self) -> list[Cause]:
        """Return what points were lost for: misconceptions first, of either the commonest first."""
        students: Counter[str] = Counter()
        criteria: dict[str, Counter[str]] = {}
        for row in self.rows:
            students.update(row.reasons)
            for id_, why in zip(self.points, row.why, strict=True):
                for reason in why.split("+") if why else ():
                    criteria.setdefault(reason, Counter())[id_] += 1
        causes = [
            Cause(id_, id_ in self.misconceptions, count, dict(criteria[id_].most_common()))
            for id_, count in students.most_common()
        ]
        return sorted(causes, key=lambda cause: not cause.is_misconception)

    def statuses(self) -> Counter[str]:
        """Return how many submissions have each status."""
        return Counter(row.status for row in self.rows)

    def flags(self) -> Counter[str]:
        """Return how many submissions have a flag of each id."""
        return Counter(id_ for row in self.rows for id_ in row.flag_ids)

    def slowest(self, most: int) -> list[Row]:
        """Return the rows of the slowest submissions, the slowest first."""
        return sorted(self.rows, key=lambda row: -row.seconds)[:most]


def histogram(scores: Sequence[float], max_score: float) -> list[tuple[float, float, int]]:
    """Return bins of equal width as (from, to, how many); `to` is in the last bin only."""
    counts = Counter(min(int(score / max_score * BINS), BINS - 1) for score in scores)
    edges = pairwise(max_score * edge / BINS for edge in range(BINS + 1))
    return [(low, high, counts[bin_]) for bin_, (low, high) in enumerate(edges)]


def first_sentence(text: str) -> str:
    """Return the first sentence of a text, cut where it is long."""
    sentence = re.split(r"(?<=[.!?])\s|(?<=[\u3002\uff01\uff1f])", text.strip(), maxsplit=1)[0]
    return shortened(sentence, LONGEST_SENTENCE)


def problem_of(record: Record, texts: Texts) -> str:
    """Return why nothing of a record that never ran counts; all its criteria say the same."""
    return shortened(texts.of(*record.criteria[0].reasons), LONGEST_SENTENCE)


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters, with an ellipsis where it was cut."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "\u2026"


def _mark(criterion: Criterion | None) -> tuple[str, str]:
    if criterion is None:
        return "\u2013", ""
    full = criterion.points >= criterion.max_points
    mark = "right" if full else "partly" if criterion.points else "wrong"
    return f"{criterion.points:g}", mark


def _correlation(own: Sequence[float], rest: Sequence[float]) -> float | None:
    try:
        return correlation(own, rest)
    except StatisticsError:  # fewer than two, or all the same
        return None
