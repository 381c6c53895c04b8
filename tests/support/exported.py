"""Shared by tests of exports: tables to fill in, and a reader of the written files."""

import csv
import io
import re

HOSTILE = "</failure>\n::error::100% of <b>you</b> | `x`, [a](b) \x00\x1b\ud800 *_*"
WORKSHEET = """\
\ufeffIdentifier,"Full name","ID number","Email address",Status,Grade,"Maximum Grade",\
"Grade can be changed","Last modified (grade)","Feedback comments"
"Participant 21","Jane Doe",,jane@x,Submitted,,20.00,Yes,-,
"Participant 22","Jane Doe",,jd@x,Submitted,3.00,20.00,Yes,"Monday, 1 June",old
"Participant 23",王小明,m23,ming@x,"No submission",,20.00,Yes,-,
"""
COMMAND = re.compile(r"::error file=[^:,%]+(?:,line=\d+)?,title=[^:,]+::[^\n\r\0]+")


def table(text: str) -> list[list[str]]:
    """Return the cells of a CSV file."""
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
