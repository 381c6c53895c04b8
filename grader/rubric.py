"""The rubric: every number that decides a score, read from rubric.toml."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from grader.confined.limits import Limits
from grader.policy import Attempts, Late, Policy

if TYPE_CHECKING:
    from grader.judging import Marking

RUBRIC_FILE = Path(__file__).with_name("rubric.toml")

Positive = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


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
    n_samples: int
    n_hidden: int
    noise: float
    pass_fraction: Positive


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
    tolerance: Tolerance
    shares: Shares
    closed_form: ClosedForm
    misconceptions: dict[str, Share]
    cases: CaseSettings
    public_cases: CaseSettings
    training: Training
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
        )

    def policy(self) -> Policy:
        """Return what the gradebook needs of the rubric."""
        return Policy(self.attempts, self.late)


def load_rubric(path: Path = RUBRIC_FILE) -> Rubric:
    """Read and check a rubric; raise ValueError where it is out of shape."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Rubric)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
