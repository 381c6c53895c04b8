"""Text as a cell of a CSV file that people open in a spreadsheet.

A spreadsheet runs a cell that begins as a formula does, and where it is set to other separators
than ours, what follows one of those is a cell, too: it does not look for quotation marks within.
"""

import re

# What begins a formula; full-width signs do where keyboards have them, and their small forms.
SIGN = "[=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]"
# What parts cells or rows somewhere; a comma is in no text that is not in quotation marks.
SEPARATOR = "[;|\\t\\r\\n\\v\\f\\x85\u2028\u2029]"
# What else may stand before a formula: a spreadsheet takes away blanks, marks and quotation marks.
BEFORE = f"(?:(?!{SEPARATOR})[\\x00-\\x20\\s\ufeff'\"])*"
# A tab or the end of a line is taken away from the beginning of a cell, too.
START, AFTER = "(?<![\\s\\S])", f"(?<={SEPARATOR})"
PLACES = f"(?:{START}|{AFTER})%s(?={BEFORE}{SIGN})|{START}%s(?='*[\\t\\r\\n])"
FORMULA = re.compile(PLACES.replace("%s", ""))
ESCAPED = re.compile(PLACES.replace("%s", "'"))


def to_cell(text: str) -> str:
    """Return a text as a spreadsheet shows it: an apostrophe stands before what it would run.

    One that is there already gets another, so that `from_cell` can undo this.
    """
    return FORMULA.sub("'", text)


def from_cell(cell: str) -> str:
    """Return the text that `to_cell` made a cell of."""
    return ESCAPED.sub("", cell)
