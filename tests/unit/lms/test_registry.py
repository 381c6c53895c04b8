"""One list has every system and format, and the rest of the grader goes by it."""

import ast
import pkgutil
import re
from importlib import import_module
from types import ModuleType

import pytest
from conftest import ROOT

from grader.commands.export import NEEDS
from grader.lms import formats, systems
from grader.lms.registry import EXPORTS, FORMATS, SYSTEMS, either, who_need
from grader.lms.system import Export


def modules_of(package: ModuleType) -> list[ModuleType]:
    names = (module.name for module in pkgutil.iter_modules(package.__path__))
    return [import_module(f"{package.__name__}.{name}") for name in names]


def test_no_file_of_a_system_or_format_is_forgotten():
    assert {module.SYSTEM.name for module in modules_of(systems)} == {s.name for s in SYSTEMS}
    values = [value for module in modules_of(formats) for value in vars(module).values()]
    assert {v.target for v in values if isinstance(v, Export)} == {e.target for e in FORMATS}


def test_no_two_are_called_alike():
    assert len({system.name.casefold() for system in SYSTEMS}) == len(SYSTEMS)
    assert len(EXPORTS) == len(FORMATS) + sum(system.export is not None for system in SYSTEMS)


# Commands that write a homework for a system that grades, which authoring/ knows.
AUTHORING = ("convert", "gradescope", "github")


def test_no_system_is_named_elsewhere():
    names = re.compile("|".join(system.name for system in SYSTEMS), re.IGNORECASE)
    package = ROOT / "grader"
    for path in package.rglob("*.py"):
        if path.relative_to(package).parts[0] not in ("lms", "authoring"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            tree.body = [node for node in tree.body if getattr(node, "name", "") not in AUTHORING]
            assert not names.search(ast.unparse(tree)), path


@pytest.mark.parametrize("target", EXPORTS)
def test_what_an_export_needs_can_be_said(target):
    assert {*EXPORTS[target].needs} <= NEEDS.keys()


def test_who_needs_what_is_told_in_words():
    assert who_need("into") == "Canvas or Moodle"
    assert who_need("assignment") == "Canvas"
    assert either(["a", "b", "c"]) == "a, b or c"
