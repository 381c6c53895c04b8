"""The catalogues: every text is marked and translated, and what is compiled is what is written."""

import ast
import io
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from conftest import ROOT

from grader.errors import UserError
from grader.judging.messages import (
    LANGUAGES,
    LOCALE,
    TEXTS,
    Reason,
    Texts,
    language_here,
    language_of,
)

CHINESE = [language for language in LANGUAGES if language != "en"]
KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}


def po_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "messages.po"


def written(language: str) -> Catalog:
    with po_of(language).open("rb") as file:
        return read_po(file, locale=language)


@pytest.fixture(scope="module")
def extracted() -> set[str]:
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(ROOT / "grader", methods, options, KEYWORDS)
    ids = (message for _, _, message, _, _ in found)
    return {id[0] if isinstance(id, tuple) else id for id in ids}


@pytest.mark.parametrize("language", CHINESE)
def test_every_text_of_the_code_is_in_the_catalogue_and_no_other(language, extracted):
    entries = {m.id[0] if isinstance(m.id, tuple) else m.id for m in written(language) if m.id}
    assert extracted - entries == set(), "missing: make messages"
    assert entries - extracted == set(), "no longer in the code: make messages"
    assert not written(language).obsolete


@pytest.mark.parametrize("language", CHINESE)
def test_every_entry_is_translated_and_none_is_fuzzy(language):
    messages = [message for message in written(language) if message.id]
    assert messages
    assert [m.id for m in messages if m.fuzzy] == []
    translations = [
        (m.id, m.string if isinstance(m.string, tuple) else (m.string,)) for m in messages
    ]
    assert [id for id, strings in translations if not all(strings)] == []


def fields(text: str) -> list[tuple[str, str]]:
    """Return the placeholders of a text and how they are formatted, sorted."""
    parsed = string.Formatter().parse(text)
    return sorted((name, spec or "") for _, name, spec, _ in parsed if name is not None)


@pytest.mark.parametrize("language", CHINESE)
def test_placeholders_are_those_of_the_english_text(language):
    for message in written(language):
        if message.id and isinstance(message.id, str) and "python-format" not in message.flags:
            assert fields(message.string) == fields(message.id), message.id
        assert not list(message.check(written(language))), message.id


@pytest.mark.parametrize("language", CHINESE)
def test_what_is_compiled_is_what_is_written(language):
    compiled = io.BytesIO()
    write_mo(compiled, written(language))
    assert po_of(language).with_suffix(".mo").read_bytes() == compiled.getvalue(), "make messages"


def test_every_text_of_a_reason_is_marked(extracted):
    assert set(TEXTS.values()) <= extracted


def said_without_a_mark(path: Path) -> Iterator[int]:
    """Give the lines where a literal is shown by say() or _tell() and not marked by N_."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            shown = node.func.attr in ("say", "_tell") and node.args
            if shown and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
                yield node.lineno


def test_what_is_said_is_marked():
    modules = sorted((ROOT / "grader").rglob("*.py"))
    unmarked = [(path.name, line) for path in modules for line in said_without_a_mark(path)]
    assert unmarked == []


NAMES = {
    "en": "en",
    "zh": "zh_Hans",
    "zh-CN": "zh_Hans",
    "zh_cn": "zh_Hans",
    "zh-Hans": "zh_Hans",
    "zh_Hans": "zh_Hans",
    "zh-TW": "zh_Hant",
    "zh-HK": "zh_Hant",
    "zh-Hant": "zh_Hant",
    "zh_Hant": "zh_Hant",
}


@pytest.mark.parametrize(("name", "language"), NAMES.items())
def test_a_language_has_several_names(name, language):
    assert language_of(name) == language


@pytest.mark.parametrize("name", ["", "fr", "chinese", "zh-XX"])
def test_another_language_is_refused_in_one_line(name):
    with pytest.raises(UserError, match="choose from en, zh_Hans, zh_Hant") as refused:
        language_of(name)
    assert "\n" not in str(refused.value)


HERE = [
    ({}, "en"),
    ({"LANG": "C.UTF-8"}, "en"),
    ({"LANG": "de_DE.UTF-8"}, "en"),
    ({"LANG": "zh_TW.UTF-8"}, "zh_Hant"),
    ({"LANG": "zh_CN.GB18030"}, "zh_Hans"),
    ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
    ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_HK"}, "zh_Hant"),
]


@pytest.mark.parametrize(("environment", "language"), HERE)
def test_the_language_here_is_the_environments_where_it_is_chinese(environment, language):
    assert language_here(environment) == language


def test_a_reason_reads_in_each_language():
    shape = Reason("shape", {"tensor": "grad_w1", "actual": "(3, 1)", "expected": "(1, 3)"})
    assert {language: Texts(language).of(shape) for language in LANGUAGES} == {
        "en": "grad_w1 has shape (3, 1), expected (1, 3)",
        "zh_Hans": "grad_w1 的形状是 (3, 1)，应为 (1, 3)",  # noqa: RUF001
        "zh_Hant": "grad_w1 的形狀是 (3, 1)，應為 (1, 3)",  # noqa: RUF001
    }
