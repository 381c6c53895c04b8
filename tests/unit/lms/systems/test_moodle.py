"""Marks are put into Moodle's grading worksheet, in whichever language."""

import csv
import io

import pytest
from exported import WORKSHEET, table
from finals import mark
from msgspec.structs import replace

from grader.errors import UserError
from grader.lms.marks import Mark
from grader.lms.systems import moodle
from grader.lms.systems.moodle import worksheet


def test_moodle_gets_marks_and_comments():
    wrong = mark("Jane Doe-21", 8, "Moodle", "21", message="x < 1 & \nso on")
    merged = moodle.merge(WORKSHEET, [wrong, mark("m23", 20)])
    assert (merged.problems, merged.unmarked) == ([], ["Jane Doe (Participant 22)"])
    before, after = table(WORKSHEET), table(merged.text)
    assert [row[5] for row in after] == ["Grade", "7.5", "3.00", "19.5"]
    comment = "forward.values 8/20: x &lt; 1 &amp; \nso on"
    assert [row[9] for row in after[1:]] == [comment, "old", "All is right."]
    assert [row[:5] + row[6:9] for row in after] == [row[:5] + row[6:9] for row in before]


def test_a_plain_mark_needs_no_words_in_moodle():
    right = replace(mark("Jane Doe-21", 20).final, final=20)
    merged = moodle.merge(WORKSHEET, [Mark(right, "Moodle", "21")])
    assert table(merged.text)[1][9] == "All is right."


# Moodle in other languages. The words are those of its language packs: see worksheet.py

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
