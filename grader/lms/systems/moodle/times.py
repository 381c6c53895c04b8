"""Submission times in Moodle's grading worksheet: Last modified (submission)."""

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
# 10/11/26 may be in October or in November.
ONLY_NUMBERS = re.compile(r"\d+ ?[/.-] ?\d+ ?[/.-] ?\d")
IN_BRACKETS = re.compile(r"\([^()]*\)")  # the day of the week


def columns_in(table: Table) -> Iterator[TimesColumns]:
    """Yield each possible pair of id and time columns, by their names in the table's language."""
    words = language_of(table)
    for id_ in words.names("identifier"):
        for time in words.names("submitted"):
            yield TimesColumns(id_, time, partial(_moment, words=words), participant)


def _moment(text: str, words: Headings) -> datetime | None:
    """Return a time as Moodle writes it in a language, whose month names may be English."""
    text = unicodedata.normalize("NFKC", text)
    if not CLOCK.search(text) or ONLY_NUMBERS.search(text):
        return iso(text)
    import dateparser  # takes 0.1 s; imported only if needed

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
