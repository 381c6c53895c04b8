"""The rubric: every number that decides a score, read from rubric.toml."""

import hmac
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from grader.activations import activation_called
from grader.confined.limits import Limits
from grader.policy import Attempts, Late, Policy
from grader.targets import code_of
from grader.verdicts import is_training

if TYPE_CHECKING:
    from grader.judging import Marking

RUBRIC_FILE = Path(__file__).with_name("rubric.toml")

Positive = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[^\W\d]\w*$")]
Spelled = Annotated[list[Identifier], msgspec.Meta(min_length=1)]
Bias = Literal["sample", "row"]


class Homework(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the homework is; rubric.toml says what each value is for."""

    activation: str
    n_hidden: Annotated[int, msgspec.Meta(ge=2)]
    targets: Annotated[list[str], msgspec.Meta(min_length=1)]
    noise: Annotated[float, msgspec.Meta(ge=0)]
    n_samples: Annotated[int, msgspec.Meta(ge=2)]
    biases: Annotated[list[Bias], msgspec.Meta(min_length=1)]
    seed: Annotated[int, msgspec.Meta(ge=0)]
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

    seed: int
    sizes: list[tuple[int, int]]
    net_sizes: list[tuple[int, int, int]]
    saturation: Positive


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The training run and its pass mark, a fraction of the variance of y."""

    steps: int
    sampled_every: int
    learning_rate: Positive
    pass_fraction: Positive


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """On how many seeds, from 0, a pass mark is measured, and on how many a new one is sought."""

    runs: Annotated[int, msgspec.Meta(ge=1)]
    search_runs: Annotated[int, msgspec.Meta(ge=1)]


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

    student_bytes: int
    class_bytes: int
    entries: int
    student_entries: int
    ratio: int


class PageLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one feedback page; rubric.toml says what each is for."""

    seconds: Positive
    memory_bytes: int
    source_characters: int
    output_characters: int
    image_bytes: int


class Similarity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When two submissions are alike; rubric.toml says what each number is for."""

    threshold: Share
    tokens: int
    window: int
    common_submissions: int
    common_share: Share
    least_fingerprints: int
    most_characters: int
    most_pairs: int
    seconds: Positive


class Rubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of rubric.toml. `points` maps a criterion's id to its points, in the order of marking."""

    points: dict[str, Positive]
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

    @property
    def max_score(self) -> float:
        """Points of a perfect submission."""
        return sum(self.points.values())

    def marking(self) -> "Marking":
        """Return what judging needs of the rubric."""
        from grader.judging import Marking  # which takes a second: it imports torch

        return Marking(
            points=self.points,
            full_tolerance=self.tolerance.full,
            half_tolerance=self.tolerance.half,
            half_share=self.shares.half,
            recompute_share=self.closed_form.recompute,
            autograd_share=self.closed_form.autograd,
            misconceptions=self.misconceptions,
            pass_fraction=self.training.pass_fraction,
            activation=self.homework.activation,
            n_output=self.homework.n_output,
        )

    def untrained(self) -> "Rubric":
        """Return the rubric without its training runs."""
        points = {name: points for name, points in self.points.items() if not is_training(name)}
        return msgspec.structs.replace(self, points=points)

    def released_to(self, student: str) -> "Rubric":
        """Return the rubric of the assignment that this student is given: with own data and cases.

        The numbers are public, and so is what they are derived from; the hidden cases' are not.
        """
        homework = msgspec.structs.replace(
            self.homework, seed=derived_seed(self.homework.seed, f"data/{student}")
        )
        public_cases = msgspec.structs.replace(
            self.public_cases, seed=derived_seed(self.public_cases.seed, f"cases/{student}")
        )
        return msgspec.structs.replace(self, homework=homework, public_cases=public_cases)

    def policy(self) -> Policy:
        """Return what the gradebook needs of the rubric."""
        return Policy(self.attempts, self.late)


def derived_seed(key: int, about: str) -> int:
    """Return a seed of 56 bits: HMAC-SHA256 of `about`, which tells nothing of the key."""
    return int.from_bytes(hmac.digest(str(key).encode(), about.encode(), "sha256")[:7], "big")


def load_rubric(path: Path = RUBRIC_FILE) -> Rubric:
    """Read and check a rubric; raise ValueError where it is out of shape."""
    try:
        rubric = msgspec.toml.decode(path.read_bytes(), type=Rubric)
        check_rubric(rubric)
        return rubric
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def check_rubric(rubric: Rubric) -> None:
    """Raise ValueError where the parts of a rubric contradict each other."""
    homework = rubric.homework
    activation_called(homework.activation)
    if len(set(homework.biases)) < len(homework.biases):
        raise ValueError(f"homework.biases names one twice: {', '.join(homework.biases)}")
    for target in homework.targets:
        code_of(target)
    for criterion in rubric.points:
        function, _, bias = criterion.partition(".")
        if function in ("grad_b1", "grad_b2") and bias not in homework.biases:
            raise ValueError(f"points has {criterion}, but homework.biases has no {bias!r}")
