"""The package of a homework: everything the grader needs to know about it, in one folder.

Its module `package` provides what Package declares. The grader's own is grader/homework. A rubric
may name another folder, whose code then runs wherever this rubric is used.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from grader.errors import UserError
from grader.judging import messages
from grader.rubric.file import Fault
from grader.source.tasks import Tasks

if TYPE_CHECKING:
    from torch import Tensor

    from grader.judging.diagnosis import MistakenAnswer
    from grader.judging.judge import Case
    from grader.rubric.measurement import Measurement
    from grader.rubric.rubric import CaseTable, Rubric
    from grader.student_code.contract import Call

OWN = "grader.homework.package"  # by name, since it imports this folder
ENTRY = "package.py"


# Takes parameters at some steps, stacked; returns the losses and the last predictions.
Course = Callable[["Call", "Sequence[Tensor]"], "tuple[Tensor, Tensor]"]


class Package(Protocol):
    """What a homework's package provides. Functions that need torch import it themselves.

    `MISTAKES` are the texts of its named mistakes, `RUBRIC` is the type of its rubric, RUBRIC_FILE
    the rubric, LOSS_FILE the module with `final_loss`, which students are given, and TEMPLATES the
    folder of its templates.
    """

    TASKS: Tasks
    MISTAKES: Mapping[str, str]
    RUBRIC: "type[Rubric]"
    RUBRIC_FILE: Path
    LOSS_FILE: Path
    TEMPLATES: Path

    def faults(self, rubric: "Rubric") -> Iterator[Fault]:
        """Yield the faults of the homework's own tables, whose types are right."""

    def words(self, rubric: "Rubric") -> Mapping[str, str | int | float]:
        """Return the values that messages about this homework use."""

    def template_values(self, rubric: "Rubric") -> Mapping[str, Any]:
        """Return the values that its templates use, beyond those of every homework."""

    def cases(self, rubric: "Rubric", settings: "CaseTable", seed: int) -> "list[Case]":
        """Return all cases in the order of asking; the same for the same rubric and seed."""

    def training_case(self, rubric: "Rubric", seed: int) -> "Case":
        """Return the training run with the functions that students write, asked for or not.

        It also measures the machine's speed. Its first two tensors are the input and the target,
        which a page draws. Its settings are steps, sampled_every, learning_rate and step, the
        learning rate on the objective.
        """

    def mistaken(self, rubric: "Rubric", call: "Call") -> "list[MistakenAnswer]":
        """Return the answer of each named mistake to a call; [] for a training run.

        The right answer times -1, 2, 1/2 or 1/N has a name in every homework, which comes first.
        """

    def mistaken_twice(self, rubric: "Rubric", call: "Call") -> "list[MistakenAnswer]":
        """Return the joint answer of each pair of named mistakes to a call."""

    def course(
        self, rubric: "Rubric"
    ) -> "Callable[[Call, Sequence[Tensor]], tuple[Tensor, Tensor]]":
        """Return a function from parameters at some steps to losses and last predictions.

        Parameters are stacked. Predictions that cannot be drawn as a curve are an empty tensor.
        """

    def calibrated(self, rubric: "Rubric", jobs: int, *, only_musts: bool) -> "list[Measurement]":
        """Measure training with right and wrong gradients; return [] if that is not supported.

        `only_musts` leaves out networks that may either pass or fail.
        """

    def described(self, rubric: "Rubric") -> str:
        """Describe in words what is trained."""

    def final_loss(self) -> "Callable[..., float]":
        """Return the function of LOSS_FILE."""

    def loss_settings(self, rubric: "Rubric") -> Mapping[str, Any]:
        """Return the arguments of final_loss other than the data and the parameters."""


@cache
def load_package(folder: str) -> Package:
    """Return the package in a folder ("" for the grader's own); UserError if it is not one."""
    if folder:
        load_package("")  # first, since its texts would hide this one's
    package = _package_in(folder) if folder else cast(Package, import_module(OWN))
    messages.add_mistakes(package.MISTAKES)
    return package


def _package_in(folder: str) -> Package:
    path = Path(folder)
    if not (path / ENTRY).is_file():
        raise UserError(f"{folder} has no {ENTRY}: homework.package names a homework's folder")
    name = f"homework_{hashlib.sha256(folder.encode()).hexdigest()[:12]}"
    spec = spec_from_file_location(name, path / "__init__.py", submodule_search_locations=[folder])
    assert spec is not None  # as for any Python file
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    package = cast(Package, import_module(f"{name}.package"))
    _check(package, path / ENTRY)
    return package


def _check(package: Package, path: Path) -> None:
    """Raise UserError if a package lacks part of Package, or a run to measure a machine by."""
    functions = (name for name in vars(Package) if not name.startswith("_"))
    missing = [
        name for name in (*Package.__annotations__, *functions) if not hasattr(package, name)
    ]
    if missing:
        raise UserError(
            f"{path} lacks {', '.join(missing)}: grader/rubric/package.py explains each"
        )
    if not any(question.kind == "descent" for question in package.TASKS.questions):
        raise UserError(
            f"{path} has no training with the gradients (a descent), which the grader needs to "
            "measure the machine; if it should earn nothing, give it false in [points]"
        )


def digest_of(folder: str) -> str:
    """Return a digest of a package's files."""
    digest = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
