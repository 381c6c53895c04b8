"""Similar submissions: copies are found however dressed up, honest right answers are not."""

import json
import re
import shutil
import zlib
from collections.abc import Callable
from functools import partial
from subprocess import CompletedProcess

import nbformat
import pytest
from browser import opened
from conftest import ROOT, run_grader

from grader.material.notebook import released_code
from grader.reports.similarity import compare
from grader.rubric import load_rubric

CORPUS = ROOT / "tests" / "submissions"
RUBRIC = load_rubric()
SETTINGS = RUBRIC.similarity
GIVEN = released_code(RUBRIC)
STUB = (ROOT / "assignment" / "homework.py").read_text(encoding="utf-8")
ADA = (CORPUS / "ada_lindqvist.py").read_text(encoding="utf-8")
# Right ones that were written differently, each by itself.
HONEST = [
    "ada_lindqvist.py",
    "einsum_everywhere.py",
    "functional_sigmoid.py",
    "loops_over_rows.py",
    "numpy_detour.py",
    "rewritten_from_scratch.py",
    "sum_to_size_once.py",
    "transposes_everywhere.py",
]


def crc_of(text: str) -> int:
    return zlib.crc32(text.encode())


@pytest.fixture(autouse=True)
def same_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash alike in every process, as PYTHONHASHSEED lets the command do; others find 0.8."""
    monkeypatch.setattr("copydetect.utils.hash", crc_of, raising=False)


@pytest.fixture
def similar(warm, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CompletedProcess[str]]:
    """Run the command in this process, which hashes alike already and need not start again."""
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    return partial(warm.run, "similar")


def renamed(text: str) -> str:
    return re.sub(r"\bdelta\b", "mine", re.sub(r"\bhs\b", "hidden_layer", text))


def reworded(text: str) -> str:
    return re.sub(r'"""[^"]*"""', '"""In words of my own."""', text).replace("# %%", "# part")


def reordered(text: str) -> str:
    head, *parts = text.split("# %% ")
    return head + "".join(f"# %% {part}" for part in reversed(parts))


def students_of(texts: dict[str, str]) -> set[frozenset[str]]:
    found = compare(texts, GIVEN, SETTINGS, jobs=1)
    return {frozenset((pair.one.student, pair.other.student)) for pair in found.pairs}


@pytest.mark.parametrize("change", [str, renamed, reworded, reordered])
def test_a_copy_is_found_however_it_is_dressed_up(change):
    texts = {name: (CORPUS / name).read_text(encoding="utf-8") for name in HONEST}
    assert students_of(texts | {"copy": change(ADA)}) == {frozenset(("ada_lindqvist.py", "copy"))}


def test_honest_right_answers_are_not_reported():
    texts = {name: (CORPUS / name).read_text(encoding="utf-8") for name in HONEST}
    found = compare(texts, GIVEN, SETTINGS, jobs=1)
    assert (found.compared, found.pairs) == (len(HONEST), [])


def test_untouched_stubs_have_nothing_of_their_own():
    found = compare({"ada": STUB, "bob": STUB, "eve": ADA}, GIVEN, SETTINGS, jobs=1)
    assert (found.compared, found.pairs) == (1, [])
    assert found.left_out == dict.fromkeys(("ada", "bob"), "too little text of its own")


def test_three_alike_are_three_pairs_and_comments_count_for_the_wording():
    found = compare({"a": ADA, "b": ADA, "c": renamed(ADA)}, GIVEN, SETTINGS, jobs=1)
    assert (found.pairs[0].one.student, found.pairs[0].other.student) == ("a", "b")
    assert len(found.pairs) == found.found == 3
    assert [pair.wording == 1 for pair in found.pairs] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * (SETTINGS.most_characters + 1), "too long to compare"),
        ("\n", "too little text of its own"),
        ("'''" * 3, "too little text of its own"),
        ("\0" + "(" * 500, "too little text of its own"),
    ],
)
def test_what_cannot_be_compared_says_why_and_costs_the_others_nothing(text, why):
    found = compare({"odd": text, "a": ADA, "b": ADA}, GIVEN, SETTINGS, jobs=1)
    assert found.left_out == {"odd": why}
    assert found.found == 1


def test_what_is_left_out_is_what_students_are_given():
    assert STUB in GIVEN
    notebook = nbformat.read(ROOT / "assignment" / "homework.ipynb", as_version=4)
    lines = {
        line.strip()
        for c in notebook.cells
        if c.cell_type == "code"
        for line in c.source.split("\n")
    }
    assert lines <= {line.strip() for line in GIVEN.split("\n")}


def test_a_notebook_and_a_module_of_the_same_text_are_a_pair_and_the_page_runs_nothing(
    browser, tmp_path
):
    hostile = ADA + "\n# </pre><script>alert(1)</script><img src=x onerror=alert(2)>\n"
    folder, out = tmp_path / "class", tmp_path / "out"
    folder.mkdir()
    (folder / "<b>eve.py").write_text(hostile)
    cells = [nbformat.v4.new_code_cell(part) for part in hostile.split("\n\n\n")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    (folder / "bob.ipynb").write_text(nbformat.writes(notebook))
    (folder / "zoe.py").write_text((CORPUS / "einsum_everywhere.py").read_text())
    done = run_grader("similar", folder, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 submissions compared: 1 pair to look at, none of them")
    with opened(browser, out / "similar.html") as (page, seen):
        assert page.inner_text("h1").endswith("a place to look, never a verdict")
        assert "<b>eve" in page.inner_text("summary")
        assert "<script>alert(1)</script>" in page.locator("pre").first.inner_text()
        assert "torch.mm(x, params.w1)" in "".join(page.locator("mark").all_inner_texts())
        assert (seen.requests, seen.dialogs, seen.errors) == ([], [], [])


def test_the_index_links_to_it_once_it_is_there(warm, similar, tmp_path, untrained):
    (tmp_path / "class").mkdir()
    for name in ("ada", "bob"):
        (tmp_path / "class" / f"{name}.py").write_text(ADA)
    out = tmp_path / "out"
    graded = warm.run("grade", tmp_path / "class", "--out", out, "--rubric", untrained)
    assert graded.returncode == 0, graded.stderr
    assert 'href="similar.html"' not in (out / "index.html").read_text()
    done = similar(tmp_path / "class", "--out", out, "--rubric", untrained)
    assert done.returncode == 0, done.stderr
    assert 'href="similar.html"' in (out / "index.html").read_text()
    assert json.loads((out / "ada" / "result.json").read_bytes())["student"] == "ada"


def test_what_cannot_be_read_says_why(similar, tmp_path):
    folder, out = tmp_path / "class", tmp_path / "out"
    folder.mkdir()
    (folder / "ada.py").write_text(ADA)
    (folder / "100%s.py").write_bytes(b"x = 1\n" * 60_000)
    done = similar(folder, "--out", out)
    assert done.returncode == 0, done.stderr
    why = "100%s.py is too long: 60000 lines of source, the limit is 50000"
    assert f"<li>100%s: {why}</li>" in (out / "similar.html").read_text()


def test_nothing_to_compare_is_one_line(similar, tmp_path):
    done = similar(tmp_path / "nowhere", "--out", tmp_path / "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_the_same_class_is_reported_the_same(tmp_path):
    """By each process: without the command's own care they would hash otherwise."""
    class_ = tmp_path / "class"
    class_.mkdir()
    for name in HONEST:
        shutil.copy(CORPUS / name, class_)
    for name, change in (("eve", renamed), ("zoe", reordered)):
        (class_ / f"{name}.py").write_text(change(ADA), encoding="utf-8")
    pages = set()
    for run in range(2):
        out = tmp_path / str(run)
        done = run_grader("similar", class_, "--out", out)
        assert done.returncode == 0, done.stderr
        assert "10 submissions compared: 3 pairs to look at" in done.stdout
        pages.add((out / "similar.html").read_bytes())
    assert len(pages) == 1
