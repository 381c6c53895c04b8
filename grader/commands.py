"""Run a job in the coordinating process, and show people what came of it. Imports no torch."""

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from pathlib import Path

import msgspec

from grader.batch import Batch, Find
from grader.batch import Graders as AnyGraders
from grader.catalogue import Texts
from grader.exits import DONE, UNDER_MARK, exit_code_of, say
from grader.files import remove_unfinished
from grader.gradebook import (
    Entry,
    Gradebook,
    GradebookError,
    default_url,
    gradebook_file,
    untouched_url,
)
from grader.graders import Graders
from grader.jobs import INTERRUPTED, GradeJob, Job, ValidateJob
from grader.papers import Brief, GradingStopped
from grader.records import Record, in_language, record_path, write_grades, write_record
from grader.reports.feedback.pages import Pages
from grader.reports.index import write_index
from grader.reports.terminal import GradeScreen, show_validations
from grader.roster import Names, write_roster
from grader.rubric import RUBRIC_FILE, Rubric, load_rubric
from grader.submissions.archives import Archives
from grader.submissions.candidates import Handout
from grader.submissions.discover import Submission, discover

# While this thread records a result, others hand the next papers on, and graders wait for them.
SWITCH_SECONDS = 0.0005


def main(descriptor: int) -> int:
    """Read the job from `descriptor` and run it; return the exit code."""
    sys.setswitchinterval(SWITCH_SECONDS)
    return exit_code_of(lambda: _run(descriptor), kept="; what was written is kept")


def _run(descriptor: int) -> int:
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        job: Job = msgspec.msgpack.decode(file.read(), type=Job)
    return _grade(job) if isinstance(job, GradeJob) else _validate(job)


def _grade(job: GradeJob) -> int:
    rubric = load_rubric(Path(job.rubric) if job.rubric else RUBRIC_FILE)
    results, handout = Path(job.out), Handout(rubric)
    # What is unpacked is read while the class is graded, and gone after that.
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        names = Names(results, Path(job.students) if job.students else None)
        remarks = list(_other_python(rubric.software.python))
        submissions = discover(
            [Path(path) for path in job.paths],
            archives,
            results,
            names,
            untouched=handout.is_at,
            remark=remarks.append,
            zone=rubric.late.time_zone,
        )
        remarks += names.check()
        several = any(len(each.files) > 1 for s in submissions for each in s.attempts)
        given = handout.lines if several else ()
        brief = Brief.of(rubric, job.seed, job.isolation == "strict", given)
        with (
            GradeScreen(len(submissions), rubric, results, quiet=job.format == "json") as screen,
            ExitStack() as opened,
            # Until the graders have proved themselves, nothing is written.
            _batch(job, brief, submissions, _find_of(job, rubric, opened), screen) as batch,
        ):
            screen.show_remarks(remarks)
            results.mkdir(parents=True, exist_ok=True)
            remove_unfinished(results)
            write_roster(submissions, results)
            book = opened.enter_context(_book(job.db or default_url(results), rubric))
            return _grade_class(job, rubric, submissions, book, batch, screen)


def _other_python(promised: str) -> Iterator[str]:
    """Yield a line if students were told of another Python than this one."""
    here = ".".join(platform.python_version_tuple()[:2])
    if here != promised:
        yield (
            f"this is Python {here}, and the handout says {promised} ([software] in the rubric): "
            "code that only one of them can read earns other points than students expect"
        )


def _find_of(job: GradeJob, rubric: Rubric, opened: ExitStack) -> Find:
    """Return what finds the records that are known, and leaves no trace in the results."""
    results = Path(job.out)
    if not job.cache or (job.db is None and not gradebook_file(results).exists()):
        return _nothing
    if job.db is None and (url := untouched_url(results)):
        with suppress(GradebookError):  # somebody has begun to write since, or it has no tables
            return opened.enter_context(_book(url, rubric)).find
    return opened.enter_context(_book(job.db or default_url(results), rubric)).find


def _book(url: str, rubric: Rubric) -> Gradebook:
    return Gradebook(url, rubric.policy())


def _batch(
    job: GradeJob,
    brief: Brief,
    submissions: Sequence[Submission],
    find: Find,
    screen: GradeScreen,
) -> Batch:
    def start() -> AbstractContextManager[AnyGraders]:
        if job.cluster is None:
            jobs = min(job.jobs, len(submissions))
            return closing(Graders(brief, jobs, screen.show_isolation))
        try:
            from grader.cluster import Cluster
        except ImportError as error:
            extra = "pip install 'sigmoid-homework-grader[cluster]'"
            raise GradingStopped(f"--cluster needs Dask ({error}): {extra}") from error
        return closing(Cluster(brief, job.cluster, screen.show_isolation))

    return Batch(submissions, brief, find, start, screen.show_alarm)


def _grade_class(
    job: GradeJob,
    rubric: Rubric,
    submissions: Sequence[Submission],
    book: Gradebook,
    batch: Batch,
    screen: GradeScreen,
) -> int:
    results = Path(job.out)
    students = [submission.student for submission in submissions]
    owners = [submission.owner for submission in submissions if submission.owner]
    untimed = sorted({owner.system for owner in owners if owner.handed_in is None})
    if untimed and rubric.late.due:
        screen.show_untimed(untimed)
    texts = Texts(job.lang)
    # Closed first, where a record cannot be written, so that no worker outlives the message.
    with (
        closing(Pages(min(job.jobs, len(submissions)), results, job.lang, rubric)) as pages,
        closing(batch.results(book.find)) as all_,
    ):
        try:
            for some in all_:
                book.add(
                    [
                        Entry(each.key, each.record, each.handed_in)
                        for result in some
                        for each in result.attempts
                    ]
                )
                # What is in the book and not yet in a file gets there with the next run.
                by_name = {result.submission.student: result for result in some}
                for final in book.finals(by_name):
                    write_record(in_language(final.outcome, texts), results)
                    if job.pages:
                        file = by_name[final.student].file
                        pages.add(final, file.read_bytes() if file else None)
                screen.add([result.record for result in some], known=some[0].was_known)
            screen.show_pages(pages.waiting)
            pages.finish()
            screen.show_pages(pages.waiting)
        except KeyboardInterrupt:
            say(f"interrupted: {screen.graded} of {len(students)} graded, kept in {results}")
            return INTERRUPTED
        finally:
            write_grades(book.finals(students), list(rubric.points), results)
            write_index(book.finals(students), rubric, results, texts, screen.alarms)
    if job.format == "json":
        _print_records(students, results)
    else:
        screen.show_class(book.finals(students), students)
    lowest = min(final.final for final in book.finals(students))
    return UNDER_MARK if job.fail_under is not None and lowest < job.fail_under else DONE


def _nothing(keys: Sequence[str]) -> dict[str, Record]:
    return {}


def _print_records(students: Iterable[str], results: Path) -> None:
    """Print the records as one JSON array, without having the whole class in memory."""
    between = b"[\n"
    for student in students:
        sys.stdout.buffer.write(between + record_path(student, results).read_bytes().rstrip())
        between = b",\n"
    sys.stdout.buffer.write(b"\n]\n")
    sys.stdout.buffer.flush()


def _validate(job: ValidateJob) -> int:
    own = load_rubric()
    rubric = load_rubric(Path(job.rubric)) if job.rubric else own
    # Not above: it needs the solution's texts and what makes notebooks of them.
    from grader.validate import validate, validate_pairs, validate_solution

    # What 2000 steps with each mutant come to is known of the package's own homework.
    known = (rubric.homework, rubric.training) == (own.homework, own.training)
    untrained = rubric.untrained()
    with closing(Graders(Brief.of(rubric, job.seed, strict=False), job.jobs)) as graders:
        validations = list(validate_solution(rubric, graders))
        validations += validate(rubric, graders) if known else []
    with closing(Graders(Brief.of(untrained, job.seed, strict=False), job.jobs)) as graders:
        validations += [] if known else validate(untrained, graders)
        pairs = list(validate_pairs(untrained, graders))  # two mistakes show without training
    show_validations(validations, pairs)
    sound = _pass_mark_holds(rubric, job.jobs)
    return DONE if sound and all(validation.holds for validation in validations) else UNDER_MARK


def _pass_mark_holds(rubric: Rubric, jobs: int) -> bool:
    """Measure the pass mark, show it, and return whether it tells right from wrong."""
    from grader.calibration import calibrate  # which imports torch: nothing is graded any more
    from grader.reports.calibration import table_of, verdict_on

    measured = calibrate(rubric, jobs, only_musts=True)
    print(f"\n{table_of(measured, rubric)}\n{verdict_on(measured)}")
    return all(each.holds for each in measured)


if __name__ == "__main__":
    try:
        status = main(int(sys.argv[1]))
    except KeyboardInterrupt:
        say("interrupted")
        status = INTERRUPTED
    sys.exit(status)
