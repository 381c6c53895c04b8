"""`make docs`: pages and PDF of documents with hard formulas, as Chromium shows and prints them."""

# ruff: noqa: RUF001 - Chinese has commas and brackets of its own

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from browser import browsing, opened
from bs4 import BeautifulSoup
from conftest import ROOT, need
from pypdf import PdfReader
from render import RenderError, mathml, render
from times import PATIENCE

ENGLISH = (
    r"""# Hard formulas

Inline $\sigma'(x)$, $\lVert A \rVert_F^2$, $W_1 \in \mathbb{R}^{1 \times H}$; it costs \$5, or \$6.

$$\sigma(x) = \frac{1}{1 + e^{-x}} = 1 - \sigma(-x) \tag{2.1}$$
$$
\begin{aligned}
df &= -2 \operatorname{tr}\bigl( (Y - Y_{pred})^T\, dY_{pred} \bigr)^T \\
   &= \Bigl\langle ((Y - Y_{pred}) W_2^T) \odot h_s, dh \Bigr\rangle_F
\end{aligned}
\tag{3.5}
$$

| | gradient | of |
|---|---|---|
| $W_1$ | $X^T \bigl( G \odot h_s \odot (1 - h_s) \bigr)$ | `x.T @ back` |

\begin{align}
c &= \sqrt{\sum_{i} x_i^2} \tag{4.1}
\end{align}

```python
"""
    + f"line = '{'a' * 130}'  # ends here\n```\n"
)

SECTIONS = "\n\n".join(
    f"## 第 {n} 節\n\n" + "損失對參數的梯度，由資料與樣本推導。" * (3 + n % 5) for n in range(1, 41)
)
CHINESE = rf"""# 兩層網路與梯度

矩陣 $X$ 的每一列是一個樣本，
「直接」與 `autograd` 比較：

$$f = \lVert Y - Y_{{pred}} \rVert_F^2 \quad \text{{（平方和）}} \tag{{1.1}}$$

{SECTIONS}
"""
DRAWING = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('drawn')"


@dataclass(frozen=True)
class Rendered:
    """A folder of documents, and the folder of what became of them."""

    root: Path
    out: Path

    def text(self, name: str) -> list[str]:
        """Return the text of each page of a PDF."""
        return [page.extract_text() for page in PdfReader(self.out / name).pages]


def write(root: Path, english: str = ENGLISH, *cells: str) -> Path:
    """Write documents as `grader release` names them."""
    for folder in ("assignment", "solution"):
        (root / folder).mkdir(parents=True)
    (root / "assignment/README.md").write_text(english, encoding="utf-8")
    (root / "solution/derivation.md").write_text("## Derivation\n\n$$a = b$$\n", encoding="utf-8")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Solved: $h_s$")])
    notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(notebook, root / "solution/homework.ipynb")
    return root


def run(root: Path, out: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "tools/render.py", "--root", root, "--out", out]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, env=environment or None
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a run which went wrong has said."""
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    need("chromium", "fonts")
    folder = tmp_path_factory.mktemp("docs")
    root = write(folder / "root", ENGLISH, DRAWING)
    (root / "assignment/README.zh_Hant.md").write_text(CHINESE, encoding="utf-8")
    done = run(root, folder / "out")
    assert (done.returncode, done.stderr) == (0, "")
    names = ("handout", "handout.zh_Hant", "solution", "derivation")
    assert {path.name for path in (folder / "out").iterdir()} == {
        f"{name}.{kind}" for name in names for kind in ("html", "pdf")
    }
    return Rendered(root, folder / "out")


@pytest.mark.parametrize("name", ["handout", "handout.zh_Hant", "solution", "derivation"])
def test_page_has_all_it_needs_in_itself(rendered: Rendered, name: str) -> None:
    html = (rendered.out / f"{name}.html").read_text(encoding="utf-8")
    page = BeautifulSoup(html, "html.parser")
    assert not page.find_all(["script", "link", "iframe"])
    assert all(image["src"].startswith("data:") for image in page.find_all("img"))
    assert "@import" not in html
    assert all(url.startswith('"data:') for url in re.findall(r"url\((.*?)\)", html))
    assert page.html["lang"] == ("zh-Hant" if "zh" in name else "en")
    assert page.title.string.strip()


# Where each formula is, and what it is made of; a fraction is one only if its parts are stacked.
SEEN = """() => ({
    boxes: [...document.querySelectorAll("math")].map(e => e.getBoundingClientRect())
        .map(box => [box.width, box.height]),
    fractions: [...document.querySelectorAll("mfrac")].map(e => [...e.children])
        .map(([over, under]) => under.getBoundingClientRect().top
                              - over.getBoundingClientRect().bottom),
    brackets: [...document.querySelectorAll("mo")].filter(e => "⟨⟩".includes(e.textContent))
        .map(e => e.getBoundingClientRect().height),
    right: [...document.querySelectorAll("main, mtext")]
        .map(e => e.getBoundingClientRect().right),
    font: document.fonts.check('20px "STIX Two Math"', "√"),
    text: document.body.innerText,
})"""


# However wide the page: where a formula and the comma at it are on two lines.
PARTED = """() => {
    const main = document.querySelector("main");
    const joined = [...document.querySelectorAll(".unbroken")];
    const parted = joined.length ? [] : ["none is joined"];
    for (let width = 150; width < 450; width++) {
        main.style.width = `${width}px`;
        parted.push(...joined.filter(e => e.getClientRects().length > 1).map(e => width));
    }
    return parted;
}"""


def test_formulas_are_shown_without_a_network(rendered: Rendered) -> None:
    with browsing() as context:
        context.set_offline(True)
        with opened(context, rendered.out / "handout.html") as (page, seen):
            shown = page.evaluate(SEEN)
            assert page.evaluate(PARTED) == []
    assert (seen.requests, seen.errors) == ([], [])
    assert len(shown["boxes"]) == 8
    assert all(width > 5 and height > 5 for width, height in shown["boxes"])
    assert len(shown["fractions"]) == 1
    assert shown["fractions"][0] >= 0
    # Grown, and both alike: a browser leaves the one with a script small.
    assert shown["brackets"][0] == pytest.approx(shown["brackets"][1])
    assert shown["brackets"][0] > 25
    main, *numbers = shown["right"]
    assert len(numbers) == 3
    assert all(main - 40 < number < main for number in numbers)
    assert shown["font"]
    assert re.findall(r"\\\w+|\$\S*", shown["text"]) == ["$5,", "$6."]


@pytest.mark.parametrize("name", ["handout", "handout.zh_Hant", "solution", "derivation"])
def test_pdf_has_its_fonts_and_its_pages_have_numbers(rendered: Rendered, name: str) -> None:
    pdf = PdfReader(rendered.out / f"{name}.pdf")
    fonts = {}
    for number, page in enumerate(pdf.pages, start=1):
        assert [round(float(side) / 72 * 25.4) for side in page.mediabox[2:]] == [210, 297]
        assert f"{number} / {len(pdf.pages)}" in page.extract_text()
        for reference in page["/Resources"]["/Font"].values():
            font = reference.get_object()
            font = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
            descriptor = font["/FontDescriptor"].get_object()
            fonts[descriptor["/FontName"].partition("+")[2]] = (
                "/FontFile2" in descriptor or "/CharProcs" in font
            )
    assert all(fonts.values()), fonts
    assert "STIXTwoMath" in fonts
    assert any("CJKtc" in font for font in fonts) == ("zh" in name)


def test_pdf_is_text(rendered: Rendered) -> None:
    chinese = rendered.text("handout.zh_Hant.pdf")
    assert len(chinese) > 2
    assert "矩陣 𝑋 的每一列是一個樣本，「直接」與 autograd 比較：" in chinese[0]
    assert "（平方和）" in chinese[0]
    assert "(3.5)" in rendered.text("handout.pdf")[0]
    assert "drawn" in rendered.text("solution.pdf")[0]


def test_nothing_is_cut_off_at_the_margin(rendered: Rendered) -> None:
    assert "ends here" in " ".join(rendered.text("handout.pdf")[0].split())


def test_no_heading_is_the_last_line_of_a_page(rendered: Rendered) -> None:
    for page in rendered.text("handout.zh_Hant.pdf"):
        number, *_, last = page.splitlines()
        assert re.fullmatch(r"\d+ / \d+", number)  # which is drawn first
        assert not re.fullmatch(r"第 \d+ 節\s*", last)


@pytest.mark.needs("chromium")
def test_notebook_that_fails_is_told_with_its_cell(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "# None", "1 + 1", "raise ValueError('no\\nmore')")
    line = complaint(run(root, tmp_path / "out"))
    assert line.endswith(
        "homework.ipynb: cell 3 (raise ValueError('no\\nmore')): ValueError: no more"
    )


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"$\fraq12$", r'README.md: formula \fraq12: 0: Unknown command "\fraq".'),
        ("![drawn](there.png)", "README.md: not in the page itself: there.png"),
        (f"$${' + '.join('abcdefghi' * 9)}$$", 'README.md: wider than the paper: math "a+b+c'),
    ],
)
def test_text_that_would_not_be_shown_right_is_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    root = write(tmp_path / "root", text)
    with pytest.raises(RenderError) as refused:
        render(root, tmp_path / "out")
    assert said in str(refused.value)


@pytest.mark.parametrize("tex", [r"\sigma'(x)", r"\tanh'(x)", "f''(x)"])
def test_prime_is_raised_once(tex: str) -> None:
    assert "msup" not in mathml(tex, display=False)


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    assert "no assignment/README*.md" in complaint(run(tmp_path, tmp_path / "out"))
    root = write(tmp_path / "root")
    line = complaint(run(root, tmp_path / "out", PATH=""))
    assert "PDF needs Chromium: apt-get install chromium" in line
