"""README and the manual: what they say is run, what they link to is there, and they are built."""

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from manual import BLOCK, DOCS, Session, is_same, steps_of
from playwright.sync_api import BrowserContext, expect
from samples import SAMPLES
from times import PATIENCE
from typer import Context
from typer.core import TyperOption
from typer.main import get_command

from grader.commands.cli import app

GRADER: Any = get_command(app)
README = ROOT / "README.md"
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in [README, *PAGES]}

FENCED = re.compile(r"^ *```(?P<kind>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]*)(?:#(?P<anchor>[^)]*))?\)")
LOADED_FROM_AFAR = re.compile(
    r'<(?:img|link|script|iframe)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]*"'
)
CODE = re.compile(r"`(grader [a-z][^`]*)`")
NAMED = re.compile(r"`((?:docs|grader|solution|tests|tools)/[a-z_0-9./-]+)`")
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")

# The kinds of sentences that a native reader stumbles over.
STUMBLES = (
    r"(?<![Tt]here )\b(is|are) (no|none)\b", r"\ba [a-z]+ a (student|job|row)\b",
    r"(?m)^(Of|Whoever|Whatever) ", r"\bwhere (there|it|this|a|an|the|no|some) [a-z]+ (is|are)\b",
)  # fmt: skip


@pytest.mark.parametrize("page", SAMPLES)
def test_a_page_shows_what_its_commands_print(page, warm, tmp_path):
    session = Session(page, tmp_path, warm)
    for command, shown in steps_of((DOCS / f"{page}.md").read_text("utf-8")):
        printed = session.run(command)
        assert is_same(shown, printed), f"$ {command}\n{printed}"


def test_every_page_with_a_session_has_a_sample():
    with_sessions = {path for path in PAGES if BLOCK.search(path.read_text("utf-8"))}
    assert with_sessions == {DOCS / f"{page}.md" for page in SAMPLES}


def commands_in(text: str) -> list[str]:
    """Return the commands that a text shows: in blocks, or between words."""
    fenced = FENCED.finditer(text)
    blocks = [match["text"] for match in fenced if match["kind"] in ("sh", "console")]
    blocks += re.findall(r"(?m)^    (grader .*)$", text)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    starting = (re.sub(r"^ *(\$ )?", "", line).partition("#")[0] for line in lines)
    prose = FENCED.sub("", text)
    return [line for line in [*starting, *CODE.findall(prose)] if line.startswith("grader ")]


def options_of(command: str) -> tuple[str, set[str]]:
    """Return which command a line names, and the options that it has."""
    group: Any = GRADER
    words = command.split()[1:]
    while words and words[0] in getattr(group, "commands", {}):
        group = group.commands[words.pop(0)]
    options = [each for each in group.params if isinstance(each, TyperOption)]
    return group.name, {name for each in options for name in [*each.opts, *each.secondary_opts]}


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_exists_with_its_options(name):
    for command in commands_in(TEXTS[name]):
        if command.startswith(("grader COMMAND", "grader --")):
            continue
        word, options = options_of(command)
        assert word in command.split(), command
        assert set(OPTION.findall(command)) <= {*options, "--help"}, command


def commands_below(group: Any) -> list[Any]:
    inner = getattr(group, "commands", {})
    return [c for each in inner.values() for c in commands_below(each)] if inner else [group]


@pytest.mark.parametrize("command", commands_below(GRADER), ids=lambda each: each.name)
def test_the_help_of_a_command_ends_with_an_example_and_its_exit_codes(command):
    example, codes = command.epilog.split("\n\n")
    (line,) = commands_in(example)
    name, options = options_of(line)
    assert name == command.name
    assert set(OPTION.findall(line)) <= options
    told = set(map(int, re.findall(r"\b\d+\b", codes)))
    rows = re.findall(r"(?m)^\| ([\d, ]+) \|", TEXTS["docs/reference/exit-codes.md"])
    assert told | {1} == {int(code) for row in rows for code in row.split(", ")}


@pytest.mark.parametrize("command", commands_below(GRADER), ids=lambda each: each.name)
def test_the_help_is_plain_and_says_no_default_of_a_flag(command):
    rows = filter(None, (each.get_help_record(Context(command)) for each in command.params))
    text = "\n".join([command.help, *(words for _, words in rows)])
    assert not re.search("default: (True|False)", text)
    assert plain_faults(text) == []


def test_the_texts_show_every_command():
    names = {name for text in TEXTS.values() for each in commands_in(text) for name in each.split()}
    assert set(GRADER.commands) <= names


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_is_linked_to_exists(name):
    """Sphinx checks the links of the manual's own pages."""
    for match in LINK.finditer((ROOT / name).read_text("utf-8")):
        target = ROOT / match["path"]
        assert target.exists(), match[0]
        if match["anchor"]:
            headings = re.findall(r"(?m)^#+ (.*)$", target.read_text("utf-8"))
            assert match["anchor"] in {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", TEXTS)
def test_files_of_the_repository_that_are_named_exist(name):
    for path in NAMED.findall(TEXTS[name]):
        assert (ROOT / path).exists(), path


def test_readme_takes_two_minutes():
    text = README.read_text("utf-8")
    assert len(text.splitlines()) <= 150
    assert len(text.split()) <= 1200


def plain_faults(text: str) -> list[str]:
    return [match[0] for kind in STUMBLES for match in re.finditer(kind, text)]


@pytest.mark.parametrize("name", TEXTS)
def test_sentences_are_plain(name):
    assert plain_faults(FENCED.sub("", TEXTS[name])) == []


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {re.split(r"[\[>;]", each)[0] for each in wanted} - {project["name"]}
    rows = re.findall(r"(?m)^\| ([^|]+) \|", (DOCS / "dependencies.md").read_text("utf-8"))
    assert names <= {re.sub(r" \(.*", "", name) for row in rows for name in row.split(", ")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the manual as `make docs` builds it."""
    out = tmp_path_factory.mktemp("manual")
    options = ("--quiet", "--fail-on-warning", "--nitpicky", "--doctree-dir", out / "doctrees")
    command = [sys.executable, "-m", "sphinx", *options, DOCS, out / "html"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    return out / "html"


def test_the_manual_loads_nothing_from_a_network(built):
    for path in built.rglob("*.html"):
        assert LOADED_FROM_AFAR.findall(path.read_text("utf-8")) == [], path
    styles = "".join(path.read_text("utf-8") for path in built.rglob("*.css"))
    assert not re.search(r"@import|url\(\W*(https?:)?//", styles)


def test_the_reference_is_of_the_code(built):
    commands = (built / "reference" / "commands.html").read_text("utf-8")
    assert all(f"grader {name}" in commands for name in GRADER.commands)
    keys = BeautifulSoup((built / "reference" / "rubric.html").read_text("utf-8"), "html.parser")
    rubric = tomllib.loads((ROOT / "grader" / "homework" / "rubric.toml").read_text("utf-8"))
    terms = {term.get_text().rstrip("¶") for term in keys.find_all("dt")}
    assert terms == {key for table in rubric.values() for key in table}


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [1200, 360])
def test_the_manual_is_searched_without_a_network(built: Path, browser: BrowserContext, width: int):
    browser.set_offline(True)
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{(built / 'search.html').as_uri()}?q=extension")
    found = page.get_by_role("link", name="Policies by example > Extension")
    expect(found).to_be_visible(timeout=PATIENCE * 1000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert all(address.startswith(("file:", "data:")) for address in asked)
