"""Read a submitted file: its text, or the code cells of a notebook, as the student wrote them.

The content decides what a file is, not its suffix. Nothing is compiled or executed: the worker
finds out whether the code is valid. Whatever bytes a student sends, `read` returns a Source or
raises Unreadable with one line, in time at most linear in the length of the file.

This module travels in the self-check, so it needs only the standard library.
"""

import codecs
import errno
import hashlib
import io
import itertools
import json
import os
import re
import stat
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..errors import UserError
from .files import Cell as CodeCell
from .files import File
from .paths import is_gradable, open_here_and_now, shown

MEGABYTE = 2**20


class Unreadable(UserError):
    """A file that holds no Python to grade; the message says why, in one line."""


@dataclass(frozen=True)
class SourceCell:
    """A piece of Python source.

    `index` counts all cells of the notebook from 1, including markdown, in the order of the page; a
    module is one cell. `label` is what messages call it. Lines of `source` keep the numbers they
    have in the student's cell.
    """

    index: int
    label: str
    source: str


class TextCell(NamedTuple):
    """A notebook cell that is not run: its label, and "Markdown" or "raw"."""

    label: str
    kind: str


@dataclass(frozen=True)
class Source:
    """The Python of one submitted file, and the digest of its bytes.

    `in_text` maps each name that code in a text cell would define to that cell: it was code before
    somebody changed its type.
    """

    name: str
    kind: Literal["module", "notebook"]
    cells: tuple[SourceCell, ...]
    sha256: str
    in_text: Mapping[str, TextCell] = field(default_factory=dict)

    @property
    def file(self) -> File:
        """The parts that travel to where it runs."""
        return File(self.name, self.kind, tuple(CodeCell(c.label, c.source) for c in self.cells))

    @property
    def text(self) -> str:
        """All of its code."""
        return "\n".join(cell.source for cell in self.cells)


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file of at most `max_bytes`, or raise Unreadable."""
    try:
        return _bytes(path, max_bytes)
    except Unreadable as error:
        raise Unreadable(f"{shown(path.name)} {error}") from None


def read(name: str, data: bytes) -> Source:
    """Read the bytes of a file called `name`; raise Unreadable if they hold no code."""
    digest = hashlib.sha256(data).hexdigest()
    try:
        if kind := other_kind(data):
            raise Unreadable(kind)
        text = _text(data)
        document = _notebook_document(text, NOTEBOOK_NAME.search(name) is not None)
        if document is not None:
            cells = tuple(_code_cells(document))
            _check_bounds([cell.source for cell in cells])
            return Source(name, "notebook", cells, digest, _in_text(document))
        if not is_gradable(name):
            raise Unreadable(f"is not read, for it is called neither .py nor .ipynb: {ITSELF}")
        _check_bounds([text])
    except Unreadable as error:
        raise Unreadable(f"{name} {error}") from None
    return Source(name, "module", (SourceCell(1, name, text),), digest)


# Bytes

ITSELF = "hand in the .py or .ipynb itself"
# Other kinds of file that students hand in, recognized by their first bytes.
OTHER_KINDS = (
    (re.compile(rb"%PDF-"), "a PDF document"),
    (re.compile(rb"PK\x03\x04.{26,}?word/", re.DOTALL), "a Word document"),
    (re.compile(rb"PK\x03\x04"), "a zip archive"),
    (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an Office document"),
    (re.compile(rb"\{\\rtf1"), "an RTF document"),
    (re.compile(rb"Rar!\x1a\x07"), "a RAR archive"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "a 7z archive"),
    (re.compile(rb"\x1f\x8b"), "a gzip archive"),
    (re.compile(rb"BZh[1-9]1AY&SY"), "a bzip2 archive"),
    (re.compile(rb"\xfd7zXZ\0"), "an xz archive"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "a zstd archive"),
    (re.compile(rb".{257}ustar[\0 ]", re.DOTALL), "a tar archive"),
    (re.compile(rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a[^ -~]", re.DOTALL), "an image"),
    (re.compile(rb"\0\0\0.ftyp(?:hei|mif|avif)", re.DOTALL), "an image"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "an image"),
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype )?html\b",
                re.DOTALL | re.IGNORECASE), "an HTML page"),
)  # fmt: skip
HEAD_BYTES = 4096


def other_kind(data: bytes) -> str | None:
    """Name the kind of a file that holds no Python, as its first bytes show, and say what to do.

    Return None if they do not show it.
    """
    kind = kind_of(data[:HEAD_BYTES])
    if kind == "an HTML page":
        return f"is {kind}, probably a notebook exported as HTML: hand in the .ipynb itself"
    return f"is {kind}: {ITSELF}" if kind else None


def kind_of(head: bytes) -> str | None:
    """Return a file's kind by its first HEAD_BYTES, such as "a zip archive"; None if unknown."""
    return next((kind for mark, kind in OTHER_KINDS if mark.match(head)), None)


def _bytes(path: Path, max_bytes: int) -> bytes:
    """Read a regular file; refuse links, pipes and devices, so that nothing here can hang."""
    try:
        with open(path, "rb", opener=open_here_and_now) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable("is not a regular file")
            data = file.read(max_bytes + 1)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unreadable("is a symbolic link, which is never followed") from None
        raise Unreadable(f"cannot be opened: {error.strerror}") from None
    if len(data) > max_bytes:
        size, limit = (number / MEGABYTE for number in (status.st_size, max_bytes))
        raise Unreadable(f"is too large: {size:.1f} MB, the limit is {limit:.1f} MB")
    if not data.strip():
        raise Unreadable("is empty")
    return data


# Text

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
# A codec that reads this as ASCII leaves the code alone. Others (UTF-7, EBCDIC, punycode,
# unicode_escape) can hide code from the eye or take quadratic time, and no student means them.
PLAIN = bytes(range(0x20, 0x5C)) + bytes(range(0x5D, 0x7F)) + rb"\n\u0041"
# Encodings of a course in Chinese: the codec, the standard that orders its characters by frequency,
# and the first bytes of punctuation and of the common characters in that order.
CHINESE = (
    ("gb18030", "gb2312", frozenset({*range(0xA1, 0xA4), *range(0xB0, 0xD8)})),
    ("big5hkscs", "big5", frozenset(range(0xA1, 0xC7))),
)
ENOUGH_COMMON = 0.7
JUDGED_CHARACTERS = 20_000
OTHER_ENCODINGS = ["gb18030", "big5hkscs", "cp932", "euc_jp", "euc_kr", "cp1251", "cp1252"]
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
SURROGATE = re.compile(r"[\ud800-\udfff]")


def _text(data: bytes) -> str:
    """Decode a file in any encoding; lines end in a newline."""
    raw_text = _decoded(data).lstrip("\ufeff")
    text = _tidy(raw_text)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Unreadable(f"is not text: there is a NUL byte in line {line}")
    if not text.strip():
        raise Unreadable("is empty")
    return text


def _tidy(text: str) -> str:
    """Return text that any UTF-8 stream accepts, with plain line ends."""
    return SURROGATE.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        text = _try(data[len(mark) :], encoding) if data.startswith(mark) else None
        if text is not None:
            return text
    data = data.removeprefix(codecs.BOM_UTF8)
    wide_text = _wide(data) if b"\0" in data else None
    if wide_text is not None:
        return wide_text
    for encoding in (_declared(data) or "utf-8", "utf-8"):
        text = _try(data, encoding)
        if text is not None:
            return text
    return _undeclared(data)


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _wide(data: bytes) -> str | None:
    """Decode UTF-16 or UTF-32 without a mark, recognized because most of it is ASCII."""
    for encoding in WIDE:
        text = _try(data, encoding)
        if text and "\0" not in text and len(text.encode("ascii", "ignore")) * 2 > len(text):
            return text
    return None


def _declared(data: bytes) -> str | None:
    """Return the encoding declared in line 1 or 2 (PEP 263), if it is a sane one."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        return None
    return encoding if _try(PLAIN, encoding) == PLAIN.decode() else None


def _undeclared(data: bytes) -> str:
    """Decode GBK, Big5, or whatever the bytes most resemble.

    A short comment is too little for charset-normalizer, so the two encodings that this homework is
    written in are tried first: in the right one, nearly all characters are common ones.
    """
    shares = [share_of_common(data, *chinese) for chinese in CHINESE]
    if max(shares) >= ENOUGH_COMMON:
        encoding, *_ = CHINESE[shares.index(max(shares))]
        return data.decode(encoding)
    try:
        # Imported here: it is rarely needed, and a student's machine may not have it.
        from charset_normalizer import from_bytes
    except ImportError:
        raise Unreadable("is in an encoding that cannot be told here: save it as UTF-8") from None
    match = from_bytes(data, cp_isolation=OTHER_ENCODINGS).best()
    # Latin-1 accepts any bytes, and reads the ASCII among them correctly.
    return str(match) if match else data.decode("latin-1")


def share_of_common(data: bytes, encoding: str, standard: str, common: frozenset[int]) -> float:
    """Return the share of the non-ASCII characters that are common ones in this encoding."""
    text = _try(data, encoding)
    if text is None:
        return 0.0
    matches = itertools.islice(NOT_ASCII.finditer(text), JUDGED_CHARACTERS)
    pairs = [match.group().encode(standard, "ignore") for match in matches]
    return sum(bool(pair) and pair[0] in common for pair in pairs) / len(pairs)


# Bounds

# How much source one file may hold: a module, or all code cells of a notebook, whose outputs may be
# larger. Work for this homework has some thousand lines at most, so this leaves room for pasted
# tables and pictures. Every reader of source spends time on each line, yet a thousand empty lines
# cost a student one byte in an archive.
MOST_LINES = 50_000
MOST_CHARACTERS = 2_000_000
MOST_TOKENS = 1_000_000  # each takes some hundred bytes in a syntax tree
DEEPEST = 1000  # nested brackets; Python itself refuses 200
TOKEN = re.compile(r"\w+|[^\w\s]")
# Brackets, and what hides them: comments and strings, each up to its end or the text's.
BRACKETS = re.compile(
    r"#[^\n]*+"
    r"|\"\"\"(?:[^\"\\]++|\\.|\"(?!\"\"))*+(?:\"\"\")?"
    r"|'''(?:[^'\\]++|\\.|'(?!''))*+(?:''')?"
    r"|\"(?:[^\"\\\n]++|\\.)*+\"?"
    r"|'(?:[^'\\\n]++|\\.)*+'?"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])",
    re.DOTALL,
)


def _check_bounds(sources: Sequence[str]) -> None:
    """Raise Unreadable if the cells of a file hold more code than can be graded."""
    characters = sum(map(len, sources))
    lines = sum(source.count("\n") + (not source.endswith("\n")) for source in sources)
    for what, count, most in (
        ("lines of source", lines, MOST_LINES),
        ("characters of source", characters, MOST_CHARACTERS),
    ):
        if count > most:
            raise Unreadable(f"is too long: {count} {what}, the limit is {most}")
    tokens = sum(map(_tokens, sources)) if characters > MOST_TOKENS else 0
    if tokens > MOST_TOKENS:
        limit = f"the limit is {MOST_TOKENS}"
        raise Unreadable(f"is too long: {tokens} words and signs of source, {limit}")
    if any(_nests_deeper(source, DEEPEST) for source in sources):
        raise Unreadable(f"has more than {DEEPEST} brackets open in each other: close them")


def _tokens(source: str) -> int:
    return sum(1 for _ in TOKEN.finditer(source))


def _nests_deeper(source: str, most: int) -> bool:
    """Tell whether brackets nest deeper than `most`, ignoring those in comments and strings."""
    if sum(map(source.count, "([{")) <= most:
        return False
    depth = 0
    for match in BRACKETS.finditer(source):
        if match["open"]:
            depth += 1
            if depth > most:
                return True
        elif match["close"]:
            depth = max(0, depth - 1)
    return False


# Notebooks

Json = dict[str, Any]
# Limit on what a parser may build from one file: a bomb of 60 MB of `[],[],` would fill the memory.
MAX_VALUES = 5_000_000
STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
NOTEBOOK_START = re.compile(r'\s*\{\s*"(cells|worksheets|metadata|nbformat(_minor)?)"\s*:')
MERGE_MARKER = re.compile(r"^<{7}", re.MULTILINE)


# Suffixes that may follow: homework.ipynb.txt, homework.ipynb.json.
NOTEBOOK_NAME = re.compile(r"(?i)\.ipynb(?:\.txt|\.json)?$")


def _notebook_document(text: str, is_ipynb: bool) -> Json | None:
    """Return the JSON of a notebook, or None if the text is a module."""
    start = text.lstrip()[:1]
    if is_ipynb and start == "<":
        raise Unreadable(_merge_conflict(text) or "is not a notebook: it begins with '<'")
    if not (is_ipynb and start == "{") and not NOTEBOOK_START.match(text):
        return None
    if _values(text) > MAX_VALUES:
        raise Unreadable(f"is not a notebook: it holds more than {MAX_VALUES} values")
    try:
        # Numbers do not matter here, and json refuses long ones.
        document: Json = json.loads(text, strict=False, parse_int=_nothing, parse_float=_nothing)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        broken = f"is broken: {error.msg} in {where}; save it again from Jupyter"
        raise Unreadable(_merge_conflict(text) or broken) from None
    except RecursionError:
        raise Unreadable("is not a notebook: its JSON is nested too deeply") from None
    if isinstance(document.get("cells"), list) or isinstance(document.get("worksheets"), list):
        return document
    if is_ipynb:
        raise Unreadable("is not a notebook: it is JSON without cells")
    return None


def _nothing(number: str) -> None:
    return None


def _values(text: str) -> int:
    """Return an upper bound on the values in a JSON text, exact only if there may be too many."""

    def count(part: str) -> int:
        return sum(part.count(char) for char in "[{,")

    at_most = count(text)
    return at_most if at_most <= MAX_VALUES else count(STRING.sub("", text))


def _merge_conflict(text: str) -> str | None:
    if match := MERGE_MARKER.search(text):
        line = text.count("\n", 0, match.start()) + 1
        return f"holds an unresolved merge conflict (<<<<<<<) in line {line}"
    return None


def _code_cells(document: Json) -> list[SourceCell]:
    """Return the text of each code cell; raise Unreadable if there is none.

    Outputs, attachments, markdown and raw cells are ignored, whatever they hold.
    """
    cells = [
        SourceCell(index, _label(index), source)
        for index, cell in enumerate(_all_cells(document), 1)
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
        if (source := _source_of(cell)).strip()
    ]
    if not cells:
        raise Unreadable("has no code cell with anything in it")
    if not any(PLAINLY_PYTHON.search(cell.source) for cell in cells):
        _check_language(document)
    return cells


def _label(index: int) -> str:
    return f"cell {index}"


def _source_of(cell: Json) -> str:
    return _tidy(joined(cell.get("source", cell.get("input"))))


# A line that means something in Python and in no other notebook language.
PLAINLY_PYTHON = re.compile(
    r"^(?:(?:async )?def \w+\(|class \w+(?:\([\w., =]*\))?:|from [\w.]+ import\b|import torch\b)",
    re.MULTILINE,
)
# Names that text would define if run. Assignments count only if all around them is code, too.
DEFINED = re.compile(r"^(?:def|class) (\w+)\b *[(:]", re.MULTILINE)
ASSIGNED = re.compile(r"^(\w+) *=(?!=)", re.MULTILINE)
PROSE = re.compile(
    r"^(?!\s|$|[#@)\]}]|(?:def|class|import|from|for|if|with|else|try|except|return)\b"
    r"|[\w.,\[\] ]+[-+*/@]?=|[\w.]+\()",
    re.MULTILINE,
)
TEXT_CELLS = {"markdown": "Markdown", "raw": "raw"}


def _in_text(document: Json) -> dict[str, TextCell]:
    """Return the names that the code in text cells would define."""
    cell_of: dict[str, TextCell] = {}
    for index, cell in enumerate(_all_cells(document), 1):
        kind = cell.get("cell_type") if isinstance(cell, dict) else None
        if isinstance(kind, str) and kind in TEXT_CELLS:
            text = _source_of(cell)
            names = [
                *DEFINED.findall(text),
                *([] if PROSE.search(text) else ASSIGNED.findall(text)),
            ]
            cell_of |= dict.fromkeys(names, TextCell(_label(index), TEXT_CELLS[kind]))
    return cell_of


def _all_cells(document: Json) -> list[Any]:
    """Return the cells of format 4, and those in the worksheets of format 3."""
    cells = list(_list(document.get("cells")))
    for sheet in _list(document.get("worksheets")):
        if isinstance(sheet, dict):
            cells += _list(sheet.get("cells"))
    return cells


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def joined(text: object) -> str:
    """Return a notebook's text, which is stored as a string or as a list of lines."""
    if isinstance(text, str):
        return text
    return "".join(line for line in _list(text) if isinstance(line, str))


def _check_language(document: Json) -> None:
    """Raise Unreadable if the notebook says that its language is not Python."""

    def metadata_of(part: str, key: str) -> str:
        metadata = document.get("metadata")
        about = metadata.get(part) if isinstance(metadata, dict) else None
        value = about.get(key) if isinstance(about, dict) else None
        return value if isinstance(value, str) else ""

    names = metadata_of("kernelspec", "language"), metadata_of("language_info", "name")
    languages = [language for language in names if language]
    kernel = metadata_of("kernelspec", "name")
    if not languages and (kernel == "ir" or kernel.startswith("julia")):
        languages = [kernel]  # old notebooks name no language
    if languages and not any("py" in language.lower() for language in languages):
        kernels = f" (kernel {kernel})" if kernel else ""
        raise Unreadable(shown(f"is written in {languages[0][:40]}{kernels[:60]}, not in Python"))
