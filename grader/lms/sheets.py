"""A CSV table as a person's spreadsheet or a system wrote it.

Cells are separated by commas, semicolons or tabs, whichever yields the expected headings. The text
is UTF-8, UTF-16 with a byte-order mark, or Windows-1252, which is reported because it is a guess.
Headings are compared ignoring case and surrounding spaces.
"""

import codecs
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from grader.errors import UserError
from grader.source.paths import shown
from grader.util.csv_cells import from_cell
from grader.util.exits import say

BYTE_ORDER_MARK = "\ufeff"
QUOTE = '"'
SEPARATORS = (",", ";", "\t")
LINE_END = re.compile(r"\r\n|\r|\n")
DECLARED = re.compile(r"sep=(?P<separator>[,;\t])\s*")  # Excel's own first line
NUMBER_AS_FORMULA = re.compile(r'="(\d+)"')
LONGEST_LIST = 300  # most characters of the headings in a message

SAVE = "save it as CSV UTF-8 (in Excel: Save As, CSV UTF-8)"
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx (and any zip), .xls
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WINDOWS = "cp1252"
# Patterns that no Western European name has in Windows-1252, but misread text soon does: symbols,
# three such letters in a row or a whole word of them, or a capital one after a small one.
NOT_WESTERN = re.compile(
    r"[^\x00-\x7f\xa0\xaa\xabº»À-ÖØ-öø-ÿŠšŽžŒœ\u2019]"
    r"|[^\x00-\x7f]{3}|(?<![A-Za-z])[^\x00-\x7f\u2019]{2}(?![A-Za-z])|[a-zß-ÿ][À-ÖØ-ÞŠŽŒ]"
)


class SheetRow(NamedTuple):
    """A row of a table: the line where it begins, and the requested cells by column."""

    line: int
    cells: dict[str, str]


def read_rows(
    path: Path,
    columns: Sequence[str],
    may_be_empty: Collection[str] = (),
    may_be_missing: Sequence[str] = (),
) -> list[SheetRow]:
    """Return a file's non-empty rows with these columns.

    Columns in `may_be_missing` may be absent or have empty cells.

    Raise UserError if it is not such a table or a row lacks a cell, OSError if it cannot be read.
    """
    text = read_text(path)
    try:
        table = Table(text, columns)
        there = [name for name in may_be_missing if table.find([name]) is not None]
        body = rows(table, [*columns, *there], {*may_be_empty, *may_be_missing})
        empty = dict.fromkeys(may_be_missing, "")
        return [SheetRow(row.line, {**empty, **row.cells}) for row in body]
    except UserError as error:
        raise about(path, error) from error


def read_text(path: Path) -> str:
    """Return a table's text with its byte-order mark; warn if its encoding is a guess.

    Raise UserError if its encoding is unknown.
    """
    data = path.read_bytes()
    try:
        text, certain = decode(data)
    except UserError as error:
        raise about(path, error) from None
    if not certain:
        word = re.search(r'[^\s,;"]*[^\x00-\x7f][^\s,;"]*', text)
        sample = f" ({shown(word[0])})" if word else ""
        say(f"{path}: is not UTF-8, so it was read as Windows-1252{sample}; if wrong, {SAVE}")
    return text


def decode(data: bytes) -> tuple[str, bool]:
    """Return a table's text, and whether its encoding is certain; raise UserError if unknown.

    The message begins with the line, if there is one to name.
    """
    if data.startswith(WORKBOOKS):
        raise UserError(f"is an Excel workbook or an archive, not a CSV file: {SAVE}")
    try:
        text = data.decode("utf-16" if data.startswith(WIDE) else "utf-8")
    except UnicodeDecodeError as error:
        if data.startswith((*WIDE, codecs.BOM_UTF8)):
            raise UserError(f"is cut off or damaged ({error.reason}): {SAVE}") from None
        return _as_windows(data), False
    if "\0" in text:
        raise UserError(f"line {_line(text, text.index(chr(0)))}: has a NUL character: {SAVE}")
    return text, True


def _as_windows(data: bytes) -> str:
    """Decode as Windows-1252, if the result can be names."""
    text = data.decode(WINDOWS, "replace")
    if odd := NOT_WESTERN.search(text):
        line = _line(text, odd.start())
        raise UserError(f"line {line}: is not UTF-8, and what else it is is not certain: {SAVE}")
    return text


def about(path: Path, error: UserError) -> UserError:
    """Prefix an error with its file: "names.csv, line 5: ..."."""
    text = str(error)
    return UserError(f"{path}, {text}" if text.startswith("line ") else f"{path}: {text}")


class Table:
    """A table that keeps everything except the cells that are set, byte for byte.

    `body` has the rows below the headings, their cells as written, with any quotation marks;
    `lines` says where each begins. Raise UserError, with a readable message, if it is not CSV.
    """

    def __init__(self, text: str, columns: Collection[str] = ()) -> None:
        self._mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
        text = text.removeprefix(BYTE_ORDER_MARK)
        if not text.strip():
            raise UserError("is empty")
        self.separator = _separator(text, columns)
        self._plain = re.compile(rf'[^{self.separator}"\r\n]*')
        self._rows: list[list[str]] = []
        self._line_ends: list[str] = []
        self._parse(text)
        first = _first(self._rows)
        lines = [1]
        for row, end in zip(self._rows, self._line_ends, strict=True):
            lines.append(lines[-1] + sum(len(LINE_END.findall(part)) for part in [*row, end]))
        self.lines = lines[first + 1 : -1]
        self.body = self._rows[first + 1 :]
        self._headings = self._rows[first]
        self.header = [_value(cell) for cell in self._headings]

    def _parse(self, text: str) -> None:
        """Split at separators and line ends; keep what is between them unchanged."""
        cell, position = _cell(self.separator), 0
        row: list[str] = []
        while match := cell.match(text, position):
            position = match.end()
            row.append(match["cell"])
            if match["end"] == self.separator:
                continue
            self._rows.append(row)
            self._line_ends.append(match["end"])
            if position == len(text):
                return
            row = []
        line = _line(text, position)
        raise UserError(
            f"line {line}: a quotation mark is not closed, or something else follows it"
        )

    def column(self, name: str) -> int:
        """Return the number of the column with exactly this name; raise UserError if none."""
        if name not in self.header:
            raise self.lacks([name])
        return self.header.index(name)

    def find(self, names: Iterable[str]) -> int | None:
        """Return the number of the column with the first of these names that exists, else None.

        Raise UserError if two columns have that name.
        """
        headings = [heading_key(heading) for heading in self.header]
        for name in map(heading_key, names):
            if headings.count(name) > 1:
                heading = shown(self.header[headings.index(name)].strip())
                raise UserError(f"has several columns called {heading}: remove all but one")
            if name in headings:
                return headings.index(name)
        return None

    def numbers(self, names: Sequence[str]) -> dict[str, int]:
        """Return the numbers of some columns; raise UserError if any is missing."""
        numbers = {name: self.find([name]) for name in names}
        if absent := [name for name in names if numbers[name] is None]:
            raise self.lacks(absent)
        return {name: number for name, number in numbers.items() if number is not None}

    def lacks(self, names: Sequence[str]) -> UserError:
        """Return the error for missing columns, listing the existing ones."""
        what = f"column{'s' * (len(names) > 1)} {', '.join(map(repr, names))}"
        headings = shown(", ".join(self.header))
        if len(headings) > LONGEST_LIST:
            headings = f"{headings[:LONGEST_LIST]}..."
        return UserError(f"has no {what}; its headings are: {headings}")

    def add_column(self, name: str) -> int:
        """Add a column at the end, of empty cells; return its number.

        All rows get it, because Canvas detects the separator by equal row lengths.
        """
        number = len(self.header)
        self.header.append(name)
        for row in self._rows:
            if row != [""]:  # not an empty line
                self.put(row, number, "")
        self.put(self._headings, number, name)
        return number

    def cell(self, row: Sequence[str], column: str | int | None) -> str:
        """Return the value of a row in a column, "" if either lacks it."""
        if isinstance(column, str):
            column = self.header.index(column) if column in self.header else None
        return _value(row[column]).strip() if column is not None and column < len(row) else ""

    def put(self, row: list[str], column: int, value: str) -> None:
        """Set a cell in a row, which may be shorter than the header."""
        row.extend([""] * (column + 1 - len(row)))
        bare = self._plain.fullmatch(value) and not row[column].startswith(QUOTE)
        row[column] = value if bare else QUOTE + value.replace(QUOTE, 2 * QUOTE) + QUOTE

    def text(self) -> str:
        """Return the table's text for writing."""
        lines = (self.separator.join(row) for row in self._rows)
        return self._mark + "".join(
            part for line in zip(lines, self._line_ends, strict=True) for part in line
        )


def heading_key(text: str) -> str:
    """Return a key that ignores case and spaces around a heading."""
    words = unicodedata.normalize("NFKC", text.replace(BYTE_ORDER_MARK, "")).casefold().split()
    return " ".join(words).replace("\u2019", "'").rstrip(".: ")


def _separator(text: str, columns: Collection[str]) -> str:
    """Return the separator that yields the most requested columns in the heading row.

    Ties go to the most cells, then to the first of SEPARATORS.
    """
    if match := DECLARED.fullmatch(LINE_END.split(text, maxsplit=1)[0]):
        return match["separator"]
    keys = {heading_key(name) for name in columns}

    def fit(separator: str) -> tuple[int, int]:
        headings = _heading_row(text, separator)
        return len(keys & {heading_key(_value(cell)) for cell in headings}), len(headings)

    return max(SEPARATORS, key=fit)


def _heading_row(text: str, separator: str) -> list[str]:
    """Return the first non-empty row, as far as it can be split."""
    cell, position = _cell(separator), 0
    row: list[str] = []
    while match := cell.match(text, position):
        position = match.end()
        row.append(match["cell"])
        if match["end"] == separator:
            continue
        if position == len(text) or any(part.strip() for part in row):
            break
        row = []
    return row


def _cell(separator: str) -> re.Pattern[str]:
    """Return the pattern of a cell and the separator, line end or end of text after it."""
    return re.compile(
        rf'(?P<cell>"[^"]*+(?:""[^"]*+)*+"|[^{separator}"\r\n][^{separator}\r\n]*+|)'
        rf"(?P<end>{separator}|\r\n|\n|\r|\Z)"
    )


def _first(rows: Sequence[Sequence[str]]) -> int:
    """Return the index of the heading row: the first non-empty row except the separator line."""
    candidates = (
        number
        for number, row in enumerate(rows)
        if _says(row) and not (number == 0 and row[0] == "sep=")
    )
    return next(candidates, 0)


def rows(table: Table, columns: Sequence[str], may_be_empty: Collection[str]) -> Iterator[SheetRow]:
    """Yield the non-empty rows; raise UserError at the first bad one."""
    numbers = table.numbers(columns)
    for line, row in zip(table.lines, table.body, strict=True):
        if not _says(row):
            continue
        cells = {
            name: from_cell(_number(_value(row[number]))) if number < len(row) else ""
            for name, number in numbers.items()
        }
        if fault := _misplaced(row, len(table.header)) or _missing(cells, may_be_empty):
            raise UserError(f"line {line}: {fault}")
        yield SheetRow(line, cells)


def _says(row: Iterable[str]) -> bool:
    """Tell whether any cell of a row is not empty."""
    return any(_value(cell).strip() for cell in row)


def _misplaced(row: Sequence[str], width: int) -> str:
    """Return what is wrong with a row's separators, or ""."""
    if _says(row[width:]):
        return (
            f"has {len(row)} cells under {width} headings: "
            "put a cell that has a separator in it in quotation marks"
        )
    if any(cell.lstrip().startswith(QUOTE) and not cell.startswith(QUOTE) for cell in row):
        return "a cell has a space before its quotation mark: remove the space"
    return ""


def _missing(cells: Mapping[str, str], may_be_empty: Collection[str]) -> str:
    """Return which cell a row lacks and whose row it is, or ""."""
    there = [f"{name} {shown(text.strip())}" for name, text in cells.items() if text.strip()]
    for name, text in cells.items():
        if not text.strip() and name not in may_be_empty:
            return f"there is no {name}" + (f" for {' and '.join(there)}" if there else "")
    return ""


def _value(cell: str) -> str:
    """Return a cell's value without its quotation marks."""
    return cell[1:-1].replace(2 * QUOTE, QUOTE) if cell.startswith(QUOTE) else cell


def _number(value: str) -> str:
    """Unwrap a number written as a formula, ="007", to keep its zeros in a spreadsheet."""
    match = NUMBER_AS_FORMULA.fullmatch(value)
    return match[1] if match else value


def _line(text: str, position: int) -> int:
    """Return the line number of a position."""
    return 1 + len(LINE_END.findall(text, 0, position))
