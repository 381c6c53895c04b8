"""Each student's submission time, from a table: `--times`.

The table is a system's (grader/lms/, TimesTable), or has the columns id and handed_in.
"""

from collections.abc import Iterator
from pathlib import Path

from grader.errors import UserError
from grader.lms.layout import shortened
from grader.lms.moments import iso
from grader.lms.registry import TIMES_TABLES, either
from grader.lms.sheets import Table, about, read_text, rows
from grader.lms.system import TimesColumns
from grader.results.policy import Zone
from grader.source.paths import shown
from grader.submissions.students.times import Moment, Times, in_zone

OWN = ("id", "handed_in")
HEADINGS = [*OWN, *(name for times in TIMES_TABLES.values() for name in times.headings)]
NOT_HANDED_IN = ("", "-")


def read_times(path: Path, zone: Zone) -> Times:
    """Return submission times; those without an offset are in `zone`.

    An unreadable time is reported. Raise UserError if it is not such a table or has an id twice,
    OSError if it cannot be read.
    """
    text = read_text(path)
    try:
        table = Table(text, HEADINGS)
        system, columns = _columns_of(table)
        cells = list(_cells(table, columns))
    except UserError as error:
        raise about(path, error) from error
    of: dict[str, Moment] = {}
    unread = []
    for line, id_, cell in cells:
        if time := columns.read_time(cell):
            of[id_.casefold()] = in_zone(time, "system", zone)
        else:
            unread.append(
                f"{path}, line {line}: {shown(cell)!r} is not a readable time: "
                f"other times count for id {shown(id_)}"
            )
    is_local = any(moment.is_local for moment in of.values())
    local = [f"{path}: times without an offset are read as {zone.words}"] if is_local else []
    return Times(str(path), system, of, (*local, *shortened(unread)))


def _columns_of(table: Table) -> tuple[str, TimesColumns]:
    """Return a table's system, "" if none, and its columns; raise UserError if unknown."""
    known = [("", TimesColumns(*OWN, iso))]
    for system, times in TIMES_TABLES.items():
        known += [(system, columns) for columns in times.columns_in(table)]
    for system, columns in known:
        if None not in (table.find([columns.id]), table.find([columns.time])):
            return system, columns
    tables = [f"{times.name} ({times.columns})" for times in TIMES_TABLES.values()]
    raise UserError(f"{table.lacks(OWN)}; nor is it {either(tables)}")


def _cells(table: Table, columns: TimesColumns) -> Iterator[tuple[int, str, str]]:
    """Yield line, id and time per submission; raise UserError if an id appears twice."""
    lines: dict[str, int] = {}
    for line, cells in rows(table, [columns.id, columns.time], [columns.time]):
        id_ = columns.read_id(cells[columns.id].strip(), line)
        first = lines.setdefault(id_.casefold(), line)
        if first != line:
            raise UserError(f"line {line}: id {shown(id_)} is also in line {first}")
        text = cells[columns.time].strip()
        if text not in NOT_HANDED_IN:
            yield line, id_, text
