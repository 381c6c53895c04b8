"""Figures on a graded class for the instructor: its rows, and figures on each criterion."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import StatisticsError, correlation, fmean, median
from typing import NamedTuple

from grader.judging.messages import MISTAKES, Texts
from grader.results.record import CriterionResult, Final, Record, Status

BINS = 20
LONGEST_SENTENCE = 200
NO_SECTION = "\u2013"
# Statuses of submissions that never ran and so say nothing about a criterion.
NEVER_RAN = ("unreadable", "failed")


class StudentRow(NamedTuple):
    """A student's row: the values in force.

    `points` and `why` have one entry per criterion of the rubric. `points` is None if it was not
    asked, `why` if nothing was lost or nothing ran; `lost` names the criteria with a `why`. A
    reason is the id of a misconception, two of them joined by "+", or the id of a catalogue text.
    `problem` is why nothing ran, if so. `losses` are by training run.
    """

    student: str
    section: str
    status: Status
    problem: str
    score: float
    final: float
    by_hand: bool
    extended: bool
    points: tuple[float | None, ...]
    lost: tuple[str, ...]
    why: tuple[str | None, ...]
    flags: tuple[str, ...]
    attempt: int
    attempts: int
    handed_in: datetime
    late_days: float
    seconds: float
    losses: Mapping[str, float | None]

    @property
    def ran(self) -> bool:
        """Whether any of its code ran."""
        return self.status not in NEVER_RAN

    @property
    def marks(self) -> list[str]:
        """Unusual properties of the submission or the mark: late, extended, by_hand."""
        of_each = {"late": self.late_days, "extended": self.extended, "by_hand": self.by_hand}
        return [mark for mark, holds in of_each.items() if holds]

    @property
    def reasons(self) -> list[str]:
        """The ids of all reasons for lost points, each once."""
        return list(dict.fromkeys(id_ for why in self.why if why for id_ in why.split("+")))

    @property
    def flag_ids(self) -> list[str]:
        """The ids of the flags, each once."""
        return list(dict.fromkeys(flag.partition(":")[0] for flag in self.flags))


@dataclass(frozen=True)
class Summary:
    """The number of final marks, and their mean and median ("" if there are none)."""

    count: int
    mean: str
    median: str

    @classmethod
    def of(cls, finals: Sequence[float]) -> "Summary":
        """Return the figures of some final marks, in the same form everywhere."""
        if not finals:
            return cls(0, "", "")
        return cls(len(finals), f"{fmean(finals):.1f}", f"{median(finals):g}")


@dataclass(frozen=True)
class Item:
    """A criterion's figures, over the submissions that ran and were asked it.

    `share` is the mean points divided by full points, `discrimination` the correlation of the
    points with those of all other criteria (None if either is constant), `reason` the most common
    reason for lost points.
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
    """A reason for lost points: the number of students, and the criteria."""

    id: str
    is_misconception: bool
    students: int
    criteria: dict[str, int]


@dataclass
class ClassFigures:
    """The rows of a class, and the mistakes that occur in them.

    `mistakes` has, for each mistake, the values of one student's message about it.
    """

    points: Mapping[str, float]
    texts: Texts
    rows: list[StudentRow] = field(default_factory=list)
    mistakes: dict[str, Mapping[str, str | int | float]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, finals: Iterable[Final], points: Mapping[str, float], texts: Texts
    ) -> "ClassFigures":
        """Read a class, one final at a time; `points` are the rubric's, by criterion."""
        figures = cls(points, texts)
        for final in finals:
            figures._add(final)
        return figures

    def _add(self, final: Final) -> None:
        record = final.record
        criteria = {criterion.id: criterion for criterion in final.criteria}
        columns = [criteria.get(id_) for id_ in self.points]
        has_run = record.status not in NEVER_RAN
        by_hand = {change.criterion for change in final.by_hand}
        why = [self._lost(c, by_hand) if c and has_run else None for c in columns]
        self.rows.append(
            StudentRow(
                student=final.student,
                section=final.section,
                status=record.status,
                problem="" if has_run else problem_of(record, self.texts),
                score=final.score,
                final=final.final,
                by_hand=any(change.due is None for change in final.by_hand),
                extended=any(change.due for change in final.by_hand),
                points=tuple([c.points if c else None for c in columns]),
                lost=tuple([c.id for c, reason in zip(columns, why, strict=True) if c and reason]),
                why=tuple(why),
                flags=tuple(record.flags),
                attempt=final.attempt,
                attempts=final.attempts,
                handed_in=final.handed_in,
                late_days=final.late_days,
                seconds=record.seconds,
                losses=record.training.losses,
            )
        )

    def _lost(self, criterion: CriterionResult, by_hand: Collection[str | None]) -> str | None:
        """Return why points of a criterion were lost, and note the mistakes."""
        if criterion.points >= criterion.max_points:
            return None
        if criterion.id in by_hand:
            return "by_hand"
        if criterion.diagnosis is None:
            return criterion.reasons[0].id if criterion.reasons else "unknown"
        for id_ in criterion.diagnosis.split("+"):
            if id_ not in self.mistakes:
                values = [r.values for r in criterion.reasons if r.id == id_]
                self.mistakes[id_] = values[0] if values else {}
        return criterion.diagnosis

    @property
    def summary(self) -> Summary:
        """Figures of the final marks."""
        return Summary.of([row.final for row in self.rows])

    def name_of(self, why: str) -> str:
        """Return the name of a reason, or of each of two."""
        return " + ".join(self.texts.name_of(id_) for id_ in why.split("+"))

    def outline(self, why: str) -> str:
        """Return the texts for students with a mistake; "" if it is not in MISTAKES."""
        ids = [id_ for id_ in why.split("+") if id_ in self.mistakes and id_ in MISTAKES]
        return " ".join(first_sentence(self.texts.outline(id_, self.mistakes[id_])) for id_ in ids)

    @property
    def ran(self) -> int:
        """The number of submissions that ran."""
        return sum(row.ran for row in self.rows)

    def items(self) -> list[Item]:
        """Return the figures on each criterion, in the rubric's order."""
        rows = [row for row in self.rows if row.ran]
        return [self._item(index, id_, rows) for index, id_ in enumerate(self.points)]

    def _item(self, index: int, id_: str, rows: Sequence[StudentRow]) -> Item:
        its_rows = [row for row in rows if row.points[index] is not None]
        own = [points for row in its_rows if (points := row.points[index]) is not None]
        rest = [row.score - points for row, points in zip(its_rows, own, strict=True)]
        reasons = Counter(why for row in its_rows if (why := row.why[index]))
        full_points = self.points[id_]
        # Ties go to the first by name, whatever the order of the class.
        commonest = min(reasons, key=lambda reason: (-reasons[reason], reason), default=None)
        return Item(
            id=id_,
            max_points=full_points,
            asked=len(its_rows),
            full=sum(points >= full_points for points in own),
            share=fmean(own) / full_points if own else 0.0,
            discrimination=_correlation(own, rest),
            reason=commonest,
            reason_count=reasons[commonest] if commonest else 0,
        )

    def causes(self) -> list[Cause]:
        """Return the reasons for lost points: misconceptions first, most common first."""
        students: Counter[str] = Counter()
        criteria: dict[str, Counter[str]] = {}
        for row in self.rows:
            students.update(row.reasons)
            for id_, why in zip(self.points, row.why, strict=True):
                for reason in why.split("+") if why else ():
                    criteria.setdefault(reason, Counter())[id_] += 1
        causes = [
            Cause(id_, id_ in self.mistakes, count, dict(criteria[id_].most_common()))
            for id_, count in students.most_common()
        ]
        return sorted(causes, key=lambda cause: not cause.is_misconception)

    def statuses(self) -> Counter[str]:
        """Return the number of submissions with each status."""
        return Counter(row.status for row in self.rows)

    def flags(self) -> Counter[str]:
        """Return the number of submissions with each flag's id."""
        return Counter(id_ for row in self.rows for id_ in row.flag_ids)

    def marks(self) -> Counter[str]:
        """Return the number of students who are late, have an extension, or have an override."""
        return Counter(mark for row in self.rows for mark in row.marks)

    @property
    def scores_differ(self) -> bool:
        """Whether anybody's final mark differs from their score."""
        return any(row.final != row.score for row in self.rows)

    def sections(self) -> Counter[str]:
        """Return the number of students in each section; empty if no section is known."""
        if not self.has_sections:
            return Counter()
        return Counter(row.section or NO_SECTION for row in self.rows)

    @property
    def has_sections(self) -> bool:
        """Whether any student's section is known."""
        return any(row.section for row in self.rows)

    def slowest(self, most: int) -> list[StudentRow]:
        """Return the rows of the slowest submissions, the slowest first."""
        return sorted(self.rows, key=lambda row: -row.seconds)[:most]


def histogram(scores: Sequence[float], max_score: float) -> list[tuple[float, float, int]]:
    """Return bins of equal width as (from, to, count); only the last bin includes `to`."""
    counts = Counter(min(int(score / max_score * BINS), BINS - 1) for score in scores)
    edges = pairwise(max_score * edge / BINS for edge in range(BINS + 1))
    return [(low, high, counts[bin_]) for bin_, (low, high) in enumerate(edges)]


def first_sentence(text: str) -> str:
    """Return the first sentence of a text, cut if it is too long."""
    sentence = re.split(r"(?<=[.!?])\s|(?<=[\u3002\uff01\uff1f])", text.strip(), maxsplit=1)[0]
    return shortened(sentence, LONGEST_SENTENCE)


def problem_of(record: Record, texts: Texts) -> str:
    """Return why a submission never ran; all its criteria say the same."""
    first = record.criteria[0]
    return shortened(texts.of(*first.reasons) or first.message, LONGEST_SENTENCE)


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters, with an ellipsis if it was cut."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "\u2026"


def _correlation(own: Sequence[float], rest: Sequence[float]) -> float | None:
    try:
        return correlation(own, rest)
    except StatisticsError:  # fewer than two, or all the same
        return None
