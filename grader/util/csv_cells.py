"""Escape text for a cell of a CSV file that people open in a spreadsheet.

A spreadsheet runs a cell that begins like a formula. If it is set to separators other than ours, it
also splits at those, even inside quotation marks, so text after one can start a cell too.
"""

import re

# Characters that start a formula, with the full-width and small forms that some keyboards type.
SIGN = "[=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]"
# Characters that some spreadsheets split at. A comma only ever occurs inside quotation marks.
SEPARATOR = "[;|\\t\\r\\n\\v\\f\\x85\u2028\u2029]"
# Characters allowed before a formula: a spreadsheet strips blanks, marks and quotation marks.
BEFORE = f"(?:(?!{SEPARATOR})[\\x00-\\x20\\s\ufeff'\"])*"
# A spreadsheet also strips a tab or a line end from the start of a cell.
START, AFTER = "(?<![\\s\\S])", f"(?<={SEPARATOR})"
PLACES = f"(?:{START}|{AFTER})%s(?={BEFORE}{SIGN})|{START}%s(?='*[\\t\\r\\n])"
FORMULA = re.compile(PLACES.replace("%s", ""))
ESCAPED = re.compile(PLACES.replace("%s", "'"))


def to_cell(text: str) -> str:
    """Return text as a spreadsheet shows it, with an apostrophe before anything it would run.

    An apostrophe that is already there is doubled, so that `from_cell` can undo this.
    """
    return FORMULA.sub("'", text)


def from_cell(cell: str) -> str:
    """Return the text from which `to_cell` made a cell."""
    return ESCAPED.sub("", cell)
