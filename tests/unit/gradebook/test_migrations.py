"""Gradebooks of older graders: what becomes of them, and that nothing of them can be lost.

schema_1.db and revision_0002.db are real ones (see old_gradebooks/); for PostgreSQL their rows are
put into the tables of their revision.
"""

import csv
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from conftest import ROOT, run_grader
from sqlalchemy import Connection, MetaData, create_engine, inspect, make_url, text
from times import PATIENCE

from grader.gradebook import Gradebook, tables
from grader.gradebook.database import Database, GradebookError, default_url, untouched_url
from grader.gradebook.migrations import upgrade
from grader.homework.tasks import TASKS
from grader.reports.feedback import drawings
from grader.results.record import GRADES, write_grades

OLD_FILE = ROOT / "tests" / "old_gradebooks" / "schema_1.db"
SECOND_FILE = OLD_FILE.with_name("revision_0002.db")
REVISION = tables.REVISION
OLD_TABLES = ("students", "submissions", "criteria", "attempts", "overrides")
KILLS = 10
START = datetime(2026, 11, 1, tzinfo=UTC)

Rows = list[tuple[Any, ...]]


# Old gradebooks, and what they hold.


@pytest.fixture
def empty(url) -> str:
    """The URL of a database without any tables."""
    return url


@pytest.fixture
def old(empty) -> str:
    """The URL of the real old gradebook."""
    if empty.startswith("sqlite"):
        shutil.copyfile(OLD_FILE, make_url(empty).database)
        return empty
    make_old(empty, rows_at(f"sqlite:///{OLD_FILE}"))
    return empty


@pytest.fixture
def second(empty) -> str:
    """The URL of the real gradebook of revision 0002."""
    if empty.startswith("sqlite"):
        shutil.copyfile(SECOND_FILE, make_url(empty).database)
    else:
        make_second(empty, rows_at(f"sqlite:///{SECOND_FILE}"))
    return empty


@pytest.fixture
def old_file(tmp_path) -> Path:
    """The real old gradebook in a folder of results."""
    return Path(shutil.copyfile(OLD_FILE, tmp_path / "gradebook.db"))


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect without the gradebook, in a transaction."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def make_old(url: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Make a gradebook as the first step describes it, with these rows."""
    with connected(url) as connection:
        upgrade(connection, "0001")
        connection.execute(text("DROP TABLE alembic_version"))
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA user_version = 1")
        known = MetaData()
        known.reflect(connection)
        for name in OLD_TABLES:
            if rows.get(name):
                connection.execute(known.tables[name].insert(), rows[name])


def make_second(url: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Make a gradebook as the second step leaves it, with these rows."""
    with connected(url) as connection:
        upgrade(connection, "0002")
        known = MetaData()
        known.reflect(connection)
        for table in known.sorted_tables:
            connection.execute(table.delete())
            if rows.get(table.name):
                connection.execute(table.insert(), rows[table.name])


def all_rows(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table, whatever tables there are, with all moments in UTC."""
    known = MetaData()
    known.reflect(connection)
    return {
        name: [
            {key: in_utc(value) for key, value in row.items()}
            for row in connection.execute(table.select().order_by(*table.primary_key)).mappings()
        ]
        for name, table in known.tables.items()
    }


def in_utc(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def rows_at(url: str) -> dict[str, list[dict[str, Any]]]:
    with connected(url) as connection:
        return all_rows(connection)


def query(url: str, statement: str) -> Rows:
    with connected(url) as connection:
        return [tuple(map(in_utc, row)) for row in connection.execute(text(statement))]


def without(columns: Collection[str], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows without some columns."""
    return [{k: v for k, v in row.items() if k not in columns} for row in rows]


def bring_up(url: str) -> None:
    Database(url).close()


# What becomes of the real one.

ATTEMPTS = [  # student, content, grading in force, handed in, first recorded, all gradings
    ("ada", "63869b1e", 7, "10-30 22:59", "22:05", [(1, "22:05"), (7, "22:11")]),
    ("bob", "b6cd1946", 8, "10-30 22:59", "22:05", [(2, "22:05"), (8, "22:14")]),
    ("chen", "6134a88c", 11, "10-30 22:59", "22:05", [(4, "22:05"), (11, "22:14")]),
    ("eve", "fdb0fb9a", 10, "10-30 22:59", "22:05", [(3, "22:05"), (10, "22:14")]),
    # What could not be read is told apart by the key, as it was; so by the seed, too.
    ("finn", "e02aa322", 5, "10-30 22:59", "22:05", [(5, "22:05")]),
    ("dora", "1f3c9c9d", 9, "10-30 22:59", "22:05", [(6, "22:05"), (9, "22:14")]),
    ("finn", "a3327361", 12, "10-30 22:59", "22:12", [(12, "22:14")]),
    ("ada", "b6cd1946", 8, "11-03 10:59", "22:14", [(8, "22:14")]),
]
OVERRIDES = [  # student, criterion, points, days late, why, the newest attempt then
    ("bob", None, 50, None, "an oral exam", 2),
    ("bob", None, None, None, "of another bob", 2),
    ("chen", "grad_w2", 7, None, "a typo", 3),
    ("ada", None, None, 1, "was ill", 8),
]


def test_attempts_are_grouped_by_content_and_keep_their_gradings(old):
    bring_up(old)
    gradings: dict[int, list[tuple[int, str]]] = {}
    for attempt, submission, at in query(
        old, "SELECT attempt_id, submission_id, at FROM gradings ORDER BY 1, 2"
    ):
        moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
        gradings.setdefault(attempt, []).append((submission, f"{moment:%M:%S}"))
    names = {row["id"]: row["name"] for row in rows_at(old)["students"]}
    assert [
        (
            names[row["student_id"]],
            row["content"][:8],
            row["submission_id"],
            f"{row['handed_in']:%m-%d %H:%M}",
            f"{row['first_at']:%M:%S}",
            gradings[row["id"]],
        )
        for row in rows_at(old)["attempts"]
    ] == ATTEMPTS


def test_overrides_know_the_newest_attempt_that_there_was(old):
    bring_up(old)
    columns = "name, criterion, points, late_days, why, last_attempt"
    joined = "overrides JOIN students ON students.id = student_id"
    assert query(old, f"SELECT {columns} FROM {joined} ORDER BY overrides.id") == OVERRIDES
    assert set(query(old, "SELECT due, told FROM overrides")) == {(None, "")}


def test_all_else_stays_or_is_new_and_empty(old):
    before = rows_at(old)
    bring_up(old)
    after = rows_at(old)
    nobody = {"system": "", "system_id": "", "called": ""}
    assert after["students"] == [{**row, **nobody} for row in before["students"]]
    assert after["criteria"] == before["criteria"]
    changed = {"seed", "basis", "loss_manual", "loss_net", "record"}
    assert without(changed, after["submissions"]) == without(changed, before["submissions"])
    assert {row["basis"] for row in after["submissions"]} == {None}
    new = ("told_by", "is_local", "marked_late", "marked_for")
    assert {tuple(row[name] for name in new) for row in after["attempts"]} == {
        ("", False, None, "")
    }
    assert {row["handed_in"].tzinfo for row in after["attempts"]} == {UTC}
    for name in ("finals", "roster", "files", "blobs", "audit"):
        assert after[name] == []
    (state,) = after["state"]
    assert (list(state), state["id"], len(state["book"])) == (["id", "book"], 1, 32)
    assert after["alembic_version"] == [{"version_num": tables.REVISION}]


def test_no_two_gradebooks_have_one_id(tmp_path):
    ids = set()
    for name in ("one", "two"):
        shutil.copyfile(OLD_FILE, tmp_path / name)
        bring_up(f"sqlite:///{tmp_path / name}")
        ids.add(rows_at(f"sqlite:///{tmp_path / name}")["state"][0]["book"])
    assert len(ids) == 2


def test_a_new_row_has_a_new_id(old):
    bring_up(old)
    with connected(old) as connection:
        (known,) = connection.execute(text("SELECT max(id) FROM attempts")).one()
        connection.execute(
            text(
                "INSERT INTO attempts (student_id, content, submission_id, handed_in, told_by,"
                " first_at) SELECT student_id, 'new', submission_id, handed_in, '', first_at"
                f" FROM attempts WHERE id = {known}"
            )
        )
        assert connection.execute(text("SELECT max(id) FROM attempts")).one() == (known + 1,)


MARKS = {"ada": 68, "bob": 75, "chen": 72, "dora": 65, "eve": 48, "finn": 0}  # of the old grader


def test_the_marks_stay_when_the_gradebook_is_told_its_rubric(old_file):
    rubric = OLD_FILE.with_name("rubric.toml")
    done = run_grader("settings", old_file.parent, "--rubric", rubric, "--who", "dr. x")
    assert (done.returncode, done.stdout) == (0, "No mark of 6 changes.\n"), done.stderr
    assert f"updated to revision {REVISION}; a copy of the old one is kept in " in done.stderr
    with (old_file.parent / "grades.csv").open(encoding="utf-8-sig", newline="") as table:
        assert {row["student"]: float(row["final"]) for row in csv.DictReader(table)} == MARKS


# What becomes of others.


class Graded(NamedTuple):
    """A row of the old attempts, and its submission; times are minutes."""

    student: str
    content: str | None
    seed: str
    handed_in: int
    first_at: int
    last_at: int


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def old_rows(
    graded: Sequence[Graded], overrides: Sequence[tuple[str, int]] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of an old gradebook; the n-th grading has the submission n, whose key is kn.

    An override is a student, and when it was made.
    """
    names = sorted({row.student for row in graded} | {student for student, _ in overrides})
    ids = {name: id_ for id_, name in enumerate(names, 1)}
    record = json.dumps({"training": {"manual": None, "net": None, "pass_mark": 0.1}})
    unsaid = {"name": "a.py", "status": "graded", "grader_version": "0.1.0", "record": record}
    numbers = {"score": 1.0, "max_score": 2.0, "seconds": 0.5, "graded_at": START}
    numbered = list(enumerate(graded, 1))
    return {
        "students": [{"id": id_, "name": name} for name, id_ in ids.items()],
        "submissions": [
            {"id": n, "key": f"k{n}", "sha256": row.content, "seed": row.seed, **unsaid, **numbers}
            for n, row in numbered
        ],
        "attempts": [
            {
                "id": n,
                "student_id": ids[row.student],
                "submission_id": n,
                "handed_in": minute(row.handed_in),
                "first_at": minute(row.first_at),
                "last_at": minute(row.last_at),
            }
            for n, row in numbered
        ],
        "overrides": [
            {"id": n, "student_id": ids[student], "who": "x", "at": minute(at), "why": "y"}
            for n, (student, at) in enumerate(overrides, 1)
        ],
    }


GROUPED = {  # the old attempts; student, content, grading in force, handed in, first recorded
    "none": ([], []),
    "one": ([Graded("ada", "x", "1", 5, 10, 10)], [("ada", "x", 1, 5, 10)]),
    "graded again": (
        [Graded("ada", "x", "1", 5, 10, 10), Graded("ada", "x", "2", 5, 20, 20)],
        [("ada", "x", 2, 5, 10)],
    ),
    "the first grading come to again": (
        [Graded("ada", "x", "1", 5, 10, 30), Graded("ada", "x", "2", 5, 20, 20)],
        [("ada", "x", 1, 5, 10)],
    ),
    "at the same time: the one recorded last": (
        [Graded("ada", "x", "1", 5, 10, 30), Graded("ada", "x", "2", 5, 20, 30)],
        [("ada", "x", 2, 5, 10)],
    ),
    "handed in earlier than was known": (
        [Graded("ada", "x", "1", 5, 10, 10), Graded("ada", "x", "2", 3, 20, 20)],
        [("ada", "x", 2, 3, 10)],
    ),
    "two contents in turns": (
        [
            Graded("ada", "x", "1", 5, 10, 10),
            Graded("ada", "y", "1", 6, 20, 20),
            Graded("ada", "x", "2", 5, 30, 30),
        ],
        [("ada", "x", 3, 5, 10), ("ada", "y", 2, 6, 20)],
    ),
    "recorded in another order": (
        [Graded("ada", "x", "1", 5, 20, 20), Graded("bob", "y", "1", 6, 10, 10)],
        [("bob", "y", 2, 6, 10), ("ada", "x", 1, 5, 20)],
    ),
    "the same of two students": (
        [Graded("ada", "x", "1", 5, 10, 10), Graded("bob", "x", "1", 6, 10, 10)],
        [("ada", "x", 1, 5, 10), ("bob", "x", 2, 6, 10)],
    ),
    "unreadable": (
        [Graded("ada", None, "1", 5, 10, 10), Graded("ada", None, "1", 6, 20, 20)],
        [("ada", "k1", 1, 5, 10), ("ada", "k2", 2, 6, 20)],
    ),
}


@pytest.mark.parametrize("case", GROUPED)
def test_an_attempt_is_one_content_of_a_student(empty, case):
    graded, attempts = GROUPED[case]
    make_old(empty, old_rows(graded))
    bring_up(empty)
    after = rows_at(empty)
    names = {row["id"]: row["name"] for row in after["students"]}
    assert [row["id"] for row in after["attempts"]] == list(range(1, len(attempts) + 1))
    assert [
        (
            names[row["student_id"]],
            row["content"],
            row["submission_id"],
            row["handed_in"],
            row["first_at"],
        )
        for row in after["attempts"]
    ] == [(*whose, minute(handed_in), minute(first)) for *whose, handed_in, first in attempts]
    assert {row["submission_id"]: row["at"] for row in after["gradings"]} == {
        number: minute(row.last_at) for number, row in enumerate(graded, 1)
    }


TOLD = {  # of attempts recorded at 10 (ada), 20 (bob) and 30 (ada): overrides, and the newest then
    "before any": (("ada", 9), 0),
    "at that moment": (("ada", 10), 1),
    "between": (("ada", 29), 1),
    "after": (("ada", 31), 3),
    "another student's": (("bob", 40), 2),
    "without attempts": (("zoe", 40), 0),
}


@pytest.mark.parametrize("case", TOLD)
def test_an_override_is_of_the_attempts_of_its_time(empty, case):
    override, newest = TOLD[case]
    graded = [
        Graded("ada", "x", "1", 5, 10, 10),
        Graded("bob", "y", "1", 5, 20, 20),
        Graded("ada", "z", "1", 5, 30, 30),
    ]
    make_old(empty, old_rows(graded, [override]))
    bring_up(empty)
    assert query(empty, "SELECT last_attempt FROM overrides") == [(newest,)]


SEEDS = {  # seed and when it was last come to, of each grading; the seed that is kept
    "none": ([], None),
    "one": ([("18446744073709551615", 10), ("18446744073709551615", 20)], "18446744073709551615"),
    "of several the newest": ([("1", 10), ("2", 20)], "2"),
    "of several the newest, come to again": ([("1", 30), ("2", 20)], "1"),
}


@pytest.mark.parametrize("case", SEEDS)
def test_the_seed_of_the_newest_grading_is_kept(empty, case):
    graded, seed = SEEDS[case]
    rows = [Graded("ada", "x", seed, 5, 10 + n, at) for n, (seed, at) in enumerate(graded)]
    make_old(empty, old_rows(rows))
    bring_up(empty)
    settings = rows_at(empty)["settings"]
    assert [(row["name"], json.loads(row["value"]), row["who"]) for row in settings] == (
        [] if seed is None else [("seed", {"value": seed, "origin": "before"}, "migration")]
    )


# The losses, which were two columns, and two keys of a record.


RUNS = ("manual", "net")


def by_run(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a record of revision 0002 is now."""
    training = dict(record["training"])
    training["losses"] = {run: training.pop(run) for run in RUNS}
    return {**record, "schema": 2, "training": training}


def test_losses_are_by_run_in_their_table_and_in_the_records(second):
    before = rows_at(second)
    bring_up(second)
    after = rows_at(second)
    assert [(row["submission_id"], row["run"], row["loss"]) for row in after["losses"]] == [
        (row["id"], run, row[f"loss_{run}"]) for row in before["submissions"] for run in RUNS
    ]
    assert {row["loss"] for row in after["losses"]} > {None, 0.002914}
    assert [json.loads(row["record"]) for row in after["submissions"]] == [
        by_run(json.loads(row["record"])) for row in before["submissions"]
    ]
    for row, old_row in zip(after["finals"], before["finals"], strict=True):
        final = json.loads(old_row["final"])
        assert json.loads(row["final"]) == {**final, "record": by_run(final["record"])}
        assert row["stamp"] != old_row["stamp"]  # so that result.json is written anew


def test_all_else_stays_from_revision_2_on(second):
    before = rows_at(second)
    bring_up(second)
    after = rows_at(second)
    changed = {"loss_manual", "loss_net", "record", "final", "stamp", "version_num"}
    assert after.pop("losses")
    assert set(before) == set(after)
    for name, rows in before.items():
        assert without(changed, after[name]) == without(changed, rows)


def test_a_class_of_revision_2_has_the_table_that_it_had(second, tmp_path):
    with Gradebook(second) as book:
        rubric = book.assignment.rubric
        write_grades(book.finals(), list(rubric.points), list(rubric.tasks.runs), tmp_path)
    assert (tmp_path / GRADES).read_bytes() == SECOND_FILE.with_suffix(".csv").read_bytes()


def test_a_page_of_revision_2_draws_what_it_drew(second):
    with Gradebook(second) as book:
        (ada,) = book.with_drawings(book.finals(["ada"]))
    manual, net = drawings.courses(ada.record.training, ["train.net"], TASKS)
    assert (manual.final, manual.passed) == (0.09442, False)
    assert (net.final, net.passed) == (0.002914, True)
    assert all(chart.curve for course in (manual, net) for chart in (course.loss, course.fit))


# The tables.


def described(url: str) -> str:
    """Return all there is to know of the tables, but for the order of columns."""
    with connected(url) as connection:
        known = inspect(connection)
        told = {
            name: {
                "columns": sorted(
                    (column["name"], str(column["type"]), column["nullable"], column["default"])
                    for column in known.get_columns(name)
                ),
                "primary key": known.get_pk_constraint(name),
                "foreign keys": sorted(known.get_foreign_keys(name), key=str),
                "unique": sorted(known.get_unique_constraints(name), key=str),
                "indexes": sorted(known.get_indexes(name), key=str),
            }
            for name in sorted(known.get_table_names())
        }
        # PostgreSQL tells in which schema a sequence is.
        return json.dumps(told, indent=1).replace(f"'{known.default_schema_name}.", "'")


@pytest.fixture
def another(empty, request, tmp_path) -> str:
    """The URL of another database of the same kind without any tables."""
    if empty.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/another.db"
    return request.getfixturevalue("server").new_database()


def test_the_steps_make_the_tables_that_a_new_gradebook_has(old, another):
    bring_up(old)
    with connected(old) as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    bring_up(another)
    assert described(old) == described(another)


def test_the_first_step_makes_the_tables_that_the_old_grader_made(tmp_path):
    make_old(f"sqlite:///{tmp_path}/first.db", {})

    def statements(file: Path) -> set[str]:
        with closing(sqlite3.connect(file)) as connection:
            found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            return {statement for (statement,) in found}

    assert statements(tmp_path / "first.db") == statements(OLD_FILE)


def test_the_last_step_is_the_revision_of_the_tables():
    config = Config()
    config.set_main_option("script_location", "grader.gradebook:migrations")
    steps = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] == tables.REVISION
    assert all(map(tables.is_older, [*steps[1:], tables.FIRST]))


def test_nothing_refers_to_what_is_not_there(old_file):
    bring_up(default_url(old_file.parent))
    with closing(sqlite3.connect(old_file)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_what_brought_it_up_goes_on_and_lets_nothing_refer_to_what_is_not_there(old):
    missing = text("UPDATE attempts SET submission_id = 10000 WHERE id = 1")
    with (
        closing(Database(old)) as book,
        pytest.raises(GradebookError, match=r"(?i)foreign key"),
    ):
        book.write(lambda connection: connection.execute(missing))


def test_an_older_grader_does_not_take_the_tables_for_its_own(old):
    bring_up(old)
    with connected(old) as connection:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA user_version").scalar() != 1
        else:
            assert inspect(connection).get_table_comment("students") == {"text": None}


# What is said, and the backup.


def test_it_is_said_once_and_where_the_backup_is(old, capsys):
    for _ in range(2):
        bring_up(old)
    (line,) = capsys.readouterr().err.splitlines()
    assert f"made by an older grader; updated to revision {REVISION}; " in line
    if old.startswith("sqlite"):
        file = make_url(old).database
        assert line.startswith(f"grader: {file}: ")
        assert line.endswith(f" is kept in {file}.before-{REVISION}")
    else:
        assert line.startswith("grader: postgresql://")
        assert line.endswith("; no copy of the old one is kept")


def test_the_backup_is_what_was_there_with_what_is_only_in_the_log(old_file):
    url = default_url(old_file.parent)
    old_file.chmod(0o600)
    with closing(sqlite3.connect(old_file)) as open_:  # so that nobody empties the log
        open_.execute("PRAGMA journal_mode = WAL")
        open_.execute("INSERT INTO students (name) VALUES ('only in the log')")
        open_.commit()
        before = rows_at(url)
        assert b"only in the log" not in old_file.read_bytes()
        bring_up(url)
    backup = old_file.with_name(f"gradebook.db.before-{REVISION}")
    assert rows_at(f"sqlite:///{backup}") == before
    assert backup.stat().st_mode & 0o777 == 0o600
    assert "only in the log" in {row["name"] for row in rows_at(url)["students"]}


def test_the_backup_is_an_old_gradebook_that_can_be_brought_up(old_file):
    bring_up(default_url(old_file.parent))
    backup = old_file.with_name(f"gradebook.db.before-{REVISION}")
    bring_up(f"sqlite:///{backup}")
    assert len(rows_at(f"sqlite:///{backup}")["attempts"]) == len(ATTEMPTS)


def test_no_earlier_backup_is_overwritten(old_file):
    earlier = [old_file.with_name(f"gradebook.db.before-{REVISION}{end}") for end in ("", ".2")]
    for path in earlier:
        path.write_text(path.name)
    bring_up(default_url(old_file.parent))
    assert [path.read_text() for path in earlier] == [path.name for path in earlier]
    assert len(rows_at(f"sqlite:///{old_file}.before-{REVISION}.3")["attempts"]) == 13


def test_the_folder_may_have_any_name(tmp_path):
    folder = tmp_path / "50 %(x)s, #1 \u00e4?"
    folder.mkdir()
    shutil.copyfile(OLD_FILE, folder / "gradebook.db")
    bring_up(default_url(folder))
    assert (folder / f"gradebook.db.before-{REVISION}").exists()


FAILURES = ["alembic.operations.base.Operations.drop_table", "grader.gradebook.backup.os.replace"]


@pytest.mark.parametrize("fails", FAILURES)
def test_after_a_failure_all_is_as_it_was(old_file, monkeypatch, fails, capsys):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = rows_at(default_url(old_file.parent))
    with monkeypatch.context() as patched:
        patched.setattr(fails, full)
        with pytest.raises(OSError, match="No space left on device"):
            bring_up(default_url(old_file.parent))
    assert capsys.readouterr().err == ""
    assert {path.name for path in old_file.parent.iterdir()} == {"gradebook.db"}
    assert rows_at(default_url(old_file.parent)) == before


def test_reading_without_a_trace_brings_nothing_up(old_file):
    before = old_file.read_bytes()
    with pytest.raises(
        GradebookError, match=f"its tables are of revision schema 1, not {REVISION}"
    ):
        Database(untouched_url(old_file.parent))
    assert old_file.read_bytes() == before
    assert [path.name for path in old_file.parent.iterdir()] == ["gradebook.db"]


REFUSED = [
    ("UPDATE alembic_version SET version_num = '0007'", "made by a newer grader (revision 0007): "
     "update the grader, or name another gradebook with --db"),
    ("UPDATE alembic_version SET version_num = '3f9ab0c1d2e4'", "its tables are of revision "
     f"3f9ab0c1d2e4, not {REVISION}; name another database with --db"),
    ("DELETE FROM alembic_version", f"its tables are of revision none, not {REVISION}"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "says"), REFUSED)
def test_what_no_step_leads_from_is_refused_in_one_line_and_left_alone(empty, change, says, capsys):
    bring_up(empty)
    with connected(empty) as connection:
        connection.execute(text(change))
    before = rows_at(empty)
    with pytest.raises(GradebookError) as told:
        Database(empty)
    assert says in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert rows_at(empty) == before
    assert capsys.readouterr().err == ""


OTHERS = [
    ("sqlite", "PRAGMA user_version = 7", "schema 7"),
    ("sqlite", "PRAGMA user_version = 0", "schema 0"),
    ("postgresql", "COMMENT ON TABLE students IS '7'", "schema 7"),
    ("postgresql", "COMMENT ON TABLE students IS NULL", "schema unknown"),
]


@pytest.mark.parametrize(("url", "change", "schema"), OTHERS, indirect=["url"])
def test_tables_of_another_schema_are_left_alone(empty, change, schema):
    make_old(empty, {})
    with connected(empty) as connection:
        connection.execute(text(change))
    with pytest.raises(
        GradebookError, match=f"are of revision {schema}, not {REVISION}; name another"
    ):
        Database(empty)
    assert set(rows_at(empty)) == set(OLD_TABLES)


# Processes that are killed, or do it at the same time.

OPENING = """
import os, signal, sys
from sqlalchemy import Engine, event
from grader.gradebook.database import Database

url, left = sys.argv[1], int(sys.argv[2])
FILES = ("os.chmod", "os.remove", "os.rename", "sqlite3.connect", "tempfile.mkstemp")

def step(*_):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1

for happens in ("before_cursor_execute", "after_cursor_execute", "commit"):
    event.listen(Engine, happens, step)
sys.addaudithook(lambda name, _: name in FILES and step())
print("ready", flush=True)
sys.stdin.readline()
Database(url).close()
print(left)
"""
FOREVER = 10**6


@contextmanager
def opening(url: str, steps: int) -> Iterator[subprocess.Popen[str]]:
    """Start a process that is ready to open a gradebook, and kills itself after some steps."""
    command = [sys.executable, "-c", OPENING, url, str(steps)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def opened(processes: Sequence[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    """Let them open it, and return what each prints."""
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=PATIENCE) for process in processes]


def without_chance(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return rows without the id of a gradebook, and when its seed was set."""
    unequal = {"state": {"book"}, "settings": {"at"}, "finals": {"stamp"}}
    return {name: without(unequal.get(name, ()), of_table) for name, of_table in rows.items()}


REAL = {"schema 1": (OLD_FILE, make_old), "revision 0002": (SECOND_FILE, make_second)}


@pytest.fixture(params=REAL)
def fresh(request, empty, tmp_path) -> Callable[[], str]:
    """Give one real old gradebook after the other."""
    file, make = REAL[request.param]
    if empty.startswith("sqlite"):

        def give() -> str:
            shutil.rmtree(tmp_path)
            tmp_path.mkdir()
            shutil.copyfile(file, tmp_path / "gradebook.db")
            return empty
    else:
        rows = rows_at(f"sqlite:///{file}")

        def give() -> str:
            url = request.getfixturevalue("server").new_database()
            make(url, rows)
            return url

    return give


def backups(url: str) -> list[Path]:
    file = Path(make_url(url).database)
    return list(file.parent.glob(f"{file.name}.before-*")) if url.startswith("sqlite") else []


def test_a_kill_at_any_moment_leaves_the_old_one_or_the_new_one_whole(fresh):
    url = fresh()
    before = rows_at(url)
    with opening(url, FOREVER) as process:
        ((printed, _),) = opened([process])
    after = without_chance(rows_at(url))
    steps = FOREVER - int(printed)
    for moment in random.Random(17).sample(range(steps), KILLS):
        url = fresh()
        with opening(url, moment) as process:
            opened([process])
            assert process.returncode < 0
        found = rows_at(url)
        assert found == before or without_chance(found) == after
        for backup in backups(url):
            assert rows_at(f"sqlite:///{backup}") == before
        bring_up(url)
        assert without_chance(rows_at(url)) == after


def test_of_several_processes_at_once_one_brings_it_up(fresh):
    url = fresh()
    graded = len(rows_at(url)["attempts"])  # of either, as often as an attempt was graded
    with opening(url, FOREVER) as a, opening(url, FOREVER) as b, opening(url, FOREVER) as c:
        printed = opened([a, b, c])
        assert [process.returncode for process in (a, b, c)] == [0, 0, 0]
    (line,) = "".join(errors for _, errors in printed).splitlines()
    assert f"updated to revision {REVISION}" in line
    assert len(rows_at(url)["gradings"]) == graded
    assert len(backups(url)) == url.startswith("sqlite")


ANOTHER_ATTEMPT = [
    "CREATE TEMPORARY TABLE one AS SELECT * FROM submissions",
    "UPDATE one SET id = 2, key = 'k2', sha256 = 'y'",
    "INSERT INTO submissions SELECT * FROM one",
    "INSERT INTO attempts SELECT 2, student_id, 2, handed_in, first_at, last_at FROM attempts",
]


def test_what_an_older_grader_is_writing_is_not_lost(server):
    url = server.new_database()
    make_old(url, old_rows([Graded("ada", "x", "1", 5, 10, 10)]))
    while_writing(url, ["SELECT * FROM students", *ANOTHER_ATTEMPT])  # as it does
    assert [row["content"] for row in rows_at(url)["attempts"]] == ["x", "y"]


def while_writing(url: str, statements: Sequence[str]) -> None:
    """Have a gradebook in PostgreSQL brought up while a transaction of an older grader is open."""
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with ThreadPoolExecutor() as pool, connected(url) as watching:
        with connected(url) as writing:
            for statement in statements:
                writing.execute(text(statement))
            bringing = pool.submit(bring_up, url)
            deadline = time.monotonic() + PATIENCE
            while not watching.execute(waits).scalar_one():
                assert not bringing.done()
                assert time.monotonic() < deadline
                watching.execute(text("SELECT pg_stat_clear_snapshot()"))  # to look anew
        bringing.result(timeout=PATIENCE)


ANOTHER_SUBMISSION = [
    "CREATE TEMPORARY TABLE one AS SELECT * FROM submissions WHERE id = 1",
    "UPDATE one SET id = 100, key = 'another', loss_net = 0.25",
    "INSERT INTO submissions SELECT * FROM one",
]


def test_what_a_grader_of_revision_2_keeps_meanwhile_is_not_lost(server):
    url = server.new_database()
    make_second(url, rows_at(f"sqlite:///{SECOND_FILE}"))
    while_writing(url, ANOTHER_SUBMISSION)
    (row,) = query(url, "SELECT loss FROM losses WHERE submission_id = 100 AND run = 'net'")
    assert row == (0.25,)
    records = [json.loads(row["record"]) for row in rows_at(url)["submissions"]]
    assert all("losses" in record["training"] for record in records)


# Where it runs from, and what it costs the others.


def test_an_installed_wheel_brings_a_gradebook_up(old_file, tmp_path):
    source, wheels = tmp_path / "source", tmp_path / "wheels"
    shutil.copytree(ROOT / "grader", source / "grader")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    build = [*command, "--wheel-dir", wheels, source]
    subprocess.run(build, check=True, timeout=PATIENCE)
    (wheel,) = wheels.glob("*.whl")
    with ZipFile(wheel) as opened_wheel:
        opened_wheel.extractall(tmp_path / "installed")
    program = "import sys; sys.path.insert(0, sys.argv[1]); import grader.gradebook.database as d\n"
    program += "assert d.__file__.startswith(sys.argv[1]); d.Database(sys.argv[2]).close()"
    run = [sys.executable, "-c", program, tmp_path / "installed", default_url(old_file.parent)]
    subprocess.run(run, check=True, timeout=PATIENCE, cwd=tmp_path)
    assert len(rows_at(default_url(old_file.parent))["attempts"]) == len(ATTEMPTS)


def test_alembic_is_imported_only_if_something_is_to_be_brought_up(tmp_path):
    program = "import sys; from grader.gradebook.database import Database\n"
    program += "for _ in range(2): Database(sys.argv[1]).close()\n"
    program += "assert 'alembic' not in sys.modules"
    run = [sys.executable, "-c", program, default_url(tmp_path)]
    subprocess.run(run, check=True, timeout=PATIENCE)
