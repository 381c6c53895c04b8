"""Code shared by commands that grade: the pool of scorers, and entries for the gradebook."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path

from grader.confined.readable import readable_paths
from grader.errors import UserError
from grader.gradebook import GradedAttempt
from grader.grading.batch import AnyPool, Result, Start
from grader.grading.pool import ScorerPool
from grader.reports.terminal import GradeScreen
from grader.results.record import Record
from grader.scoring.protocol import GradingSettings, GradingStopped

SOLUTION = "solution"  # written by `grader release`


def starter(
    settings: GradingSettings,
    jobs: int,
    submissions: int,
    screen: GradeScreen,
    cluster: str | None = None,
) -> Start:
    """Return a function that starts scorers for this many `submissions`, here or on a cluster."""
    jobs = min(jobs, submissions)

    def start() -> AbstractContextManager[AnyPool]:
        if cluster is None:
            return closing(
                ScorerPool(settings, jobs, screen.show_isolation, submissions=submissions)
            )
        try:
            from grader.grading.cluster import Cluster
        except ImportError as error:
            extra = "pip install 'sigmoid-homework-grader[cluster]'"
            raise GradingStopped(f"--cluster needs Dask ({error}): {extra}") from error
        return closing(Cluster(settings, cluster, screen.show_isolation))

    return start


def find_nothing(keys: Sequence[str]) -> dict[str, Record]:
    """Find no known record, so that everything is graded again."""
    return {}


def require_unreadable(paths: Mapping[str, Iterable[str | Path | None]]) -> None:
    """Raise UserError if a path lies in a folder of Python's that every worker may read.

    `paths` are those that students must not see, by description; None is an option not given. The
    temporary folder, and the solution beside the class, are checked too.
    """
    solution = [path for path in [Path(SOLUTION)] if path.exists()]
    temporary = [tempfile.gettempdir()]
    paths = {**paths, "the solution": solution, "the temporary folder, TMPDIR,": temporary}
    for what, of_kind in paths.items():
        for path in of_kind:
            if path is not None and (folder := _readable_around(Path(path))):
                raise UserError(
                    f"{path}: {what} lies in {folder}, which every submission may read, since "
                    "Python and its packages are there; put it into another folder"
                )


def _readable_around(path: Path) -> Path | None:
    """Return the worker-readable folder that contains this path (or is it), or None."""
    real_path = path.resolve()
    around = {real_path, *real_path.parents}
    return next((folder for folder in readable_paths() if folder in around), None)


def entries_of(results: Sequence[Result]) -> list[GradedAttempt]:
    """Return results as entries for the gradebook."""
    return [
        GradedAttempt(
            key=result.key,
            content=result.content,
            record=result.record,
            files=result.files,
            handed_in=result.moment.at,
            told_by=result.moment.told_by,
            is_local=result.moment.is_local,
            marked_late=result.hand_in.marked_late,
            owner=result.hand_in.owner,
        )
        for result in results
    ]
