"""When each student handed in, as a table tells: `--times`.

That is Moodle's grading worksheet (its columns Identifier and Last modified (submission), in the
language of whoever downloaded it), GitHub Classroom's grades (a CSV file with github_username and
submission_timestamp, "2026-10-30 23:59:59 UTC"; github/gh-classroom, assignment-grades), or a table
with the columns id and handed_in.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from grader.errors import UserError
from grader.lms.layouts import github, moodle
from grader.lms.layouts.common import moment, shortened
from grader.lms.sheets import Table, about, read_text, rows
from grader.lms.worksheet import EVERY_HEADING, LANGUAGES, Headings, language_of, participant
from grader.results.policy import Zone
from grader.source.paths import shown
from grader.submissions.times import Moment, Times, in_zone

OWN = ("id", "handed_in")
GITHUB = ("github_username", "submission_timestamp")
NOT_HANDED_IN = ("", "-")
CLOCK = re.compile(r"\d{1,2}[:.]\d\d")
# 10/11/26 is a day in October or one in November.
ONLY_NUMBERS = re.compile(r"\d+ ?[/.-] ?\d+ ?[/.-] ?\d")
IN_BRACKETS = re.compile(r"\([^()]*\)")  # the day of the week


class _Kind(NamedTuple):
    """A kind of table: whose ids it has, in which columns what is, and how that is read."""

    system: str
    id: str
    time: str
    read_id: Callable[[str, int], str]
    read_time: Callable[[str], datetime | None]


def read_times(path: Path, zone: Zone) -> Times:
    """Return when students handed in; times without an offset are of `zone`.

    A time that cannot be read is told of. Raise UserError if it is no such table, or has an id
    twice; an OSError says why it cannot be read.
    """
    text = read_text(path)
    try:
        table = Table(text, [*OWN, *GITHUB, *EVERY_HEADING])
        kind = _kind_of(table)
        cells = list(_cells(table, kind))
    except UserError as error:
        raise about(path, error) from error
    of: dict[str, Moment] = {}
    unread = []
    for line, id_, cell in cells:
        if time := kind.read_time(cell):
            of[id_.casefold()] = in_zone(time, "system", zone)
        else:
            unread.append(
                f"{path}, line {line}: {shown(cell)!r} is not a time that can be read: "
                f"of id {shown(id_)} other times count"
            )
    is_local = any(moment.is_local for moment in of.values())
    local = [f"{path}: times without an offset are read as {zone.words}"] if is_local else []
    return Times(str(path), kind.system, of, (*local, *shortened(unread)))


def _kind_of(table: Table) -> _Kind:
    """Return which kind of table it is; raise UserError if it is none."""
    words = language_of(table)
    kinds = (
        _Kind("", *OWN, _as_it_is, _iso),
        _Kind(github.SYSTEM, *GITHUB, _as_it_is, _github),
        *(
            _Kind(moodle.SYSTEM, id_, time, participant, partial(_moodle, words=words))
            for id_ in words.names("identifier")
            for time in words.names("submitted")
        ),
    )
    for kind in kinds:
        if None not in (table.find([kind.id]), table.find([kind.time])):
            return kind
    raise UserError(
        f"{table.lacks(OWN)}; nor is it GitHub Classroom's grades ({', '.join(GITHUB)}) or "
        "Moodle's grading worksheet (Identifier, Last modified (submission); read in "
        f"{', '.join(LANGUAGES)})"
    )


def _cells(table: Table, kind: _Kind) -> Iterator[tuple[int, str, str]]:
    """Yield line, id and time of who handed in; raise UserError if an id is there twice."""
    lines: dict[str, int] = {}
    for line, cells in rows(table, [kind.id, kind.time], [kind.time]):
        id_ = kind.read_id(cells[kind.id].strip(), line)
        first = lines.setdefault(id_.casefold(), line)
        if first != line:
            raise UserError(f"line {line}: id {shown(id_)} is in line {first}, too")
        text = cells[kind.time].strip()
        if text not in NOT_HANDED_IN:
            yield line, id_, text


def _as_it_is(id_: str, line: int) -> str:
    return id_


def _iso(text: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    return None


def _github(text: str) -> datetime | None:
    return moment(text) or _iso(text)


def _moodle(text: str, words: Headings) -> datetime | None:
    """Return a time as Moodle writes it in a language, which may have the names of English."""
    text = unicodedata.normalize("NFKC", text)
    if not CLOCK.search(text) or ONLY_NUMBERS.search(text):
        return _iso(text)
    import dateparser  # a tenth of a second, for who needs it

    time: datetime | None = dateparser.parse(
        IN_BRACKETS.sub(" ", text),
        languages=[words.code, "en"],
        settings={
            "PARSERS": ["absolute-time"],
            "REQUIRE_PARTS": ["day", "month", "year"],
            "STRICT_PARSING": True,
            "DATE_ORDER": "YMD" if words.code.startswith(("zh", "ja")) else "DMY",
        },
    )
    return time
