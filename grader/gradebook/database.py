"""A database, given by URL: transactions, and errors as one line without a password."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import msgspec
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    SQLAlchemyError,
)

from grader.errors import UserError
from grader.gradebook import tables
from grader.gradebook.backup import backed_up
from grader.util.exits import say

# How transactions begin in SQLite: one that reads; one that writes (a read followed by a write
# would fail if another process wrote in between); one that rebuilds a table under its name (with
# foreign keys checked, the old one could not be dropped); and none.
BEGIN = "begin"  # the option with these statements
READING = ("BEGIN",)
WRITING = ("BEGIN IMMEDIATE",)
REBUILDING = ("PRAGMA foreign_keys = OFF", "BEGIN IMMEDIATE")
BARE = ()

BUSY_SECONDS = 30  # how long a writer waits for another one
RETRY_SECONDS = 0.01
CONNECT_SECONDS = 10
TRIES = 10  # of a transaction blocked by others
# SQLSTATE: serialization failure, deadlock, and a table created by another process.
IN_THE_WAY = {"40001", "40P01", "42P07"}
# Advice on SQLite's errors.
ADVICE = {
    "unable to open database file": "its folder is missing, or cannot be written to",
    "attempt to write a readonly database": "see who may write to it",
    "file is not a database": "move it away, or name another with --db",
    "database is locked": f"another process has been writing for {BUSY_SECONDS} s: try again",
}

Result = TypeVar("Result")


class GradebookError(UserError):
    """A gradebook operation failed; the message is one line without the password."""


class Database:
    """The gradebook's database: a SQLite file, or any other that the URL names.

    Opening it creates missing tables, or upgrades an older grader's and says so. Every method
    raises GradebookError.
    """

    def __init__(self, url: str) -> None:
        parts = checked_url(url)
        self._password = str(parts.password or "")
        self.label = _shown(parts)
        self._is_untouched = _is_untouched(parts)
        try:
            self._engine = create_engine(parts, connect_args=_waiting(parts))
        except NoSuchModuleError:
            raise GradebookError(
                f"{self.label}: not a supported database: use sqlite:///FILE "
                "or postgresql://USER@HOST/NAME"
            ) from None
        except ImportError as error:
            raise GradebookError(f"{self.label}: needs the Python package {error.name}") from None
        if self._engine.dialect.name == "sqlite":
            if not self._is_untouched:
                event.listen(self._engine, "connect", _set_up_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        self._writer = self._engine.execution_options(**{BEGIN: WRITING})
        try:
            self._check_schema()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """Return the result of `work`, which in SQLite reads from a single snapshot."""
        with self._in_one_line(), self._engine.connect() as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Return the result of `work` in a transaction while no other one writes."""

        def alone(connection: Connection) -> Result:
            tables.lock(connection)
            return work(connection)

        return self._transact(self._writer, alone)

    def compact(self) -> None:
        """Rewrite the database, so that removed data does not remain in it."""
        with self._in_one_line():
            if self._engine.dialect.name == "sqlite":
                self._compact_sqlite()
            else:
                with self._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as bare:
                    names = ", ".join(table.name for table in tables.metadata.sorted_tables)
                    bare.exec_driver_sql(f"VACUUM FULL {names}")

    def _compact_sqlite(self) -> None:
        with self._engine.execution_options(**{BEGIN: BARE}).connect() as bare:
            bare.exec_driver_sql("VACUUM")
            is_busy, *_ = bare.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        if is_busy:
            raise GradebookError(
                f"{self.label}: another process has been reading it for {BUSY_SECONDS} s, so what "
                "was removed may still be in its log: try again"
            )

    def _transact(self, engine: Engine, work: Callable[[Connection], Result]) -> Result:
        """Return the result of `work` in a transaction; retry if another one is in the way."""
        with self._in_one_line():
            for _ in range(TRIES - 1):
                try:
                    return _once(engine, work)
                except DBAPIError as error:
                    if not _in_the_way(error):
                        raise
            return _once(engine, work)

    def _hide(self) -> None:
        """Restrict a new file to its owner and group, as it contains the seed and marks."""
        if self._engine.dialect.name == "sqlite" and (file := self.read(_file_of)).name:
            file.chmod(file.stat().st_mode & 0o770)

    def _check_schema(self) -> None:
        revision = self.read(tables.version)
        if revision is None:
            self._hide()
            self._transact(self._writer, tables.create)
        elif tables.is_older(revision) and not self._is_untouched:
            self._bring_up()
        elif tables.is_newer(revision):
            raise GradebookError(
                f"{self.label}: made by a newer grader (revision {revision}): update the grader, "
                "or name another gradebook with --db"
            )
        elif revision != tables.REVISION:
            raise GradebookError(
                f"{self.label}: its tables are of revision {revision}, not {tables.REVISION}; "
                "name another database with --db"
            )

    def _bring_up(self) -> None:
        """Upgrade the tables and say so, unless another process has done it."""
        rebuilder = self._engine.execution_options(**{BEGIN: REBUILDING})
        copies = self._transact(rebuilder, self._migrate)
        self._engine.dispose()  # closes the connection without foreign-key checks
        if copies:
            say(
                f"{self.label}: made by an older grader; updated to revision {tables.REVISION}; "
                f"{copies}"
            )

    def _migrate(self, connection: Connection) -> str:
        """Upgrade the tables, and return a phrase about the copy of the old ones.

        Return "" if another process has upgraded them meanwhile.
        """
        from grader.gradebook.migrations import bring_up  # imports Alembic, which few commands need

        tables.lock_older(connection)
        if tables.version(connection) == tables.REVISION:
            return ""
        if connection.dialect.name != "sqlite":
            bring_up(connection)
            return "no copy of the old one is kept"
        with backed_up(_file_of(connection), tables.REVISION) as copy:
            bring_up(connection)
        return f"a copy of the old one is kept in {Path(self.label).with_name(copy.name)}"

    @contextlib.contextmanager
    def _in_one_line(self) -> Generator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, msgspec.DecodeError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            reason = (str(cause).splitlines() or [type(cause).__name__])[0]
            if self._password:
                reason = reason.replace(self._password, "***")
            advice = f" ({ADVICE[reason]})" if reason in ADVICE else ""
            raise GradebookError(f"{self.label}: {reason}{advice}") from error


def _once(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    with engine.begin() as connection:
        return work(connection)


def default_url(results: Path) -> str:
    """Return the URL of the gradebook in a results folder."""
    return URL.create("sqlite", database=str(gradebook_file(results))).render_as_string()


def gradebook_file(results: Path) -> Path:
    """Return the path of the gradebook in a results folder."""
    return results / "gradebook.db"


def untouched_url(results: Path) -> str | None:
    """Return a URL that reads the gradebook in a results folder without leaving a trace.

    SQLite then creates no file beside it, not even briefly. Return None if there is no gradebook,
    or if a process is writing to it or was killed while writing.
    """
    file = gradebook_file(results)
    if not file.exists() or file.with_name(f"{file.name}-wal").exists():
        return None
    query = {"mode": "ro", "immutable": "1", "uri": "true"}
    database = f"file:{quote(str(file.absolute()))}"
    return URL.create("sqlite", database=database, query=query).render_as_string()


def _is_untouched(url: URL) -> bool:
    return "immutable" in url.query


def checked_url(url: str) -> URL:
    """Parse a URL; raise GradebookError, without a password, if it is invalid."""
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):  # the message may contain parts of a password
        raise GradebookError(
            "the gradebook's URL is not valid: use sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from None
    if "@" in (parts.host or ""):  # the rest of a password; it must not be shown
        raise GradebookError("the gradebook's URL has a second @: in a password, write %40")
    return parts


def _shown(url: URL) -> str:
    """Return the file, or the URL without password and options."""
    if _is_untouched(url) and url.database:
        return unquote(url.database.removeprefix("file:"))
    if url.get_backend_name() == "sqlite":
        return url.database or "SQLite in memory"
    return url.set(query={}).render_as_string(hide_password=True)


def _file_of(connection: Connection) -> Path:
    """Return the file of a SQLite database."""
    query = "SELECT file FROM pragma_database_list WHERE name = 'main'"
    return Path(connection.exec_driver_sql(query).scalar_one())


def _waiting(url: URL) -> dict[str, Any]:
    match url.get_backend_name():
        case "sqlite":
            return {"timeout": BUSY_SECONDS}
        case "postgresql":
            return {"connect_timeout": CONNECT_SECONDS}
    return {}


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # Python's sqlite3 then begins no transactions itself
    # A commit then appends to a log without fsync: a killed process loses nothing, and a power cut
    # at most the last gradings, which are in result.json.
    _waiting_for_others(connection, "PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # removed data is overwritten


def _waiting_for_others(connection: Any, statement: str) -> None:
    """Execute a statement; wait for other processes if SQLite itself does not."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(RETRY_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    for statement in connection.get_execution_options().get(BEGIN, READING):
        connection.exec_driver_sql(statement)


def _in_the_way(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return isinstance(error, IntegrityError) or state in IN_THE_WAY
