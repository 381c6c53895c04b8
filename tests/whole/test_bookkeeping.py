"""The gradebook's own commands: points set by hand, extensions, histories, settings, forgetting."""

import csv
import getpass
import shutil
from pathlib import Path

import pytest
from books import DUE, LATE, add, assignment, days, entry, final_of, opened, override, record, sizes
from disks import read_only
from msgspec.structs import replace

from grader.gradebook import Gradebook, default_url
from grader.homework.tasks import TASKS
from grader.reports.results_folder import ResultsFolder
from grader.results.record import GRADES, CriterionResult, Record

# The points of a rubric of these tests' own.
POINTS = {"forward.values": 12.0, "grad_w1": 14.0, "grad_w2": 62.0, "net": 12.0}
TABLE = "[points]\n" + "".join(
    f'"{criterion}" = {POINTS.get(criterion, "false")}\n' for criterion in TASKS.by_id
)
GRADED = [  # student, days after it was due, points of forward.values and of net
    ("bob", 0, 12.0, 0.0),
    ("ada", -1, 6.0, 0.0),
    ("ada", 1.5, 12.0, 8.0),
    ("zoe", 3, 12.0, 12.0),
]
DUE_RUBRIC = assignment(LATE, points=POINTS)


def graded(student: str, content: str, values: float, net: float) -> Record:
    """Return a record with points for two of the rubric's criteria."""
    points = {"forward.values": values, "net": net}
    criteria = [
        CriterionResult(name, points.get(name, 0.0), most, None, "", None)
        for name, most in POINTS.items()
    ]
    return replace(record(student, content), score=values + net, criteria=criteria)


@pytest.fixture
def results(tmp_path) -> Path:
    """Return the results of a class of three, under a rubric by which work can be late."""
    with opened(default_url(tmp_path), DUE_RUBRIC) as book:
        for number, (student, after, *points) in enumerate(GRADED):
            add(book, entry(graded(student, str(number), *points), DUE + days(after)))
        ResultsFolder(tmp_path, book, book.assignment, None).write_tables()
    return tmp_path


def bookkeep(warm, results: Path, command: str, *arguments: object) -> str:
    """Run a command of the gradebook on `results`, and return what it prints."""
    done = warm.run(command, *arguments, "--results", results)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def registered(results: Path) -> dict[str, str]:
    """Return attempt, days late and final points of each student in grades.csv."""
    with (results / GRADES).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return {r["student"]: " ".join([r["attempt"], r["late_days"], r["final"]]) for r in rows}


AS_GRADED = {"ada": "2 2 16", "bob": "1 0 12", "zoe": "1 3 16.8"}


def test_an_override_is_told_and_the_table_follows(warm, results):
    assert registered(results) == AS_GRADED
    changes = [
        (["14", "--criterion", "grad_w1"], "grad_w1 0, final 16, 2 days late -> "
         "grad_w1 14, final 27.2, 2 days late"),
        (["--late-days", "0"], "final 27.2, 2 days late -> final 34"),
        (["50"], "final 34 -> final 50"),
        (["--withdraw"], "final 50 -> final 27.2, 2 days late"),
        (["--until", "2026-11-01T23:59:00"], "final 27.2, 2 days late -> "
         "final 30.6, 1 day late"),
        (["--late-days", "0.5", "40"], "final 30.6, 1 day late -> final 40, 0.5 days late"),
        (["--withdraw", "--criterion", "grad_w1"], "grad_w1 14, final 40, 0.5 days late -> "
         "grad_w1 0, final 40, 0.5 days late"),
    ]  # fmt: skip
    for arguments, told in changes:
        printed = bookkeep(
            warm, results, "override", "ada", *arguments, "--why", "x", "--who", "dr. x"
        )
        assert printed == f"ada: {told}\n"
    assert registered(results) == {**AS_GRADED, "ada": "2 0.5 40"}


def test_the_pages_and_records_follow_an_override(warm, results):
    bookkeep(
        warm, results, "override", "ada", 14, "--criterion", "grad_w1",
        "--why", "a typo of hers", "--tell", "an oral exam of it",
    )  # fmt: skip
    for name in ("result.json", "feedback.html"):
        text = (results / "ada" / name).read_text(encoding="utf-8")
        assert "27.2" in text
        assert "an oral exam of it" in text
        assert "a typo of hers" not in text


@pytest.fixture
def wide(monkeypatch) -> None:
    """Have a terminal in which no cell is broken."""
    monkeypatch.setenv("COLUMNS", "200")


def test_the_history_shows_what_counts_and_why_and_who_changed_it(warm, results, wide):
    why = ("--why", "a typo", "--who", "x")
    bookkeep(warm, results, "override", "ada", 12, "--criterion", "net", *why, "--tell", "found it")
    by_y = ("--who", "dr. y")
    bookkeep(warm, results, "override", "ada", "--late-days", 0, "--why", "was ill", *by_y)
    bookkeep(warm, results, "override", "ada", "--withdraw", "--why", "was not", *by_y)
    lines = bookkeep(warm, results, "history", "ada").splitlines()
    assert lines[0] == "ada: final 19.2 of 100, from attempt 2 of 2 (the best final mark counts)"
    assert lines[1] == "due 2026-10-31 23:59:00 +01:00"
    for words in (
        "1 2026-10-30 23:59:00 +01:00 file 0 6 6 1.py",
        "2 counts 2026-11-02 11:59:00 +01:00 file 2 20 16 2.py",
        "0.1.0 20 in force graded",
        "net 12 points in force",
        "a typo found it",
        "whole 0 days late",
        "whole withdrawn",
        "dr. y was not",
    ):
        assert any(words in " ".join(line.split()) for line in lines), words


def test_a_history_shows_every_grading(warm, results, wide):
    anew = replace(graded("bob", "0", 6, 6), grader_version="0.2.0")
    with Gradebook(default_url(results)) as book:
        add(book, entry(anew, DUE, key="new software"))
    lines = [
        " ".join(line.split()) for line in bookkeep(warm, results, "history", "bob").split("\n")
    ]
    assert any(line.endswith("0.1.0 12 graded") for line in lines)
    assert any(line.endswith("0.2.0 12 in force graded") for line in lines)


def test_an_extension_may_be_of_somebody_who_has_handed_in_nothing(warm, results):
    until = ("--until", "2026-11-05T23:59:00+01:00", "--why", "ill")
    printed = bookkeep(warm, results, "override", "adda", *until)
    assert printed == ("adda: nothing is handed in yet; the extension is kept; did you mean ada?\n")
    assert "nothing is handed in yet" in bookkeep(warm, results, "history", "adda")
    assert registered(results) == AS_GRADED
    printed = bookkeep(warm, results, "override", "adda", "--withdraw", "--why", "came back")
    assert printed == "adda: nothing is handed in yet; the extension is withdrawn\n"


OVERRIDES = [
    (["--why", "x"], "give POINTS, --late-days or --until, or else --withdraw"),
    (["5", "--withdraw", "--why", "x"], "or else --withdraw"),
    (["5", "--why", " "], "--why is empty"),
    (["100.5", "--why", "x"], "POINTS must be from 0 to 100, not 100.5"),
    (["nan", "--why", "x"], "POINTS must be from 0 to 100, not nan"),
    (["13", "--criterion", "net", "--why", "x"], "POINTS must be from 0 to 12, not 13"),
    (["1", "--criterion", "nett", "--why", "x"], "no criterion nett; choose from forward"),
    (["--withdraw", "--criterion", "nett", "--why", "x"], "no criterion nett; choose from forward"),
    (["--late-days", "inf", "--why", "x"], "--late-days must be 0 or more, not inf"),
    (["--late-days", "nan", "--why", "x"], "--late-days must be 0 or more, not nan"),
    (["--late-days=-1", "--why", "x"], "--late-days must be 0 or more, not -1"),
    (["--late-days", "1", "--criterion", "net", "--why", "x"], "leave out --criterion"),
    (["--until", "2026-11-05", "--why", "x"], "'2026-11-05' is not a time with an offset"),
    (["--until", "soon", "--criterion", "net", "--why", "x"], "leave out --criterion"),
    (["--until", "2026-10-30T23:59:00", "--why", "x"], "the class's due date is 2026-10-31T"),
    (["--until", "2026-10-31T22:59:00Z", "--why", "x"], "Z is not an extension: the class's due"),
    (["--until", "9999-12-31T23:59:00-12:00", "--why", "x"], "is not within the years 2 to 9998"),
    (["--until", "0001-01-01T00:00:00+14:00", "--why", "x"], "is not within the years 2 to 9998"),
]
COMMANDS = [
    *((["override", "ada", *arguments], says) for arguments, says in OVERRIDES),
    (["override", "adda", "5", "--why", "x"], "no student adda in the gradebook; did you mean ada"),
    (["override", "adda", "--withdraw", "--why", "x"], "no student adda in the gradebook"),
    (["override", "adda", "--until", "soon", "--why", "x"], "'soon' is not a time"),
    (["history", "adda"], "no student adda in the gradebook; did you mean ada?"),
    (["history", "ada", "--db", ""], "the gradebook's URL is not valid"),
    (["history", "ada", "--results", "nowhere"], "nowhere: no gradebook.db in it"),
    (["history", "ada", "--db", "sqlite:///other.db"], "leave out --db, or use another folder"),
    (
        ["history", "ada", "--rubric", "{own}"],
        "differs: late.due: '2026-10-31T23:59:00+01:00' -> ''",
    ),
    (
        ["override", "ada", "5", "--why", "x", "--rubric", "{own}"],
        "to change that: grader settings",
    ),
    (["forget", "bob", "adda"], "no student adda in the gradebook; did you mean ada?"),
    (["regrade"], "say what to grade again: STUDENT..., --status STATUS or --all"),
    (["regrade", "ada", "--all"], "say what to grade again"),
    (["regrade", "adda"], "no student adda in the gradebook; did you mean ada?"),
    (
        ["regrade", "--status", "timeout"],
        "nothing to grade again: the gradebook has no attempt with its files and the status",
    ),
]


@pytest.mark.parametrize(("arguments", "says"), COMMANDS)
def test_unusable_bookkeeping_is_one_line_and_changes_nothing(warm, results, arguments, says):
    before, table = sizes(default_url(results)), (results / GRADES).read_bytes()
    own = results.parent / "own.toml"
    own.write_text(TABLE)
    where = [] if "--results" in arguments else ["--results", results]
    done = warm.run(*(each.format(own=own) for each in arguments), *where, cwd=results)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("grader: ")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (sizes(default_url(results)), (results / GRADES).read_bytes()) == (before, table)
    assert not (results / "nowhere").exists()


def test_an_extension_has_no_effect_where_nothing_is_due(warm, tmp_path):
    with opened(default_url(tmp_path)) as book:
        add(book, entry(record()))
    until = ("--until", "2026-11-05T23:59:00+01:00", "--why", "ill", "--results", tmp_path)
    done = warm.run("override", "ada", *until)
    assert done.returncode == 2
    assert done.stderr == (
        "grader: there is no due date to extend: first set due in [late] of the rubric\n"
    )


def test_an_extension_has_no_effect_once_the_classs_due_date_is_later(warm, results):
    bookkeep(warm, results, "override", "zoe", "--until", "2026-11-02T23:59:00", "--why", "ill")
    assert registered(results)["zoe"] == "1 1 21.6"
    later = results.parent / "later.toml"
    late = '[late]\ndue = "2026-11-03T23:59:00+01:00"\npercent_per_day = 10\n'
    later.write_text(TABLE + late)
    assert warm.run("settings", results, "--rubric", later).returncode == 0
    assert registered(results)["zoe"] == "1 0 24"
    assert "due 2026-11-03 23:59:00" in bookkeep(warm, results, "history", "zoe")


READING = [  # a command that reads, and what it prints
    (("history", "ada", "--results", "{results}"), "ada: final 16 of 100, from attempt 2 of 2"),
    (("settings", "{results}"), "hw.toml: 100 points"),
    (("export", "{results}", "--to", "csv", "--out", "{results}/../out.csv"), ""),
]


@pytest.mark.parametrize(("command", "says"), READING)
def test_results_that_nobody_may_write_to_can_be_read(warm, results, tmp_path, command, says):
    folder = results / "kept"
    folder.mkdir()
    shutil.copyfile(results / "gradebook.db", folder / "gradebook.db")
    with read_only(folder):
        done = warm.run(*(word.format(results=folder) for word in command))
    assert (done.returncode, done.stderr.count("grader:")) == (0, 0), done.stderr
    assert says in done.stdout
    assert [path.name for path in folder.iterdir()] == ["gradebook.db"]


def test_an_empty_gradebook_says_so(warm, tmp_path):
    Gradebook(default_url(tmp_path)).close()
    for command in (
        ("settings", tmp_path),
        ("history", "ada", "--results", tmp_path),
        ("override", "ada", "5", "--why", "x", "--results", tmp_path),
        ("export", tmp_path, "--to", "csv"),
        ("regrade", "--all", "--results", tmp_path),
    ):
        done = warm.run(*command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"grader: {tmp_path}/gradebook.db: nothing is set up or graded yet: "
            "see `grader grade` and `grader settings`\n"
        )


def test_a_dry_run_of_settings_makes_no_gradebook(warm, tmp_path):
    rubric, new = tmp_path / "hw.toml", tmp_path / "new"
    rubric.write_text("")
    done = warm.run("settings", new, "--rubric", rubric, "--dry-run")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{new}: no gradebook.db in it" in done.stderr
    assert not new.exists()


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request, tmp_path) -> str:
    """Give the URL of a database that is in no folder of results."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/class.db"
    return request.getfixturevalue("server").new_database()


def test_an_override_in_another_database_needs_no_results(warm, elsewhere, tmp_path):
    with opened(elsewhere) as book:
        add(book, entry(record()))
    done = warm.run(
        "override", "ada", 50, "--why", "x", "--db", elsewhere, "--results", tmp_path / "none"
    )
    assert (done.returncode, done.stdout) == (0, "ada: final 100 -> final 50\n")
    assert not (tmp_path / "none").exists()


def test_the_login_name_is_who_sets_by_hand_unless_another_is_given(warm, results):
    bookkeep(warm, results, "override", "ada", 50, "--why", "x")
    with Gradebook(default_url(results)) as book:
        (set_by_hand,) = book.history("ada").overrides
    assert set_by_hand.who == getpass.getuser()


# Settings and forgetting.


def test_settings_show_what_is_in_force_with_when_and_by_whom(warm, results):
    with Gradebook(default_url(results)) as book:
        book.note_software({"torch": "9.9"}, "dr. y")
    done = warm.run("settings", results)
    lines = {line.split()[0]: " ".join(line.split()) for line in done.stdout.splitlines() if line}
    assert lines["rubric"].startswith("rubric hw.toml: 100 points 20")
    assert lines["seed"].startswith("seed given by somebody 20")
    assert lines["software"].startswith("software torch 9.9 20")
    assert lines["software"].endswith("UTC dr. y")
    assert lines["seed"].endswith("UTC dr. x")
    assert "best attempt counts; due 2026-10-31T23:59:00+01:00, 10% per day late" in done.stdout
    assert "times are in +01:00, that of due in [late]" in done.stdout


def test_the_seed_is_shown_to_whom_asks_for_it_alone(warm, tmp_path):
    with opened(default_url(tmp_path), assignment(seed="31415926535897932384626433832795")):
        pass
    assert "3141592653589793" not in warm.run("settings", tmp_path).stdout
    assert (
        "31415926535897932384626433832795" in warm.run("settings", tmp_path, "--show-seed").stdout
    )


def test_a_policy_is_changed_by_settings_and_what_moves_is_told(warm, results):
    later = results.parent / "later.toml"
    later.write_text(
        f'{TABLE}[late]\ndue = "{LATE.due}"\npercent_per_day = 5\n[attempts]\ncounts = "last"'
    )
    dry = warm.run("settings", results, "--rubric", later, "--dry-run")
    assert dry.returncode == 0
    assert (
        "2 of 3 marks change, by +2.00 to +3.60; the mean goes from 14.93 to 16.80." in dry.stdout
    )
    assert dry.stdout.endswith("dry run: nothing was changed\n")
    assert registered(results) == AS_GRADED
    done = warm.run("settings", results, "--rubric", later, "--who", "dr. y")
    assert done.stdout == dry.stdout.replace("dry run: nothing was changed\n", "")
    assert registered(results) == {"ada": "2 2 18", "bob": "1 0 12", "zoe": "1 3 20.4"}
    with Gradebook(default_url(results)) as book:
        assert book.assignment.rubric_name == str(later)


def test_what_moves_no_mark_is_said_so(warm, results):
    done = warm.run("settings", results, "--lang", "zh_Hant")
    assert (done.returncode, done.stdout) == (0, "No mark of 3 changes.\n")
    page = (results / "index.html").read_text(encoding="utf-8")
    assert 'lang="zh-Hant"' in page


def test_students_are_renamed_by_settings_and_their_old_folders_are_gone(warm, results):
    bookkeep(warm, results, "override", "ada", 50, "--why", "x")
    assert (results / "ada").is_dir()
    table = results.parent / "names.csv"
    table.write_text("id,student,section\nada,anon,B\n")
    done = warm.run("settings", results, "--students", table)
    assert done.returncode == 0, done.stderr
    assert registered(results) == {
        "anon": "2 2 50", "bob": AS_GRADED["bob"], "zoe": AS_GRADED["zoe"]
    }  # fmt: skip
    assert not (results / "ada").exists()
    assert (results / "anon" / "feedback.html").is_file()


TABLES = [  # one after the other; what ada and bob are called then
    ("ada,bob\nbob,ada\n", ["bob", "ada"]),
    ("ada,bob\nbob,ada\n", ["bob", "ada"]),
    ("ada,p1\nbob,p2\n", ["p1", "p2"]),
    ("ada,p3\n", ["p3", "p2"]),
    ("ada,ada\nbob,bob\n", ["ada", "bob"]),
]


def test_tables_of_students_can_be_set_again_changed_and_taken_back(warm, results):
    table = results.parent / "names.csv"
    for rows, called in TABLES:
        table.write_text(f"id,student\n{rows}")
        assert warm.run("settings", results, "--students", table).returncode == 0
        assert registered(results) == {
            called[0]: AS_GRADED["ada"], called[1]: AS_GRADED["bob"], "zoe": AS_GRADED["zoe"]
        }  # fmt: skip
        folders = {path.name for path in results.iterdir() if path.is_dir()}
        assert folders == {*called, "zoe"}


def test_a_name_that_leads_out_of_the_results_is_refused(warm, results):
    table = results.parent / "names.csv"
    kept = sorted(results.rglob("*"))
    for name in ("../evil", ".."):
        table.write_text(f"id,student\nada,{name}\n")
        done = warm.run("settings", results, "--students", table)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"names.csv, line 2: '{name}' cannot be a folder's name" in done.stderr
    assert (sorted(results.rglob("*")), registered(results)) == (kept, AS_GRADED)


def test_who_is_forgotten_is_in_no_file(warm, results):
    bookkeep(warm, results, "override", "ada", 50, "--why", "x")
    printed = bookkeep(warm, results, "forget", "ada", "zoe", "ada", "--who", "dr. y")
    assert printed == f"removed 2 students with 3 attempts, and all their files in {results}\n"
    assert registered(results) == {"bob": AS_GRADED["bob"]}
    assert not (results / "ada").exists()
    for path in (path for path in results.rglob("*") if path.is_file()):
        data = path.read_bytes()
        assert b"ada" not in data.replace(b"adapt", b""), path
        assert b"zoe" not in data, path
    with Gradebook(default_url(results)) as book:
        assert [person.student for person in book.people()] == ["bob"]
        override(book, "bob", points=1)
        assert final_of(book, "bob").final == 1
