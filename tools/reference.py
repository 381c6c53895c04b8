"""Generate parts of the manual's reference from the code, as Markdown.

`docs/conf.py` appends them to the pages of the same name: all commands, and all keys of a rubric.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import inspect
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command

from grader.commands.cli import app
from grader.homework.settings import SigmoidRubric
from grader.rubric import RUBRIC_FILE
from grader.rubric.rubric import Identifier

SPECIAL = re.compile(r"([*_<>\[\]|#])")
CODE = re.compile(r"(`[^`]*`)")
TABLE = re.compile(r"\[(\w+)\]")
KEY = re.compile(r'("[\w.]+"|\w+) = ')
WORDS: dict[object, str] = {Path: "PATH", int: "N", float: "NUMBER"}
IDENTIFIER = get_args(Identifier)[1].pattern
LONGEST_VALUE = 40  # longest value shown beside a key's name


# Commands


def commands() -> str:
    """Return a section for each command, in the order of `grader --help`."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return "\n".join(_sections("grader", group))


def _sections(name: str, command: Any) -> Iterator[str]:
    shown = [each for each in command.params if not getattr(each, "hidden", False)]
    arguments = [each for each in shown if isinstance(each, TyperArgument)]
    options = [each for each in shown if isinstance(each, TyperOption) and each.name != "help"]
    inner = getattr(command, "commands", {})
    if options or arguments:
        words = [name, *map(_placeholder, arguments)]
        words += ["[OPTIONS]"] * bool(options) + ["COMMAND"] * bool(inner)
        yield f"## {name}\n\n```text\n{' '.join(words)}\n```\n\n{_paragraphs(command.help or '')}\n"
    for parameter in [*arguments, *options]:
        yield f"{_heading(parameter)}\n: {_description(parameter)}\n"
    if command.epilog:
        yield _paragraphs(command.epilog) + "\n"
    for word, each in inner.items():
        yield from _sections(f"{name} {word}", each)


def _paragraphs(text: str) -> str:
    """Return a help text as Markdown; a paragraph that begins with \\b is kept verbatim."""
    return "\n\n".join(
        f"```text\n{part[2:]}\n```" if part.startswith("\b\n") else _escaped(" ".join(part.split()))
        for part in text.split("\n\n")
    )


def _placeholder(argument: TyperArgument) -> str:
    word = argument.metavar or str(argument.name).upper()
    return word if argument.required else f"[{word}]"


def _heading(parameter: Any) -> str:
    if isinstance(parameter, TyperArgument):
        return f"`{parameter.metavar or str(parameter.name).upper()}`"
    names = [name for name in [*parameter.opts, *parameter.secondary_opts] if name.strip()]
    value = "" if parameter.is_flag else f" {_value(parameter)}"
    return ", ".join(f"`{name}{value}`" for name in names)


def _value(option: Any) -> str:
    """Return the placeholder for an option's value: its choices, or a word."""
    if option.metavar:
        return str(option.metavar)
    annotation = option.type_descriptor.annotation
    if get_origin(annotation) is Literal:
        return "|".join(map(str, get_args(annotation)))
    return WORDS.get(annotation, "TEXT")


def _description(parameter: Any) -> str:
    notes = []
    if parameter.required and isinstance(parameter, TyperOption):
        notes.append("required")
    elif default := _default(parameter):
        notes.append(f"default: {default}")
    if parameter.envvar:
        notes.append(f"environment variable: `{parameter.envvar}`")
    if isinstance(parameter, TyperOption) and parameter.multiple:
        notes.append("may be repeated")
    text = _escaped(" ".join((parameter.help or "").split()))
    return f"{text} ({'; '.join(notes)})" if notes else text


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    is_flag = getattr(parameter, "is_flag", False)
    if is_flag or callable(parameter.default) or parameter.default in (None, "", ()):
        return ""
    return f"`{parameter.default}`"


def _escaped(text: str) -> str:
    """Escape a text for Markdown; parts in backticks stay code."""
    parts = CODE.split(text)
    return "".join(
        part if index % 2 else SPECIAL.sub(r"\\\1", part) for index, part in enumerate(parts)
    )


# The rubric


def rubric() -> str:
    """Return a section for each table of the package's rubric.toml, with its comments."""
    text = RUBRIC_FILE.read_text(encoding="utf-8")
    values = tomllib.loads(text)
    types = {field.name: field.type for field in msgspec.structs.fields(SigmoidRubric)}
    return "\n".join(
        f"## {name}\n\n{_escaped(comment)}\n\n{_table(values[name], types[name], lines)}\n"
        for name, comment, lines in _tables_in(text)
    )


def _tables_in(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the name, the comment above and the lines of each table."""
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if TABLE.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        match = TABLE.match(lines[start])
        assert match
        above = reversed(list(takewhile(_is_comment, reversed(lines[:start]))))
        yield match[1], " ".join(line.lstrip("# ") for line in above), lines[start + 1 : end]


def _is_comment(line: str) -> bool:
    return line.startswith("#")


def _table(values: dict[str, Any], kind: Any, lines: list[str]) -> str:
    comments = _comments(lines)
    if get_origin(kind) is dict:  # with keys that the homework names
        types = dict.fromkeys(values, get_args(kind)[1])
    else:
        types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    rows = []
    for key, value in values.items():
        allowed = _words(inspect.type_info(types[key]))
        text = f"{comments[key]} Default: {_shown(value)}, {allowed}."
        rows.append(f"`{key}`\n: {text.lstrip()}")
    return "\n\n".join(rows)


def _comments(lines: list[str]) -> dict[str, str]:
    """Return each key's comment: after its value, or in the lines above it."""
    comments, above = {}, []
    for line in lines:
        if line.startswith("# "):
            above.append(line[2:])
        elif match := KEY.match(line):
            behind = re.search(r"\s# (.*)$", line)
            words = [*above, behind[1]] if behind else above
            comments[match[1].strip('"')] = _escaped(_sentence(" ".join(words)))
            above = []
        else:
            above = []
    return comments


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""


def _shown(value: object) -> str:
    """Return a value as in TOML; for a long list, only its length."""
    text = json.dumps(value)
    if len(text) > LONGEST_VALUE and isinstance(value, list):
        return f"{len(value)} values"
    return f"`{text}`"


def _words(kind: inspect.Type) -> str:
    """Describe in words the values that a key may have."""
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType(values):
            return " or ".join(f'"{value}"' for value in values)
        case inspect.IntType() | inspect.FloatType():
            name = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            return name + _bounds(kind)
        case inspect.StrType(pattern=pattern):
            return "a name" if pattern == IDENTIFIER else "a string"
        case inspect.TupleType(item_types):
            return f"{len(item_types)} values, each {_words(item_types[0])}"
        case inspect.ListType(item_type=item):
            return f"a list; each entry: {_words(item)}"
    raise TypeError(kind)


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    """Return the bounds of a number, with commas between thousands."""
    if kind.gt is not None:
        return f" above {kind.gt:,}" + (f", up to {kind.le:,}" if kind.le is not None else "")
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge:,} to {kind.le:,}"
    return f", at least {kind.ge:,}" if kind.ge is not None else ""
