"""The interface of a system: what each file of systems/ tells of its own.

A format that is no system (formats/) is an Export alone.
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

# Return how the system laid out a folder with these files and folders, None if it did not. Raise
# Unclear if it did, for more than one homework.
Recogniser = Callable[[Path, FileNames, FileNames], Layout | None]


@dataclass(frozen=True)
class ExportOptions:
    """What is asked of `grader export`: the `target`, the file to write and, by target, its needs.

    `into` is the table that the system exported, `assignment` its column for the homework, `groups`
    the system's table of who is in which group.
    """

    target: str
    out: Path | None
    into: Path | None
    assignment: str | None
    groups: Path | None


Need = Literal["out", "assignment", "into"]
# Return what is to be written to `out`, or None if the export has written it. It is given the
# marks, at least one, the options, with all that it needs, and the points of the homework. Raise
# UserError if that cannot be exported.
Maker = Callable[[Sequence[Mark], ExportOptions, float], str | bytes | Merged | None]


@dataclass(frozen=True)
class Export:
    """What `grader export --to TARGET` writes.

    `needs` are the options that it cannot do without, and `groups` is what the table is called that
    it can read by --groups, "" if it reads none.
    """

    target: str
    make: Maker
    needs: tuple[Need, ...] = ("out",)
    groups: str = ""


def as_written(id_: str, line: int) -> str:
    """Return an id as the cell has it."""
    return id_


class TimesColumns(NamedTuple):
    """The columns of ids and of times in a table, and how each is read.

    `read_time` returns None if it is not certain what time a cell is. `read_id` is given the line,
    too, and raises UserError if the cell has no id.
    """

    id: str
    time: str
    read_time: Callable[[str], datetime | None]
    read_id: Callable[[str, int], str] = as_written


@dataclass(frozen=True)
class TimesTable:
    """A table of the system that `grader grade --times` can read: when each student handed in.

    `name` and `columns` are what messages call it and the columns it needs, `headings` all that
    columns of such tables may be called. `columns_in` returns which columns of a table these may
    be.
    """

    name: str
    columns: str
    headings: Sequence[str]
    columns_in: Callable[[Table], Iterable[TimesColumns]]


@dataclass(frozen=True)
class System:
    """All that the grader knows of a system.

    `patterns` fit names of files that say whose they are. `read_files` are its own files that are
    read, for which archives are unpacked; of these `students_files` lie in a student's folder, so
    that this is not one that a class was wrapped in. `other_files` are its own, too, and not read.
    `untimed` is, if its download has no times, what to know of that and to do.
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
