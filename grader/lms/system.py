"""The interface of a system; each file in systems/ defines one.

A format that belongs to no system (formats/) is just an Export.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from grader.lms.files import FileNames
from grader.lms.layout import Layout
from grader.lms.marks import Mark, Merged
from grader.lms.sheets import Table

# Return how the system laid out a folder with these files and folders, or None if it did not. Raise
# Unclear if the folder has more than one homework.
Recogniser = Callable[[Path, FileNames, FileNames], Layout | None]


@dataclass(frozen=True)
class ExportOptions:
    """The options of `grader export`: the `target`, the file to write, and what the target needs.

    `into` is the table that the system exported, `assignment` its column for the homework, `groups`
    the system's table of groups and their members.
    """

    target: str
    out: Path | None
    into: Path | None
    assignment: str | None
    groups: Path | None


Need = Literal["out", "assignment", "into"]
# Return what to write to `out`, or None if the export has written it itself. The arguments are the
# marks (at least one), the options (with everything this export needs) and the homework's points.
# Raise UserError if the marks cannot be exported.
Maker = Callable[[Sequence[Mark], ExportOptions, float], str | bytes | Merged | None]


@dataclass(frozen=True)
class Export:
    """An export, written by `grader export --to TARGET`.

    `needs` are its required options. `groups` is the name of the table that it reads with --groups,
    "" if it reads none.
    """

    target: str
    make: Maker
    needs: tuple[Need, ...] = ("out",)
    groups: str = ""


def as_written(id_: str, line: int) -> str:
    """Return the id exactly as in the cell."""
    return id_


class TimesColumns(NamedTuple):
    """The id and time columns of a table, and how to read each.

    `read_time` returns None if the time in a cell is ambiguous. `read_id` also gets the line
    number, and raises UserError if the cell has no id.
    """

    id: str
    time: str
    read_time: Callable[[str], datetime | None]
    read_id: Callable[[str, int], str] = as_written


@dataclass(frozen=True)
class TimesTable:
    """A system's table that `grader grade --times` can read: when each student handed in.

    Messages call it `name` and its required columns `columns`; `headings` are all the names that
    columns of such tables can have. `columns_in` yields the pairs of columns that a table may have.
    """

    name: str
    columns: str
    headings: Sequence[str]
    columns_in: Callable[[Table], Iterable[TimesColumns]]


@dataclass(frozen=True)
class System:
    """Everything the grader knows about a system.

    `patterns` match file names that identify the student. `read_files` are the system's own files
    that the grader reads, so archives are unpacked for them; those in `students_files` lie in a
    student's folder, which is therefore not a wrapper around a class. `other_files` are also the
    system's own, but not read. `untimed` is advice for when its download has no times.
    """

    name: str
    recognise: Recogniser
    patterns: Sequence[re.Pattern[str]] = ()
    read_files: Collection[str] = ()
    students_files: Collection[str] = ()
    other_files: Collection[str] = ()
    untimed: str = ""
    times: TimesTable | None = None
    export: Export | None = None
