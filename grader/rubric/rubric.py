"""The rubric: every number that decides a score, as given in rubric.toml and files like it."""

import hmac
from typing import TYPE_CHECKING, Annotated, Self

import msgspec

from grader.confined.limits import Limits
from grader.results.policy import Attempts, Late, Policy
from grader.rubric.package import Package, load_package
from grader.source.tasks import Tasks

if TYPE_CHECKING:
    from grader.judging.judge import Marking

# The largest number that every file and message of the grader can hold.
LARGEST_SEED = 2**63 - 1
PUBLIC_BITS = 56  # of a seed derived for a student, as many as torch's generator takes

Positive = Annotated[float, msgspec.Meta(gt=0)]
Points = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
NotNegativeCount = Annotated[int, msgspec.Meta(ge=0)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_SEED)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[^\W\d]\w*$")]
SpellingList = Annotated[list[Identifier], msgspec.Meta(min_length=1)]


class HomeworkTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings that every homework has; a package's own table has more.

    `package` is the folder of the homework's package, "" for the grader's own.
    """

    seed: Seed
    per_student: bool
    package: str = ""


class CaseTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings that every set of cases has; a package's own table has more."""

    seed: Seed


class Tolerance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Largest relative error (max norm) for full and for half marks."""

    full: Positive
    half: Positive


class Shares(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of a criterion's points that an imperfect answer earns."""

    half: Share


class ClosedForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shares earned by a gradient that is not a closed form of what it is given."""

    recompute: Share
    autograd: Share


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The training run and its pass mark, a fraction of the variance of y."""

    steps: AtLeastOne
    sampled_every: AtLeastOne
    learning_rate: Positive
    pass_fraction: Positive


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number of seeds, from 0, to measure a pass mark on, and to search for a new one."""

    runs: AtLeastOne
    search_runs: AtLeastOne


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
    source_characters: NotNegativeCount
    output_characters: NotNegativeCount
    image_bytes: NotNegativeCount


class Similarity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When two submissions are alike; rubric.toml says what each number is for."""

    threshold: Share
    tokens: AtLeastOne
    window: AtLeastOne
    common_submissions: NotNegativeCount
    common_share: Share
    least_fingerprints: NotNegativeCount
    most_characters: AtLeastOne
    most_pairs: NotNegativeCount
    seconds: Positive


class Software(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The software that student code runs with: a Python, and packages beside its library."""

    python: Annotated[str, msgspec.Meta(pattern=r"^3\.\d+$")]
    packages: Annotated[list[Identifier], msgspec.Meta(min_length=1)]


class Rubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A complete rubric. `points` maps a criterion's id to its points, in the order of marking.

    A package replaces this type by its own, which has its own tables for the homework and the
    cases.
    """

    points: dict[str, Points]
    homework: HomeworkTable
    tolerance: Tolerance
    shares: Shares
    closed_form: ClosedForm
    misconceptions: dict[str, Share]
    spellings: dict[str, SpellingList]
    cases: CaseTable
    public_cases: CaseTable
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
    def package(self) -> Package:
        """The homework's package."""
        return load_package(self.homework.package)

    @property
    def max_score(self) -> float:
        """Points of a perfect submission."""
        return sum(self.points.values())

    @property
    def tasks(self) -> Tasks:
        """The tasks that the homework asks."""
        return self.package.TASKS

    def marking(self) -> "Marking":
        """Return the part of the rubric that judging needs."""
        from grader.judging.judge import Marking  # not above: importing torch takes a second

        return Marking(
            tasks=self.tasks,
            points=self.points,
            full_tolerance=self.tolerance.full,
            half_tolerance=self.tolerance.half,
            half_share=self.shares.half,
            recompute_share=self.closed_form.recompute,
            autograd_share=self.closed_form.autograd,
            misconceptions=self.misconceptions,
            words=self.package.words(self),
        )

    def untrained(self) -> Self:
        """Return the rubric without its training runs."""
        points = {id_: worth for id_, worth in self.points.items() if not self.tasks.trains(id_)}
        return msgspec.structs.replace(self, points=points)

    def released_to(self, student: str) -> Self:
        """Return the rubric of this student's own assignment, with their own data and cases.

        Its numbers and what they derive from are public; those of the hidden cases are not.
        """
        homework = msgspec.structs.replace(
            self.homework, seed=_public_seed(self.homework.seed, f"data/{student}")
        )
        public_cases = msgspec.structs.replace(
            self.public_cases, seed=_public_seed(self.public_cases.seed, f"cases/{student}")
        )
        return msgspec.structs.replace(self, homework=homework, public_cases=public_cases)

    def policy(self) -> Policy:
        """Return the part of the rubric that the gradebook needs."""
        return Policy(self.attempts, self.late)


def derived_seed(key: int, about: str) -> int:
    """Return a seed of 128 bits: HMAC-SHA256 of `about`, which reveals nothing about the key."""
    return int.from_bytes(hmac.digest(str(key).encode(), about.encode(), "sha256")[:16])


def _public_seed(key: int, about: str) -> int:
    return derived_seed(key, about) >> (128 - PUBLIC_BITS)
