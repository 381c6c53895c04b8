"""Which gradebook a folder of results has: its own, or a database that it notes the URL of."""

from pathlib import Path

import pytest

from grader.errors import UserError
from grader.gradebook import (
    Gradebook,
    GradebookError,
    default_url,
    note_url,
    require_gradebook,
    url_of,
)
from grader.gradebook.location import URL_FILE

POSTGRES = "postgresql://ta:tell-nobody@db.example/class?sslmode=require"
WITHOUT_PASSWORD = "postgresql://ta@db.example/class?sslmode=require"


def test_a_folder_has_a_gradebook_of_its_own_until_another_is_named(tmp_path):
    assert url_of(tmp_path, None) == default_url(tmp_path)
    assert url_of(tmp_path, POSTGRES) == POSTGRES


def test_another_database_is_noted_without_its_password_and_found_again(tmp_path):
    note_url(tmp_path, POSTGRES)
    assert (tmp_path / URL_FILE).read_text() == f"{WITHOUT_PASSWORD}\n"
    assert url_of(tmp_path, None) == WITHOUT_PASSWORD
    assert url_of(tmp_path, POSTGRES) == POSTGRES  # whose password is of use
    assert url_of(tmp_path, WITHOUT_PASSWORD) == WITHOUT_PASSWORD
    note_url(tmp_path, f"{WITHOUT_PASSWORD}&password=tell-nobody")
    assert url_of(tmp_path, None) == WITHOUT_PASSWORD


def test_a_gradebook_of_its_own_is_not_noted(tmp_path):
    note_url(tmp_path, default_url(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_noted_with_its_whole_path(tmp_path, monkeypatch):
    (tmp_path / "res").mkdir()
    monkeypatch.chdir(tmp_path)
    note_url(Path("res"), "sqlite:///class.db")
    monkeypatch.chdir("/")
    assert url_of(tmp_path / "res", None) == f"sqlite:///{tmp_path}/class.db"


def test_another_gradebook_than_the_folders_is_refused_without_passwords(tmp_path):
    noted, own = tmp_path / "noted", tmp_path / "own"
    noted.mkdir()
    note_url(noted, POSTGRES)
    own.mkdir()
    Gradebook(default_url(own)).close()
    for results in (noted, own):
        with pytest.raises(UserError, match="leave out --db, or use another folder") as told:
            url_of(results, "postgresql://ta:other-secret@db.example/other")
        line = str(told.value)
        assert len(line.splitlines()) == 1
        assert "db.example/other" in line
        assert ("db.example/class" in line) == (results == noted)
        assert not any(secret in line for secret in ("tell-nobody", "other-secret"))
    assert url_of(own, default_url(own)) == default_url(own)
    with pytest.raises(GradebookError, match="the gradebook's URL is not valid"):
        url_of(noted, "class.db")


def test_a_folder_without_a_gradebook_is_told_and_stays_as_it_is(tmp_path):
    for results in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(GradebookError, match=f"^{results}: no gradebook.db in it; name the "):
            require_gradebook(results, default_url(results))
    require_gradebook(tmp_path, POSTGRES)  # opening it says whether it is there
    assert list(tmp_path.iterdir()) == []
    Gradebook(default_url(tmp_path)).close()
    require_gradebook(tmp_path, default_url(tmp_path))
