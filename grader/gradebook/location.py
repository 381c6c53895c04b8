"""Find the gradebook of a results folder: its own, or a database whose URL it stores."""

from pathlib import Path

from sqlalchemy import URL, make_url

from grader.errors import UserError
from grader.gradebook.database import GradebookError, checked_url, default_url, gradebook_file
from grader.util.atomic import write_atomically

URL_FILE = "gradebook.url"  # without a password, which is in the environment


def url_of(results: Path, db: str | None) -> str:
    """Return the URL of a folder's gradebook; `db` is the option given, if any.

    Raise UserError if the folder has a different one.
    """
    note = _note(results)
    if db is None:
        return note or default_url(results)
    own = default_url(results) if gradebook_file(results).exists() else None
    url = checked_url(db)
    for other in filter(None, [note, own]):
        if _without_password(url) != _without_password(checked_url(other)):
            raise UserError(
                f"{results} has the gradebook {_without_password(checked_url(other))}, not "
                f"{_without_password(url)}: leave out --db, or use another folder of results"
            )
    return db


def note_url(results: Path, url: str) -> None:
    """Store the URL of a gradebook outside the folder, without its password."""
    if url != default_url(results):
        note = _without_password(checked_url(url))
        write_atomically(results / URL_FILE, f"{note}\n")


def file_of(url: str) -> Path | None:
    """Return a database's file, or None if it is on a server."""
    parts = checked_url(url)
    if parts.get_backend_name() != "sqlite" or not parts.database:
        return None
    return Path(parts.database.removeprefix("file:"))


def require_gradebook(results: Path, url: str) -> None:
    """Raise GradebookError if the folder should have its own gradebook but does not."""
    if url == default_url(results) and not gradebook_file(results).exists():
        raise GradebookError(
            f"{results}: no gradebook.db in it; name the folder of the results, or make one with "
            "`grader grade` or `grader settings FOLDER --rubric FILE`"
        )


def _note(results: Path) -> str | None:
    try:
        return (results / URL_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def _without_password(url: URL) -> str:
    """Return a URL fit to be shown and stored; a file's path is absolute."""
    if url.get_backend_name() == "sqlite" and url.database:
        path = Path(url.database)
        return make_url("sqlite://").set(database=str(path.resolve())).render_as_string()
    parts = url.difference_update_query(["password"])  # PostgreSQL accepts it there, too
    return URL.create(
        parts.drivername, parts.username, None, parts.host, parts.port, parts.database, parts.query
    ).render_as_string()
