"""The messages between the coordinating process and the processes that grade.

A submission holds the bytes of one student's files; the answer is a record. Both sides are the
grader's own. The coordinating process does not import torch: it requests whatever needs it.
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

# Packages that a score may depend on besides the grader, because student code uses them.
PACKAGES = ("torch", "numpy", "matplotlib", "ipython")

# Parts of the rubric that affect what is made of a record, but not the record itself.
POLICY = ("attempts", "late", "pages", "similarity", "calibration")

BUSY = ", busy"  # ends the `conditions` of a busy machine

RUN_AGAIN = "finished results are kept: run again"


class GradingStopped(UserError):
    """Grading cannot continue; finished results are kept. The message says what to do."""


class ScorerDied(GradingStopped):
    """A process that grades ended during a submission; another has replaced it."""


class ScorerFailed(Exception):
    """An internal error in a process that grades; the message is its traceback."""


class GradingSettings(msgspec.Struct, frozen=True):
    """How submissions are graded: everything a score depends on except the submission.

    `seed` is in decimal, as it may have 128 bits. `reference` is the module of the reference
    solution, with which a scorer proves itself. `conditions` describe the machine, which may
    explain why a submission ran out of time. `handed_out` are the code_lines of the handout, by
    which untouched files are recognised.
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
        """Return the settings for grading on this machine."""
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
        """Decode settings; their rubric gets the type of the homework's own."""
        values = msgspec.msgpack.decode(body)
        return cls(**{**values, "rubric": rubric_from(values["rubric"])})

    def seed_for(self, student: str) -> int:
        """Return the seed of a student's hidden cases: their own if the homework says so."""
        seed, own = int(self.seed), self.rubric.homework.per_student
        return derived_seed(seed, f"hidden/{student}") if own else seed


class SubmittedFiles(msgspec.Struct, frozen=True):
    """A student's submission: `files` maps names to bytes.

    `problems` says for other files, by name, why they cannot be read; `problem` says why nothing
    can be graded if there are no files.
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
    """Return a digest of a submission: that of its file, if there is just one and it can be read.

    So the same file under another name has the same digest.
    """
    contents = {name: hashlib.sha256(data).hexdigest() for name, data in submission.files.items()}
    if len(contents) == 1 and not submission.problems:
        return next(iter(contents.values()))
    whole = (sorted(contents.items()), sorted(submission.problems.items()), submission.problem)
    return hashlib.sha256(msgspec.msgpack.encode(whole)).hexdigest()


class ScorerReady(msgspec.Struct, frozen=True, tag=True):
    """First message of a grading process: the reference solution has earned all points.

    It has the layers of confinement in force, and the reasons why others are missing.
    """

    layers: list[str]
    missing: dict[str, str]


class Graded(msgspec.Struct, frozen=True, tag=True):
    """Message of a grading process: the record of the submission it was given.

    `smell` is what may be the machine's fault; if set, the reference solution has earned all points
    again since. `provisional` says that another try may give a different result although the status
    does not show it: a file that does not count crashed, a file was lost while it was read, or one
    waited too long without using its processor time, because of the machine or of another
    submission.
    """

    record: Record
    smell: Smell | None
    provisional: bool = False


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """Last message of a grading process: why it cannot continue."""

    reason: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Last message of a grading process: the traceback of an internal error."""

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
    """Describe this machine and whether it is busy, which may make a submission too slow."""
    processors = os.cpu_count() or 1
    is_busy = os.getloadavg()[0] > processors / 2
    return f"{_processor()}, {processors} processors{BUSY if is_busy else ''}"


def may_be_faster(now: str, then: str) -> bool:
    """Tell whether a timed-out submission may finish under the present conditions.

    It may on another machine, and on the same one if that was busy and no longer is.
    """
    if now.removesuffix(BUSY) != then.removesuffix(BUSY):
        return True
    return then.endswith(BUSY) and not now.endswith(BUSY)


def _processor() -> str:
    """Return the processor's model name, or else its architecture."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


def basis_of(rubric: Rubric, seed: str) -> str:
    """Return a digest of the assignment's part of a score: the rubric's scoring part, and the seed.

    Only records of the same basis may be compared.
    """
    return hashlib.sha256(msgspec.msgpack.encode((_scoring(rubric), seed))).hexdigest()


def _scoring(rubric: Rubric) -> dict[str, Any]:
    parts = msgspec.structs.asdict(rubric)
    return {name: part for name, part in parts.items() if name not in POLICY}


def cache_key(settings: GradingSettings, submission: SubmittedFiles) -> str:
    """Return a digest of everything that determines a submission's record.

    The student is not included unless each student has their own cases.
    """
    seed = str(settings.seed_for(submission.student))
    of_brief = (_scoring(settings.rubric), seed, settings.strict, settings.software)
    digest = hashlib.sha256(msgspec.msgpack.encode(of_brief))
    contents = {name: hashlib.sha256(data).digest() for name, data in submission.files.items()}
    handed_in = (sorted(contents.items()), sorted(submission.problems.items()), submission.problem)
    digest.update(msgspec.msgpack.encode(handed_in))
    return digest.hexdigest()
