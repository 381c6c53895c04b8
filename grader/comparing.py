"""`grader similar`: read the submissions of a class, compare them, and report who is alike."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from grader.catalogue import ENGLISH
from grader.gradebook import Gradebook, default_url
from grader.material.notebook import released_code
from grader.records import read_students
from grader.reports.index import SIMILAR, write_index
from grader.reports.similar import write_similar
from grader.roster import Names
from grader.rubric import Rubric
from grader.similarity import compare
from grader.submissions import shown
from grader.submissions.archives import Archives
from grader.submissions.discover import Submission, discover
from grader.submissions.read import Unreadable, read, read_bytes


def compare_submissions(
    paths: Sequence[Path], rubric: Rubric, results: Path, url: str | None, jobs: int
) -> str:
    """Write similar.html, and index.html with a link to it; return how many pairs are alike.

    Raise NothingToGrade where there are no submissions.
    """
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        submissions = discover(paths, archives, results, Names(results, None))
        texts = {
            submission.student: text
            for submission in submissions
            if (text := _text_of(submission, rubric.limits.source_bytes))
        }
    comparison = compare(texts, released_code(rubric), rubric.similarity, jobs)
    write_similar(comparison, results, ENGLISH)
    if url is not None or (results / "gradebook.db").exists():
        with (
            Gradebook(url or default_url(results), rubric.policy()) as book,
            contextlib.suppress(FileNotFoundError),  # nothing was graded here: no index to link it
        ):
            write_index(book.finals(read_students(results)), rubric, results, ENGLISH)
    pairs = "1 pair" if comparison.found == 1 else f"{comparison.found} pairs"
    return (
        f"{comparison.compared} submissions compared: {pairs} to look at, none of them a verdict. "
        f"Report: {results / SIMILAR}"
    )


def _text_of(submission: Submission, max_bytes: int) -> str:
    """Return the Python of all that a student handed in and that can be read."""
    cells: list[str] = []
    for path in submission.files:
        with contextlib.suppress(Unreadable):
            source = read(shown(path.name), read_bytes(path, max_bytes))
            cells += [cell.source for cell in source.cells]
    return "\n".join(cells)
