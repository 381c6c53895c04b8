"""Run the processes that grade, on a machine that one of the functions below has made unfit.

python start.py FAULT grader.grading.process DESCRIPTOR...
"""

import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace


def none() -> None:
    """Change nothing."""


def no_numpy() -> None:
    """Make `import numpy` fail."""
    sys.modules["numpy"] = None  # type: ignore[assignment]  # as in Python's documentation


def python_is_forbidden() -> None:
    """Remove Python's own folders from those that a worker may read."""
    from grader.confined import confinement

    readable = confinement.readable_paths()
    of_python = {Path(sys.prefix), Path(sys.base_prefix)}
    left = [path for path in readable if of_python.isdisjoint([path, *path.parents])]
    confinement.readable_paths = lambda: left


def wrong_products() -> None:
    """Make torch.mm, which the worker inherits, wrong in the last digits."""
    import torch

    matmul = torch.Tensor.__matmul__
    torch.Tensor.__matmul__ = lambda self, other: matmul(self, other) * (1 + 1e-9)  # type: ignore[method-assign]


def fault_in_the_scorer() -> None:
    """Make the scorer fail for a reason that no submission can affect."""
    from grader.scoring import points

    def score(*given: object) -> None:
        raise ZeroDivisionError("planted by a test")

    points.score = score  # type: ignore[assignment]


def no_worker_starts() -> None:
    """Make each worker's confinement fail."""
    from grader.confined.confinement import Confinement

    def enter(*given: object) -> None:
        raise PermissionError("planted by a test")

    Confinement.enter = enter  # type: ignore[method-assign]


def memory_runs_out_later() -> None:
    """Make workers start without memory once a file called `low` is in the temporary folder."""
    from grader.confined.limits import Limits
    from grader.scoring.workers import Worker, Zygote

    low = Path(os.environ["TMPDIR"]) / "low"
    new_worker = Zygote._new_worker

    def new_worker_as_it_is_now(zygote: Zygote, limits: Limits) -> Worker:
        less = replace(limits, memory_bytes=10_000_000)
        return new_worker(zygote, less if low.exists() else limits)

    Zygote._new_worker = new_worker_as_it_is_now  # type: ignore[method-assign]


def scorer_ends() -> None:
    """Kill a scorer while it grades a file whose text says so: once, or always."""
    from grader.scoring.protocol import Graded, SubmittedFiles
    from grader.scoring.scorer import Scorer

    ended = Path(os.environ["TMPDIR"]) / "ended"
    grade = Scorer.grade

    def grade_or_end(scorer: Scorer, submission: SubmittedFiles) -> Graded:
        text = b"".join(submission.files.values())
        if b"ends the scorer always" in text or (
            b"ends the scorer once" in text and not ended.exists()
        ):
            ended.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return grade(scorer, submission)

    Scorer.grade = grade_or_end  # type: ignore[method-assign]


def reader_ends() -> None:
    """Kill the reading process at a file whose text says so."""
    from grader.scoring import reading
    from grader.source.read import Source

    read = reading.read

    def read_or_end(name: str, data: bytes) -> Source:
        if b"ends the reader" in data:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(name, data)

    reading.read = read_or_end


def scorer_or_reader_ends() -> None:
    """Kill the scorer or the reader, whichever a text names."""
    scorer_ends()
    reader_ends()


def scorer_starts_once() -> None:
    """Kill a scorer while it grades, and its replacement while it proves itself."""
    from grader.scoring.protocol import Graded, GradingSettings, SubmittedFiles
    from grader.scoring.reading import Reader
    from grader.scoring.scorer import Scorer
    from grader.scoring.workers import Zygote

    begun = Path(os.environ["TMPDIR"]) / "begun"
    begin = Scorer.__init__

    def begin_once(
        scorer: Scorer, settings: GradingSettings, zygote: Zygote, reader: Reader
    ) -> None:
        if begun.exists():
            os.kill(os.getpid(), signal.SIGKILL)
        begun.touch()
        begin(scorer, settings, zygote, reader)

    def end(scorer: Scorer, submission: SubmittedFiles) -> Graded:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    Scorer.__init__ = begin_once  # type: ignore[method-assign]
    Scorer.grade = end  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    made.__name__: made
    for made in (
        none,
        no_numpy,
        python_is_forbidden,
        wrong_products,
        fault_in_the_scorer,
        no_worker_starts,
        memory_runs_out_later,
        scorer_ends,
        scorer_or_reader_ends,
        scorer_starts_once,
    )
}

if __name__ == "__main__":
    fault, module = sys.argv[1:3]
    sys.argv = [module, *sys.argv[3:]]
    FAULTS[fault]()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
