"""Moodle: marks and comments put into the offline grading worksheet that Moodle made.

Format: docs.moodle.org, "Using Assignment", offline grading worksheet; moodle,
mod/assign/gradingtable.php and mod/assign/feedback/offline/importgradeslib.php. Columns Identifier
("Participant 123"), Full name, ID number, Email address, Status, Grade, Maximum grade (or Scale),
Grade can be changed, ..., Feedback comments; all in the language of whoever downloads it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from re import fullmatch

from grader.breakdown import steps
from grader.catalogue import ENGLISH as TEXTS
from grader.errors import UserError
from grader.exports.marks import Mark, Merged, check_scale, left, named, number_in, place
from grader.sheets import Table, heading_key
from grader.submissions import shown

SYSTEM = "Moodle"


@dataclass(frozen=True)
class Headings:
    """What Moodle calls the columns in a language; older words for one come after a bar.

    `yes` and `no` are what it has in `changeable`.
    """

    identifier: str
    full_name: str
    id_number: str
    email: str
    grade: str
    maximum: str
    scale: str
    changeable: str
    comments: str
    yes: str
    no: str


# From Moodle's language packs, as of 2015 to 2026 (github.com/projectestac/moodle-langpacks; zh_tw
# from the pack of Moodle 3.1 and a later assign.php): assign.php recordid, maxgrade, scale and
# gradecanbechanged; assignfeedback_comments.php pluginname; moodle.php fullname, idnumber, email,
# gradenoun (grade until 4.0), yes and no. "Identifikator" is no pack's, but has been met.
LANGUAGES = {
    "English": Headings(
        "Identifier", "Full name", "ID number", "Email address", "Grade", "Maximum grade", "Scale",
        "Grade can be changed", "Feedback comments", "Yes", "No",
    ),
    "German": Headings(
        "ID|Identifikator", "Vollständiger Name", "ID-Nummer", "E-Mail-Adresse", "Bewertung",
        "Bestwertung|Bestbewertung", "Skala", "Bewertung kann geändert werden",
        "Feedback als Kommentar", "Ja", "Nein",
    ),
    "French": Headings(
        "Identifiant", "Nom complet", "Numéro d'identification", "Adresse de courriel", "Note",
        "Note maximale", "Barème", "La note peut être modifiée", "Feedback par commentaires",
        "Oui", "Non",
    ),
    "Spanish": Headings(
        "Identificador", "Nombre completo", "Número de ID", "Dirección de correo", "Calificación",
        "Calificación máxima", "Escala", "La calificación puede ser cambiada",
        "Comentarios de retroalimentación", "Sí", "No",
    ),
    "Chinese (simplified)": Headings(
        "标识符|识别码", "全名", "学号", "电子邮件地址|Email地址", "成绩", "最高分|最高成绩",
        "量表", "允许更改成绩", "反馈意见|评语反馈", "是的|是", "否",
    ),
    "Chinese (traditional)": Headings(
        "識別碼", "完整名稱|名稱", "學號|識別號碼", "電子郵件信箱|電子郵件", "成績",
        "最高成績|最高分數", "量尺", "分數可以被更改", "評語回饋", "是", "否",
    ),
    "Italian": Headings(
        "Identificativo", "Nome", "Codice identificativo", "Indirizzo email", "Valutazione",
        "Valutazione massima", "Scala", "La valutazione può essere cambiata", "Commenti",
        "Sì", "No",
    ),
    "Portuguese": Headings(
        "Identificador|Número de identificação", "Nome completo", "Número de identificação (ID)",
        "E-mail|Endereço de e-mail", "Avaliação|Nota", "Nota máxima", "Escala",
        "A nota pode ser alterada.", "Comentários de feedback", "Sim", "Não",
    ),
    "Dutch": Headings(
        "Identificatie", "Volledige naam", "Nummer (ID)", "E-mailadres", "Cijfer",
        "Maximaal cijfer", "Schaal", "Het cijfer kan gewijzigd worden",
        "Feedback tekstvak|Feedback", "Ja", "Nee",
    ),
    "Russian": Headings(
        "Идентификатор", "Полное имя", "Индивидуальный номер", "Адрес электронной почты", "Оценка",
        "Максимальная оценка", "Шкала", "Оценка может быть изменена", "Отзыв в виде комментария",
        "Да", "Нет",
    ),
    "Japanese": Headings(
        "ID", "フルネーム|名称", "IDナンバ|IDナンバー", "メールアドレス", "評点", "最大評点",
        "評価尺度", "評点変更可", "フィードバックコメント", "Yes", "No",
    ),
}  # fmt: skip
ENGLISH = LANGUAGES["English"]
COLUMNS = [field.name for field in fields(Headings) if field.name not in ("yes", "no")]


def merge(worksheet: str, marks: Sequence[Mark]) -> Merged:
    """Return the worksheet with the marks, and what cost points where it asks for comments.

    Raise UserError if it is none in a known language, has a scale, or is out of other points.
    """
    table = Table(worksheet, [name for words in LANGUAGES.values() for name in _all(words)])
    words, columns = _columns(table)
    grade = columns["grade"]
    assert grade is not None
    rows = dict(enumerate(table.body))
    cells = {name: {n: table.cell(rows[n], columns[name]) for n in rows} for name in COLUMNS}
    ids = {n: _digits(id_, table.lines[n]) for n, id_ in cells["identifier"].items() if id_}
    who = {n: named(cells["full_name"][n], cells["identifier"][n]) for n in ids}
    _check_points(cells, ids)
    locked = {n for n in ids if _is_locked(cells["changeable"][n], words, table.lines[n])}

    names = [{n: cells[name][n] for n in ids} for name in ("id_number", "email", "full_name")]
    placed, problems = place(marks, SYSTEM, ids, names)
    for number in sorted(locked & {*placed}):
        problems.append(f"{who[number]}: is locked in Moodle's gradebook; row left unchanged")
    for number in sorted({*placed} - locked):
        mark = placed[number]
        check_scale(cells["maximum"][number], mark.final.record.max_score, who[number])
        table.put(rows[number], grade, mark.points)
        if columns["comments"] is not None:
            table.put(rows[number], columns["comments"], _comment(mark))
    return Merged(table.text(), problems, left(placed, who), list(_unknown(columns, words)))


def _all(words: Headings) -> list[str]:
    return [name for column in COLUMNS for name in _names(words, column)]


def _names(words: Headings, column: str) -> list[str]:
    named: str = getattr(words, column)
    return named.split("|")


def _columns(table: Table) -> tuple[Headings, dict[str, int | None]]:
    """Return the language of a worksheet, that of most of its headings, and its columns.

    Raise UserError if it has not the columns that nothing can be done without.
    """
    headings = {heading_key(heading) for heading in table.header}

    def fit(words: Headings) -> int:
        return len(headings & {heading_key(name) for name in _all(words)})

    words = max(LANGUAGES.values(), key=fit)
    columns = {column: table.find(_names(words, column)) for column in COLUMNS}
    needed = ("identifier", "grade")
    if missing := [_names(words, name)[0] for name in needed if columns[name] is None]:
        lacks = table.lacks(missing)
        raise UserError(f"{lacks} (worksheets are read in {', '.join(LANGUAGES)})")
    return words, columns


def _unknown(columns: Mapping[str, int | None], words: Headings) -> Iterator[str]:
    """Yield what cannot be told for want of a column."""
    if columns["changeable"] is None:
        yield f"no column {_names(words, 'changeable')[0]!r}: locked rows are not known"
    if columns["maximum"] is None:
        yield f"no column {_names(words, 'maximum')[0]!r}: the assignment's points are not known"


def _digits(identifier: str, line: int) -> str:
    """Return the number of "Participant 123", in whichever language."""
    if match := fullmatch(r"\D*(\d+)", identifier):
        return match[1]
    raise UserError(f"line {line}: {shown(identifier)!r} has no participant number")


def _check_points(cells: Mapping[str, Mapping[int, str]], ids: Mapping[int, str]) -> None:
    """Raise UserError if an assignment is graded by a scale: it takes no points."""
    for number in ids:
        most = cells["maximum"][number]
        is_points = most in ("", "-") or number_in(most) is not None
        if scale := cells["scale"][number] or ("" if is_points else most):
            words = ", ".join(word.strip() for word in scale.replace("\n", ",").split(","))
            raise UserError(f"uses the scale {shown(words)}: give the assignment a point grade")


def _is_locked(cell: str, words: Headings, line: int) -> bool:
    """Tell what a row has in "Grade can be changed"; raise UserError if it is neither yes nor no.

    Site administrators may leave these two words in English.
    """
    says = {
        answer: {heading_key(word) for word in _names(words, answer) + _names(ENGLISH, answer)}
        for answer in ("yes", "no")
    }
    if cell and heading_key(cell) not in says["yes"] | says["no"]:
        raise UserError(
            f"line {line}: {shown(cell)!r} under {_names(words, 'changeable')[0]!r} "
            f"is neither {words.yes.split('|')[0]} nor {words.no.split('|')[0]}"
        )
    return heading_key(cell) in says["no"]


def _comment(mark: Mark) -> str:
    """Return how the mark comes about and what cost points, one line each.

    Moodle shows it as text with HTML in it.
    """
    final = mark.final
    changed = final.penalty or final.by_hand
    lines = [step.line for step in steps(final, TEXTS)] if changed else []
    lines += [
        f"{c.id} {c.points:g}/{c.max_points:g}: {c.message}"
        for c in final.criteria
        if c.points < c.max_points
    ]
    text = "\n".join(lines) or "All is right."
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
