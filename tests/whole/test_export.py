"""`grader export` writes what each system reads, loses nobody, and says what is missing."""

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import lms
import pyarrow.parquet
import pytest
from conftest import ROOT
from exported import COMMAND, table
from worth import MAX_UNTRAINED, worth

from grader.homework.tasks import TASKS
from grader.lms.systems import canvas

TABLES = ROOT / "tests" / "tables_in"
PICTURE = ROOT / "docs" / "images" / "index.png"


@pytest.fixture(scope="module")
def results(warm, tmp_path_factory, untrained) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    names = ("gbk_comments.py", "sign_of_w1.py")
    files = [ROOT / "tests" / "submissions" / name for name in names]
    done = warm.run("grade", *files, "--out", folder, "--rubric", untrained, "--no-pages")
    assert done.returncode == 0, done.stderr
    return folder


def exported(warm, results: Path, out: Path, *options: object) -> None:
    done = warm.run("export", results, "--out", out, *options)
    assert (done.returncode, done.stderr) == (0, "")


def test_csv_and_parquet_have_the_same_rows(warm, results, tmp_path):
    exported(warm, results, tmp_path / "a.csv", "--to", "csv")
    exported(warm, results, tmp_path / "a.parquet", "--to", "parquet")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert len(rows) == len(columns) == 18
    for row, column in zip(rows, columns, strict=True):
        assert list(row) == list(column)
        assert row["student"] == column["student"]
        assert float(row["points"]) == column["points"]
    slips = [row for row in rows if row["diagnosis"]]
    assert [(row["student"], row["criterion"], row["points"]) for row in slips] == [
        ("sign_of_w1", "grad_w1", str(worth("grad_w1") / 2))
    ]


def test_github_gets_the_summary_added_and_the_rest_printed(warm, results, tmp_path, monkeypatch):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = warm.run("export", results, "--to", "github")
    assert done.returncode == 0, done.stderr
    points = f"{MAX_UNTRAINED:g} of {MAX_UNTRAINED:g} points"
    assert summary.read_text().startswith(f"before\n## gbk\\_comments: {points}")
    assert all(COMMAND.fullmatch(line) for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) == 1


def test_tables_of_the_results_may_have_been_saved_by_a_spreadsheet(warm, graded, tmp_path):
    results, out = tmp_path / "results", tmp_path / "out.csv"
    shutil.copytree(graded["moodle"], results)
    for name in ("grades.csv", "students.csv"):
        rows = list(csv.reader(io.StringIO((results / name).read_text(encoding="utf-8-sig"))))
        saved = io.StringIO(newline="")
        csv.writer(saved, delimiter=";").writerows([*rows, [""] * len(rows[0])])
        (results / name).write_bytes(saved.getvalue().encode("utf-16"))
    into = TABLES / "15_worksheet_locked_first_row.csv"
    code, lines = told(warm, results, "--to", "moodle", "--into", into, "--out", out)
    assert (code, len(lines)) == (1, 1)
    assert [row[4] for row in table(out.read_text())[1:]] == ["", *["10"] * 5, "0"]


UNUSABLE: Sequence[tuple[list[str], str]] = [
    (["--to", "csv"], "--to csv needs --out FILE"),
    (
        ["--to", "gradescope", "--out", "x"],
        "--to gradescope exports one submission, but there are 2",
    ),
    (["--to", "canvas", "--out", "x"], "--to canvas needs --assignment NAME"),
    (["--to", "moodle", "--out", "x"], "--to moodle needs --into FILE"),
    (["--to", "moodle", "--out", "x", "--into", str(PICTURE)], "line 1: is not UTF-8"),
    (
        ["--to", "moodle", "--out", "x", "--into", str(ROOT / ".gitignore")],
        "has no columns 'Identifier'",
    ),
    (["--to", "csv", "--out", "x", "--groups", "y"], "--groups works only with --to canvas"),
    (["--to", "github"], "--to github needs --out FILE if GITHUB_STEP_SUMMARY is not set"),
]


@pytest.mark.parametrize(("options", "says"), UNUSABLE)
def test_what_is_missing_is_one_line(warm, results, tmp_path, monkeypatch, options, says):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.chdir(tmp_path)
    done = warm.run("export", results, *options)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert says in line
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_was_graded(warm, tmp_path):
    done = warm.run("export", tmp_path, "--to", "csv", "--out", tmp_path / "x")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"grader: {tmp_path}: no gradebook.db in it; name the folder")


def test_from_canvas_and_back(warm, untrained, tmp_path):
    """Thirty awkward names: each is there once, with the right score."""
    results, archive = tmp_path / "results", lms.canvas_zip(tmp_path)
    done = warm.run("grade", archive, "--out", results, "--rubric", untrained, "--no-pages")
    assert done.returncode == 0, done.stderr
    gradebook = tmp_path / "gradebook.csv"
    with gradebook.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Student", "ID", "SIS Login ID", "Section", "Homework (5)"])
        writer.writerow(["    Points Possible", "", "", "", f"{MAX_UNTRAINED:g}"])
        for id_ in reversed(lms.IDS):
            writer.writerow([f"{lms.name_of(id_)}", id_, f"u{id_}", "A", ""])
    options = ["--into", gradebook, "--assignment", "Homework", "--rubric", untrained]
    done = warm.run("export", results, "--to", "canvas", "--out", tmp_path / "new.csv", *options)
    assert (done.returncode, done.stderr) == (0, "")
    rows = table((tmp_path / "new.csv").read_text(encoding="utf-8"))[2:]
    assert [(row[1], row[4]) for row in rows] == [
        (id_, f"{lms.POINTS[lms.file_of(id_)]:g}") for id_ in reversed(lms.IDS)
    ]
    gradebook.write_text(f"Student,ID\n{lms.name_of('1000')},1000\ny,7\n", encoding="utf-8")
    done = warm.run("export", results, "--to", "canvas", "--out", tmp_path / "new.csv", *options)
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert told[0] == "grader: y (7): no grade in these results; row left unchanged"
    assert len({line for line in told[1:] if line.endswith(": no matching row")}) == 29
    assert len(told) == 30
    assert table((tmp_path / "new.csv").read_text())[1][1:] == [
        "1000",
        f"{lms.POINTS[lms.file_of('1000')]:g}",
    ]


# The files that went wrong once, through the command


@pytest.fixture(scope="module")
def graded(warm, tmp_path_factory) -> dict[str, Path]:
    """Grade the classes of tests/tables_in, of which everybody earns 10 points, or 0.

    The tables are out of 100, and so is the rubric.
    """
    folder = tmp_path_factory.mktemp("tables")
    points = dict.fromkeys(TASKS.by_id, "false") | {"grad_w1": "90", "grad_w2": "10"}
    lines = [f'"{criterion}" = {value}\n' for criterion, value in points.items()]
    rubric = folder / "rubric.toml"
    rubric.write_text(f"[points]\n{''.join(lines)}")
    options = ["--rubric", rubric, "--no-pages"]
    for name in ("14_canvas_groups", "15_moodle"):
        done = warm.run("grade", TABLES / f"{name}.zip", "--out", folder / name, *options)
        assert done.returncode == 0, done.stderr
    return {"canvas": folder / "14_canvas_groups", "moodle": folder / "15_moodle"}


def told(warm, results: Path, *options: object) -> tuple[int, list[str]]:
    done = warm.run("export", results, *options)
    return done.returncode, [line.removeprefix("grader: ") for line in done.stderr.splitlines()]


GROUPS = """\
name,canvas_user_id,user_id,login_id,sections,group_name,canvas_group_id,group_id
"Adams, Ada",48213,A1,ada,Lab A,Team A,501,
"Brown, Bo",48214,A2,bo,Lab A,Team A,501,
"Chen, Ci",48215,A3,ci,Lab B,Team B,502,
"Diaz, Di",48216,A4,di,Lab B,Team B,502,
"Nowak, Piotr",48219,A5,np,Lab A,,,
"""


def test_mates_of_a_group_are_marked_or_told(warm, graded, tmp_path):
    out, groups = tmp_path / "to-import.csv", tmp_path / "groups.csv"
    options = ["--to", "canvas", "--into", TABLES / "14_canvas_gradebook.csv", "--out", out]
    options += ["--assignment", "Homework 1"]
    code, lines = told(warm, graded["canvas"], *options)
    assert code == 1
    assert lines == [
        f"Nowak, Piotr (48219): {canvas.UNASSIGNED}",
        "Brown, Bo (48214): no grade in these results; row left unchanged",
        "Diaz, Di (48216): no grade in these results; row left unchanged",
        "Student, Test (48999): no grade in these results; row left unchanged",
        f"Adams, Ada (48213): handed in as teama, {canvas.NOT_THEIR_NAME}",
        f"Chen, Ci (48215): handed in as teamb, {canvas.NOT_THEIR_NAME}",
        canvas.HOW_TO_SHARE,
    ]
    assert [row[5] for row in table(out.read_text())[4:]] == ["10", "", "10", "EX", "10", ""]
    groups.write_text(GROUPS)
    code, lines = told(warm, graded["canvas"], *options, "--groups", groups)
    assert code == 0
    assert "Brown, Bo (48214): gets the grade of group Team A" in lines
    assert [row[5] for row in table(out.read_text())[4:]] == ["10", "10", "10", "EX", "10", ""]
    groups.write_text(GROUPS.replace("group_name", "team"))
    out.unlink()
    code, lines = told(warm, graded["canvas"], *options, "--groups", groups)
    assert (code, len(lines), out.exists()) == (2, 1, False)
    assert lines[0].startswith(f"{groups}: has no column 'group_name'; its headings are: name,")


WORKSHEETS = {
    "15_worksheet_locked_first_row": (1, "Ada Adams (Participant 9001)"),
    "15c_worksheet_german": (1, "Ada Adams (Teilnehmer/in 9001)"),
}


@pytest.mark.parametrize("name", WORKSHEETS)
def test_locked_rows_are_told(warm, graded, tmp_path, name):
    out, into = tmp_path / "out.csv", TABLES / f"{name}.csv"
    code, who = WORKSHEETS[name]
    assert told(warm, graded["moodle"], "--to", "moodle", "--into", into, "--out", out) == (
        code,
        [f"{who}: is locked in Moodle's gradebook; row left unchanged"],
    )
    before, after = into.read_bytes().decode(), out.read_bytes().decode()
    assert [row[4] for row in table(after)[1:]] == ["", *["10"] * 5, "0"]
    assert [row[:4] + row[5:9] for row in table(after)] == [
        row[:4] + row[5:9] for row in table(before)
    ]


def test_a_scale_is_told_and_nothing_written(warm, graded, tmp_path):
    out, into = tmp_path / "out.csv", TABLES / "15b_worksheet_scale.csv"
    assert told(warm, graded["moodle"], "--to", "moodle", "--into", into, "--out", out) == (
        2,
        [f"{into}: uses the scale Pass, Fail: give the assignment a point grade"],
    )
    assert not out.exists()


SAVED = {"utf-16": "", "cp1252": "not UTF-8, so it was read as Windows-1252 (Vollständiger)"}


@pytest.mark.parametrize("encoding", SAVED)
def test_a_table_saved_by_a_spreadsheet_is_written_as_utf_8(warm, graded, tmp_path, encoding):
    out, into = tmp_path / "out.csv", tmp_path / "saved.csv"
    original = (TABLES / "15c_worksheet_german.csv").read_text(encoding="utf-8-sig")
    into.write_bytes(original.encode(encoding))
    code, lines = told(warm, graded["moodle"], "--to", "moodle", "--into", into, "--out", out)
    assert (code, len(lines)) == (1, 2 if SAVED[encoding] else 1)
    assert SAVED[encoding] in lines[0]
    assert "Bö Braun" in out.read_bytes().decode()
