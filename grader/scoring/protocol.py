"""What passes between the coordinating process and the processes that grade.

A submission is what one student handed in, its files as bytes; a record comes back for it. Both
sides are the grader's own. The coordinating process imports no torch: whatever needs it is asked
for.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from grader import __version__
from grader.errors import UserError
from grader.material.reference import reference_module
from grader.results.record import Record
from grader.rubric import Rubric, derived_seed, rubric_from
from grader.rubric.package import digest_of
from grader.scoring.machine_faults import UNFIT, Smell, advice_on

# What a score may depend on beside the grader itself: it decides what a student's code does.
PACKAGES = ("torch", "numpy", "matplotlib", "ipython")

# Parts of the rubric that decide what counts of a record, and not the record.
POLICY = ("attempts", "late", "pages", "similarity", "calibration")

BUSY = ", busy"  # the end of conditions

RUN_AGAIN = "finished results are kept: run again"


class GradingStopped(UserError):
    """Grading cannot go on; what is graded is kept. The message says what to do."""


class ScorerDied(GradingStopped):
    """A process that grades has ended over a submission; another one is there for the others."""


class ScorerFailed(Exception):
    """A fault of the grader's own in a process that grades; the message is its traceback."""


class GradingSettings(msgspec.Struct, frozen=True):
    """How submissions are graded: everything that a score depends on but the submission.

    `seed` is in decimal, as it may have 128 bits. `reference` is the module of the reference
    solution, by which a scorer proves itself.
    `conditions` are what a submission that ran out of time may owe that to. `handed_out` are the
    code_lines of what students were given, which tell a file that nobody has changed.
    """

    rubric: Rubric
    seed: str
    strict: bool
    software: dict[str, str]
    reference: str
    conditions: str
    handed_out: list[str] = []

    @classmethod
    def of(
        cls, rubric: Rubric, seed: int | str, strict: bool, handed_out: Iterable[str] = ()
    ) -> "GradingSettings":
        """Return the settings for grading here."""
        return cls(
            rubric=rubric,
            seed=str(seed),
            strict=strict,
            software={**software(), **_of_package(rubric)},
            reference=reference_module(rubric),
            conditions=conditions(),
            handed_out=sorted(handed_out),
        )

    @classmethod
    def decoded(cls, body: bytes) -> "GradingSettings":
        """Return settings that were encoded; the type of their rubric is the homework's own."""
        values = msgspec.msgpack.decode(body)
        return cls(**{**values, "rubric": rubric_from(values["rubric"])})

    def seed_for(self, student: str) -> int:
        """Return the seed of a student's hidden cases: their own, where the homework says so."""
        seed, own = int(self.seed), self.rubric.homework.per_student
        return derived_seed(seed, f"hidden/{student}") if own else seed


class SubmittedFiles(msgspec.Struct, frozen=True):
    """What a student handed in: `files` are the bytes of each by its name.

    `problems` says of others, by name, why they cannot be read; `problem` why nothing can be
    graded, if there are no files.
    """

    student: str
    files: dict[str, bytes]
    problems: dict[str, str] = {}
    problem: str = ""

    @classmethod
    def of(cls, student: str, name: str, source: bytes) -> "SubmittedFiles":
        """Return a submission of one file."""
        return cls(student, {name: source})


def content_of(submission: SubmittedFiles) -> str:
    """Return a digest of what was handed in: that of the file, if it is one that can be read.

    So a file that is handed in once more under another name is the same.
    """
    contents = {name: hashlib.sha256(data).hexdigest() for name, data in submission.files.items()}
    if len(contents) == 1 and not submission.problems:
        return next(iter(contents.values()))
    whole = (sorted(contents.items()), sorted(submission.problems.items()), submission.problem)
    return hashlib.sha256(msgspec.msgpack.encode(whole)).hexdigest()


class ScorerReady(msgspec.Struct, frozen=True, tag=True):
    """From a grading process, first: the reference solution has earned all points.

    With it the layers of confinement, and why others are missing.
    """

    layers: list[str]
    missing: dict[str, str]


class Graded(msgspec.Struct, frozen=True, tag=True):
    """From a grading process: the record of the submission it was given.

    `smell` is what of it may be the machine's fault. Right after it the reference solution has
    earned all points again. `provisional` tells that another try may come to something else, which
    the record's status does not show: a file crashed that does not count, and the next time may;
    one was lost while it was read; or one waited too long, without using its processor time, which
    the machine may have done, or another submission.
    """

    record: Record
    smell: Smell | None
    provisional: bool = False


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """From a grading process, last: why it cannot go on."""

    reason: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """From a grading process, last: the traceback of a fault of the grader's own."""

    traceback: str


ScorerReply = ScorerReady | Graded | Stopped | Failed


@cache
def software() -> dict[str, str]:
    """Return the versions that a score may depend on, with a digest of the grader's own files."""
    digest = hashlib.sha256()
    folder = Path(__file__).parents[1]
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return {
        "grader": f"{__version__} ({digest.hexdigest()[:12]})",
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: _version(name) for name in PACKAGES},
    }


def _of_package(rubric: Rubric) -> dict[str, str]:
    """Return a digest of the homework's package, if it is not the grader's own."""
    folder = rubric.homework.package
    return {"homework": digest_of(folder)[:12]} if folder else {}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        why = f"{UNFIT}: {sys.executable} has no package {name}"
        raise GradingStopped(f"{why}. {advice_on('module')}") from None


@cache
def conditions() -> str:
    """Return this machine, and whether it is busy: what may make a submission too slow."""
    processors = os.cpu_count() or 1
    is_busy = os.getloadavg()[0] > processors / 2
    return f"{_processor()}, {processors} processors{BUSY if is_busy else ''}"


def may_be_faster(now: str, then: str) -> bool:
    """Tell whether a submission that ran out of time may have enough of it under other conditions.

    It may on another machine, and on this one if it was busy and is not any more.
    """
    if now.removesuffix(BUSY) != then.removesuffix(BUSY):
        return True
    return then.endswith(BUSY) and not now.endswith(BUSY)


def _processor() -> str:
    """Return the name of the processor's model, else of its architecture."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


def basis_of(rubric: Rubric, seed: str) -> str:
    """Return a digest of what the assignment decides of a score: the rubric's part, and the seed.

    Records of one basis may be compared with each other; those of two may not.
    """
    return hashlib.sha256(msgspec.msgpack.encode((_scoring(rubric), seed))).hexdigest()


def _scoring(rubric: Rubric) -> dict[str, Any]:
    parts = msgspec.structs.asdict(rubric)
    return {name: part for name, part in parts.items() if name not in POLICY}


def cache_key(settings: GradingSettings, submission: SubmittedFiles) -> str:
    """Return a digest of all that determines the record of a submission.

    Who handed it in is not of it, unless each student has cases of their own.
    """
    seed = str(settings.seed_for(submission.student))
    of_brief = (_scoring(settings.rubric), seed, settings.strict, settings.software)
    digest = hashlib.sha256(msgspec.msgpack.encode(of_brief))
    contents = {name: hashlib.sha256(data).digest() for name, data in submission.files.items()}
    handed_in = (sorted(contents.items()), sorted(submission.problems.items()), submission.problem)
    digest.update(msgspec.msgpack.encode(handed_in))
    return digest.hexdigest()
