r"""The handout, the executed solution and the derivation as HTML and PDF, one file each.

    python tools/render.py [--root DIR] [--out build/docs]

DIR has the folders assignment/ and solution/ that `grader release` writes. math-core converts
formulas to MathML: browsers typeset it themselves, so that a page needs no script and no network,
the PDF has text, printed from the same page, and a formula that TeX would refuse is an error.
"""

import argparse
import base64
import io
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont
from jinja2 import pass_context
from jinja2.runtime import Context
from math_core import LatexError, LatexToMathML
from matplotlib.font_manager import findSystemFonts
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from playwright.sync_api import Browser, Error, sync_playwright
from traitlets.config import Config

from grader.util.atomic import write_atomically

HERE = Path(__file__).parent
PACKAGES = "chromium fonts-liberation fonts-noto-cjk"
CHINESE = "Noto Sans CJK TC"
SECONDS_PER_CELL = 600  # far more than training takes, for a busy machine

# The rendered files: patterns below the root, and names in the output.
SOURCES = {
    "assignment/README*.md": "handout",
    "solution/homework*.ipynb": "solution",
    "solution/derivation*.md": "derivation",
}
LANGUAGES = {"": "en", ".zh_Hant": "zh-Hant"}  # the suffix in a file's name

FLAGS = [
    "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--font-render-hinting=none",  # otherwise letters are spaced for a screen's pixels
]  # fmt: skip
PRINTED_WIDTH = 657  # CSS pixels: A4 less the margins of page.css, 174 mm

# Glyphs that MathML draws but its text lacks: the root, and italics of plain letters.
DRAWN = (
    0x221A, 0x210E, *range(0x1D434, 0x1D468), *range(0x1D6A4, 0x1D6A6), *range(0x1D6E2, 0x1D71C),
)  # fmt: skip

# A line break within Chinese, which browsers would show as a space.
HAN = r"[\u3000-\u9fff\uff00-\uffef]"
BREAK_IN_CHINESE = re.compile(rf"(?<={HAN})\n(?={HAN})")

# A formula and adjacent punctuation: browsers could begin a line with the comma.
PUNCTUATED = re.compile(
    r"[(\[\u300c\uff08]?<math>(?:(?!</math>).)*</math>[,.;:!?)\]\u3001\u3002\u300d\uff01-\uff1f]+"
)

PRIMES = "\u2032\u2033\u2034"  # already raised in the font: browsers raise them again

# Browsers do not stretch a bracket with a script unless something stands beside it.
BIG_WITH_SCRIPT = re.compile(r"(<m(?:sub|sup|subsup)>)(<mo [^>]*minsize=[^>]*>[^<]*</mo>)")

# Anything a page would load; addresses in its text do not matter.
LOADED = re.compile(r'<(?:img|link|script|iframe)\b[^>]*?\b(?:src|href)="((?!data:)[^"]*)"')

# Parts of a page that would be cut off at the margin.
TOO_WIDE = """
    () => [...document.querySelectorAll("math, table, pre, img")]
        .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
                     || e.scrollWidth > e.clientWidth + 1)
        .map(e => `${e.localName} "${e.textContent.trim().replace(/\\s+/g, " ").slice(0, 60)}"`)
"""


class RenderError(Exception):
    """A document cannot be rendered; the message says which and why, in one line."""


@dataclass(frozen=True)
class Document:
    """A file to render, the name of its output, and its language."""

    source: Path
    name: str
    lang: str


def render(root: Path, out: Path) -> list[Path]:
    """Render the documents below `root` to HTML and PDF in `out`; return their paths.

    Raises RenderError if a document is missing, does not run, or would not be shown right.
    """
    documents = documents_of(root)
    written = []
    with browsing() as browser:
        for document in documents:
            try:
                html = page_of(document)
                pdf = printed(browser, html)
            except RenderError as error:
                raise RenderError(f"{document.source}: {error}") from error
            for suffix, content in ((".html", html.encode()), (".pdf", pdf)):
                path = out / f"{document.name}{suffix}"
                write_atomically(path, content)
                written.append(path)
    return written


def documents_of(root: Path) -> list[Document]:
    """Return the documents below `root`; each of SOURCES must exist in at least one language."""
    documents = []
    for pattern, title in SOURCES.items():
        found = sorted(root.glob(pattern))
        if not found:
            raise RenderError(f"{root}: no {pattern}; `grader release` writes it")
        for source in found:
            suffix = source.name.removesuffix(source.suffix).partition(".")[1:]
            lang = LANGUAGES.get("".join(suffix))
            if lang is None:
                raise RenderError(f"{source}: its name ends on no language known here")
            documents.append(Document(source, title + "".join(suffix), lang))
    return documents


def page_of(document: Document) -> str:
    """Return a document as one self-contained HTML page."""
    text = document.source.read_text(encoding="utf-8")
    if document.source.suffix == ".ipynb":
        notebook = executed(notebook_in(text), document.source.parent)
    else:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    heading = re.search(r"(?m)^#+ (.+)$", prose)
    notebook.metadata["title"] = heading[1] if heading else document.name
    notebook.metadata["lang"] = document.lang
    folder = {"metadata": {"path": str(document.source.parent)}}
    html, _ = exporter().from_notebook_node(notebook, resources=folder)
    if outside := LOADED.findall(html):
        raise RenderError(f"not in the page itself: {', '.join(outside)}")
    return html.replace("/* FONTS */", font_faces(html, document.lang))


def notebook_in(text: str) -> NotebookNode:
    """Parse a file's text as a notebook."""
    try:
        notebook: NotebookNode = nbformat.reads(text, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise RenderError(f"no notebook: {str(error).splitlines()[0]}") from error
    return notebook


def executed(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run a notebook's cells in `folder`, as for a student who opens it there."""
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        coalesce_streams=True,  # otherwise a line and its end may be two outputs
        resources={"metadata": {"path": str(folder)}},
        # Drawings that stay sharp on paper; no messages on how to connect to the kernel.
        extra_arguments=["--InlineBackend.figure_formats=svg", "--log-level=ERROR"],
    )
    started: list[int] = []
    client.on_cell_start = lambda cell, cell_index: started.append(cell_index)
    try:
        return client.execute()
    except CellExecutionError as error:
        why = f"{error.ename}: {error.evalue}"
    except CellTimeoutError:
        why = f"it ran for more than {SECONDS_PER_CELL} s"
    except RuntimeError as error:
        why = f"its kernel died: {error}"
    at = f"cell {started[-1] + 1} ({first_line(notebook.cells[started[-1]])}): " if started else ""
    raise RenderError(at + " ".join(why.split()))


def first_line(cell: NotebookNode) -> str:
    """Return a cell's first line, to identify it."""
    return str(cell.source).strip().partition("\n")[0]


class MathRenderer(IPythonRenderer):
    """nbconvert's Markdown, with MathML instead of TeX for a script from the network."""

    def paragraph(self, text: str) -> str:
        """Return a paragraph."""
        return super().paragraph(set_in_lines(text))

    def block_text(self, text: str) -> str:
        """Return a list item's text."""
        return super().block_text(set_in_lines(text))

    def inline_math(self, body: str) -> str:
        """Return $body$."""
        return mathml(body, display=False)

    def block_math(self, body: str) -> str:
        """Return $$body$$."""
        return f'<span class="formula">{mathml(body, display=True)}</span>'

    def latex_environment(self, name: str, body: str) -> str:
        r"""Return \\begin{name}body\\end{name}, which is used without dollars."""
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")


def set_in_lines(text: str) -> str:
    """Return a text's HTML with line breaks in the right places, which browsers do not know."""
    return PUNCTUATED.sub(r'<span class="unbroken">\g<0></span>', BREAK_IN_CHINESE.sub("", text))


@pass_context
def markdown_to_html(context: Context, source: str) -> str:
    """Render a Markdown cell; images beside the document are embedded in the page."""
    renderer = MathRenderer(
        escape=False,
        attachments=context["cell"].get("attachments", {}),
        embed_images=True,
        path=context["resources"]["metadata"]["path"],
        exclude_anchor_links=True,
    )
    return MarkdownWithMath(renderer=renderer).render(source)


def exporter() -> HTMLExporter:
    """Return nbconvert's exporter with the template and style of tools/page/."""
    return HTMLExporter(
        config=Config({"CSSHTMLHeaderPreprocessor": {"style": "friendly"}}),
        template_name="page",
        extra_template_basedirs=[str(HERE)],
        filters={"markdown2html": markdown_to_html},
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )


def mathml(tex: str, *, display: bool) -> str:
    r"""Return a formula as MathML.

    A \tag is for LaTeX's numbered environments; if Markdown has it between dollars, one is added.
    """
    numbered = re.match(r"\s*\\begin\{(equation|align|gather|multline)\*?\}", tex)
    if r"\tag" in tex and not numbered:
        tex = rf"\begin{{equation}}{tex}\end{{equation}}"
    try:
        converted = _converter().convert_with_local_state(tex, displaystyle=display)
    except LatexError as error:
        raise RenderError(f"formula {' '.join(tex.split())}: {error}") from error
    return with_primes_raised_once(BIG_WITH_SCRIPT.sub(r"\1<mrow>\2<mi></mi></mrow>", converted))


def with_primes_raised_once(converted: str) -> str:
    """Return a formula with its primes beside their letters, not in a superscript."""
    if not any(prime in converted for prime in PRIMES):
        return converted
    formula = BeautifulSoup(converted, "html.parser")
    for power in formula.find_all("msup"):
        prime = power.find_all(recursive=False)[1]
        if prime.name == "mo" and prime.text in PRIMES:
            power.name = "mrow"
            prime["lspace"] = prime["rspace"] = "0"
    return str(formula)


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML(fancy_error=False, allow_unreliable_rendering=True)


def font_faces(text: str, lang: str) -> str:
    """Return the CSS of fonts that a reader may lack, with the glyphs of `text`.

    MathML is only as good as its font: brackets stretch and fractions align by tables that text
    fonts lack. Chinese is set in Taiwan's glyphs; in the full Noto Sans CJK a plain character and a
    radical share a glyph, so text copied from a PDF would contain radicals.
    """
    math = TTFont(distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf"))
    faces = [font_face("STIX Two Math", 400, math, text)]
    if lang.startswith("zh"):
        for weight, style in ((400, "Regular"), (700, "Bold")):
            faces.append(font_face(CHINESE, weight, chinese_font(style), text))
    return "\n".join(faces)


def font_face(family: str, weight: int, font: TTFont, text: str) -> str:
    """Return the CSS of a font with the glyphs of `text`, the font included."""
    subsetter = Subsetter(Options(layout_features=["*"]))
    subsetter.populate(text=text, unicodes=DRAWN)
    subsetter.subset(font)
    font.flavor = "woff"
    data = io.BytesIO()
    font.save(data)
    address = f"data:font/woff;base64,{base64.b64encode(data.getvalue()).decode()}"
    return (
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url("{address}"); }}'
    )


def chinese_font(style: str) -> TTFont:
    """Return the system's Noto Sans CJK TC, from the collection of all regions."""
    name = f"NotoSansCJK-{style}.ttc"
    found = next((path for path in findSystemFonts(fontext="ttf") if path.endswith(name)), None)
    if not found:
        raise RenderError(f"Chinese needs the font {name}: apt-get install {PACKAGES}")
    fonts = TTCollection(found, lazy=True).fonts
    return next(font for font in fonts if font["name"].getBestFamilyName() == CHINESE)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Yield the system's Chromium; nbconvert's WebPDFExporter knows only Playwright's own."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        raise RenderError(f"PDF needs Chromium: apt-get install {PACKAGES}")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        except Error as error:
            raise RenderError(
                f"{chromium} does not start: {error.message.splitlines()[0]}"
            ) from error
        try:
            yield browser
        finally:
            browser.close()


def printed(browser: Browser, html: str) -> bytes:
    """Return a page as PDF, on the paper that page.css describes."""
    context = browser.new_context(offline=True, viewport={"width": PRINTED_WIDTH, "height": 1000})
    try:
        page = context.new_page()
        page.emulate_media(media="print")
        page.set_content(html)
        page.evaluate("() => document.fonts.ready")
        if cut := page.evaluate(TOO_WIDE):
            raise RenderError(f"wider than the paper: {'; '.join(cut)}")
        return page.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    finally:
        context.close()


def main(arguments: list[str] | None = None) -> None:
    """Render according to the command line, or exit with one line that says what is wrong."""
    parser = argparse.ArgumentParser(description="Render handout, solution and derivation.")
    parser.add_argument("--root", type=Path, default=HERE.parent, help="has assignment/, solution/")
    parser.add_argument("--out", type=Path, default=Path("build/docs"))
    options = parser.parse_args(arguments)
    try:
        for path in render(options.root, options.out):
            print(path)
    except RenderError as error:
        sys.exit(f"render.py: {error}")


if __name__ == "__main__":
    main()
