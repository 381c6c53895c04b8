"""`grader similar`: read a class's submissions, compare them, and report similar ones."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from grader.commands.override import GradebookPlace
from grader.judging.messages import ENGLISH, Texts
from grader.material.notebook import released_code
from grader.reports.index import SIMILAR
from grader.reports.results_folder import ResultsFolder
from grader.reports.similar import write_similar
from grader.reports.similarity import compare
from grader.rubric import RUBRIC_FILE, load_rubric
from grader.scoring.reading import Reader
from grader.source.paths import shown
from grader.source.read import Unreadable
from grader.submissions.archives import Archives
from grader.submissions.discover import discover
from grader.submissions.students.roster import StudentNames
from grader.submissions.submission import Submission


def compare_submissions(paths: Sequence[Path], place: GradebookPlace, jobs: int) -> str:
    """Write similar.html and a link to it in index.html; return how many pairs are similar.

    Raise NothingToGrade if there are no submissions.
    """
    results = place.results
    with ExitStack() as stack:
        book = stack.enter_context(place.open()) if place.exists else None
        rubric = book.assignment.rubric if book else load_rubric(place.rubric or RUBRIC_FILE)
        names = StudentNames(book.people(), book.roster().values()) if book else StudentNames()
        limits = rubric.archives, rubric.limits.source_bytes
        archives = stack.enter_context(Archives(*limits))
        texts: dict[str, str] = {}
        unread: dict[str, str] = {}
        with closing(Reader()) as reader:
            look = partial(reader.look_at, tasks=rubric.tasks)
            for each in discover(paths, archives, results, names, names.students, look=look):
                try:
                    texts[each.student] = _text_of(each, rubric.limits.source_bytes, reader)
                except Unreadable as error:
                    unread[each.student] = str(error)
        similarity = compare(texts, released_code(rubric), rubric.similarity, jobs)
        comparison = replace(similarity, unread=unread)
        language = Texts(book.assignment.language) if book else ENGLISH
        if book:
            with ResultsFolder(results, book, book.assignment, None) as folder:
                write_similar(comparison, results, language)
                folder.complete()  # the index links to it
        else:
            write_similar(comparison, results, language)
    pairs = "1 pair" if comparison.found == 1 else f"{comparison.found} pairs"
    return (
        f"{comparison.compared} submissions compared: {pairs} to look at, none of them a verdict. "
        f"Report: {results / SIMILAR}"
    )


def _text_of(submission: Submission, max_bytes: int, reader: Reader) -> str:
    """Return all Python in a submission's readable files.

    If none can be read, raise Unreadable with the reason for the first file.
    """
    texts: list[str] = []
    problems = [Unreadable(submission.problem)] if submission.problem else []
    for path in submission.files:
        try:
            texts.append(reader.text_of(shown(path.name), path, max_bytes))
        except Unreadable as error:
            problems.append(error)
    if not texts:
        raise problems[0]
    return "\n".join(texts)
