"""Find the submissions below the given paths, and report what was decided about them.

A file is opened only to decide whose it is (ownership.py). An archive is treated like a folder
(archives.py unpacks it), and is opened only if it may hold a submission: beside a file that defines
something asked it does not count.

Links are never followed (search.py). If something cannot be graded, it becomes a submission with a
`problem`, so that its student is in the results and the class goes on.
"""

import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from grader.lms.layout import Owner
from grader.results.policy import NO_DUE, Zone
from grader.source.paths import shown
from grader.submissions.archives import Archives
from grader.submissions.attempts import attempts_to_grade, use_archives, use_table
from grader.submissions.file_names import listing
from grader.submissions.ownership import FileOutline, Works
from grader.submissions.remarks import Remarks
from grader.submissions.search import NothingToGrade, Search
from grader.submissions.students.naming import same_folder, unique
from grader.submissions.students.pseudonyms import Pseudonym
from grader.submissions.students.times import NO_TIMES, Times, Zones
from grader.submissions.submission import Submission
from grader.submissions.upload import Upload, Uploads


def discover(
    paths: Sequence[Path],
    archives: Archives,
    results: Path | None = None,
    name_of: Callable[[Owner], str | None] = lambda owner: None,
    others: Collection[str] = (),
    is_untouched: Callable[[Path], bool] = lambda path: False,
    remark: Callable[[str], None] = lambda line: None,
    zone: Zone = NO_DUE,
    times: Times = NO_TIMES,
    *,
    look: Callable[[Path, int], FileOutline],
) -> list[Submission]:
    """Return the submissions at and below `paths`, in the order of their places on disk.

    A file is one submission. A folder is one student's or a class; ownership.py decides if it has
    files. In a class each folder except `results` (from an earlier run), each zip archive and each
    group of loose files with the same name is one submission, or whatever entries a system made per
    student (lms/systems). `name_of` may return a student's name; an owner without a system has the
    name found here as its id. `others` are names of students who may not be here; no new student
    gets one. `is_untouched` tells whether a file is still as handed out, and `remark` is called
    with each line about a decision. Times that a system or an archive gives without a zone are in
    `zone`; `times` takes precedence over all other sources. `look` reads the outline of a file's
    text, up to a number of bytes. Raise NothingToGrade if a path is missing, no file was found, or
    a folder has several homeworks; raise UserError if `times` match nobody here. Files from
    archives exist as long as `archives` does.
    """
    modes = [_mode(path) for path in paths]
    never = os.path.abspath(results) if results else None
    works = Works(lambda path: look(path, archives.source_bytes), is_untouched, never)
    remarks, zones = Remarks(archives, works, remark), Zones(zone)
    search = Search(archives, never, works, remarks, zones)
    for path, mode in zip(paths, modes, strict=True):
        search.look_at(path, mode)
    students = _students(search.uploads)
    use_table(students, times, remark)
    for item in chain.from_iterable(students):
        use_archives(item, archives, zones)
    remarks.say_systems(search.systems, search.uploads)
    remarks.say_zones(zones)
    if zone != NO_DUE:
        remarks.say_untimed(search.uploads)
    students = [attempts_to_grade(attempts, works) for attempts in students]
    labels, fixed_names = _names([attempts[-1] for attempts in students], name_of)
    names = unique(labels, fixed_names, others)
    for attempts, name, student in zip(students, labels, names, strict=True):
        if attempts[-1].name.casefold() not in name.casefold():
            _hide_names(attempts, student, works)
    remarks.say_of_students(students, names)
    submissions = [
        _joined([attempt.submission(name, archives) for attempt in attempts])
        for attempts, name in zip(students, names, strict=True)
    ]
    if not any(submission.files for submission in submissions):
        problem = submissions[0].problem if submissions else "no path was named"
        more = f" (and {len(submissions) - 1} more like it)" if len(submissions) > 1 else ""
        where = f" in {listing([str(path) for path in paths])}" if paths else ""
        raise NothingToGrade(f"nothing to grade{where}: {problem}{more}")
    return submissions


def _students(uploads: Uploads) -> list[list[Upload]]:
    """Return each student's attempts, in the order of their places."""
    places = sorted(uploads, key=lambda place: os.path.join(*place))
    return [[uploads[place][number] for number in sorted(uploads[place])] for place in places]


def _joined(attempts: Sequence[Submission]) -> Submission:
    return replace(attempts[-1], earlier=tuple(attempts[:-1]))


def _mode(path: Path) -> int:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        raise NothingToGrade(f"{shown(path)}: no such file or folder") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise NothingToGrade(f"{shown(path)} cannot be read: {reason}") from None


def _hide_names(attempts: Sequence[Upload], student: str, works: Works) -> None:
    """Remove a student's other names from the names of files."""
    for item in attempts:
        own = {item.name, item.whose.name, item.whose.id}
        item.pseudonym = Pseudonym(student, own, works.imported(item.files))


def _names(
    items: Sequence[Upload], name_of: Callable[[Owner], str | None]
) -> tuple[list[str], set[str]]:
    """Return each student's name, with the system's id if two share one; and the fixed names.

    Fixed names are those from `name_of`; no other student gets one.
    """
    given_names = [name_of(item.whose) for item in items]
    labels = [name or item.name for name, item in zip(given_names, items, strict=True)]
    often = Counter(map(same_folder, labels))
    names = [
        f"{name}-{item.owner.id}"
        if item.owner and not given_name and often[same_folder(name)] > 1
        else name
        for item, given_name, name in zip(items, given_names, labels, strict=True)
    ]
    return names, set(filter(None, given_names))
