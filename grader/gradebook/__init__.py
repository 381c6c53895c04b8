"""The gradebook: the assignment, every attempt of every student, and what of it counts.

tables.py is the schema and migrations/ bring an older one up, database.py is the connection,
settings.py what is remembered of the assignment, queries.py what is read and written,
attempts.py what counts, recording.py who handed in what, and book.py puts them together.
location.py says which gradebook a folder of results has.
"""

from grader.gradebook.attempts import Attempt, Grading, History, Override
from grader.gradebook.book import Change, Gradebook, Moves, did_you_mean
from grader.gradebook.database import GradebookError, default_url, gradebook_file, untouched_url
from grader.gradebook.location import file_of, note_url, require_gradebook, url_of
from grader.gradebook.queries import StoredWork
from grader.gradebook.recording import GradedAttempt
from grader.gradebook.settings import PACKAGE, Assignment, SeedSetting, Setting, seed_before

__all__ = [
    "PACKAGE",
    "Assignment",
    "Attempt",
    "Change",
    "Gradebook",
    "GradebookError",
    "GradedAttempt",
    "Grading",
    "History",
    "Moves",
    "Override",
    "SeedSetting",
    "Setting",
    "StoredWork",
    "default_url",
    "did_you_mean",
    "file_of",
    "gradebook_file",
    "note_url",
    "require_gradebook",
    "seed_before",
    "untouched_url",
    "url_of",
]
