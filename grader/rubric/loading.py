"""Read and write rubrics: a file holds only what differs, and its faults are reported by place."""

import keyword
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec

from grader.errors import UserError
from grader.judging.messages import MISTAKES
from grader.rubric.file import (
    Document,
    Fault,
    Keys,
    Tables,
    faults_in,
    missing_from,
    over,
    read_document,
    told,
    with_values,
    without,
    without_tables,
)
from grader.rubric.package import Package, load_package
from grader.rubric.rubric import Rubric
from grader.source.tasks import PARAMETERS

RUBRIC_FILE = Path(__file__).parents[1] / "homework" / "rubric.toml"  # the grader's own
# The tables that define a homework. Another package has them in its own rubric.
OF_HOMEWORK = ("points", "homework", "misconceptions", "spellings", "cases", "public_cases")
# Named mistakes whose share is set elsewhere, or not at all.
OWN_SHARES = {
    "cast_to_float32": "its share is half in [shares]",
    "recomputed": "its share is recompute in [closed_form]",
    "in_place_damage": "it costs no points by itself: training shows it, and nothing else",
}


def keys_of(package: Package) -> dict[str, Keys]:
    """Return the keys of the tables whose keys are names from the homework."""
    tasks = package.TASKS
    mistakes = dict.fromkeys([*MISTAKES, *package.MISTAKES])
    names = [*_given(package), *tasks.forward.returns, *tasks.gradients]
    return {
        "points": Keys(list(tasks.by_id), "a criterion", "the criteria", switch=True),
        "misconceptions": Keys(
            [name for name in mistakes if name not in OWN_SHARES],
            "the name of a mistake",
            "MISTAKES in grader/homework/texts.py and grader/judging/messages.py",
            OWN_SHARES,
        ),
        "spellings": Keys(list(dict.fromkeys(names)), "a name of the homework's", "its names"),
    }


def _given(package: Package) -> Iterator[str]:
    """Yield the arguments of functions in order, then "params" and the parameters in it."""
    tasks = package.TASKS
    returns = tasks.forward.returns
    for name in dict.fromkeys(a for q in tasks.questions for a in q.arguments):
        if name == PARAMETERS:
            continue
        if name not in returns:
            yield name
    yield PARAMETERS
    yield from tasks.parameters


def load_rubric(path: Path | None = None) -> Rubric:
    """Read a rubric; without a path, the grader's own.

    Values that the file leaves out come from the package's own rubric, and then from the grader's
    own. Raise UserError, with one line per fault of the file; the grader's own must be complete.
    """
    path = path or RUBRIC_FILE
    is_own = path.resolve() == RUBRIC_FILE.resolve()
    document = read_document(path)
    package, folder = _package_of(document)
    keys, type_ = keys_of(package), package.RUBRIC
    base = {} if is_own else _base_of(package)
    faults = list(faults_in(document.tables, type_, keys))
    # Faulty values are left out, so that the rest is checked as well.
    tables = over(base, without(document.tables, [fault.place for fault in faults]))
    if is_own:
        faults += _missing_from_own(document.tables, package)
    if not (is_own and faults):
        rubric = _rubric_of(over(tables, {"homework": {"package": folder}}), package)
        faults += faults_of(rubric)
    if faults:
        raise document.error(faults)
    return rubric


def _package_of(document: Document) -> tuple[Package, str]:
    """Return the package of a rubric's homework, and its folder ("" for the grader's own)."""
    table = document.tables.get("homework")
    package_name = table.get("package", "") if isinstance(table, dict) else ""
    if not isinstance(package_name, str) or not package_name:
        return load_package(""), ""
    folder = str((document.path.parent / package_name).resolve())
    try:
        return load_package(folder), folder
    except UserError as error:
        raise document.error([Fault(("homework", "package"), str(error))]) from None


def _base_of(package: Package) -> dict[str, Any]:
    """Return the values of what a file leaves out, as tables."""
    own = _own_tables()
    if package is load_package(""):
        return dict(own)
    tables = {name: table for name, table in own.items() if name not in OF_HOMEWORK}
    return over(tables, read_document(package.RUBRIC_FILE).tables)


def rubric_from_json(text: bytes) -> Rubric:
    """Return a rubric that was stored as JSON."""
    return rubric_from(msgspec.json.decode(text))


def rubric_from(content: Mapping[str, Any]) -> Rubric:
    """Return a rubric that was stored as plain values.

    For a rubric stored by an older grader, missing keys get the package's own values, and keys that
    no longer exist are left out.
    """
    package = load_package(content["homework"].get("package", ""))
    with suppress(msgspec.ValidationError):
        return msgspec.convert(content, package.RUBRIC)
    known_content = without(
        content, [f.place for f in faults_in(content, package.RUBRIC, keys_of(package))]
    )
    return _rubric_of(
        {**over(_base_of(package), known_content), "points": known_content["points"]}, package
    )


def differences(rubric: Rubric, other: Rubric) -> list[str]:
    """Return what differs in another rubric, like "late.due: '' -> '2026-10-31T23:59:00+01:00'"."""
    mine, its = (dict(_values(msgspec.to_builtins(each))) for each in (rubric, other))
    return [
        f"{name}: {mine.get(name, 'not there')!r} -> {its.get(name, 'not there')!r}"
        for name in [*mine, *(its.keys() - mine.keys())]
        if mine.get(name) != its.get(name)
    ]


def _values(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _values(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _own_tables() -> Tables:
    load_rubric()
    return read_document(RUBRIC_FILE).tables


def _missing_from_own(tables: Tables, package: Package) -> Iterator[Fault]:
    """Yield what the grader's own rubric lacks, since a course may have replaced it."""
    advice = "this file must be whole, as `grader rubric --rubric FILE` prints it"
    points = tables.get("points", {})
    missing = [("points", name) for name in package.TASKS.by_id if name not in points]
    for fault in missing_from(tables, package.RUBRIC):
        yield fault._replace(text=f"{fault.text}; {advice}")
    for place in missing if points else ():
        yield Fault(place, f"is missing; give it points or false; {advice}")


def _rubric_of(tables: Tables, package: Package) -> Rubric:
    points = {name: tables["points"].get(name, False) for name in package.TASKS.by_id}
    worths = {name: worth for name, worth in points.items() if worth is not False}
    return msgspec.convert({**tables, "points": worths}, package.RUBRIC)


def check_rubric(rubric: Rubric) -> None:
    """Raise UserError if a value of a rubric is out of range, or its parts do not fit."""
    package = rubric.package
    faults = list(faults_in(msgspec.to_builtins(rubric), package.RUBRIC, keys_of(package)))
    faults = faults or list(faults_of(rubric))
    if faults:
        raise UserError("\n".join(map(told, faults)))


def faults_of(rubric: Rubric) -> Iterator[Fault]:
    """Yield the faults of a rubric whose values are valid one by one."""
    yield from rubric.package.faults(rubric)
    if not rubric.points:
        yield Fault(("points",), "no criterion is left; give one of them points, not false")
    yield from _of_spellings(rubric.spellings)
    full, half = rubric.tolerance.full, rubric.tolerance.half
    if half < full:
        text = f"{half:g} is below tolerance.full, {full:g}; half marks take the larger error"
        yield Fault(("tolerance", "half"), text, (("tolerance", "half"), ("tolerance", "full")))
    try:
        rubric.late.check()
    except UserError as error:
        yield Fault(("late", "due"), str(error))


def _of_spellings(spellings: Mapping[str, list[str]]) -> Iterator[Fault]:
    for (one, its), (other, others) in combinations(spellings.items(), 2):
        for spelling in sorted(set(its) & set(others)):
            text = f'"{spelling}" is a spelling of both {one} and {other}; leave it out of one'
            yield Fault(("spellings",), text, (("spellings", other), ("spellings", one)))
    for name, its in spellings.items():
        for spelling in filter(keyword.iskeyword, its):
            yield Fault(("spellings", name), f'"{spelling}" is a word of Python\'s own')


def to_toml(rubric: Rubric) -> str:
    """Return a complete rubric as TOML, with the comments of the package's own."""
    tables: dict[str, Any] = msgspec.to_builtins(rubric)
    tables["points"] = {name: rubric.points.get(name, False) for name in rubric.tasks.by_id}
    return with_values(_text_for(rubric.package), tables)


def _text_for(package: Package) -> str:
    """Return a complete rubric's text: the package's own, with the grader's tables for the rest."""
    own = RUBRIC_FILE.read_text(encoding="utf-8")
    if package is load_package(""):
        return own
    text = package.RUBRIC_FILE.read_text(encoding="utf-8")
    return (
        f"{text}\n{without_tables(own, {*OF_HOMEWORK, *read_document(package.RUBRIC_FILE).tables})}"
    )
