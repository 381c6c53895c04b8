"""The gradebook: what is recorded, what of it counts, and two graders at the same time.

What a database has a part in runs on SQLite and on a PostgreSQL server.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import msgspec
import pytest
from books import (
    DUE,
    LATE,
    add,
    assignment,
    change,
    days,
    entry,
    files_of,
    final_of,
    opened,
    override,
    record,
    sizes,
)
from conftest import ROOT
from disks import read_only
from msgspec.structs import replace
from sqlalchemy import create_engine, text
from times import PATIENCE

from grader.gradebook import (
    Assignment,
    Gradebook,
    GradebookError,
    GradedAttempt,
    default_url,
    tables,
)
from grader.gradebook.queries import CHUNK
from grader.lms.layout import Owner
from grader.results.record import CriterionResult, Record, SourceNote, TrainingResult, to_json
from grader.scoring.protocol import SubmittedFiles, content_of
from grader.submissions.students.roster import Person, RosterRow

DUE_BOOK = assignment(LATE)
OTHER_SEED = assignment(seed="2")


@pytest.fixture
def sqlite(tmp_path) -> str:
    return default_url(tmp_path)


def nameless(graded: Record) -> Record:
    """Return a record as the book keeps it: of a file, whoever handed it in."""
    return replace(graded, student="")


# The assignment.


def test_a_new_gradebook_remembers_nothing_and_says_so(url):
    with Gradebook(url) as book:
        assert book.find_assignment() is None
        assert (book.settings(), book.people(), book.finals()) == ([], [], [])
        with pytest.raises(
            GradebookError, match=": nothing is set up or graded yet: see `"
        ) as told:
            _ = book.assignment
        assert len(str(told.value).splitlines()) == 1


def test_the_first_that_is_set_up_is_remembered_with_who_set_it(url):
    rows = [RosterRow("1", "ada", "B")]
    with Gradebook(url) as book:
        book.set_up(DUE_BOOK, rows, "dr. x")
        before = book.settings()
        book.set_up(replace(DUE_BOOK, language="zh_Hant"), [RosterRow("2", "bob", "")], "dr. y")
    with Gradebook(url) as book:
        assert book.assignment == DUE_BOOK
        assert {setting.who for setting in before} == {"dr. x"}
        assert {setting.name for setting in before} == {*DUE_BOOK.values(), "names"}
        assert [(s.name, s.who) for s in book.settings()[len(before) :]] == [("names", "dr. y")]
        assert all(setting.at.tzinfo for setting in before)
        assert book.roster() == {"1": rows[0], "2": RosterRow("2", "bob", "")}


def test_a_whole_rubric_and_a_seed_of_any_size_are_remembered(url):
    remembered = assignment(LATE, seed=str(2**128 - 1))
    with opened(url, remembered):
        pass
    with Gradebook(url) as book:
        assert book.assignment == remembered
        assert book.assignment.basis == remembered.basis


def test_what_moves_no_mark_is_noted_and_only_what_differs(url):
    with opened(url) as book:
        before = book.settings()
        book.note_software({"torch": "3"}, "dr. y")
        book.note_software({"torch": "3"}, "dr. z")
        assert book.assignment.software == {"torch": "3"}
        (new,) = book.settings()[len(before) :]
        assert (new.name, new.who) == ("software", "dr. y")


def test_a_changed_policy_recomputes_and_needs_no_new_grading(url):
    with opened(url) as book:
        add(book, entry(record(), DUE + days(2)), entry(record("bob", "two"), DUE))
        assert [final.final for final in book.finals()] == [100, 100]
        moves = change(book, replace(DUE_BOOK, rubric_name="due.toml"), who="dr. y")
        assert {who: (old.final, new.final) for who, (old, new) in moves.items()} == {
            "ada": (100, 80)
        }
        assert [final.final for final in book.finals()] == [80, 100]
        assert book.assignment.rubric_name == "due.toml"
        assert [s.who for s in book.settings() if s.name == "rubric"] == ["dr. x", "dr. y"]


def test_a_dry_run_tells_what_would_move_and_changes_nothing(url):
    with opened(url) as book:
        add(book, entry(record(), DUE + days(2)))
        before = book.finals(), book.settings(), book.stamps(), sizes(url)
        moves = change(book, DUE_BOOK, rows=[RosterRow("ada", "eve", "")], dry_run=True)
        assert {who: new.final for who, (_, new) in moves.items()} == {"ada": 80}
        assert (book.finals(), book.settings(), book.stamps(), sizes(url)) == before
        assert book.assignment == assignment()


def test_another_seed_is_in_force_for_every_attempt_or_for_none(url):
    with opened(url) as book:
        add(book, entry(record()), entry(record("bob", "two")))
        anew = {stored.id: f"new {stored.student}" for stored in book.stored()}
        book.keep(
            OTHER_SEED.basis,
            {"new ada": record(b=10), "new bob": record("bob", "two", b=20), "x": record()},
        )
        assert [final.final for final in book.finals()] == [100, 100]  # not in force yet
        with pytest.raises(GradebookError, match=r"bob handed in more while .* run again"):
            change(book, OTHER_SEED, keys=dict(list(anew.items())[:1]))
        assert book.assignment.seed.value == "1"
        assert [final.final for final in book.finals()] == [100, 100]
        moves = change(book, OTHER_SEED, keys=anew)
        assert sorted(moves) == ["ada", "bob"]
        assert [final.final for final in book.finals()] == [70, 80]
        (attempt,) = book.history("ada").attempts
        assert [(g.score, g.in_force) for g in attempt.gradings] == [(100, False), (70, True)]
        with pytest.raises(GradebookError, match="was changed while this was graded: run again"):
            book.add(assignment().basis, [entry(record("eve"))])
        assert book.knows("eve") is False


def test_what_another_rubric_graded_is_not_compared(url):
    """An attempt of an older grader, which kept no bytes and no basis, is left without grading."""
    with opened(url) as book:
        add(book, entry(record(a=60)), entry(record(content="two", a=10)))
        first, second = book.stored()
        book.keep(OTHER_SEED.basis, {"new": record(content="two", a=20)})
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"DELETE FROM files WHERE attempt_id = {first.id}"))
    engine.dispose()
    with Gradebook(url) as book:
        assert book.not_kept() == ["ada"]
        change(book, OTHER_SEED, keys={second.id: "new"})
        assert (final_of(book).attempt, final_of(book).final) == (2, 60)


def test_settings_that_another_process_has_changed_are_not_overwritten(url):
    """Grading a class by another seed takes minutes, in which somebody may set something else."""
    with opened(url) as book:
        add(book, entry(record()))
        (stored,) = book.stored()
        book.keep(OTHER_SEED.basis, {"new": record(b=10)})
        before = book.assignment
        change(book, DUE_BOOK)
        with pytest.raises(GradebookError, match="another process has changed its settings: run"):
            change(book, OTHER_SEED, before=before, keys={stored.id: "new"})
        assert book.assignment == DUE_BOOK
        assert final_of(book).final == 100


def test_the_software_of_a_run_beside_is_no_change_of_the_settings(url):
    with opened(url) as book:
        before = book.assignment
        book.note_software({"torch": "3"}, "dr. y")
        change(book, DUE_BOOK, before=before)
        assert book.assignment.rubric == DUE_BOOK.rubric


def test_what_a_run_notes_of_its_software_changes_no_other_setting(url):
    with opened(url) as book, opened(url) as other:
        assert book.assignment == assignment()
        change(other, DUE_BOOK)
        book.note_software({"torch": "3"}, "dr. y")
        assert book.assignment == replace(DUE_BOOK, software={"torch": "3"})


# People.

ADA, BOB = Owner("Canvas", "11", "Ada Lovelace"), Owner("Canvas", "12", "Ada Lovelace")


def test_who_a_student_is_in_the_system_is_kept(url):
    with opened(url) as book:
        add(book, entry(record(), owner=ADA), entry(record("bob", "two")))
        assert book.people() == [
            Person("ada", "Canvas", "11", "Ada Lovelace"),
            Person("bob", "", "", ""),
        ]
        add(book, entry(record("bob", "three"), owner=BOB))
        book.introduce([Person("ada", "Moodle", "7", "Ada"), Person("eve", "Moodle", "8", "Eve")])
        assert book.people() == [
            Person("ada", "Moodle", "7", "Ada"),
            Person("bob", "Canvas", "12", "Ada Lovelace"),
        ]


def test_students_are_called_as_the_table_says_and_keep_all_that_is_theirs(url):
    rows = [RosterRow("11", "bob", "B"), RosterRow("bob", "ada", "")]  # they change places
    with opened(url) as book:
        add(book, entry(record(), owner=ADA), entry(record("bob", "two", a=10)))
        override(book, points=99)
        moves = change(book, book.assignment, rows=rows)
        assert moves == {}
        finals = book.finals()
        assert [(f.student, f.final, f.section, f.record.student) for f in finals] == [
            ("ada", 50, "", "ada"),
            ("bob", 99, "B", "bob"),
        ]
        assert len(book.history("bob").overrides) == 1
        assert book.roster() == {row.id: row for row in rows}
        with pytest.raises(GradebookError, match="two students would be called bob"):
            change(book, book.assignment, rows=[RosterRow("bob", "BOB", "")])
        assert [final.student for final in book.finals()] == ["ada", "bob"]


def test_the_same_table_again_renames_nobody(url):
    """Though of no system there are only the names, and two have changed places."""
    rows = [RosterRow("ada", "bob", ""), RosterRow("bob", "ada", "")]
    with opened(url) as book:
        add(book, entry(record()), entry(record("bob", "two", a=10)))
        for again in (rows, rows, [RosterRow("ada", "bob", "B"), rows[1]]):
            change(book, book.assignment, rows=again)
            assert [(f.student, f.final) for f in book.finals()] == [("ada", 50), ("bob", 100)]
        change(book, book.assignment, rows=[RosterRow("ada", "eve", "")])
        assert [(f.student, f.final) for f in book.finals()] == [("ada", 50), ("eve", 100)]


PSEUDONYMS = [  # the tables one after the other; what ada and bob are called after each
    ({"ada": "p1", "bob": "p2"}, ["p1", "p2"]),
    ({"ada": "p1", "bob": "p2"}, ["p1", "p2"]),
    ({"ada": "q1", "bob": "p2"}, ["q1", "p2"]),
    ({"ada": "p2", "bob": "q1"}, ["p2", "q1"]),
    ({"ada": "ada", "bob": "bob"}, ["ada", "bob"]),
    ({"ada": "bob", "bob": "ada"}, ["bob", "ada"]),
    ({"ada": "bob", "bob": "ada"}, ["bob", "ada"]),
]


def test_pseudonyms_can_be_set_changed_and_taken_back_in_a_class_of_no_system(url):
    with opened(url) as book:
        add(book, entry(record()), entry(record("bob", "two", a=10)))
        for table, called in PSEUDONYMS:
            change(book, book.assignment, rows=[RosterRow(*row, "") for row in table.items()])
            points = {final.student: final.final for final in book.finals()}
            assert points == dict(zip(called, (100, 50), strict=True))


def test_what_was_graded_while_students_were_renamed_is_not_recorded(url):
    """Its names are as of before: another student may be called so by now."""
    with opened(url) as book:
        add(book, entry(record()), entry(record("bob", "two", a=10)))
        before = sizes(url), book.renames()
        change(book, book.assignment, rows=[RosterRow("ada", "bob", ""), RosterRow("bob", "x", "")])
        late = [entry(record("ada", "three"))]
        basis = book.assignment.basis
        with pytest.raises(GradebookError, match="students were renamed while this was graded: "):
            book.add(basis, late, before[1])
        assert sizes(url)["attempts"] == before[0]["attempts"]
        book.add(basis, [entry(record("bob", "three"))], book.renames())
        assert final_of(book, "bob").attempts == 2


def test_a_table_that_comes_with_a_run_is_as_of_that_run(url):
    row = RosterRow("eve", "anon", "")
    with Gradebook(url) as book:
        renames = book.set_up(assignment(), [row], "dr. x", renames=0)
        book.add(book.assignment.basis, [entry(record("anon"))], renames)
        assert book.set_up(assignment(), [row], "dr. x", renames) == renames
        newer = book.set_up(assignment(), [RosterRow("bob", "b", "")], "dr. x", renames)
        assert newer > renames
        for outdated in (
            lambda: book.add(book.assignment.basis, [entry(record("bob"))], renames),
            lambda: book.set_up(assignment(), [RosterRow("z", "zoe", "")], "dr. x", renames),
        ):
            with pytest.raises(GradebookError, match="students were renamed"):
                outdated()
        assert [final.student for final in book.finals()] == ["anon"]


def test_a_student_of_a_system_is_not_recorded_by_a_name_of_before(url):
    with opened(url) as book:
        add(book, entry(record(), owner=ADA))
        change(book, book.assignment, rows=[RosterRow("11", "anon", "")])
        with pytest.raises(GradebookError, match=r"students were renamed .* \(ada\)"):
            add(book, entry(record(content="two"), owner=ADA))
        add(book, entry(record("anon", "two"), owner=ADA))
        assert [(f.student, f.attempts) for f in book.finals()] == [("anon", 2)]


HIDDEN = [  # the new name, the files of ada, and what they are called then; whether that differs
    ("p1", ["ada.py"], ["p1.py"], True),
    ("p1", ["homework_Ada.py", "notes.md"], ["notes.md", "p1.py"], True),
    ("p1", ["homework.py"], ["homework.py"], False),
    ("p1", ["ada/ada_1.py", "ada/ada_2.py"], ["p1/p1-2.py", "p1/p1.py"], True),
    ("p1", ["ada_tools.py", "homework.py"], ["ada_tools.py", "homework.py"], False),  # imported
    ("ada lovelace", ["ada.py"], ["ada.py"], False),  # it hides nothing
]


@pytest.mark.parametrize(("name", "files", "called", "differs"), HIDDEN)
def test_files_of_who_is_called_otherwise_are_so_too(sqlite, name, files, called, differs):
    submission = SubmittedFiles(
        "ada", {file: f"import ada_tools # {len(file)}".encode() for file in files}, {}, ""
    )
    with opened(sqlite) as book:
        add(book, entry(record(), files=lambda: submission), entry(record("bob", "two")))
        change(book, book.assignment, rows=[RosterRow("ada", name, "")])
        (stored,) = book.stored([name])
        assert book.hide_names(name, "ada") == ([stored.id] if differs else [])
        kept = book.files_of(stored.id)
        assert (kept.student, sorted(kept.files)) == (name, called)
        assert sorted(kept.files.values()) == sorted(submission.files.values())
        assert (book.stored([name])[0].content != stored.content) == differs
        assert book.hide_names(name, "ada") == []


def test_attempts_that_differ_in_their_files_names_alone_stay_two(url):
    def submission(name: str) -> SubmittedFiles:
        return SubmittedFiles("ada", {name: b"x", "model.py": b"y"}, {}, "")

    with opened(url) as book:
        for name in ("ada_1.py", "ada_final.py"):
            its = submission(name)
            add(book, entry(record(), content=content_of(its), files=partial(submission, name)))
        change(book, book.assignment, rows=[RosterRow("ada", "p1", "")])
        assert len(book.hide_names("p1", "ada")) == len(book.history("p1").attempts) == 2
        assert [sorted(book.files_of(each.id).files) for each in book.stored()] == [
            ["model.py", "p1.py"],
            ["model.py", "p1.py"],
        ]


def test_of_who_is_forgotten_only_a_count_is_left(url):
    with opened(url) as book:
        add(book, entry(record()), entry(record("bob")), entry(record("bob", "two")))
        override(book, "bob", points=1)
        with pytest.raises(GradebookError, match="no student zoe"):
            book.forget(["bob", "zoe"], "dr. x")
        assert book.knows("bob")
        assert book.forget(["bob"], "dr. x") == 2
        assert [final.student for final in book.finals()] == ["ada"]
        assert [stored.student for stored in book.stored()] == ["ada"]
        assert book.files_of(book.stored()[0].id) == files_of("ada", "one")  # bob's was the same
    left = {"students", "submissions", "attempts", "gradings", "files", "blobs", "finals", "audit"}
    found = sizes(url)
    assert {name: found[name] for name in left} == dict.fromkeys(left, 1)
    assert (found["criteria"], found["losses"], found["overrides"]) == (2, 2, 0)


# What is recorded.


def test_the_tables_and_their_rows(url):
    with opened(url) as book:
        add(book, entry(record()), entry(record(content="two")), entry(record("bob")))
        assert book.is_unchanged([entry(record("bob"))])
    assert sizes(url) == {
        "alembic_version": 1,
        "state": 1,
        "settings": 6,
        "roster": 0,
        "students": 2,
        "submissions": 2,  # the same bytes of ada and bob are one
        "criteria": 4,
        "losses": 4,
        "attempts": 3,
        "gradings": 3,
        "files": 3,
        "blobs": 2,
        "overrides": 0,
        "finals": 2,
        "audit": 0,
    }


def test_a_file_graded_anew_replaces_what_was_kept_of_it(url):
    """By the same key: it had crashed, which may have been no fault of its own."""
    crashed = replace(record(a=0, b=0), status="crashed", notes=[])
    with opened(url) as book:
        add(book, entry(crashed), entry(record("bob")), entry(record("eve", "two")))
        add(book, entry(record(a=60, b=40)))
        assert book.find(["one "]) == {"one ": nameless(record(a=60, b=40))}
        assert [final.final for final in book.finals()] == [100, 100, 100]  # bob's, too
        (attempt,) = book.history("ada").attempts
        assert [(g.status, g.score) for g in attempt.gradings] == [("graded", 100)]
    found = sizes(url)
    assert (found["criteria"], found["losses"]) == (4, 4)


@pytest.mark.parametrize("points", [0.0, 20.0, 60.0])
def test_a_file_graded_anew_counts_as_it_was_graded_last(url, points):
    """By the same key: --no-cache asks for that."""
    with opened(url) as book:
        add(book, entry(record(a=30)))
        add(book, entry(record(a=points)))
        assert final_of(book).final == points + 40
        assert [g.score for a in book.history("ada").attempts for g in a.gradings] == [points + 40]


def test_adding_again_changes_nothing(url):
    entries = [entry(record(f"s{number}", content=str(number % 7))) for number in range(20)]
    with opened(url) as book:
        add(book)
        add(book, *entries)
        before = sizes(url), book.finals()
        assert book.is_unchanged(entries)
        add(book, *entries, *entries)
        assert (sizes(url), book.finals()) == before


CHANGES = [  # what is handed in again, and whether it is all there already
    (entry(record()), True),
    (entry(record(), DUE + days(1)), True),  # the same bytes were handed in the first time
    (entry(record(), DUE - days(1)), False),
    (entry(record(), DUE + days(1), told_by="system"), False),  # which knows better than a file
    (entry(record(), key="another software"), False),
    (entry(record(), marked_late=True), False),
    (entry(record("bob")), False),
    (entry(record(content="two")), False),
]


@pytest.mark.parametrize(("again", "is_unchanged"), CHANGES)
def test_what_is_there_already_is_told_from_what_is_new(sqlite, again, is_unchanged):
    with opened(sqlite) as book:
        add(book, entry(record()))
        assert book.is_unchanged([again]) == is_unchanged
        add(book, again)
        assert book.is_unchanged([again])


RECORDS = [
    record(),
    record(content="an \u00e4 and a \u4e2d", a=0.1 + 0.2, b=1e-300),
    replace(record(content="most"), flags=["autograd: line 3"], conditions="here, busy"),
    replace(
        record(content="odd"),
        criteria=[
            CriterionResult("a", 0.0, 60.0, float("nan"), "a NUL \0 and a quote '\"", "id"),
            CriterionResult("b", 0.0, 40.0, float("inf"), "\ufffd\n\U0001f600", None),
        ],
        notes=[SourceNote("line 1", "\0\x1b[31m")],
        training=TrainingResult({"manual": float("inf"), "net": 0.1}, 0.3),
    ),
    replace(record(content="none"), sha256=None, status="unreadable"),
]


@pytest.mark.parametrize("graded", RECORDS, ids=lambda graded: graded.submission)
def test_the_cache_returns_the_same_bytes(url, graded):
    with opened(url) as book:
        add(book, replace(entry(graded), key="the key"))
    with Gradebook(url) as book:
        (found,) = book.find(["another key", "the key"]).values()
        final = final_of(book)
    assert to_json(found) == to_json(nameless(graded))
    assert to_json(final.record) == to_json(graded)


def test_a_thousand_keys_are_found_at_once_and_unknown_ones_are_left_out(url):
    entries = [entry(record(f"s{number}", content=str(number))) for number in range(1000)]
    with opened(url) as book:
        add(book, *entries)
        found = book.find([*(e.key for e in entries), *(str(n) for n in range(1000))])
        assert found == {e.key: nameless(e.record) for e in entries}
        assert book.find([]) == {}


def test_the_same_bytes_of_two_students_have_each_their_own_name(url):
    with opened(url) as book:
        add(book, entry(record("ada")), entry(record("bob"), DUE + days(1)))
        assert book.find(["one "])["one "].student == ""
        assert [final.student for final in book.finals(["bob", "ada"])] == ["ada", "bob"]


def test_finals_come_by_name_of_everybody_or_of_whom_is_asked(url):
    names = sorted(f"s{number}" for number in range(2 * CHUNK + 1))
    with opened(url) as book:
        add(book, *(entry(record(name, content=name)) for name in reversed(names)))
        assert [final.student for final in book.finals()] == names
        asked = [*reversed(names), "nobody"]
        assert [final.student for final in book.finals(asked)] == names
        assert book.finals([]) == []


def test_each_time_that_a_final_is_written_it_has_another_stamp(url):
    with opened(url) as book:
        add(book, entry(record()), entry(record("bob", "two")))
        id_, stamps = book.stamps()
        assert stamps.keys() == {"ada", "bob"}
        assert book.stamps() == (id_, stamps)
        override(book, "bob", points=3)
        add(book, entry(record("eve")))
        after = book.stamps()[1]
        assert (after.keys(), after["ada"]) == ({"ada", "bob", "eve"}, stamps["ada"])
        assert after["bob"] != stamps["bob"]
        assert book.stamps()[0] == id_


def test_a_copy_of_a_gradebook_has_stamps_of_its_own_from_then_on(tmp_path):
    """A copy that is put back is written again, though as much has changed in it as before."""
    url, copy = (f"sqlite:///{tmp_path}/{name}.db" for name in ("class", "copy"))
    with opened(url) as book:
        add(book, entry(record()), entry(record("bob", "two")))
    shutil.copyfile(tmp_path / "class.db", tmp_path / "copy.db")
    stamps = []
    for each in (url, copy):
        with Gradebook(each) as book:
            override(book, points=10)
            stamps.append(book.stamps())
    (id_, one), (same_id, other) = stamps
    assert (id_, one["bob"]) == (same_id, other["bob"])
    assert one["ada"] != other["ada"]


def test_the_same_bytes_graded_anew_are_the_same_attempt_and_the_latest_grading_counts(url):
    with opened(url) as book:
        add(book, entry(record(), key="old software"))
        add(book, entry(record(b=10), key="new software"))
        assert (final_of(book).attempts, final_of(book).final) == (1, 70)
        add(book, entry(record(content="two", b=0)))
        assert (final_of(book).attempts, final_of(book).attempt, final_of(book).final) == (2, 1, 70)
        add(book, entry(record(), key="old software"))  # from the cache
        assert (final_of(book).attempts, final_of(book).final) == (2, 100)
        first, _ = book.history("ada").attempts
        assert [(g.score, g.in_force) for g in first.gradings] == [(70, False), (100, True)]


def test_a_file_that_is_called_otherwise_is_the_same_attempt(url):
    """It is graded anew, since the name may be told to the student; the bytes are kept once."""
    renamed = replace(record(), submission="my homework.py")
    submission = SubmittedFiles.of("ada", "my homework.py", b"one")
    with opened(url) as book:
        add(book, entry(record()))
        add(book, entry(renamed, key="renamed", files=lambda: submission, content=record().sha256))
        assert (final_of(book).attempts, final_of(book).record.submission) == (1, "my homework.py")
        (stored,) = book.stored()
        assert book.files_of(stored.id) == submission
    assert sizes(url)["blobs"] == 1


TIMES = [  # when, and who says so, one after the other; what is kept
    ([(3, "file"), (1, "file"), (2, "file")], (1, "file")),
    ([(1, "file"), (3, "archive")], (1, "file")),
    ([(3, "file"), (1, "archive")], (1, "archive")),
    ([(1, "archive"), (3, "system")], (3, "system")),
    ([(3, "system"), (1, "archive"), (1, "file")], (3, "system")),
    ([(3, "system"), (2, "system")], (2, "system")),
    ([(3, ""), (4, "file")], (3, "")),  # of an older grader, which kept no more than the time
]


@pytest.mark.parametrize(("told", "kept"), TIMES)
def test_what_was_handed_in_again_was_handed_in_when_who_knows_best_says_first(url, told, kept):
    with opened(url, assignment(LATE, counts="last")) as book:
        for after, who in told:
            add(book, entry(record(), DUE + days(after), told_by=who))
        final = final_of(book)
        assert (final.handed_in, final.told_by) == (DUE + days(kept[0]), kept[1])
        assert (final.late_days, final.attempts) == (kept[0], 1)


def test_what_a_system_marks_as_late_is_late_until_it_says_otherwise(url):
    with opened(url, DUE_BOOK) as book:
        for marked, late in ((True, 1), (None, 1), (False, 0)):
            add(book, entry(record(), DUE - days(1), marked_late=marked))
            assert final_of(book).late_days == late


def test_a_mark_of_a_system_is_of_the_due_date_in_force_when_it_was_recorded(url):
    with opened(url, DUE_BOOK) as book:
        add(book, entry(record(), DUE + days(2), marked_late=False))
        assert final_of(book).late_days == 0
        due = replace(LATE, due="2026-11-01T23:59:00+01:00")
        change(book, assignment(due))
        assert final_of(book).late_days == 1  # it is not known what the system says of that
        add(book, entry(record(), DUE + days(2), marked_late=True))
        assert final_of(book).late_days == 1
        change(book, DUE_BOOK)
        assert final_of(book).late_days == 2


def test_times_that_were_told_without_a_zone_move_with_the_assignments(url):
    """Nobody says of them which it was; those with an offset stay what they are."""
    taipei = assignment(replace(LATE, zone="Asia/Taipei"))
    with opened(url, DUE_BOOK) as book:
        add(book, entry(record(), DUE, is_local=True), entry(record("bob", "two"), DUE))
        change(book, taipei)
        assert [f.handed_in for f in book.finals()] == [DUE - timedelta(hours=7), DUE]
        change(book, DUE_BOOK)
        assert [f.handed_in for f in book.finals()] == [DUE, DUE]


def test_unreadable_files_are_told_apart_by_what_was_handed_in(url):
    unreadable = replace(record(), sha256=None, status="unreadable")
    with opened(url) as book:
        for content in ("x", "y", "x"):
            submission = SubmittedFiles("ada", {}, {f"{content}.py": "is empty"}, "")
            add(
                book,
                entry(
                    unreadable,
                    key=content,
                    content=content,
                    files=lambda submission=submission: submission,
                ),
            )
        assert final_of(book).attempts == 2
        assert [book.files_of(stored.id).problems for stored in book.stored()] == [
            {"x.py": "is empty"},
            {"y.py": "is empty"},
        ]


SUBMISSIONS = [
    SubmittedFiles("ada", {"a.py": b"x = 1\n", "b/c.py": b"\0\xff"}, {}, ""),
    SubmittedFiles("ada", {"same.py": b"1", "as.py": b"1"}, {}, ""),
    SubmittedFiles("ada", {"a.py": b""}, {"b.py": "is empty"}, ""),
    SubmittedFiles("ada", {}, {"b.py": "is a folder", "c.py": "is empty"}, "is a folder"),
    SubmittedFiles("ada", {}, {}, "no .py or .ipynb found"),
    SubmittedFiles("ada", {"a.py": bytes(3_000_000)}, {}, ""),
]


@pytest.mark.parametrize("submission", SUBMISSIONS, ids=range(len(SUBMISSIONS)))
def test_an_attempt_is_kept_as_it_was_handed_in(url, submission):
    with opened(url) as book:
        add(
            book, entry(record(), DUE, files=lambda: submission, marked_late=True, told_by="system")
        )
        (stored,) = book.stored(["ada"])
        assert book.files_of(stored.id) == submission
        assert (stored.student, stored.handed_in, stored.told_by) == ("ada", DUE, "system")
        assert (stored.status, stored.marked_late) == ("graded", True)
        assert book.stored(["nobody"]) == []
        assert book.not_kept() == []


def test_the_source_of_what_counts_is_there(url):
    with opened(url) as book:
        add(book, entry(record(content="x = 1\n")))
        add(book, entry(replace(record("bob", "two"), sha256=None), content="two"))
        assert book.source_of(final_of(book)) == b"x = 1\n"
        assert book.source_of(final_of(book, "bob")) is None


# What is set by hand; how it counts is in test_standing.


def test_all_that_is_set_by_hand_is_in_the_history(url):
    with opened(url, DUE_BOOK) as book:
        add(book, entry(record(), DUE + days(2)))
        override(book, criterion="a", points=10, told="see me")
        override(book, late_days=0.5)
        override(book, due=DUE + days(1))
        override(book, criterion="a")
        history = book.history("ada")
        assert [
            (o.criterion, o.points, o.late_days, o.due, o.told, o.withdraws, history.in_force(o))
            for o in history.overrides
        ] == [
            ("a", 10, None, None, "see me", False, False),
            (None, None, 0.5, None, "", False, True),
            (None, None, None, DUE + days(1), "", False, True),
            ("a", None, None, None, "", True, False),
        ]
        assert {(o.who, o.why) for o in history.overrides} == {("dr. x", "an oral exam")}
        assert history.final == final_of(book)
        assert final_of(book).late_days == 0.5


def test_points_set_by_hand_are_no_more_than_the_rubric_gives_by_now(url):
    with opened(url) as book:
        add(book, entry(record(a=0)))
        override(book, criterion="a", points=60)
        override(book, criterion="b", points=40)
        (stored,) = book.stored()
        graded = record(a=0, b=0)
        (a, _) = graded.criteria
        fewer = replace(graded, criteria=[replace(a, max_points=20.0)], max_score=20.0, score=0.0)
        book.keep(OTHER_SEED.basis, {"new": fewer})
        change(book, OTHER_SEED, keys={stored.id: "new"})
        assert (final_of(book).score, final_of(book).final) == (20, 20)
        history = book.history("ada")
        assert [history.in_force(override) for override in history.overrides] == [True, False]


def test_an_override_survives_regrades_and_new_attempts(url):
    with opened(url) as book:
        add(book, entry(record(a=0)), entry(record("bob", "two", a=0)))
        override(book, criterion="a", points=60)
        override(book, "bob", points=12)
        assert [final.final for final in book.finals()] == [100, 12]
        add(book, entry(record(a=0, b=20), key="2"))
        assert final_of(book).final == 80
        add(
            book,
            entry(record(content="better", a=30, b=40)),
            entry(record("bob", "bob's better")),
        )
        assert [final.final for final in book.finals()] == [100, 12]
        assert final_of(book).attempt == 2
        assert [criterion.points for criterion in final_of(book).criteria] == [60, 40]
        assert [criterion.points for criterion in final_of(book).record.criteria] == [30, 40]


def test_late_days_set_by_hand_are_of_the_attempts_that_there_are(url):
    with opened(url, DUE_BOOK) as book:
        add(book, entry(record(a=0), DUE + days(2)))
        override(book, late_days=0)
        add(book, entry(record(content="later"), DUE + days(3)))
        assert [attempt.late_days for attempt in book.history("ada").attempts] == [0, 3]


def test_an_extension_may_come_before_anything_is_handed_in(url):
    with opened(url, DUE_BOOK) as book:
        override(book, due=DUE + days(2))
        assert book.finals() == []
        assert book.history("ada").final is None
        assert book.extended_without_work() == ["ada"]
        add(book, entry(record(), DUE + days(3)))
        assert (final_of(book).late_days, final_of(book).due) == (1, DUE + days(2))
        assert book.extended_without_work() == []


def test_a_student_who_is_not_there_is_told_with_close_names(url):
    with opened(url) as book:
        add(book, *(entry(record(name, name)) for name in ("ada", "adam", "bob")))
        for ask in (book.history, book.require, lambda name: override(book, name, points=1)):
            with pytest.raises(GradebookError) as told:
                ask("adaa")
            assert str(told.value) == (
                "no student adaa in the gradebook; did you mean ada or adam?"
            )
            with pytest.raises(GradebookError) as told:
                ask("zoe")
            assert str(told.value) == "no student zoe in the gradebook: grades.csv lists the names"
        assert (book.knows("ada"), book.knows("adaa")) == (True, False)
        assert book.close_to("adaa") == ["ada", "adam"]
    assert sizes(url)["overrides"] == 0


MISTYPED = {
    "王小明x": ["王小明"],
    "王晓明": ["王小明"],
    "JOSE\u0301 PE\u0301REZ": ["José Pérez"],  # capitals, and accents as characters of their own
    "jose perez": ["José Pérez"],
    "student": ["student-4", "student-3", "student-2"],  # of four
    "zoe": [],
}


@pytest.mark.parametrize("typed", MISTYPED)
def test_a_name_mistyped_is_found_in_any_spelling(url, typed):
    names = ["王小明", "José Pérez", *(f"student-{number}" for number in range(1, 5))]
    with opened(url) as book:
        add(book, *(entry(record(name, name)) for name in names))
        assert book.close_to(typed) == MISTYPED[typed]


# Two graders at once, and one that is killed.

ADDING = """
import sys
from datetime import datetime, timedelta
from functools import partial
import msgspec
from books import entry, opened
from grader.results.record import Record
url, size = sys.argv[1], int(sys.argv[2])
given = msgspec.json.decode(sys.stdin.buffer.readline(), type=list[tuple[Record, datetime]])
entries = [entry(record, handed_in) for record, handed_in in given]
print("ready", flush=True)
sys.stdin.readline()
with opened(url) as book:
    basis = book.assignment.basis
    for start in range(0, len(entries), size):
        book.add(basis, entries[start : start + size])
        print(start + size, flush=True)
"""


@contextmanager
def adding(
    url: str, entries: Sequence[GradedAttempt], size: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that is ready to add entries, `size` in a transaction."""
    command = [sys.executable, "-c", ADDING, url, str(size)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "support")}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        try:
            given = [(each.record, each.handed_in) for each in entries]
            process.stdin.write(msgspec.json.encode(given) + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def go(process: subprocess.Popen[bytes]) -> None:
    process.stdin.write(b"\n")
    process.stdin.flush()


@pytest.mark.parametrize("size", [1, 100])
def test_two_graders_at_the_same_time_lose_nothing(url, size):
    def handed_in_by(students: range, later: int) -> list[GradedAttempt]:
        """One file a student: every other one is the same for both graders."""
        return [
            entry(record(f"s{n}", content=f"{n} {later if n % 2 else ''}"), DUE + days(later))
            for n in students
        ]

    one, two = handed_in_by(range(300), 1), handed_in_by(range(100, 400), 2)
    two.reverse()  # so that they meet, and want the same rows in another order
    with adding(url, one, size) as first, adding(url, two, size) as second:
        for process in (first, second):  # neither has created the tables
            go(process)
        for process in (first, second):
            assert len(process.stdout.read().splitlines()) == 300 / size
            assert process.wait(timeout=PATIENCE) == 0
    keys = {each.key: each.record for each in one + two}
    attempts = {(each.record.student, each.key) for each in one + two}
    found = sizes(url)
    assert (found["students"], found["finals"], found["settings"]) == (400, 400, 6)
    assert (found["submissions"], found["criteria"]) == (len(keys), 2 * len(keys))
    assert found["attempts"] == found["files"] == found["gradings"] == len(attempts)
    with Gradebook(url) as book:
        scores = {key: graded.score for key, graded in book.find(list(keys)).items()}
        assert scores == {key: graded.score for key, graded in keys.items()}
        for student in ("s0", "s99", "s100", "s101", "s250", "s299", "s300", "s399"):
            moments: dict[str, datetime] = {}
            for each in (each for each in two + one if each.record.student == student):
                moments[each.content] = each.handed_in  # the earlier one comes last
            found_moments = {a.file.name: a.file.handed_in for a in book.history(student).attempts}
            assert sorted(found_moments.values()) == sorted(moments.values())


def test_a_new_file_is_opened_by_several_at_once(tmp_path):
    def open_(number: int) -> Assignment:
        barrier.wait()
        mine = assignment(seed=str(threading.get_ident()))
        with opened(f"sqlite:///{tmp_path}/{number}.db", mine) as book:
            assert book.find(["nothing"]) == {}
            return book.assignment

    with ThreadPoolExecutor(4) as pool:
        for number in range(20):
            barrier = threading.Barrier(4)
            first, *others = pool.map(open_, [number] * 4)
            assert others == [first] * 3


def test_of_two_who_record_the_same_attempt_at_once_the_earlier_time_stays(server):
    url = server.new_database()
    engine = create_engine(url)
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with opened(url) as one, opened(url) as two, ThreadPoolExecutor() as pool:
        add(one, entry(record("ada", "zero")), entry(record("bob", "one")))
        with engine.connect() as other, engine.connect() as watching:
            tables.lock(other)
            both = [
                pool.submit(add, book, entry(record(), DUE + days(late)))
                for book, late in ((one, 2), (two, 1))
            ]
            deadline = time.monotonic() + PATIENCE
            while watching.execute(waits).scalar_one() < 2:
                assert not any(each.done() for each in both)
                assert time.monotonic() < deadline
                watching.rollback()  # or it would see the same moment for ever
                time.sleep(0.01)
            other.commit()
            for each in both:
                each.result(timeout=PATIENCE)
        _, attempt = one.history("ada").attempts
        assert attempt.file.handed_in == DUE + days(1)
    engine.dispose()


@pytest.mark.parametrize("moment", [1, 75, 140])
def test_a_grader_that_is_killed_leaves_a_whole_gradebook(url, moment):
    entries = [entry(record(f"s{n:03}", content=str(n))) for n in range(150)]
    with adding(url, entries, 1) as process:
        go(process)
        for number in range(1, moment + 1):
            assert int(process.stdout.readline()) == number
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=PATIENCE)
    with Gradebook(url) as book:
        kept = len(book.find([each.key for each in entries]))
        assert moment <= kept
        assert [final.record for final in book.finals()] == [e.record for e in entries[:kept]]
        found = sizes(url)
        for table in ("students", "submissions", "attempts", "gradings", "files", "finals"):
            assert found[table] == kept, table
        assert found["criteria"] == 2 * kept
        add(book, *entries)
    assert sizes(url)["attempts"] == len(entries)


# What a person has to mend.

URLS = [
    ("", "the gradebook's URL is not valid"),
    ("gradebook.db", "the gradebook's URL is not valid"),
    ("nosuch://host/name", "nosuch://host/name: not a supported database: use sqlite"),
    ("sqlite:///{folder}", "{folder}: unable to open database file"),
    ("sqlite:///{folder}/no/book.db", "{folder}/no/book.db: unable to open database file"),
    ("sqlite:///{folder}/text", "{folder}/text: file is not a database (move it away"),
    ("mysql://user:tell-nobody@localhost/x", "mysql://user:***@localhost/x: needs the Python pac"),
    ("postgresql://user:tell-nobody@localhost:port/x", "the gradebook's URL is not valid"),
    ("postgresql://user:tell@nobody@localhost/x", "write %40"),
    ("postgresql://user:tell-nobody@/x?host={folder}", "postgresql://user:***@/x: connection"),
    ("postgresql://user@/x?host={folder}&password=tell-nobody", "postgresql://user@/x: conn"),
]


@pytest.mark.parametrize(("bad", "says"), URLS)
def test_a_database_that_is_none_is_one_line_without_the_password(tmp_path, bad, says):
    (tmp_path / "text").write_text("no database, but long enough to be looked at\n" * 100)
    with pytest.raises(GradebookError) as told:
        Gradebook(bad.format(folder=tmp_path))
    assert says.format(folder=tmp_path) in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert not any(part in str(told.value) for part in ("tell", "nobody"))


def test_a_gradebook_that_cannot_be_written_is_one_line(tmp_path, sqlite):
    with opened(sqlite) as book:
        add(book, entry(record()))
    with read_only(tmp_path), pytest.raises(GradebookError) as told:
        Gradebook(sqlite)
    # A disk that is read-only, or a file that is: SQLite says which.
    says = r"unable to open database file|attempt to write a readonly database"
    assert re.match(rf"{tmp_path}/gradebook.db: ({says}) \(", str(told.value))


def test_a_failure_in_mid_run_is_one_line(url):
    with opened(url) as book:
        add(book, entry(record()))
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE finals"))
        engine.dispose()
        with pytest.raises(GradebookError, match=r"^[^\n]*finals[^\n]*$"):
            final_of(book)


def test_a_time_without_an_offset_is_refused(url):
    with opened(url) as book:
        with pytest.raises(GradebookError, match="2026-10-31 22:59:00 has no offset"):
            add(book, entry(record(), DUE.replace(tzinfo=None)))
        assert book.find(["one "]) == {}


def test_the_gradebook_and_its_commands_need_no_torch():
    program = "import sys, grader.commands.override\n"
    program += "assert 'torch' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)
