"""What `grader export` writes is what each system reads, and loses nobody.

Each format is checked against what its system publishes: see the modules of grader/exports.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import lms
import pyarrow.parquet
import pytest
from conftest import ROOT
from hypothesis import assume, given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from grader.errors import UserError
from grader.exports import canvas, github, gradescope, junit, moodle
from grader.exports.marks import Mark
from grader.records import Criterion, Final, Record, SourceNote, Training

PICTURE = ROOT / "docs" / "index.png"
HOSTILE = "</failure>\n::error::100% of <b>you</b> | `x`, [a](b) \x00\x1b\ud800 *_*"


def mark(student: str, points: float, system: str = "", id_: str = "", text: str = "right") -> Mark:
    record = Record(
        student=student, submission="homework.py", sha256=None, status="graded", score=points,
        max_score=20, criteria=[Criterion("forward.values", points, 20, None, text, None)],
        training=Training(None, 0.004, 0.01), notes=[], flags=[], isolation=[], seed=1, seconds=0.5,
        grader_version="0",
    )  # fmt: skip
    final = Final(
        record=record, attempt=1, attempts=1, late_days=0, criteria=record.criteria,
        overridden=False, final=points - 0.5,
    )  # fmt: skip
    return Mark(final, system, id_)


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


# Canvas

GRADEBOOK = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (77),Homework 2 (78)\r
    Points Possible,,,,,20,20\r
"Doe, Jane",11,s11,jane@x,"A, B",,3\r
"Doe, Jane",12,s12,jd12,A,7,\r
王小明,13,,ming,A,,\r
"Student, Test",99,,test,A,,\r
"""
MARKS = (
    mark("doejane-11", 20, "Canvas", "11"),
    mark("doejane-12", 8, "Canvas", "12"),
    mark("ming", 10),  # of an ordinary class, by the login
)


def test_canvas_gets_the_marks_and_keeps_the_rest():
    merged = canvas.merge(GRADEBOOK, MARKS, "Homework 1", 20)
    assert (merged.problems, merged.left) == ([], ["Student, Test (99)"])
    before, after = table(GRADEBOOK), table(merged.text)
    assert [row[5] for row in after] == ["Homework 1 (77)", "20", "19.5", "7.5", "9.5", ""]
    assert [row[:5] + row[6:] for row in after] == [row[:5] + row[6:] for row in before]
    assert merged.text.count("\r\n") == GRADEBOOK.count("\r\n")


def test_canvas_gets_a_new_column():
    after = table(canvas.merge(GRADEBOOK, MARKS, "Homework 3", 20).text)
    assert [row[7:] for row in after] == [["Homework 3"], ["20"], ["19.5"], ["7.5"], ["9.5"], [""]]


NOT_CANVAS = [
    ("", "is empty"),
    ("a,b\n", "has no column 'Student'"),
    (GRADEBOOK.replace("Homework 2 (78)", "Homework 1 (79)"), "has several columns of that name"),
]


@pytest.mark.parametrize(("text", "says"), NOT_CANVAS)
def test_what_canvas_never_exported_is_said_to_be(text, says):
    with pytest.raises(UserError, match=re.escape(says)):
        canvas.merge(text, MARKS, "Homework 1", 20)


@pytest.mark.parametrize(
    "name",
    ["ID", "Student", "SIS Login ID", "Section", "Final Score", "Homework Current Points (5)", " "],
)
def test_a_column_of_canvas_own_is_never_written_to(name):
    with pytest.raises(UserError, match="cannot have an assignment called"):
        canvas.merge(GRADEBOOK, MARKS, name, 20)


UNPLACED = [
    ([mark("x", 1, "Canvas", "55")], ["x: no row is theirs"]),
    ([mark("Doe, Jane", 1)], ["Doe, Jane: 2 rows are theirs"]),
    ([mark("ming", 1, "Moodle", "13")], []),  # the id is another system's, the name decides
    (
        [mark("a", 1, "Canvas", "13"), mark("ming", 2)],
        ["a: shares a row with another student", "ming: shares a row with another student"],
    ),
    ([mark("s11", 1), mark("jd12", 2)], []),  # one by each kind of name
    ([mark("11", 1)], ["11: no row is theirs"]),  # an id is no name
]


@pytest.mark.parametrize(("marks", "problems"), UNPLACED)
def test_nobody_is_guessed_and_nobody_lost(marks, problems):
    merged = canvas.merge(GRADEBOOK, marks, "Homework 1", 20)
    assert merged.problems == problems
    if problems:
        assert merged.text == GRADEBOOK
        assert len(merged.left) == 4


def test_who_is_called_as_two_columns_call_two_students_is_not_guessed():
    two = 'Student,ID,SIS User ID,SIS Login ID,HW\n"A, B",1,ming,x,\n"C, D",2,y,ming,\n'
    merged = canvas.merge(two, [mark("ming", 10)], "HW", 20)
    assert merged.problems == ["ming: 2 rows are theirs"]
    assert (merged.text, merged.left) == (two, ["A, B (1)", "C, D (2)"])


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_a_name_is_found_in_each_form_of_unicode(form):
    written = unicodedata.normalize(form, "ÉMILE Nguyễn")
    merged = canvas.merge(f"Student,ID,HW\n{written},1,\n", [mark("émile nguyễn", 10)], "HW", 20)
    assert (merged.problems, merged.left) == ([], [])


def test_canvas_may_write_first_and_last_names_apart():
    head = "LastName,FirstName,ID,SIS Login ID,Section"
    apart = f"{head}\n    Points Possible,,,,\nDoe,Jane,1,jd,A\nRoe,Rick\x1b,2,rr,A\n"
    merged = canvas.merge(apart, [mark("Jane Doe", 10)], "HW", 20)
    assert merged.text == (
        f"{head},HW\n    Points Possible,,,,,20\nDoe,Jane,1,jd,A,9.5\nRoe,Rick\x1b,2,rr,A,\n"
    )
    assert (merged.problems, merged.left) == ([], ["Rick\ufffd Roe (2)"])


LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def written_cells(draw: st.DrawFn) -> str:
    """Return a cell as some program wrote it: in quotation marks where it must be, or anyway."""
    text = draw(st.text(st.one_of(st.sampled_from('",;\r\n =\0'), st.characters(codec="utf-8"))))
    if draw(st.booleans()) or re.search(r'^"|[,;\r\n]', text):
        return '"' + text.replace('"', '""') + '"'
    return text


@given(
    st.lists(st.tuples(*[written_cells()] * 3, LINE_ENDS), min_size=1, max_size=6),
    written_cells(),
    st.sampled_from(["", "\ufeff"]),
    LINE_ENDS,
    st.booleans(),
    st.sampled_from([",", ";"]),
    st.sampled_from(["", '""', "3", '"3"']),
)
def test_whatever_else_is_in_canvas_table_comes_back_byte_for_byte(
    rows, heading, byte_order_mark, end, ends_with_line, delimiter, old
):
    def written(first: str) -> str:
        lines = [delimiter.join(["Student", "ID", heading, "HW (1)", "Section"]) + end]
        for number, (name, note, section, line_end) in enumerate(rows):
            points = first if number == 0 else old
            cells = [name, f"i{number}", note, points, section]
            last = number == len(rows) - 1 and not ends_with_line
            lines.append(delimiter.join(cells) + ("" if last else line_end))
        return byte_order_mark + "".join(lines)

    assume(heading.strip('"') not in ("Student", "ID", "HW", "HW (1)", "Section"))
    merged = canvas.merge(written(old), [mark("first", 20, "Canvas", "i0")], "HW", 20)
    assert merged.text == written('"19.5"' if old.startswith('"') else "19.5")


NO_CSV = [
    ('Student,ID,HW\nA,1,"x\nB,2,\n', "line 2"),
    ('Student,ID,HW\nA,1,\n"B" C,2,\n', "line 3"),
    ('"Student', "line 1"),
]


@pytest.mark.parametrize(("text", "line"), NO_CSV)
def test_a_quotation_mark_left_open_swallows_no_rows(text, line):
    with pytest.raises(UserError, match=f"is no CSV file .{line}: a quotation mark"):
        canvas.merge(text, MARKS, "HW", 20)


def test_from_canvas_and_back(warm, untrained, tmp_path):
    """Thirty awkward names: each is there once, with the right score."""
    results, archive = tmp_path / "results", lms.canvas_zip(tmp_path)
    done = warm.run("grade", archive, "--out", results, "--rubric", untrained, "--no-pages")
    assert done.returncode == 0, done.stderr
    gradebook = tmp_path / "gradebook.csv"
    with gradebook.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Student", "ID", "SIS Login ID", "Section", "Homework (5)"])
        writer.writerow(["    Points Possible", "", "", "", "75"])
        for id_ in reversed(lms.IDS):
            writer.writerow([f"{lms.name_of(id_)}, A.", id_, f"u{id_}", "A", ""])
    options = ["--into", gradebook, "--assignment", "Homework", "--rubric", untrained]
    done = warm.run("export", results, "--to", "canvas", "--out", tmp_path / "new.csv", *options)
    assert (done.returncode, done.stderr) == (0, "")
    rows = table((tmp_path / "new.csv").read_text(encoding="utf-8"))[2:]
    assert [(row[1], row[4]) for row in rows] == [
        (id_, str(lms.POINTS[lms.file_of(id_)])) for id_ in reversed(lms.IDS)
    ]
    gradebook.write_text("Student,ID\nx,1000\ny,7\n", encoding="utf-8")
    done = warm.run("export", results, "--to", "canvas", "--out", tmp_path / "new.csv", *options)
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert told[0] == "grader: nothing graded of, left as it was: y (7)"
    assert len({line for line in told[1:] if line.endswith(": no row is theirs")}) == 29
    assert len(told) == 30
    assert table((tmp_path / "new.csv").read_text())[1] == ["x", "1000", "68"]


# Moodle

WORKSHEET = """\
\ufeffIdentifier,"Full name","ID number","Email address",Status,Grade,"Maximum Grade",\
"Grade can be changed","Last modified (grade)","Feedback comments"
"Participant 21","Jane Doe",,jane@x,Submitted,,20.00,Yes,-,
"Participant 22","Jane Doe",,jd@x,Submitted,3.00,20.00,Yes,"Monday, 1 June",old
"Participant 23",王小明,m23,ming@x,"No submission",,20.00,Yes,-,
"""


def test_moodle_gets_marks_and_comments():
    wrong = mark("Jane Doe-21", 8, "Moodle", "21", text="x < 1 & \nso on")
    merged = moodle.merge(WORKSHEET, [wrong, mark("m23", 20)])
    assert (merged.problems, merged.left) == ([], ["Jane Doe (Participant 22)"])
    before, after = table(WORKSHEET), table(merged.text)
    assert [row[5] for row in after] == ["Grade", "7.5", "3.00", "19.5"]
    comment = "forward.values 8/20: x &lt; 1 &amp; \nso on"
    assert [row[9] for row in after[1:]] == [comment, "old", "All is right."]
    assert [row[:5] + row[6:9] for row in after] == [row[:5] + row[6:9] for row in before]


SCALES = [("20", True), ("20.00", True), ("20,00", True), ("", True), ("(read only)", True),
          ("0", True), ("10", False), ("100.00", False)]  # fmt: skip


@pytest.mark.parametrize(("most", "fits"), SCALES)
def test_marks_out_of_other_points_are_refused(most, fits):
    possible = f'Student,ID,HW (5)\nPoints Possible,,"{most}"\nA,1,\n'
    worksheet = f'Identifier,Full name,Grade,Maximum Grade\nParticipant 1,A,,"{most}"\n'
    with nullcontext() if fits else pytest.raises(UserError, match=f"is out of {most}, and"):
        assert canvas.merge(possible, [mark("A", 10)], "HW", 20).problems == []
    with nullcontext() if fits else pytest.raises(UserError, match=f"is out of {most}, and"):
        assert moodle.merge(worksheet, [mark("A", 10)]).problems == []


# Gradescope: the specification's fields, and what each may hold

TOP = {
    "score": (int, float), "execution_time": (int, float), "output": str, "output_format": str,
    "visibility": str, "stdout_visibility": str, "tests": list, "leaderboard": list,
}  # fmt: skip
TEST = {
    "score": (int, float), "max_score": (int, float), "status": str, "name": str, "output": str,
    "output_format": str, "visibility": str,
}  # fmt: skip
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}


def test_gradescope_reads_what_its_specification_says():
    record = replace(mark("ada", 8, text=HOSTILE).final.record, notes=[SourceNote("line 3", "<b>")])
    results = json.loads(json.dumps(gradescope.results(record)))
    assert all(isinstance(value, TOP[name]) for name, value in results.items())
    (test,) = results["tests"]
    assert all(isinstance(value, TEST[name]) for name, value in test.items())
    assert {results["visibility"], results["stdout_visibility"], test["visibility"]} <= VISIBILITIES
    assert {results["output_format"], test["output_format"]} <= FORMATS
    assert (test["score"], test["max_score"], test["status"]) == (8, 20, "failed")
    assert results["leaderboard"] == [{"name": "loss (net)", "value": 0.004, "order": "asc"}]
    assert not re.search(r"(?<!\\)[<>`*\[\]|_&]", test["output"])


# JUnit: the schema is that of the Jenkins xUnit plugin, as published (MIT licence, in the file)

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit-10.xsd")))


def test_junit_is_as_the_schema_says_whatever_the_text():
    marks = [mark("ada", 20), mark(HOSTILE, 8, text=HOSTILE)]
    root = etree.fromstring(junit.report(m.final.record for m in marks))
    SCHEMA.assertValid(root)
    assert [suite.get("failures") for suite in root] == ["0", "1"]
    (failure,) = root.iter("failure")
    assert "::error::100% of <b>you</b>" in failure.text
    del root[0].attrib["failures"]  # the schema does look
    assert not SCHEMA.validate(root)


@given(st.text(), st.text(), st.floats(0, 1e5))
def test_junit_holds_any_text(student, message, seconds):
    record = replace(mark(student, 8, text=message).final.record, seconds=seconds)
    SCHEMA.assertValid(etree.fromstring(junit.report([record])))


# GitHub

COMMAND = re.compile(r"::error file=[^:,%]+(?:,line=\d+)?,title=[^:,]+::[^\n\r\0]+")


def test_a_submission_gives_github_no_commands():
    record = replace(mark("a\n::set-env::", 8, text=HOSTILE).final.record, submission="a:,\n%.py")
    (command,) = github.annotations([record])
    assert len(command.splitlines()) == 1
    assert command.startswith("::error file=a%3A%2C%0A%25.py,title=forward.values::</failure>%0A")
    assert "100%25 of" in command
    summary = github.summary([record])
    assert "::set-env" not in summary
    assert "<b>" not in summary.replace("\\<b", "")


PLACES = [
    ("wrong (homework.py, line 12)", "file=homework.py,line=12,"),
    ("wrong (cell 3, line 2)", "file=homework.py,title"),  # no line of the file
    ("wrong", "file=homework.py,title"),
]


@pytest.mark.parametrize(("message", "place"), PLACES)
def test_github_is_told_the_line(message, place):
    (command,) = github.annotations([mark("ada", 8, text=message).final.record])
    assert place in command
    assert COMMAND.fullmatch(command)


# The command


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
        ("sign_of_w1", "grad_w1", "7.0")
    ]


def test_github_gets_the_summary_added_and_the_rest_printed(warm, results, tmp_path, monkeypatch):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = warm.run("export", results, "--to", "github")
    assert done.returncode == 0, done.stderr
    assert summary.read_text().startswith("before\n## gbk\\_comments: 75 of 75 points")
    assert all(COMMAND.fullmatch(line) for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) == 1


UNUSABLE: Sequence[tuple[list[str], str]] = [
    (["--to", "csv"], "--to csv needs --out FILE"),
    (["--to", "gradescope", "--out", "x"], "--to gradescope is of one submission; here are 2"),
    (["--to", "canvas", "--out", "x"], "--to canvas needs --assignment NAME"),
    (["--to", "moodle", "--out", "x"], "--to moodle needs --into FILE"),
    (["--to", "moodle", "--out", "x", "--into", str(PICTURE)], "is no CSV file"),
    (["--to", "moodle", "--out", "x", "--into", str(ROOT / ".gitignore")], "has no column 'Grade'"),
    (["--to", "github"], "--to github needs --out FILE where GITHUB_STEP_SUMMARY is not set"),
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
    assert (done.returncode, done.stderr) == (
        2,
        f"grader: {tmp_path}: no grades.csv in it: grade first\n",
    )
