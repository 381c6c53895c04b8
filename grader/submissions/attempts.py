"""Each student's attempts: when they were handed in, and which of them are graded."""

from collections.abc import Callable, Iterable, Sequence

from grader.errors import UserError
from grader.lms.layout import MOST_REMARKS
from grader.submissions.archives import Archives
from grader.submissions.file_names import listing
from grader.submissions.ownership import Works
from grader.submissions.students.times import Times, Zones
from grader.submissions.upload import Upload, at_time

MOST_ATTEMPTS = 50  # graded per student, the newest; each may take minutes


def use_table(
    students: Iterable[Sequence[Upload]], times: Times, remark: Callable[[str], None]
) -> None:
    """Set submission times from the table; report its ids that nobody here has."""
    for line in times.remarks:
        remark(line)
    ids = {
        attempts[-1].whose.id.casefold() for attempts in students if _is_in_table(attempts, times)
    }
    others = sorted(times.of.keys() - ids)
    if others and not ids:
        raise UserError(f"{times.source}: none of its ids is in this class")
    if others:
        what = listing(others, MOST_REMARKS)
        remark(f"{times.source}: nobody in this class has the id {what}")


def use_archives(item: Upload, archives: Archives, zones: Zones) -> None:
    """Set submission times from the archives that files lie in, if there is no other source."""
    for path in item.paths - item.moments.keys():
        if moment := archives.handed_in(path):
            item.moments[path] = zones.moment(moment.at, moment.told_by, "the archive")


def _is_in_table(attempts: Sequence[Upload], times: Times) -> bool:
    """Give attempts their student's time in the table, if there is one; return whether.

    It applies to the newest; earlier attempts without another source came no later.
    """
    whose = attempts[-1].whose
    moment = times.find(whose.system, whose.id)
    if moment is None:
        return False
    for item in attempts:
        if item is attempts[-1] or not item.whose.handed_in:
            item.owner = at_time(item.owner, moment) if item.owner else None
            item.moments = dict.fromkeys(item.paths, moment)
    return True


def attempts_to_grade(attempts: list[Upload], works: Works) -> list[Upload]:
    """Return the attempts with work, else the newest with a file, else the newest."""
    if len(attempts) == 1:
        return attempts
    with_files = [attempt for attempt in attempts if attempt.files]
    with_work = [a for a in with_files if not all(map(works.is_untouched, a.files))]
    chosen = with_work[-MOST_ATTEMPTS:] or with_files[-1:] or attempts[-1:]
    if len(chosen) < len(attempts):
        what = (
            f"{len(attempts)} attempts, {len(chosen)} graded: the newest {MOST_ATTEMPTS} of those "
            f"with a .py or .ipynb that differs from what was handed out"
            if with_work
            else f"{len(attempts)} attempts, all without work: the newest is graded"
        )
        chosen[-1].remarks.append(what)
    return chosen
