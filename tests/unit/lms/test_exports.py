"""What `grader export` writes is what each system reads, and loses nobody.

Each format is checked against what its system publishes: see the modules of grader/lms/exports.
"""

import csv
import io
import json
import re
import shutil
import unicodedata
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from pathlib import Path

import lms
import pyarrow.parquet
import pytest
from conftest import ROOT
from finals import mark
from hypothesis import assume, given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from grader.errors import UserError
from grader.lms import worksheet
from grader.lms.exports import canvas, github, gradescope, junit, moodle, tables
from grader.lms.exports.marks import Mark
from grader.results.record import ByHand, SourceNote

TABLES = ROOT / "tests" / "tables_in"
PICTURE = ROOT / "docs" / "images" / "index.png"
HOSTILE = "</failure>\n::error::100% of <b>you</b> | `x`, [a](b) \x00\x1b\ud800 *_*"


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
    assert (merged.problems, merged.unmarked) == ([], ["Student, Test (99)"])
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
    ([mark("x", 1, "Canvas", "55")], ["x: no matching row"]),
    ([mark("Doe, Jane", 1)], ["Doe, Jane: 2 rows match, so none was filled in"]),
    ([mark("ming", 1, "Moodle", "13")], []),  # the id is another system's, the name decides
    (
        [mark("a", 1, "Canvas", "13"), mark("ming", 2)],
        [f"{name}: another student matches the same row" for name in ("a", "ming")],
    ),
    ([mark("s11", 1), mark("jd12", 2)], []),  # one by each kind of name
    ([mark("11", 1)], ["11: no matching row"]),  # an id is no name
]


@pytest.mark.parametrize(("marks", "problems"), UNPLACED)
def test_nobody_is_guessed_and_nobody_lost(marks, problems):
    merged = canvas.merge(GRADEBOOK, marks, "Homework 1", 20)
    assert merged.problems == problems
    if problems:
        assert merged.text == GRADEBOOK
        assert len(merged.unmarked) == 4


def test_who_is_called_as_two_columns_call_two_students_is_not_guessed():
    two = 'Student,ID,SIS User ID,SIS Login ID,HW\n"A, B",1,ming,x,\n"C, D",2,y,ming,\n'
    merged = canvas.merge(two, [mark("ming", 10)], "HW", 20)
    assert merged.problems == ["ming: 2 rows match, so none was filled in"]
    assert (merged.text, merged.unmarked) == (two, ["A, B (1)", "C, D (2)"])


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_a_name_is_found_in_each_form_of_unicode(form):
    written = unicodedata.normalize(form, "ÉMILE Nguyễn")
    merged = canvas.merge(f"Student,ID,HW\n{written},1,\n", [mark("émile nguyễn", 10)], "HW", 20)
    assert (merged.problems, merged.unmarked) == ([], [])


def test_canvas_may_write_first_and_last_names_apart():
    head = "LastName,FirstName,ID,SIS Login ID,Section"
    apart = f"{head}\n    Points Possible,,,,\nDoe,Jane,1,jd,A\nRoe,Rick\x1b,2,rr,A\n"
    merged = canvas.merge(apart, [mark("Jane Doe", 10)], "HW", 20)
    assert merged.text == (
        f"{head},HW\n    Points Possible,,,,,20\nDoe,Jane,1,jd,A,9.5\nRoe,Rick\x1b,2,rr,A,\n"
    )
    assert (merged.problems, merged.unmarked) == ([], ["Rick\ufffd Roe (2)"])


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
    with pytest.raises(UserError, match=f"^{line}: a quotation mark is not closed"):
        canvas.merge(text, MARKS, "HW", 20)


# Groups of Canvas: one file for all members, with the id of one and the name of the group

CLASS = """\
Student,ID,SIS Login ID,Section,Notes,HW (1)
    Points Possible,,,,,20
"Adams, Ada",1,ada,A,,
"Brown, Bo",2,bo,A,,
"Chen, Ci",3,ci,B,,
"Diaz, Di",4,di,B,,EX
"Née-Łuk, Zoë",5,zl,A,,N/A
"""
TEAMS = {"1": "Team A!", "2": "Team A!", "3": "Team B", "4": "Team B", "5": "", "99": "Team B"}
TEAM_A = mark("teama", 20, "Canvas", "1", called="teama")
TEAM_B = mark("x", 10, "Canvas", "3", called="teamb")
ALONE = mark("neelukzoe", 5, "Canvas", "5", called="néełukzoë")
UNKNOWN = "not under their own name: if that is a group, its other members have no file"
TO_SHARE = (
    "to give all members of a group its grade: --groups FILE (in Canvas: People, the group set, "
    "Download Course Roster CSV)"
)
NOT_THEIRS = "not assigned to them (N/A), so Canvas will ignore the grade"
GROUPED: Sequence[tuple[str, list[Mark], dict[str, str], list[str], list[str], list[str]]] = [
    (
        "nothing tells who is in a group",
        [TEAM_A, TEAM_B, ALONE],
        {},
        ["19.5", "", "9.5", "EX", "4.5"],
        [
            f"Adams, Ada (1): handed in as teama, {UNKNOWN}",
            f"Chen, Ci (3): handed in as teamb, {UNKNOWN}",
            TO_SHARE,
        ],
        [f"Née-Łuk, Zoë (5): {NOT_THEIRS}"],
    ),
    (
        "a table tells it",
        [TEAM_A, TEAM_B],
        TEAMS,
        ["19.5", "19.5", "9.5", "EX", "N/A"],
        ["99: no matching row, and in group Team B"],
        [
            "Brown, Bo (2): gets the grade of group Team A!",
            "Diaz, Di (4): is excused (EX); row left unchanged",
        ],
    ),
    (
        "a table tells of another group",
        [mark("x", 20, "Canvas", "1", called="teamz")],
        TEAMS,
        ["19.5", "", "", "EX", "N/A"],
        [f"Adams, Ada (1): handed in as teamz, {UNKNOWN}"],
        [],
    ),
    (
        "who is in a group hands in alone",
        [mark("a", 20, "Canvas", "1", called="adamsada")],
        TEAMS,
        ["19.5", "", "", "EX", "N/A"],
        [],
        [],
    ),
    (
        "a member has a file of their own",
        [TEAM_A, mark("b", 7, "Canvas", "2", called="brownbo")],
        TEAMS,
        ["19.5", "6.5", "", "EX", "N/A"],
        [],
        [],
    ),
    (
        "a name of no letters, for which the id stands",
        [mark("1", 20, "Canvas", "1", called="1")],
        {},
        ["19.5", "", "", "EX", "N/A"],
        [],
        [],
    ),
    (
        "a mark of somebody excused",
        [mark("di", 20, "Canvas", "4", called="diazdi")],
        {},
        ["", "", "", "EX", "N/A"],
        ["Diaz, Di (4): is excused (EX); row left unchanged"],
        [],
    ),
]


@pytest.mark.parametrize(
    ("marks", "teams", "column", "problems", "notes"),
    [case[1:] for case in GROUPED],
    ids=[case[0] for case in GROUPED],
)
def test_a_group_of_canvas_is_marked_or_said(marks, teams, column, problems, notes):
    merged = canvas.merge(CLASS, marks, "HW", 20, teams)
    assert [row[5] for row in table(merged.text)[2:]] == column
    assert (merged.problems, merged.notes) == (problems, notes)


def test_the_gradebook_may_say_who_is_in_a_group():
    told = CLASS.replace("Notes", "Group").replace("A,,\n", "A,Team A!,\n")
    merged = canvas.merge(told, [TEAM_A], "HW", 20)
    assert [row[5] for row in table(merged.text)[2:]] == ["19.5", "19.5", "", "EX", "N/A"]
    assert merged.notes == ["Brown, Bo (2): gets the grade of group Team A!"]
    assert merged.problems == []


def test_names_apart_are_no_group():
    apart = "LastName,FirstName,ID,SIS Login ID,Section,HW\nDoe,Jane,1,jd,A,\n"
    merged = canvas.merge(apart, [mark("x", 10, "Canvas", "1", called="doejane")], "HW", 20)
    assert (merged.problems, merged.notes) == ([], [])


def test_canvas_imports_no_tabs():
    with pytest.raises(UserError, match="separated by tabs, which Canvas does not import"):
        canvas.merge(GRADEBOOK.replace(",", "\t"), MARKS, "Homework 1", 20)


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
            writer.writerow([f"{lms.name_of(id_)}", id_, f"u{id_}", "A", ""])
    options = ["--into", gradebook, "--assignment", "Homework", "--rubric", untrained]
    done = warm.run("export", results, "--to", "canvas", "--out", tmp_path / "new.csv", *options)
    assert (done.returncode, done.stderr) == (0, "")
    rows = table((tmp_path / "new.csv").read_text(encoding="utf-8"))[2:]
    assert [(row[1], row[4]) for row in rows] == [
        (id_, str(lms.POINTS[lms.file_of(id_)])) for id_ in reversed(lms.IDS)
    ]
    gradebook.write_text(f"Student,ID\n{lms.name_of('1000')},1000\ny,7\n", encoding="utf-8")
    done = warm.run("export", results, "--to", "canvas", "--out", tmp_path / "new.csv", *options)
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert told[0] == "grader: y (7): no grade in these results; row left unchanged"
    assert len({line for line in told[1:] if line.endswith(": no matching row")}) == 29
    assert len(told) == 30
    assert table((tmp_path / "new.csv").read_text())[1][1:] == ["1000", "68"]


# Moodle

WORKSHEET = """\
\ufeffIdentifier,"Full name","ID number","Email address",Status,Grade,"Maximum Grade",\
"Grade can be changed","Last modified (grade)","Feedback comments"
"Participant 21","Jane Doe",,jane@x,Submitted,,20.00,Yes,-,
"Participant 22","Jane Doe",,jd@x,Submitted,3.00,20.00,Yes,"Monday, 1 June",old
"Participant 23",王小明,m23,ming@x,"No submission",,20.00,Yes,-,
"""


def test_moodle_gets_marks_and_comments():
    wrong = mark("Jane Doe-21", 8, "Moodle", "21", message="x < 1 & \nso on")
    merged = moodle.merge(WORKSHEET, [wrong, mark("m23", 20)])
    assert (merged.problems, merged.unmarked) == ([], ["Jane Doe (Participant 22)"])
    before, after = table(WORKSHEET), table(merged.text)
    assert [row[5] for row in after] == ["Grade", "7.5", "3.00", "19.5"]
    comment = "forward.values 8/20: x &lt; 1 &amp; \nso on"
    assert [row[9] for row in after[1:]] == [comment, "old", "All is right."]
    assert [row[:5] + row[6:9] for row in after] == [row[:5] + row[6:9] for row in before]


SCALES = [("20", True), ("20.00", True), ("20,00", True), ("", True), ("0", True), ("-", True),
          ("10", False), ("100.00", False), ("1.020,00", False), ("1 020,0", False)]  # fmt: skip


@pytest.mark.parametrize(("most", "fits"), SCALES)
def test_marks_out_of_other_points_are_refused(most, fits):
    possible = f'Student,ID,HW (5)\nPoints Possible,,"{most}"\nA,1,\n'
    worksheet = f'Identifier,Full name,Grade,Maximum Grade\nParticipant 1,A,,"{most}"\n'
    with nullcontext() if fits else pytest.raises(UserError, match=f"is out of {most}, and"):
        assert canvas.merge(possible, [mark("A", 10)], "HW", 20).problems == []
    with nullcontext() if fits else pytest.raises(UserError, match=f"is out of {most}, and"):
        assert moodle.merge(worksheet, [mark("A", 10)]).problems == []


# Moodle in other languages. The words are those of its language packs: see grader/lms/worksheet.py

SHEETS = {
    "de": (
        "ID", "Vollständiger Name", "E-Mail-Adresse", "Status", "Bewertung", "Bestwertung",
        "Bewertung kann geändert werden", "Zuletzt geändert (Bewertung)", "Feedback als Kommentar",
        "Teilnehmer/in", "Ja", "Nein",
    ),
    "fr": (
        "Identifiant", "Nom complet", "Adresse de courriel", "Statut", "Note", "Note maximale",
        "La note peut être modifiée", "Dernière modification (note)", "Feedback par commentaires",
        "Participant", "Oui", "Non",
    ),
    "es": (
        "Identificador", "Nombre completo", "Dirección de correo", "Estado", "Calificación",
        "Calificación máxima", "La calificación puede ser cambiada",
        "Última modificación (calificación)", "Comentarios de retroalimentación",
        "Participante", "Sí", "No",
    ),
    "zh_cn": (
        "标识符", "全名", "电子邮件地址", "状态", "成绩", "最高分", "允许更改成绩",
        "上次修改（评分）", "反馈意见", "参与人", "是的", "否",  # noqa: RUF001
    ),
    "zh_tw": (
        "識別碼", "完整名稱", "電子郵件信箱", "狀態", "成績", "最高成績", "分數可以被更改",
        "最後修改的(得分)", "評語回饋", "參與者", "是", "否",
    ),
    "it": (
        "Identificativo", "Nome", "Indirizzo email", "Stato", "Valutazione", "Valutazione massima",
        "La valutazione può essere cambiata", "Ultima modifica (valutazione)", "Commenti",
        "Partecipante", "Sì", "No",
    ),
    "pt": (
        "Identificador", "Nome completo", "E-mail", "Estado", "Avaliação", "Nota máxima",
        "A nota pode ser alterada.", "Última atualização (avaliação)", "Comentários de feedback",
        "Participante", "Sim", "Não",
    ),
    "nl": (
        "Identificatie", "Volledige naam", "E-mailadres", "Status", "Cijfer", "Maximaal cijfer",
        "Het cijfer kan gewijzigd worden", "Laatst gewijzigd (beoordeling)", "Feedback tekstvak",
        "Deelnemer", "Ja", "Nee",
    ),
    "ru": (
        "Идентификатор", "Полное имя", "Адрес электронной почты", "Статус", "Оценка",
        "Максимальная оценка", "Оценка может быть изменена", "Последнее изменение (оценка)",
        "Отзыв в виде комментария", "Участник", "Да", "Нет",
    ),
    "ja": (
        "ID", "フルネーム", "メールアドレス", "ステータス", "評点", "最大評点", "評点変更可",
        "最終更新日時 (評定)", "フィードバックコメント", "参加者", "Yes", "No",
    ),
}  # fmt: skip


def sheet(language: str, separator: str = ",", most: str = "20.00") -> str:
    """Return a worksheet of three participants, the second one locked."""
    *headings, participant, yes, no = SHEETS[language]
    rows = [headings] + [
        [
            f"{participant}{space}{n}",
            f"S{n}",
            f"s{n}@x",
            "-",
            "",
            most,
            yes if n != 22 else no,
            "-",
            "",
        ]
        for n, space in ((21, " "), (22, " "), (23, ""))
    ]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("language", SHEETS)
def test_a_worksheet_is_read_in_its_language(language, separator):
    written = sheet(language, separator)
    marks = [mark(f"s{n}", 20, "Moodle", str(n)) for n in (21, 22, 23)]
    merged = moodle.merge(written, marks)
    participant = SHEETS[language][-3]
    who = f"S22 ({participant} 22)"
    assert merged.problems == [f"{who}: is locked in Moodle's gradebook; row left unchanged"]
    assert (merged.unmarked, merged.notes) == ([], [])
    rows = list(csv.reader(io.StringIO(merged.text, newline=""), delimiter=separator))
    assert [row[4] for row in rows[1:]] == ["19.5", "", "19.5"]
    assert [row[8] for row in rows[1:]] == ["All is right.", "", "All is right."]


@pytest.mark.parametrize("language", SHEETS)
def test_no_language_is_taken_for_another(language):
    """Whoever added a column with a word of another language's still has their own."""
    headings, *rows = sheet(language).splitlines()
    for word in {words[4] for words in SHEETS.values()} - {SHEETS[language][4]}:
        more = "\r\n".join([f"{headings},{word}", *(f"{row},7" for row in rows)])
        merged = moodle.merge(more, [mark("s", 20, "Moodle", "21")])
        assert [row[4] for row in table(merged.text)[1:]] == ["19.5", "", ""]
        assert [row[-1] for row in table(merged.text)[1:]] == ["7", "7", "7"]


WORDS_OF_SCALES = {
    "where the points would be": sheet("de", most="Bestanden, Nicht bestanden"),
    "in a column of its own": sheet("de", most="Bestanden\nNicht bestanden").replace(
        "Bestwertung", "Skala"
    ),
}


@pytest.mark.parametrize("kind", WORDS_OF_SCALES)
def test_a_scale_takes_no_points(kind):
    with pytest.raises(UserError) as raised:
        moodle.merge(WORDS_OF_SCALES[kind], [mark("s", 20, "Moodle", "21")])
    assert str(raised.value) == (
        "uses the scale Bestanden, Nicht bestanden: give the assignment a point grade"
    )


LANGUAGES = ", ".join(worksheet.LANGUAGES)
NOT_MOODLE = [
    (
        sheet("de").replace("Bewertung,", "Zensur,"),
        "has no column 'Bewertung'; its headings are: ID, Vollständiger Name, E-Mail-Adresse, "
        "Status, Zensur, Bestwertung, Bewertung kann geändert werden, Zuletzt geändert "
        f"(Bewertung), Feedback als Kommentar (worksheets are read in {LANGUAGES})",
    ),
    (
        "Tunniste,Arvosana\nOsallistuja 1,\n",
        "has no columns 'Identifier', 'Grade'; its headings are: Tunniste, Arvosana "
        f"(worksheets are read in {LANGUAGES})",
    ),
    (
        sheet("fr").replace("Participant 22", "Participant X"),
        "line 3: 'Participant X' has no participant number",
    ),
    (
        sheet("fr").replace("Non", "Peut-être"),
        "line 3: 'Peut-être' under 'La note peut être modifiée' is neither Oui nor Non",
    ),
    (
        sheet("fr").replace("Statut", "Note"),
        "has several columns called Note: remove all but one",
    ),
]


@pytest.mark.parametrize(("text", "says"), NOT_MOODLE)
def test_a_worksheet_that_is_not_understood_is_told(text, says):
    with pytest.raises(UserError) as raised:
        moodle.merge(text, [mark("s", 20, "Moodle", "21")])
    assert str(raised.value) == says


def test_what_a_shortened_worksheet_cannot_tell_is_said():
    merged = moodle.merge("Identifier,Grade\nParticipant 7,\n", [mark("a", 20, "Moodle", "7")])
    assert merged.text == "Identifier,Grade\nParticipant 7,19.5\n"
    assert merged.notes == [
        "no column 'Grade can be changed': locked rows are not known",
        "no column 'Maximum grade': the assignment's points are not known",
    ]


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
    final = mark("ada", 8, message=HOSTILE).final
    final = replace(final, record=replace(final.record, notes=[SourceNote("line 3", "<b>")]))
    results = json.loads(json.dumps(gradescope.results(final)))
    assert all(isinstance(value, TOP[name]) for name, value in results.items())
    (test,) = results["tests"]
    assert all(isinstance(value, TEST[name]) for name, value in test.items())
    assert {results["visibility"], results["stdout_visibility"], test["visibility"]} <= VISIBILITIES
    assert {results["output_format"], test["output_format"]} <= FORMATS
    assert (test["score"], test["max_score"], test["status"]) == (8, 20, "failed")
    assert results["score"] == 7.5
    assert results["leaderboard"] == [{"name": "loss (net)", "value": 0.004, "order": "asc"}]
    assert not re.search(r"(?<!\\)[<>`*\[\]|_&]", test["output"])


# JUnit: the schema is that of the Jenkins xUnit plugin, as published (MIT licence, in the file)

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit-10.xsd")))


def test_junit_is_as_the_schema_says_whatever_the_text():
    marks = [mark("ada", 20), mark(HOSTILE, 8, message=HOSTILE)]
    root = etree.fromstring(junit.report(m.final for m in marks))
    SCHEMA.assertValid(root)
    assert [suite.get("failures") for suite in root] == ["0", "1"]
    (failure,) = root.iter("failure")
    assert "::error::100% of <b>you</b>" in failure.text
    del root[0].attrib["failures"]  # the schema does look
    assert not SCHEMA.validate(root)


@given(st.text(), st.text(), st.floats(0, 1e5))
def test_junit_holds_any_text(student, message, seconds):
    final = mark(student, 8, message=message).final
    final = replace(final, record=replace(final.record, seconds=seconds))
    SCHEMA.assertValid(etree.fromstring(junit.report([final])))


# GitHub

COMMAND = re.compile(r"::error file=[^:,%]+(?:,line=\d+)?,title=[^:,]+::[^\n\r\0]+")


def test_a_submission_gives_github_no_commands():
    final = mark("a\n::set-env::", 8, message=HOSTILE).final
    final = replace(final, record=replace(final.record, submission="a:,\n%.py"))
    (command,) = github.annotations([final])
    assert len(command.splitlines()) == 1
    assert command.startswith("::error file=a%3A%2C%0A%25.py,title=forward.values::</failure>%0A")
    assert "100%25 of" in command
    summary = github.summary([final])
    assert "::set-env" not in summary
    assert "<b>" not in summary.replace("\\<b", "")


PLACES = [
    ("wrong (homework.py, line 12)", "file=homework.py,line=12,"),
    ("wrong (cell 3, line 2)", "file=homework.py,title"),  # no line of the file
    ("wrong", "file=homework.py,title"),
]


@pytest.mark.parametrize(("message", "place"), PLACES)
def test_github_is_told_the_line(message, place):
    (command,) = github.annotations([mark("ada", 8, message=message).final])
    assert place in command
    assert COMMAND.fullmatch(command)


# What counts, and why: the same in every export

DUE = datetime(2026, 10, 31, 23, 59, tzinfo=timezone(timedelta(hours=1)))
SET = mark("ada", 8).final
SET = replace(
    SET,
    section="Lab A", handed_in=DUE + timedelta(hours=1, seconds=5), told_by="system", due=DUE,
    late_days=1, criteria=[replace(SET.criteria[0], points=12)], score=12, penalty=1.2, final=15,
    by_hand=[
        ByHand(criterion="forward.values", points=12, told="right in <the> exam"),
        ByHand(criterion=None, points=15, told="for effort"),
    ],
)  # fmt: skip
SAYS = [
    "Points earned: 12",
    "forward.values was set by hand to 12 points (graded: 8): right in <the> exam",
    "Handed in: 2026-11-01 00:59:05 +01:00 (as the course's system recorded it)",
    "Due: 2026-10-31 23:59:00 +01:00",
    "Days late: 1: \u22121.2",
    "Set by hand: 15: for effort",
]


def plain(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


EXPORTS = {
    "gradescope": lambda final: plain(gradescope.results(final)["output"]),
    "github": lambda final: plain(github.summary([final])),
    "junit": lambda final: etree.fromstring(junit.report([final])).findtext(".//system-out"),
    "moodle": lambda final: (
        table(moodle.merge(WORKSHEET, [Mark(final, "Moodle", "21")]).text)[1][9]
        .replace("&lt;", "<")
        .replace("&gt;", ">")
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_says_how_the_mark_comes_about(name):
    text = EXPORTS[name](SET)
    assert [line for line in SAYS if line not in text] == []
    assert name == "moodle" or "15 of 20 points" in text


def test_points_set_by_hand_are_in_every_export():
    assert gradescope.results(SET)["tests"][0]["score"] == 12
    assert "| 12/20 |" in github.summary([SET])
    failure = etree.fromstring(junit.report([SET])).find(".//failure")
    assert failure.get("message") == "12 of 20 points"
    assert table(moodle.merge(WORKSHEET, [Mark(SET, "Moodle", "21")]).text)[1][5] == "15"
    (values,) = tables.rows([Mark(SET)])
    row = dict(zip(tables.COLUMNS, values, strict=True))
    assert [row[name] for name in ("score", "final", "points", "penalty", "section")] == [
        12, 15, 12, 1.2, "Lab A",
    ]  # fmt: skip
    assert (row["handed_in"], row["due"]) == ("2026-11-01T00:59:05+01:00", DUE.isoformat())
    assert row["by_hand"] == "right in <the> exam for effort"


def test_a_plain_mark_needs_no_words_in_moodle():
    right = replace(mark("Jane Doe-21", 20).final, final=20)
    merged = moodle.merge(WORKSHEET, [Mark(right, "Moodle", "21")])
    assert table(merged.text)[1][9] == "All is right."


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
    (["--to", "gradescope", "--out", "x"], "--to gradescope is of one submission; here are 2"),
    (["--to", "canvas", "--out", "x"], "--to canvas needs --assignment NAME"),
    (["--to", "moodle", "--out", "x"], "--to moodle needs --into FILE"),
    (["--to", "moodle", "--out", "x", "--into", str(PICTURE)], "line 1: is not UTF-8"),
    (
        ["--to", "moodle", "--out", "x", "--into", str(ROOT / ".gitignore")],
        "has no columns 'Identifier'",
    ),
    (["--to", "csv", "--out", "x", "--groups", "y"], "--groups is for --to canvas"),
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
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"grader: {tmp_path}: no gradebook.db in it; name the folder")


# The files that went wrong once, through the command


@pytest.fixture(scope="module")
def graded(warm, tmp_path_factory) -> dict[str, Path]:
    """Grade the classes of tests/tables_in, of which everybody earns 10 points, or 0."""
    folder = tmp_path_factory.mktemp("tables")
    for name in ("14_canvas_groups", "15_moodle"):
        done = warm.run("grade", TABLES / f"{name}.zip", "--out", folder / name, "--no-pages")
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
        f"Nowak, Piotr (48219): {NOT_THEIRS}",
        "Brown, Bo (48214): no grade in these results; row left unchanged",
        "Diaz, Di (48216): no grade in these results; row left unchanged",
        "Student, Test (48999): no grade in these results; row left unchanged",
        f"Adams, Ada (48213): handed in as teama, {UNKNOWN}",
        f"Chen, Ci (48215): handed in as teamb, {UNKNOWN}",
        TO_SHARE,
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
