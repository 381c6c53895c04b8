"""When each student handed in, in Moodle's grading worksheet: Last modified (submission)."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from grader.lms.moments import iso
from grader.lms.sheets import Table
from grader.lms.system import TimesColumns, TimesTable
from grader.lms.systems.moodle.worksheet import (
    EVERY_HEADING,
    LANGUAGES,
    Headings,
    language_of,
    participant,
)

CLOCK = re.compile(r"\d{1,2}[:.]\d\d")
# 10/11/26 is a day in October or one in November.
ONLY_NUMBERS = re.compile(r"\d+ ?[/.-] ?\d+ ?[/.-] ?\d")
IN_BRACKETS = re.compile(r"\([^()]*\)")  # the day of the week


def columns_in(table: Table) -> Iterator[TimesColumns]:
    """Yield the columns of ids and times by each of their names in the language of the table."""
    words = language_of(table)
    for id_ in words.names("identifier"):
        for time in words.names("submitted"):
            yield TimesColumns(id_, time, partial(_moment, words=words), participant)


def _moment(text: str, words: Headings) -> datetime | None:
    """Return a time as Moodle writes it in a language, which may have the names of English."""
    text = unicodedata.normalize("NFKC", text)
    if not CLOCK.search(text) or ONLY_NUMBERS.search(text):
        return iso(text)
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


TIMES = TimesTable(
    "Moodle's grading worksheet",
    f"Identifier, Last modified (submission); read in {', '.join(LANGUAGES)}",
    EVERY_HEADING,
    columns_in,
)
