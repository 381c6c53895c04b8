"""Which gradebook a folder of results has: its own, or a database that it notes the URL of."""

from pathlib import Path

from sqlalchemy import URL, make_url

from grader.errors import UserError
from grader.gradebook.database import GradebookError, checked_url, default_url, gradebook_file
from grader.util.atomic import write_atomically

URL_FILE = "gradebook.url"  # without a password: that is the environment's to know


def url_of(results: Path, db: str | None) -> str:
    """Return the URL of the gradebook of a folder; `db` is what somebody typed.

    Raise UserError if the folder has another one than the given.
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
    """Note the URL of a gradebook that is not in the folder, without its password."""
    if url != default_url(results):
        note = _without_password(checked_url(url))
        write_atomically(results / URL_FILE, f"{note}\n")


def file_of(url: str) -> Path | None:
    """Return the file that a database is in; None where a server has it."""
    parts = checked_url(url)
    if parts.get_backend_name() != "sqlite" or not parts.database:
        return None
    return Path(parts.database.removeprefix("file:"))


def require_gradebook(results: Path, url: str) -> None:
    """Raise GradebookError if the folder should have a gradebook of its own and has none."""
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
    """Return a URL as it may be shown and kept; a file's path is absolute."""
    if url.get_backend_name() == "sqlite" and url.database:
        path = Path(url.database)
        return make_url("sqlite://").set(database=str(path.resolve())).render_as_string()
    parts = url.difference_update_query(["password"])  # where PostgreSQL takes it, too
    return URL.create(
        parts.drivername, parts.username, None, parts.host, parts.port, parts.database, parts.query
    ).render_as_string()
