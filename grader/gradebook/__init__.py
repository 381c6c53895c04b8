"""The gradebook: the assignment, every attempt of every student, and the marks.

tables.py is the schema, which migrations/ upgrade from older ones, database.py the connection,
settings.py the remembered assignment, queries.py all reading and writing, attempts.py what counts,
and recording.py adds attempts; book.py combines them. location.py finds the gradebook of a results
folder.
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
