"""A table that a person made is read as it was meant, or the line that is off is named.

The files of tests/tables_in are small inputs that went wrong once; their names say what is in them.
"""

import codecs
import csv
import io
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import UserError
from grader.lms.layout import Owner
from grader.lms.sheets import SAVE, decode, read_rows
from grader.submissions.students.roster import StudentNames, read_roster, students_of
from grader.util.csv_cells import to_cell

TABLES = ROOT / "tests" / "tables_in"
CLASS = {"48213": "ada", "48215": "ci", "48219": "np"}

READ = {
    "as the manual says": "id,student\n7,ada\n",
    "semicolons": "id;student\n7;ada\n",
    "tabs": "id\tstudent\n7\tada\n",
    "capitals": "ID,Student\n7,ada\n",
    "spaces": " id , student \n 7 , ada \n",
    "quotation marks": '"id","student"\n"7","ada"\n',
    "Excel's first line": "sep=;\nid;student\n7;ada\n",
    "a semicolon's table with commas in it": "id;student;name, first name\n7;ada;Adams, Ada\n",
    "another order, more columns": "mail,student,,id\nx@y,ada,,7\n",
    "ids that a spreadsheet keeps as they are": 'id,student\n="7",ada\n',
    "colons": "id:,student:\n7,ada\n",
    "empty lines": "\n,\nid,student\n\n , \n7,ada\n\n",
    "separators left over": "id,student,,\n7,ada,,\n,,,\n",
    "old line ends": "id,student\r7,ada\r",
    "no line end": "id,student\r\n7,ada",
    "twice, the same": "id,student\n7,ada\n7,ada\n",
    "wide letters": "ｉｄ,Ｓｔｕｄｅｎｔ\n7,ada\n",  # noqa: RUF001
}


@pytest.mark.parametrize("kind", READ)
def test_a_table_is_read_as_it_was_meant(tmp_path, kind):
    assert names_in(tmp_path, READ[kind].encode()) == {"7": "ada"}


def names_in(folder: Path, data: bytes) -> dict[str, str | None]:
    """Return what the ids of a table are called."""
    table = folder / "names.csv"
    table.write_bytes(data)
    names = StudentNames(rows=read_roster(table), table=str(table))
    return {
        id_: called
        for id_ in ("7", "8", *CLASS)
        if (called := names(Owner("Canvas", id_, f"x{id_}")))
    }


def test_ids_that_are_nobodys_are_named(tmp_path):
    table = tmp_path / "names.csv"
    table.write_text("id,student\n7,ada\n7.0,ben\n")
    names = StudentNames(rows=read_roster(table), table=str(table))
    assert names(Owner("Canvas", "7", "x")) == "ada"
    assert names.check() == [f"{table}: nobody in this class has the id 7.0"]


@pytest.mark.parametrize("name", ["08_names_semicolon.csv", "08c_names_capitals.csv"])
def test_tables_that_were_refused_are_read(tmp_path, name):
    assert names_in(tmp_path, (TABLES / name).read_bytes()) == CLASS


SAVED = {
    "UTF-8": "Zoë Núñez, 陳美玲".encode(),
    "UTF-8 with a byte-order mark": "Zoë Núñez, 陳美玲".encode("utf-8-sig"),
    "UTF-16, little end first": codecs.BOM_UTF16_LE + "Zoë Núñez, 陳美玲".encode("utf-16-le"),
    "UTF-16, big end first": codecs.BOM_UTF16_BE + "Zoë Núñez, 陳美玲".encode("utf-16-be"),
}


@pytest.mark.parametrize("encoding", SAVED)
def test_what_excel_saves_is_decoded(encoding):
    text, certain = decode(SAVED[encoding])
    assert text.removeprefix("\ufeff") == "Zoë Núñez, 陳美玲"
    assert certain


WESTERN = [
    "Zoë",
    "José Núñez",
    "Müßig",
    "Strauß",
    "Ångström",
    "D\u2019Artagnan",
    "Ægir Þór",
    "Šimon",
]


@pytest.mark.parametrize("name", WESTERN)
def test_windows_1252_is_read_and_said(tmp_path, capsys, name):
    assert names_in(tmp_path, f"id;student\n7;{name}\n".encode("cp1252")) == {"7": name}
    word = next(word for word in name.split() if not word.isascii())
    assert capsys.readouterr().err == (
        f"grader: {tmp_path / 'names.csv'}: is not UTF-8, so it was read as Windows-1252 ({word}); "
        f"if wrong, {SAVE}\n"
    )


UNSURE = {
    "Chinese": ("王小明", "gb18030"),
    "Chinese, Taiwan": ("陳美玲", "big5"),
    "one Chinese word": ("李", "gb18030"),
    "Japanese": ("日本太郎", "shift_jis"),
    "Russian": ("Ада", "cp1251"),
    "Polish": ("Łukasz", "cp1250"),
    "Greek": ("Άδα", "cp1253"),
    "a Mac's": ("Zoë", "mac_roman"),
    "nothing's": ("Zo\x81", "latin-1"),
}


@pytest.mark.parametrize("kind", UNSURE)
def test_what_may_be_something_else_is_not_guessed(tmp_path, kind):
    name, encoding = UNSURE[kind]
    with pytest.raises(UserError) as raised:
        names_in(tmp_path, f"id,student\n\n7,{name}\n".encode(encoding))
    where = f"{tmp_path / 'names.csv'}, line 3"
    assert str(raised.value) == f"{where}: is not UTF-8, and what else it is is not certain: {SAVE}"


REFUSED = {
    b"": ": is empty",
    b"\xef\xbb\xbf \n": ": is empty",
    b",,\n,,\n": ": has no columns 'id', 'student'; its headings are: , , ",
    b"id,student\n": ": has no rows below its headings",
    b"id,student\n\n,\n": ": has no rows below its headings",
    b"id,name\n7,ada\n": ": has no column 'student'; its headings are: id, name",
    b"7,ada\n8,ben\n": ": has no columns 'id', 'student'; its headings are: 7, ada",
    b"id,student,Student\n7,a,b\n": ": has several columns called student: remove all but one",
    b"id,student\n\n7\n": ", line 3: there is no student for id 7",
    b"id,student\n7,\n": ", line 2: there is no student for id 7",
    b"id,student\n7, \n": ", line 2: there is no student for id 7",
    b"id,student\n,ada\n": ", line 2: there is no id for student ada",
    b"id,student,mail\n,,x\n": ", line 2: there is no id",
    b'id,mail,student\n7,"a\nb",ada\n8,x\n': ", line 4: there is no student for id 8",
    b"id,student\n7,Adams, Ada\n": (
        ", line 2: has 3 cells under 2 headings: put a cell that has a separator in it in "
        "quotation marks"
    ),
    b'id,student\n7, "ada"\n': (
        ", line 2: a cell has a space before its quotation mark: remove the space"
    ),
    b'id,student\n7,"ada\n8,ben\n': (
        ", line 2: a quotation mark is not closed, or something else follows it"
    ),
    b"id,student\n7,a\n7,b\n": ", line 3: id 7 has another student above",
    b"id,student\n7,a\0\n": f", line 2: has a NUL character: {SAVE}",
    "id,student\n7,ada\n".encode("utf-16-le"): f", line 1: has a NUL character: {SAVE}",
    codecs.BOM_UTF16_LE + b"i\0d\0,": f": is cut off or damaged (truncated data): {SAVE}",
    b"PK\x03\x04...": f": is an Excel workbook or an archive, not a CSV file: {SAVE}",
}


@pytest.mark.parametrize("data", REFUSED)
def test_a_table_that_is_off_is_told_where(tmp_path, data):
    with pytest.raises(UserError) as raised:
        names_in(tmp_path, data)
    assert str(raised.value) == f"{tmp_path / 'names.csv'}{REFUSED[data]}"


def test_a_row_without_its_student_is_named_on_the_screen(warm, tmp_path):
    table = TABLES / "08b_names_row_without_student.csv"
    archive = TABLES / "14_canvas_groups.zip"
    done = warm.run("grade", archive, "--out", tmp_path / "out", "--students", table)
    assert (done.returncode, done.stderr) == (
        2,
        f"grader: {table}, line 5: there is no student for id 48219\n",
    )
    assert not (tmp_path / "out").exists()


def test_students_of_a_release_are_read_likewise(tmp_path):
    table = tmp_path / "class.csv"
    table.write_bytes("E-Mail;STUDENT\nx@y;Zoë\n\nz@y;ben\n".encode("utf-16"))
    assert students_of(table) == ["Zoë", "ben"]


# Whatever is written is read back

CELLS = st.text(
    st.one_of(st.sampled_from(",;\t\"'=+-@\r\n "), st.characters(codec="utf-8"))
).filter(lambda text: "\0" not in text and text.strip())
# With another line end than its own, Python's writer leaves carriage returns without marks.
LINES = [
    ("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL),
    ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL),
]  # fmt: skip
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16"]


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(ENCODINGS),
    st.sampled_from(LINES),
    st.permutations(["ID", " Student ", "a, b; c"]),
)
def test_what_is_written_is_read_back(tmp_path_factory, rows, separator, encoding, lines, headings):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=lines[0], quoting=lines[1])
    writer.writerow(headings)
    for row in rows:
        cells = dict(zip(["ID", " Student ", "a, b; c"], map(to_cell, row), strict=True))
        writer.writerow([cells[heading] for heading in headings])
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    assert [row.cells for row in read_rows(path, ["id", "student"])] == [
        {"id": id_, "student": student} for id_, student, _ in rows
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_one_line(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes(data)
    said = ""
    try:
        read_rows(path, ["id"])
    except UserError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1
