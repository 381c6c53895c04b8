"""One list has every system and format, and the rest of the grader goes by it."""

import pkgutil
import re
from importlib import import_module

import pytest
from conftest import ROOT

from grader.commands.export import NEEDS
from grader.lms import formats, systems
from grader.lms.registry import EXPORTS, FORMATS, SYSTEMS, who_need
from grader.lms.system import Export


def test_no_file_of_a_system_or_format_is_forgotten():
    modules = [
        import_module(f"{systems.__name__}.{m.name}")
        for m in pkgutil.iter_modules(systems.__path__)
    ]
    assert {id(module.SYSTEM) for module in modules} == set(map(id, SYSTEMS))
    modules = [
        import_module(f"{formats.__name__}.{m.name}")
        for m in pkgutil.iter_modules(formats.__path__)
    ]
    found = [
        each for module in modules for each in vars(module).values() if isinstance(each, Export)
    ]
    assert set(map(id, found)) == set(map(id, FORMATS))


def test_no_two_are_called_alike():
    assert len({system.name.casefold() for system in SYSTEMS}) == len(SYSTEMS)
    assert len(EXPORTS) == len(FORMATS) + sum(system.export is not None for system in SYSTEMS)


# Where else a system has a place: what grades in it is written there, not what it hands out.
ELSEWHERE = ("lms", "authoring")


def test_no_system_is_named_outside():
    """But by what the commands of authoring are called."""
    named = re.compile("|".join(system.name for system in SYSTEMS), re.IGNORECASE)
    package = ROOT / "grader"
    files = [
        path
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] not in ELSEWHERE
    ]
    lines = {
        (path.name, line.strip())
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if named.search(line) and "autograder" not in line
    }
    assert lines == set()


@pytest.mark.parametrize("target", EXPORTS)
def test_what_an_export_needs_can_be_said(target):
    assert {*EXPORTS[target].needs} <= NEEDS.keys()


def test_who_needs_what_is_told_in_words():
    assert who_need("into") == "Canvas or Moodle"
    assert who_need("assignment") == "Canvas"
