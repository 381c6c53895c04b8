"""The rubric: every number that decides a score, read from rubric.toml.

A rubric of one's own says only what differs from the package's. It is checked as a whole: each
fault in it is told with its place.
"""

import hmac
import keyword
from collections.abc import Iterator
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from grader.confined.limits import Limits
from grader.errors import UserError
from grader.homework.activations import activation_called
from grader.homework.rubric_file import (
    Fault,
    Keys,
    Tables,
    faults_in,
    missing_from,
    over,
    read_document,
    told,
    with_values,
    without,
)
from grader.homework.targets import check_target
from grader.homework.tasks import TASKS
from grader.judging.messages import MISTAKES
from grader.results.policy import Attempts, Late, Policy
from grader.source.tasks import Tasks

if TYPE_CHECKING:
    from grader.judging.judge import Marking

RUBRIC_FILE = Path(__file__).with_name("rubric.toml")

CRITERIA = tuple(TASKS.by_id)  # in the order of marking
# Mistakes that are named, and whose share is set elsewhere or not at all.
OWN_SHARES = {
    "cast_to_float32": "its share is half in [shares]",
    "recomputed": "its share is recompute in [closed_form]",
    "in_place_damage": "it costs no points by itself: training shows it, and nothing else",
}
KEYS = {
    "points": Keys(CRITERIA, "a criterion", "the criteria", switch=True),
    "misconceptions": Keys(
        [name for name in MISTAKES if name not in OWN_SHARES],
        "the name of a mistake",
        "MISTAKES in grader/judging/messages.py",
        OWN_SHARES,
    ),
}

# What every file and message of the grader can hold.
LARGEST_SEED = 2**63 - 1
PUBLIC_BITS = 56  # of a seed derived for a student, which torch's generator takes in their notebook

Positive = Annotated[float, msgspec.Meta(gt=0)]
Points = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
Count = Annotated[int, msgspec.Meta(ge=0)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_SEED)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[^\W\d]\w*$")]
Spelled = Annotated[list[Identifier], msgspec.Meta(min_length=1)]
Bias = Literal["sample", "row"]


class Homework(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the homework is; rubric.toml says what each value is for."""

    activation: str
    n_hidden: Annotated[int, msgspec.Meta(ge=2, le=10_000)]
    targets: Annotated[list[str], msgspec.Meta(min_length=1)]
    noise: Annotated[float, msgspec.Meta(ge=0)]
    n_samples: Annotated[int, msgspec.Meta(ge=2, le=100_000)]
    biases: Annotated[list[Bias], msgspec.Meta(min_length=1)]
    seed: Seed
    per_student: bool

    @property
    def n_output(self) -> int:
        """Columns of y: one a target."""
        return len(self.targets)


class Tolerance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Largest relative error (max norm) for full and for half marks."""

    full: Positive
    half: Positive


class Shares(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of a criterion's points that an imperfect answer earns."""

    half: Share


class ClosedForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares that a gradient earns which is no closed form of the hs and y_pred it is given."""

    recompute: Share
    autograd: Share


class CaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seed and sizes of a set of cases."""

    seed: Seed
    sizes: Annotated[list[tuple[AtLeastOne, AtLeastOne]], msgspec.Meta(min_length=1)]
    net_sizes: Annotated[
        list[tuple[AtLeastOne, AtLeastOne, AtLeastOne]], msgspec.Meta(min_length=1)
    ]
    saturation: Positive


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The training run and its pass mark, a fraction of the variance of y."""

    steps: AtLeastOne
    sampled_every: AtLeastOne
    learning_rate: Positive
    pass_fraction: Positive


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """On how many seeds, from 0, a pass mark is measured, and on how many a new one is sought."""

    runs: AtLeastOne
    search_runs: AtLeastOne


class Spellings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What students may call what they are given, and what they assign in a function's place."""

    x: Spelled
    y: Spelled
    params: Spelled
    w1: Spelled
    b1: Spelled
    w2: Spelled
    b2: Spelled
    hs: Spelled
    y_pred: Spelled
    grad_w1: Spelled
    grad_b1: Spelled
    grad_w2: Spelled
    grad_b2: Spelled

    def by_name(self) -> dict[str, list[str]]:
        """Return the spellings by the homework's name."""
        return msgspec.structs.asdict(self)


class ArchiveLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one zip archive; rubric.toml says what each is for."""

    student_bytes: AtLeastOne
    class_bytes: AtLeastOne
    entries: AtLeastOne
    student_entries: AtLeastOne
    ratio: AtLeastOne


class PageLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one feedback page; rubric.toml says what each is for."""

    seconds: Positive
    memory_bytes: AtLeastOne
    source_characters: Count
    output_characters: Count
    image_bytes: Count


class Similarity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When two submissions are alike; rubric.toml says what each number is for."""

    threshold: Share
    tokens: AtLeastOne
    window: AtLeastOne
    common_submissions: Count
    common_share: Share
    least_fingerprints: Count
    most_characters: AtLeastOne
    most_pairs: Count
    seconds: Positive


class Software(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What student code finds when it is graded: a Python, and packages beside its library."""

    python: Annotated[str, msgspec.Meta(pattern=r"^3\.\d+$")]
    packages: Annotated[list[Identifier], msgspec.Meta(min_length=1)]


class Rubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of rubric.toml. `points` maps a criterion's id to its points, in the order of marking."""

    points: dict[str, Points]
    homework: Homework
    tolerance: Tolerance
    shares: Shares
    closed_form: ClosedForm
    misconceptions: dict[str, Share]
    spellings: Spellings
    cases: CaseSettings
    public_cases: CaseSettings
    training: Training
    calibration: Calibration
    limits: Limits
    archives: ArchiveLimits
    pages: PageLimits
    attempts: Attempts
    late: Late
    similarity: Similarity
    software: Software

    @property
    def max_score(self) -> float:
        """Points of a perfect submission."""
        return sum(self.points.values())

    @property
    def tasks(self) -> Tasks:
        """What the homework asks."""
        return TASKS

    def marking(self) -> "Marking":
        """Return what judging needs of the rubric."""
        from grader.judging.judge import Marking  # which takes a second: it imports torch

        return Marking(
            tasks=self.tasks,
            points=self.points,
            full_tolerance=self.tolerance.full,
            half_tolerance=self.tolerance.half,
            half_share=self.shares.half,
            recompute_share=self.closed_form.recompute,
            autograd_share=self.closed_form.autograd,
            misconceptions=self.misconceptions,
            words={"activation": self.homework.activation, "n_output": self.homework.n_output},
        )

    def untrained(self) -> "Rubric":
        """Return the rubric without its training runs."""
        points = {name: worth for name, worth in self.points.items() if not TASKS.trains(name)}
        return msgspec.structs.replace(self, points=points)

    def released_to(self, student: str) -> "Rubric":
        """Return the rubric of the assignment that this student is given: with own data and cases.

        The numbers are public, and so is what they are derived from; the hidden cases' are not.
        """
        homework = msgspec.structs.replace(
            self.homework, seed=_public_seed(self.homework.seed, f"data/{student}")
        )
        public_cases = msgspec.structs.replace(
            self.public_cases, seed=_public_seed(self.public_cases.seed, f"cases/{student}")
        )
        return msgspec.structs.replace(self, homework=homework, public_cases=public_cases)

    def policy(self) -> Policy:
        """Return what the gradebook needs of the rubric."""
        return Policy(self.attempts, self.late)


def derived_seed(key: int, about: str) -> int:
    """Return a seed of 128 bits: HMAC-SHA256 of `about`, which tells nothing of the key."""
    return int.from_bytes(hmac.digest(str(key).encode(), about.encode(), "sha256")[:16])


def _public_seed(key: int, about: str) -> int:
    return derived_seed(key, about) >> (128 - PUBLIC_BITS)


def load_rubric(path: Path = RUBRIC_FILE) -> Rubric:
    """Read a rubric: what the file says, and of what it does not say the package's own.

    Raise UserError, a line for each fault of the file; the package's own must be whole.
    """
    is_own = path.resolve() == RUBRIC_FILE.resolve()
    base = {} if is_own else _own_tables()
    document = read_document(path)
    faults = list(faults_in(document.tables, Rubric, KEYS))
    # What is at fault is left out, so that all the rest is looked at as well.
    tables = over(base, without(document.tables, [fault.place for fault in faults]))
    if is_own:
        faults += _missing_from_own(document.tables)
    if not (is_own and faults):
        rubric = _rubric_of(tables)
        faults += faults_of(rubric)
    if faults:
        raise document.error(faults)
    return rubric


def rubric_from_json(text: bytes) -> Rubric:
    """Return a rubric that was kept as JSON.

    One that an older grader kept has the package's own values for what there was not then, and
    what there is no more is left out.
    """
    with suppress(msgspec.ValidationError):
        return msgspec.json.decode(text, type=Rubric)
    kept = msgspec.json.decode(text)
    known = without(kept, [fault.place for fault in faults_in(kept, Rubric, KEYS)])
    return _rubric_of({**over(_own_tables(), known), "points": known["points"]})


def differences(rubric: Rubric, other: Rubric) -> list[str]:
    """Return what differs in another rubric, as "late.due: '' -> '2026-10-31T23:59:00+01:00'"."""
    mine, its = (dict(_values(msgspec.to_builtins(each))) for each in (rubric, other))
    return [
        f"{name}: {mine.get(name, 'not there')!r} -> {its.get(name, 'not there')!r}"
        for name in [*mine, *(its.keys() - mine.keys())]
        if mine.get(name) != its.get(name)
    ]


def _values(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _values(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _own_tables() -> Tables:
    load_rubric(RUBRIC_FILE)
    return read_document(RUBRIC_FILE).tables


def _missing_from_own(tables: Tables) -> Iterator[Fault]:
    """Yield what the package's rubric lacks, which may be a course's in its place."""
    advice = "this file must be whole, as `grader rubric --rubric FILE` prints it"
    points = tables.get("points", {})
    missing = [("points", name) for name in CRITERIA if name not in points]
    for fault in missing_from(tables, Rubric):
        yield fault._replace(text=f"{fault.text}; {advice}")
    for place in missing if points else ():
        yield Fault(place, f"is missing; give it points or false; {advice}")


def _rubric_of(tables: Tables) -> Rubric:
    points = {name: tables["points"].get(name, False) for name in CRITERIA}
    asked = {name: worth for name, worth in points.items() if worth is not False}
    return msgspec.convert({**tables, "points": asked}, Rubric)


def check_rubric(rubric: Rubric) -> None:
    """Raise UserError where a value of a rubric is out of range, or its parts do not fit."""
    faults = list(faults_in(msgspec.to_builtins(rubric), Rubric, KEYS)) or list(faults_of(rubric))
    if faults:
        raise UserError("\n".join(map(told, faults)))


def faults_of(rubric: Rubric) -> Iterator[Fault]:
    """Yield what is wrong with a rubric whose values, each for itself, are all right."""
    yield from _of_homework(rubric.homework)
    yield from _of_points(rubric)
    yield from _of_spellings(rubric.spellings.by_name())
    for table in ("cases", "public_cases"):
        yield from _of_sizes(table, getattr(rubric, table))
    full, half = rubric.tolerance.full, rubric.tolerance.half
    if half < full:
        text = f"{half:g} is below tolerance.full, {full:g}; half marks take the larger error"
        yield Fault(("tolerance", "half"), text, (("tolerance", "half"), ("tolerance", "full")))
    try:
        rubric.late.check()
    except UserError as error:
        yield Fault(("late", "due"), str(error))


def _of_homework(homework: Homework) -> Iterator[Fault]:
    try:
        activation_called(homework.activation)
    except UserError as error:
        yield Fault(("homework", "activation"), str(error))
    for target in homework.targets:
        try:
            check_target(target, homework.n_samples)
        except UserError as error:
            at = (("homework", "targets"), ("homework", "n_samples"))
            yield Fault(("homework", "targets"), str(error), at)
    for bias in sorted({bias for bias in homework.biases if homework.biases.count(bias) > 1}):
        yield Fault(("homework", "biases"), f'lists "{bias}" twice; once is enough')


def _of_points(rubric: Rubric) -> Iterator[Fault]:
    if not rubric.points:
        yield Fault(("points",), "no criterion is left; give one of them points, not false")
    for criterion in rubric.points:
        bias = TASKS.by_id[criterion].convention
        if bias and bias not in rubric.homework.biases:
            text = (
                f'homework.biases has no "{bias}"; set this to false in [points], '
                f'or add "{bias}" to homework.biases'
            )
            place = ("points", criterion)
            yield Fault(place, text, (place, ("homework", "biases")))


def _of_spellings(spellings: dict[str, list[str]]) -> Iterator[Fault]:
    for (one, its), (other, others) in combinations(spellings.items(), 2):
        for spelling in sorted(set(its) & set(others)):
            text = f'"{spelling}" is a spelling of both {one} and {other}; leave it out of one'
            yield Fault(("spellings",), text, (("spellings", other), ("spellings", one)))
    for name, its in spellings.items():
        for spelling in filter(keyword.iskeyword, its):
            yield Fault(("spellings", name), f'"{spelling}" is a word of Python\'s own')


def _of_sizes(table: str, settings: CaseSettings) -> Iterator[Fault]:
    for n, n_hidden in settings.sizes:
        if n == n_hidden:
            text = (
                f"[{n}, {n_hidden}] has N equal to H, so a transposed result could have the right "
                "shape; make them differ"
            )
            yield Fault((table, "sizes"), text)


def to_toml(rubric: Rubric) -> str:
    """Return the whole of a rubric as TOML, with the comments of the package's."""
    tables: dict[str, Any] = msgspec.to_builtins(rubric)
    tables["points"] = {name: rubric.points.get(name, False) for name in CRITERIA}
    return with_values(RUBRIC_FILE.read_text(encoding="utf-8"), tables)
