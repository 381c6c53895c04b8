"""A database by its URL: one writer at a time, and nothing left of what was removed."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, func, insert, select, text, update
from times import PATIENCE

from grader.gradebook.database import Database, GradebookError, default_url
from grader.gradebook.tables import roster, state

ROUNDS = 50
SECRET = "a name that nobody else has"


def add_secrets(connection: Connection) -> None:
    rows = [{"id": str(n), "student": f"{SECRET} {n}", "section": ""} for n in range(1000)]
    connection.execute(insert(roster), rows)


def remove_secrets(connection: Connection) -> None:
    connection.execute(delete(roster))


def count_on(connection: Connection) -> None:
    known = connection.execute(select(state.c.book)).scalar_one()
    connection.execute(update(state).values(book=str(int(known) + 1)))


def test_what_a_writer_read_is_true_until_it_has_written(url):
    def count(_: int) -> None:
        with closing(Database(url)) as book:
            started.wait(timeout=PATIENCE)
            for _ in range(ROUNDS):
                book.write(count_on)

    started = threading.Barrier(3)
    with closing(Database(url)) as book, ThreadPoolExecutor(3) as pool:
        book.write(lambda c: c.execute(update(state).values(book="0")))
        list(pool.map(count, range(3)))
        assert book.read(lambda c: c.execute(select(state.c.book)).scalar()) == str(3 * ROUNDS)


def test_a_failed_write_leaves_nothing(url):
    def fail(connection: Connection) -> None:
        add_secrets(connection)
        connection.execute(text("SELECT 1 FROM nowhere"))

    with closing(Database(url)) as book:
        with pytest.raises(GradebookError, match="nowhere"):
            book.write(fail)
        assert (
            book.read(lambda c: c.execute(select(func.count()).select_from(roster)).scalar()) == 0
        )


def holding(folder: Path) -> set[str]:
    """Return the names of the files in a folder that hold the secret."""
    return {path.name for path in folder.iterdir() if SECRET.encode() in path.read_bytes()}


def test_nothing_is_left_in_the_log_of_what_was_removed(tmp_path):
    with closing(Database(default_url(tmp_path))) as book:
        book.write(add_secrets)
        book.write(remove_secrets)
        assert holding(tmp_path) == {"gradebook.db-wal"}
        book.compact()
        assert holding(tmp_path) == set()
        book.write(add_secrets)
        assert book.read(lambda c: c.execute(select(func.count()).select_from(roster)).scalar())


def test_what_is_removed_leaves_no_bytes_in_its_place(tmp_path):
    for change in (add_secrets, remove_secrets):
        with closing(Database(default_url(tmp_path))) as book:
            book.write(change)
    assert holding(tmp_path) == set()


def test_nothing_is_left_of_what_an_older_grader_removed(tmp_path):
    with closing(Database(default_url(tmp_path))) as book:
        book.write(add_secrets)
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as older:
        older.execute("PRAGMA secure_delete = OFF")
        older.execute("DELETE FROM roster")
        older.commit()
    assert holding(tmp_path) == {"gradebook.db"}
    with closing(Database(default_url(tmp_path))) as book:
        book.compact()
        assert holding(tmp_path) == set()


def test_a_postgresql_table_shrinks_to_what_is_left(server):
    def size() -> int:
        return book.read(lambda c: c.execute(text("SELECT pg_relation_size('roster')")).scalar())

    with closing(Database(server.new_database())) as book:
        book.write(add_secrets)
        book.write(remove_secrets)
        assert size() > 0
        book.compact()
        assert size() == 0


def test_a_reader_that_holds_the_log_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("grader.gradebook.database.BUSY_SECONDS", 0)
    url = default_url(tmp_path)
    with closing(Database(url)) as book, closing(Database(url)) as other:
        book.write(add_secrets)
        book.write(remove_secrets)

        def compact(connection: Connection) -> None:
            connection.execute(select(roster)).all()
            with pytest.raises(GradebookError, match="another process has been reading it for 0 s"):
                book.compact()

        other.read(compact)
        book.compact()
