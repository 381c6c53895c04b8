"""GitHub Classroom, `gh classroom clone student-repos`: `ASSIGNMENT-submissions/ASSIGNMENT-USER/`,
each a repository.
"""

from pathlib import Path

from grader.submissions.layouts.common import Layout, Names, Owner, absolute, shared_words

SYSTEM = "GitHub"
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
