"""The gradebook: every grading of every student in a database, and what of it counts.

tables.py is the schema, database.py the connection, statements.py what is read and written,
standing.py what counts, and book.py puts them together.
"""

from grader.gradebook.book import Gradebook
from grader.gradebook.database import GradebookError, default_url, gradebook_file, untouched_url
from grader.gradebook.standing import Attempt, Grading, History, Override
from grader.gradebook.statements import Entry

__all__ = [
    "Attempt",
    "Entry",
    "Gradebook",
    "GradebookError",
    "Grading",
    "History",
    "Override",
    "default_url",
    "gradebook_file",
    "untouched_url",
]
