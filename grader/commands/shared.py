"""What the commands that grade share: the graders of a job, and what is put into the gradebook."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing

from grader.batch import Graders as AnyGraders
from grader.batch import Result
from grader.gradebook import Entry
from grader.graders import Graders
from grader.papers import Brief, GradingStopped
from grader.reports.terminal import GradeScreen

Start = Callable[[], AbstractContextManager[AnyGraders]]


def starter(brief: Brief, jobs: int, screen: GradeScreen, cluster: str | None = None) -> Start:
    """Return what starts the graders: on this machine, or those of a cluster."""

    def start() -> AbstractContextManager[AnyGraders]:
        if cluster is None:
            return closing(Graders(brief, jobs, screen.show_isolation))
        try:
            from grader.cluster import Cluster
        except ImportError as error:
            extra = "pip install 'sigmoid-homework-grader[cluster]'"
            raise GradingStopped(f"--cluster needs Dask ({error}): {extra}") from error
        return closing(Cluster(brief, cluster, screen.show_isolation))

    return start


def entries_of(results: Sequence[Result]) -> list[Entry]:
    """Return results as the gradebook records them."""
    return [
        Entry(
            key=result.key,
            content=result.content,
            record=result.record,
            paper=result.paper,
            handed_in=result.moment.at,
            told_by=result.moment.told_by,
            is_local=result.moment.is_local,
            marked_late=result.hand_in.marked_late,
            owner=result.hand_in.owner,
        )
        for result in results
    ]
