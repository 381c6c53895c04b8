"""A student's source as HTML, with marked lines; all of it is hostile, and sanitised by nh3.

Runs in a separate process (pages.py). Nothing from the student determines an id, a style or an
address that a browser loads by itself.
"""

import ast
import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import nh3
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from grader.rubric.rubric import PageLimits
from grader.source.read import joined, read

COLOURS = HtmlFormatter(nowrap=True)
LEXER = PythonLexer(stripnl=False, ensurenl=False)
TAGS = {
    "a", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}, "td": {"colspan"}, "th": {"colspan"}}
IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
DATA_IMAGE = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=\s]*")
# The page itself uses headings down to the third level.
HEADING = re.compile(r"(</?)h[1-6]>")
PLACE = re.compile(r"(?P<label>cell \d+|[^()]+), line (?P<line>\d+)")


@dataclass
class Line:
    """A line of code: its id in the page, its HTML, and the reasons why it is marked, if any."""

    id: str
    html: Markup
    marks: list[str] = field(default_factory=list)


@dataclass
class Output:
    """A cell's output: text, an image's address, or a note that something was cut."""

    kind: Literal["text", "error", "image", "cut"]
    content: str = ""


@dataclass
class PageCell:
    """A notebook's cell, or a whole module. `number` counts from 1, as on the page."""

    number: int
    label: str
    kind: Literal["code", "markdown", "raw"]
    lines: list[Line] = field(default_factory=list)
    html: Markup = field(default_factory=Markup)
    outputs: list[Output] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    cut: bool = False


@dataclass
class SourcePage:
    """A source to show; `definitions` are the ids of the lines that define a name."""

    cells: list[PageCell]
    definitions: dict[str, str]

    def line(self, place: str) -> Line | None:
        """Return the line at a place as records name it ("cell 3, line 5"), if it is shown."""
        match = PLACE.search(place)
        if match is None:
            return None
        number = int(match["line"])
        for cell in self.cells:
            if cell.label == match["label"] and cell.kind == "code":
                return cell.lines[number - 1] if 0 < number <= len(cell.lines) else None
        return None

    def by_id(self, line_id: str | None) -> Line | None:
        """Return the line with an id, if it is shown."""
        lines = (line for cell in self.cells for line in cell.lines)
        return next((line for line in lines if line.id == line_id), None)


def show(name: str, data: bytes, limits: PageLimits, plain: bool) -> SourcePage:
    """Return a file for display; `plain` omits colours, markdown and outputs.

    Raise Unreadable if it contains no code.
    """
    source = read(name, data)
    definitions: dict[str, str] = {}
    for cell in source.cells:
        for definition, line in _definitions(cell.source, plain):
            # The last one counts, as in Python.
            definitions[definition] = _line_id(cell.index, line)
    cells: list[PageCell] = []
    if source.kind == "notebook" and not plain:
        with suppress(Exception):  # if anything else is odd, only its code is shown
            cells = list(_notebook_cells(data, limits))
    if not cells:
        budget = Budget(limits.source_characters)
        cells = [
            _code_cell(cell.index, cell.label, cell.source, budget, plain) for cell in source.cells
        ]
    return SourcePage(cells, definitions)


def _line_id(cell: int, line: int) -> str:
    return f"c{cell}-l{line}"


@dataclass
class Budget:
    """The number of characters of a source that may still be shown."""

    characters: int

    def take(self, text: str) -> tuple[str, bool]:
        """Return the part of a text that may be shown, and whether it was cut."""
        beginning = text[: self.characters]
        self.characters -= len(beginning)
        return beginning, len(beginning) < len(text)


def _code_cell(number: int, label: str, text: str, budget: Budget, plain: bool) -> PageCell:
    """Return a code cell; each line is its own HTML."""
    source, cut = budget.take(text.removesuffix("\n"))
    if plain:
        html = [escape(line) for line in source.split("\n")]
    else:
        spans = nh3.clean(
            highlight(source, LEXER, COLOURS), tags={"span"}, attributes={"span": {"class"}}
        )
        html = [Markup(line) for line in spans.split("\n")][: source.count("\n") + 1]
    lines = [Line(_line_id(number, line), text) for line, text in enumerate(html, 1)]
    return PageCell(number, label, "code", lines, cut=cut)


DEFINITION = re.compile(r"(?:async\s+)?(?:def|class)\s+(\w+)")


def _definitions(source: str, plain: bool) -> Iterator[tuple[str, int]]:
    """Yield the names that a cell defines at its top level, and their lines."""
    try:
        statements = [] if plain else ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        plain = True
    if plain:
        for number, line in enumerate(source.split("\n"), 1):
            if match := DEFINITION.match(line):
                yield match[1], number
        return
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name, statement.lineno


def _notebook_cells(data: bytes, limits: PageLimits) -> Iterator[PageCell]:
    """Yield all cells of a notebook as they were written, including magics.

    Their line numbers are the same as those the grader reports.
    """
    budget = Budget(limits.source_characters)
    for number, cell in enumerate(_document_cells(data), 1):
        text, label = _tidy(joined(cell.get("source"))), f"cell {number}"
        match cell.get("cell_type"):
            case "code":
                page_cell = _code_cell(number, label, text, budget, plain=False)
                page_cell.outputs = list(_outputs(cell.get("outputs"), limits))
            case "markdown":
                markdown, cut = budget.take(text)
                html = _markdown(markdown, cell.get("attachments"))
                cut = cut or len(html) > limits.image_bytes
                page_cell = PageCell(
                    number, label, "markdown", html=Markup() if cut else html, cut=cut
                )
            case _:
                page_cell = _code_cell(number, label, text, budget, plain=True)
                page_cell.kind = "raw"
        yield page_cell


def _document_cells(data: bytes) -> list[Mapping[str, Any]]:
    """Return the cells in format 4."""
    document = json.loads(data, strict=False)
    if "worksheets" in document:
        import nbformat

        document = nbformat.convert(nbformat.from_dict(document), 4)
    return [cell if isinstance(cell, Mapping) else {} for cell in document["cells"]]


def _tidy(text: str) -> str:
    """Return text with plain line ends and only characters that UTF-8 can encode."""
    valid = text.encode(errors="replace").decode()
    return valid.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def _markdown(text: str, attachments: object) -> Markup:
    """Return markdown as nbconvert renders it, sanitised."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    images = attachments if isinstance(attachments, dict) else {}
    renderer = IPythonRenderer(escape=False, attachments=images, exclude_anchor_links=True)
    return sanitised(MarkdownWithMath(renderer=renderer).render(_tidy(text)))


def sanitised(html: str) -> Markup:
    """Return HTML that cannot run, load or submit anything, nor reuse the page's names.

    Its headings become bold paragraphs, so that the page's own stay in order.
    """
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer nofollow",
        clean_content_tags={"script", "style", "title", "textarea", "template", "noscript"},
    )
    return Markup(HEADING.sub(lambda tag: "<p><b>" if tag[1] == "<" else "</b></p>", clean))


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if DATA_IMAGE.fullmatch(value) else None
    if name == "href":
        return value if value.lower().startswith(("http://", "https://", "mailto:")) else None
    return value


def _outputs(outputs: object, limits: PageLimits) -> Iterator[Output]:
    """Yield a cell's outputs: text and pictures; anything else as text."""
    characters, image_bytes = limits.output_characters, limits.image_bytes
    for output in outputs if isinstance(outputs, list) else []:
        if not isinstance(output, Mapping):
            continue
        data = output.get("data")
        bundle: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        image = _image(bundle, image_bytes)
        if image:
            image_bytes -= len(image)
            yield Output("image", image)
            continue
        text = _text(output, bundle)
        if text:
            kind: Literal["text", "error"] = (
                "error" if output.get("output_type") == "error" else "text"
            )
            yield Output(kind, text[:characters])
        characters -= len(text)
        if characters < 0:
            yield Output("cut")
            return


def _text(output: Mapping[str, Any], bundle: Mapping[str, Any]) -> str:
    from nbconvert.filters import strip_ansi

    traceback = output.get("traceback")
    lines = traceback if isinstance(traceback, list) else []
    text = (
        joined(output.get("text"))
        or joined(bundle.get("text/plain"))
        or "\n".join(line for line in lines if isinstance(line, str))
    )
    if not text and any(name.startswith("image/") for name in bundle):
        text = "(image)"
    return _tidy(str(strip_ansi(text)))


def _image(bundle: Mapping[str, Any], most_bytes: int) -> str | None:
    """Return a picture as a data address, or None if there is none that may be shown."""
    for kind, magic in IMAGES.items():
        base64_text = "".join(joined(bundle.get(kind)).split())
        try:
            content = base64.b64decode(base64_text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if content.startswith(magic) and len(base64_text) <= most_bytes:
            return f"data:{kind};base64,{base64_text}"
    return None
