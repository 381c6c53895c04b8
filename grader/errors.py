"""Exceptions for problems that a user can fix, under one root. Imports nothing, so all can use it.

    UserError                     an option, a path, a rubric, a table, a file to check
    ├── NothingToGrade            submissions/search.py: nothing at or below the paths
    ├── GradebookError            gradebook/database.py: the database or what is asked of it
    ├── GradingStopped            scoring/protocol.py: this machine or cluster cannot go on grading
    │   └── ScorerDied            over one submission; it is graded again, alone (grading/batch.py)
    ├── IsolationMissing          scoring/workers.py: `--isolation strict`, and a layer is missing
    ├── Unfit                     scoring/canary.py: the reference solution loses points here
    └── about one submission      its student can fix it; caught early, so the class is graded
        ├── Unclear               lms/layout.py: a system's folder of several homeworks
        ├── Refused               submissions/archives.py: an archive that is not unpacked
        └── Unreadable            source/read.py: a file that cannot be read as a homework

Any other exception is a fault of the grader and is shown as one (util/exits.py).
"""

OUTSIDE = "Look at limits from outside: `ulimit -a`, or a container's"


class UserError(Exception):
    """A problem that a user can fix.

    Its text has one line per problem: what is wrong, where, and what to do about it.
    """
