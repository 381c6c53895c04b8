"""Temporary folders of a run's own: what is in use stays as it is, what was left is removed."""

import fcntl
import os
import stat
from pathlib import Path

import pytest

from grader.confined import temporary
from grader.confined.temporary import make_own_folder, own_folder, remove, remove_abandoned


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(temporary, "SHARED_MEMORY", tmp_path)
    return tmp_path


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


@pytest.fixture
def folder():
    made, lock = make_own_folder()
    yield made
    remove(made)
    os.close(lock)


def test_a_folder_that_its_user_closes_while_another_run_looks_at_it_stays_closed(
    folder, monkeypatch
):
    """A zygote closes its folder, so that no worker lists it, while the next zygote starts."""
    flock = fcntl.flock

    def close_first(descriptor, operation):
        folder.chmod(0o111)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", close_first)
    remove_abandoned()
    assert mode(folder) == 0o111


def test_what_is_in_use_and_closed_is_not_opened_to_look_at_it(folder, monkeypatch):
    folder.chmod(0o111)
    changed = []
    monkeypatch.setattr(os, "chmod", lambda path, *_, **__: changed.append(path))
    remove_abandoned()
    monkeypatch.undo()
    assert changed == []
    assert mode(folder) == 0o111


@pytest.mark.parametrize("closed", [0o700, 0o111])
def test_what_nobody_holds_is_removed_whatever_its_mode(place, closed):
    folder, lock = make_own_folder()
    (folder / "work").mkdir(mode=0o555)
    folder.chmod(closed)
    os.close(lock)
    remove_abandoned()
    assert list(place.iterdir()) == []


def test_what_was_left_half_removed_is_removed(place):
    folder, lock = make_own_folder()
    for path in folder.iterdir():
        path.unlink()
    (folder / "rest").write_text("", encoding="utf-8")
    os.close(lock)
    remove_abandoned()
    assert list(place.iterdir()) == []


def test_a_folder_is_given_empty_and_gone_in_the_end(place):
    with own_folder() as folder:
        assert list(folder.iterdir()) == []
        remove_abandoned()
        assert folder.is_dir()
    assert list(place.iterdir()) == []
