"""Moodle's grading worksheet: the names of its columns in each language, and its participants.

Format: docs.moodle.org, "Using Assignment", offline grading worksheet; moodle,
mod/assign/gradingtable.php.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

from grader.errors import UserError
from grader.lms.sheets import Table, heading_key
from grader.source.paths import shown

NAME = "Moodle"


@dataclass(frozen=True)
class Headings:
    """Moodle's names for the columns in one language; older names follow after a bar.

    `yes` and `no` are the values of `changeable`; `code` is the language code.
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
    submitted: str
    code: str

    def names(self, field: str) -> list[str]:
        """Return all names of a column, or of a value in it, the newest first."""
        words: str = getattr(self, field)
        return words.split("|")

    @property
    def all(self) -> list[str]:
        """All names of all columns."""
        return [name for column in COLUMNS for name in self.names(column)]


# From Moodle's language packs, as of 2015 to 2026 (github.com/projectestac/moodle-langpacks; zh_tw
# from the pack of Moodle 3.1 and a later assign.php): assign.php recordid, maxgrade, scale,
# gradecanbechanged and lastmodifiedsubmission; assignfeedback_comments.php pluginname; moodle.php
# fullname, idnumber, email, gradenoun (grade until 4.0), yes and no. "Identifikator" is in no pack,
# but real worksheets have it.
LANGUAGES = {
    "English": Headings(
        "Identifier", "Full name", "ID number", "Email address", "Grade", "Maximum grade", "Scale",
        "Grade can be changed", "Feedback comments", "Yes", "No",
        "Last modified (submission)", "en",
    ),
    "German": Headings(
        "ID|Identifikator", "Vollständiger Name", "ID-Nummer", "E-Mail-Adresse", "Bewertung",
        "Bestwertung|Bestbewertung", "Skala", "Bewertung kann geändert werden",
        "Feedback als Kommentar", "Ja", "Nein",
        "Zuletzt geändert (Abgabe)", "de",
    ),
    "French": Headings(
        "Identifiant", "Nom complet", "Numéro d'identification", "Adresse de courriel", "Note",
        "Note maximale", "Barème", "La note peut être modifiée", "Feedback par commentaires",
        "Oui", "Non",
        "Dernière modification (travail remis)", "fr",
    ),
    "Spanish": Headings(
        "Identificador", "Nombre completo", "Número de ID", "Dirección de correo", "Calificación",
        "Calificación máxima", "Escala", "La calificación puede ser cambiada",
        "Comentarios de retroalimentación", "Sí", "No",
        "Última modificación (entrega)|Última modificación (envío)", "es",
    ),
    "Chinese (simplified)": Headings(
        "标识符|识别码", "全名", "学号", "电子邮件地址|Email地址", "成绩", "最高分|最高成绩",
        "量表", "允许更改成绩", "反馈意见|评语反馈", "是的|是", "否",
        "上次修改(作业)|最后修改(学生)", "zh-Hans",
    ),
    "Chinese (traditional)": Headings(
        "識別碼", "完整名稱|名稱", "學號|識別號碼", "電子郵件信箱|電子郵件", "成績",
        "最高成績|最高分數", "量尺", "分數可以被更改", "評語回饋", "是", "否",
        "最後修改的(作業)|最後修改(學生)", "zh-Hant",
    ),
    "Italian": Headings(
        "Identificativo", "Nome", "Codice identificativo", "Indirizzo email", "Valutazione",
        "Valutazione massima", "Scala", "La valutazione può essere cambiata", "Commenti",
        "Sì", "No",
        "Ultima modifica (consegna)|Ultima modifica (invio)", "it",
    ),
    "Portuguese": Headings(
        "Identificador|Número de identificação", "Nome completo", "Número de identificação (ID)",
        "E-mail|Endereço de e-mail", "Avaliação|Nota", "Nota máxima", "Escala",
        "A nota pode ser alterada.", "Comentários de feedback", "Sim", "Não",
        "Última atualização (submissão)|Última modificação (envio)", "pt",
    ),
    "Dutch": Headings(
        "Identificatie", "Volledige naam", "Nummer (ID)", "E-mailadres", "Cijfer",
        "Maximaal cijfer", "Schaal", "Het cijfer kan gewijzigd worden",
        "Feedback tekstvak|Feedback", "Ja", "Nee",
        "Laatst gewijzigd (inzending)", "nl",
    ),
    "Russian": Headings(
        "Идентификатор", "Полное имя", "Индивидуальный номер", "Адрес электронной почты", "Оценка",
        "Максимальная оценка", "Шкала", "Оценка может быть изменена", "Отзыв в виде комментария",
        "Да", "Нет",
        "Последнее изменение (ответ)", "ru",
    ),
    "Japanese": Headings(
        "ID", "フルネーム|名称", "IDナンバ|IDナンバー", "メールアドレス", "評点", "最大評点",
        "評価尺度", "評点変更可", "フィードバックコメント", "Yes", "No",
        "最終更新日時 (提出)", "ja",
    ),
}  # fmt: skip
ENGLISH = LANGUAGES["English"]
COLUMNS = [field.name for field in fields(Headings) if field.name not in ("yes", "no", "code")]
EVERY_HEADING = [name for words in LANGUAGES.values() for name in words.all]


def language_of(table: Table) -> Headings:
    """Return the language of a worksheet: the one that most of its headings are in."""
    headings = {heading_key(heading) for heading in table.header}
    return max(LANGUAGES.values(), key=lambda words: len(headings & {*map(heading_key, words.all)}))


def columns_of(table: Table, names: Sequence[str]) -> tuple[Headings, dict[str, int | None]]:
    """Return the language of a worksheet and the numbers of its columns.

    Raise UserError if one of `names` is missing.
    """
    words = language_of(table)
    columns = {column: table.find(words.names(column)) for column in COLUMNS}
    if headings := [words.names(name)[0] for name in names if columns[name] is None]:
        lacks = table.lacks(headings)
        raise UserError(f"{lacks} (worksheets are read in {', '.join(LANGUAGES)})")
    return words, columns


def participant(identifier: str, line: int) -> str:
    """Return the number of "Participant 123", in any language."""
    if match := re.fullmatch(r"\D*(\d+)", identifier):
        return match[1]
    raise UserError(f"line {line}: {shown(identifier)!r} has no participant number")
