"""GitHub Classroom, `gh classroom clone student-repos`: `ASSIGNMENT-submissions/ASSIGNMENT-USER/`,
each a repository.

It does not tell when work was pushed. A commit has a time, which is whatever the student's computer
says, and so it is not looked at; GitHub Classroom's grades tell (grader/submissions/timetable.py).
"""

from pathlib import Path

from grader.lms.layouts.common import Layout, Names, Owner, absolute, shared_words

SYSTEM = "GitHub"
UNTIMED = (
    "a clone does not tell when work was pushed, and a commit's time is whatever the student's "
    "computer says: the times of the files count, unless --times has GitHub Classroom's grades"
)
SUFFIX = "-submissions"


def recognise(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return whose each repository is."""
    if not folders or not all((folder / name / ".git").exists() for name in folders):
        return None
    prefix = f"{absolute(folder).name.removesuffix(SUFFIX)}-"
    if not all(name.startswith(prefix) for name in folders):
        prefix = shared_words(folders, "-") if len(folders) > 1 else ""
    users = {name: name.removeprefix(prefix) for name in folders}
    owners = {name: (Owner(SYSTEM, user, user),) for name, user in users.items()}
    return Layout(folder, owners, {})
