"""The files of a folder of results: what a killed process, or another one, has left to do."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from books import add, change, entry, opened, override, record
from msgspec.structs import replace

from grader.gradebook import Gradebook, default_url
from grader.judging.messages import Reason
from grader.reports import results_folder
from grader.reports.feedback.pages import FEEDBACK, Pages
from grader.reports.results_folder import COMPLETE, ResultsFolder
from grader.results.record import GRADES
from grader.submissions.students.roster import RosterRow
from grader.util.atomic import UNFINISHED


@pytest.fixture
def book(tmp_path) -> Iterator[Gradebook]:
    """Give the gradebook of a class of two, of which nothing is in a file yet."""
    with opened(default_url(tmp_path)) as book:
        add(book, entry(record()), entry(record("bob", "two")))
        yield book


@contextmanager
def at_work(book: Gradebook, results: Path, with_pages: bool = False) -> Iterator[ResultsFolder]:
    """Give what another process would write files with."""
    assignment = book.assignment
    pages = Pages(1, results, assignment.language, assignment.rubric)
    with (
        closing(pages),
        ResultsFolder(results, book, assignment, pages if with_pages else None) as folder,
    ):
        yield folder


def shown(results: Path) -> dict[str, float]:
    """Return the final points in each result.json."""
    return {
        path.parent.name: json.loads(path.read_bytes())["final"]
        for path in results.glob("*/result.json")
    }


def test_all_files_of_the_class_are_written(book, tmp_path):
    with at_work(book, tmp_path) as folder:
        folder.complete()
    assert shown(tmp_path) == {"ada": 100, "bob": 100}
    assert {GRADES, "index.html"} <= {path.name for path in tmp_path.iterdir()}
    assert not list(tmp_path.glob(f"*/{FEEDBACK}"))


def test_what_has_changed_is_written_and_nothing_else(book, tmp_path):
    with at_work(book, tmp_path) as folder:
        folder.complete()
        (tmp_path / "ada" / "result.json").write_text('{"final": "by a hand"}')
        override(book, "bob", points=3)
        folder.complete()
    assert shown(tmp_path) == {"ada": "by a hand", "bob": 3}


def test_points_may_be_lost_for_what_is_no_misconception(book, tmp_path):
    """Such as the use of autograd, which has a name, too."""
    told = {
        "reasons": (Reason("autograd", {"name": "autograd.grad", "place": " (cell 2)"}),),
        "diagnosis": "autograd",
    }
    good, bad = record("eve", "three", b=0).criteria
    graded = replace(record("eve", "three", b=0), criteria=[good, replace(bad, **told)])
    add(book, entry(graded))
    with at_work(book, tmp_path) as folder:
        folder.complete()
    assert shown(tmp_path) == {"ada": 100, "bob": 100, "eve": 60}


LOST = {
    "the folder's note is gone": lambda note: note.unlink(),
    "the note is damaged": lambda note: note.write_text("{"),
    "the note is of another gradebook": lambda note: note.write_text(
        '{"book": "another", "records": {"ada": "1"}, "pages": {"ada": "1"}}'
    ),
    "the note is of an older grader": lambda note: note.write_text(
        json.dumps(json.loads(note.read_bytes()) | {"records": 99, "pages": 99})
    ),
}


@pytest.mark.parametrize("lost", LOST)
def test_where_it_is_not_known_what_is_written_all_is(book, tmp_path, lost):
    with at_work(book, tmp_path) as folder:
        folder.complete()
    LOST[lost](tmp_path / COMPLETE)
    (tmp_path / "ada" / "result.json").write_text('{"final": "by a hand"}')
    with at_work(book, tmp_path) as folder:
        folder.complete()
    assert shown(tmp_path) == {"ada": 100, "bob": 100}


def test_a_run_without_pages_leaves_them_to_the_next_with_pages(book, tmp_path):
    with at_work(book, tmp_path) as folder:
        folder.complete()
    with at_work(book, tmp_path, with_pages=True) as folder:
        folder.complete()
    assert {path.parent.name for path in tmp_path.glob(f"*/{FEEDBACK}")} == {"ada", "bob"}


def test_what_another_process_wrote_meanwhile_is_not_undone(book, tmp_path):
    """A final that was read before somebody changed it is written after that."""
    with at_work(book, tmp_path, with_pages=True) as mine:
        before = book.finals(["ada"])
        override(book, points=4.5)
        with at_work(book, tmp_path, with_pages=True) as theirs:
            theirs.complete()
        assert shown(tmp_path)["ada"] == 4.5
        mine.write(before)
        mine.complete()
    assert shown(tmp_path)["ada"] == 4.5
    assert "4.5" in (tmp_path / "ada" / FEEDBACK).read_text(encoding="utf-8")


def test_nor_is_it_if_this_one_is_killed(book, tmp_path):
    with at_work(book, tmp_path) as killed:
        before = book.finals(["ada"])
        override(book, points=4.5)
        with at_work(book, tmp_path) as theirs:
            theirs.complete()
        killed.write(before)
    with at_work(book, tmp_path) as folder:
        folder.complete()
    assert shown(tmp_path)["ada"] == 4.5


def test_an_older_copy_of_the_gradebook_that_is_put_back_is_written_again(book, tmp_path):
    """And though as much has changed in it since as in the other one."""
    with at_work(book, tmp_path) as folder:
        folder.complete()
    book.close()
    kept = (tmp_path / "gradebook.db").read_bytes()
    with Gradebook(default_url(tmp_path)) as later, at_work(later, tmp_path) as folder:
        override(later, points=3)
        add(later, entry(record("eve", "three")))
        folder.complete()
    assert shown(tmp_path) == {"ada": 3, "bob": 100, "eve": 100}
    for log in tmp_path.glob("gradebook.db-*"):
        log.unlink()
    (tmp_path / "gradebook.db").write_bytes(kept)
    with Gradebook(default_url(tmp_path)) as restored, at_work(restored, tmp_path) as folder:
        override(restored, "bob", points=4)
        folder.complete()
    assert shown(tmp_path) == {"ada": 100, "bob": 4}


ADA_RENAMED = [RosterRow("ada", "anon", "")]
GONE = {  # what is done to the gradebook by a process that is killed after that; who is left
    "forgotten": (lambda book: book.forget(["ada"], "dr. x"), {"bob"}),
    "renamed": (lambda book: change(book, book.assignment, rows=ADA_RENAMED), {"anon", "bob"}),
}


@pytest.mark.parametrize("how", GONE)
@pytest.mark.parametrize("with_pages", [False, True])
def test_folders_of_who_is_gone_are_removed_by_the_next_command(book, tmp_path, how, with_pages):
    with at_work(book, tmp_path, with_pages=True) as folder:
        folder.complete()
    (tmp_path / "similar.html").touch()
    kill_after, left = GONE[how]
    kill_after(book)
    assert (tmp_path / "ada").is_dir()
    with at_work(book, tmp_path, with_pages) as folder:
        folder.complete()
    assert shown(tmp_path).keys() == left
    assert not (tmp_path / "ada").exists()
    assert not (tmp_path / "similar.html").exists()


@pytest.mark.parametrize("how", GONE)
@pytest.mark.parametrize("is_known", [True, False])
def test_who_is_gone_while_a_class_is_graded_stops_nothing_and_leaves_nothing(
    book, tmp_path, how, is_known
):
    """It may be known before this run, or have come with it."""
    gone, left = GONE[how]
    if is_known:
        with at_work(book, tmp_path, with_pages=True) as folder:
            folder.complete()
    with at_work(book, tmp_path, with_pages=True) as mine:
        before = book.finals()
        mine.write(before)
        gone(book)
        with at_work(book, tmp_path, with_pages=True) as theirs:
            theirs.remove(["ada"])
            theirs.complete()
        mine.write(before)
        mine.complete()
    assert shown(tmp_path).keys() == left
    assert {path.parent.name for path in tmp_path.glob(f"*/{FEEDBACK}")} == left


@pytest.mark.parametrize("how", GONE)
def test_who_is_gone_in_the_middle_of_writing_is_left_out(book, tmp_path, how, monkeypatch):
    """Between the look into the gradebook and the file."""

    def lost(outcome, results):
        if outcome.student != "ada":
            return write_outcome(outcome, results)
        gone(book)
        raise FileNotFoundError(results / "ada")

    write_outcome = results_folder.write_result
    gone, left = GONE[how]
    monkeypatch.setattr(results_folder, "write_result", lost)
    with at_work(book, tmp_path) as folder:
        folder.complete()
        assert shown(tmp_path).keys() == {"bob"}
    monkeypatch.undo()
    with at_work(book, tmp_path) as folder:
        folder.complete()
    assert shown(tmp_path).keys() == left


def test_a_folder_that_cannot_be_written_is_told_of_who_is_there(book, tmp_path, monkeypatch):
    def fail(outcome, results):
        raise FileNotFoundError(results / outcome.student)

    monkeypatch.setattr(results_folder, "write_result", fail)
    with at_work(book, tmp_path) as folder, pytest.raises(FileNotFoundError):
        folder.complete()


NO_FOLDERS = ["../evil", "..", ".", "", "/etc", "a/b", "gradebook.db", "grades.csv", ".lock"]


@pytest.mark.parametrize("name", NO_FOLDERS)
def test_what_is_no_students_folder_is_never_removed(book, tmp_path, name):
    """As a gradebook may name somebody of whom an older grader thought nothing."""
    results = tmp_path / "deep" / "results"
    results.mkdir(parents=True)
    (tmp_path / "deep" / "evil").mkdir()
    (results / "a" / "b").mkdir(parents=True)
    with at_work(book, results) as folder:
        folder.complete()
        kept = sorted(tmp_path.rglob("*"))
        folder.remove([name])
    assert sorted(tmp_path.rglob("*")) == kept


def test_what_is_half_written_is_removed_unless_others_are_at_work(book, tmp_path):
    def half_write() -> list[Path]:
        (tmp_path / "ada").mkdir(exist_ok=True)
        paths = [tmp_path / f"{UNFINISHED}x", tmp_path / "ada" / f"{UNFINISHED}y"]
        for path in paths:
            path.touch()
        return paths

    left = half_write()  # by a process that was killed
    with at_work(book, tmp_path):
        assert not any(path.exists() for path in left)
        writing = half_write()
        with at_work(book, tmp_path) as other:
            other.complete()
            assert all(path.exists() for path in writing)
    with at_work(book, tmp_path):
        assert not any(path.exists() for path in writing)


def test_nobody_looks_through_the_folders_of_a_class_if_all_before_are_done(book, tmp_path):
    half = tmp_path / "ada" / f"{UNFINISHED}x"
    for ended in (True, False, True):
        with at_work(book, tmp_path) as folder:
            if ended:
                folder.complete()
            half.unlink(missing_ok=True)
            with at_work(book, tmp_path) as beside:
                beside.complete()
        half.parent.mkdir(exist_ok=True)
        half.touch()
        with at_work(book, tmp_path) as folder:
            assert half.exists() != (not ended)
            folder.complete()


def test_who_was_killed_beside_another_one_is_cleared_up_after(book, tmp_path):
    half = tmp_path / "ada" / f"{UNFINISHED}x"
    with at_work(book, tmp_path) as folder:
        pid = os.fork()
        if pid == 0:
            with opened(default_url(tmp_path)) as other, at_work(other, tmp_path):
                half.parent.mkdir(exist_ok=True)
                half.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        with at_work(book, tmp_path):
            assert half.exists()
        folder.complete()
    with at_work(book, tmp_path):
        assert not half.exists()


def test_who_is_not_there_any_more_has_no_folder_and_is_in_no_report(book, tmp_path):
    with at_work(book, tmp_path) as folder:
        folder.complete()
        (tmp_path / "similar.html").touch()
        folder.remove(["ada", "nobody"])
    assert shown(tmp_path) == {"bob": 100}
    assert not (tmp_path / "similar.html").exists()


def test_nobody_is_removed_if_nobody_is_named(book, tmp_path):
    with at_work(book, tmp_path) as folder:
        folder.complete()
        (tmp_path / "similar.html").touch()
        folder.remove([])
    assert shown(tmp_path) == {"ada": 100, "bob": 100}
    assert (tmp_path / "similar.html").exists()
