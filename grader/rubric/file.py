"""A rubric's file: read with its lines, checked value by value, and written with its comments.

msgspec stops at the first fault and knows no lines. Here each value is checked by itself, so that
all faults of a file are reported at once, each with its place.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec import inspect

from grader.errors import UserError

# The table and the key in it; either may be missing.
KeyPath = tuple[str, ...]
Tables = Mapping[str, Any]

PART = r"""(?:"[^"\n]*"|'[^'\n]*'|[\w-]+)"""
NAME = rf"{PART}(?:\s*\.\s*{PART})*"
LINE = re.compile(rf"\s*(?:\[\[?\s*(?P<table>{NAME})\s*\]|(?P<key>{NAME})\s*=)")
BARE = re.compile(r"[A-Za-z0-9_-]+")
# The ending of tomllib's messages.
POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)\Z")
QUOTED = "points"  # the table whose keys are all quoted, since most contain a dot
MOST_SHOWN = 60  # characters of a value
MOST_LISTED = 20  # names
INTEGERS = range(-(2**63), 2**63)  # the integers that every file and message of the grader can hold


class Fault(NamedTuple):
    """A fault at a place, and what to do about it.

    The line reported is that of the first place in `at` that the file contains, or of `place`.
    """

    place: KeyPath
    text: str
    at: tuple[KeyPath, ...] = ()


class Keys(NamedTuple):
    """The keys allowed in a table that is not a Struct, and the words for them.

    For some other keys, `elsewhere` says where their subject is set. With `switch`, a value may be
    false.
    """

    names: Sequence[str]
    one: str
    all: str
    elsewhere: Mapping[str, str] = {}
    switch: bool = False


class Document(NamedTuple):
    """A TOML file, and the line of each table and key in it."""

    path: Path
    tables: dict[str, Any]
    lines: dict[KeyPath, int]

    def error(self, faults: Iterable[Fault]) -> UserError:
        """Return an error that reports all faults, in the order of their lines."""
        by_line = sorted(
            ((self._line_of(fault) or math.inf, fault) for fault in faults), key=lambda one: one[0]
        )
        return UserError("\n".join(self._told(line, fault) for line, fault in by_line))

    def _told(self, line: float, fault: Fault) -> str:
        where = f"{self.path}" if line == math.inf else f"{self.path}, line {line:.0f}"
        return f"{where}: {told(fault)}"

    def _line_of(self, fault: Fault) -> int | None:
        around = [fault.place[:length] for length in range(len(fault.place), 0, -1)]
        return next(
            (self.lines[place] for place in [*fault.at, *around] if place in self.lines), None
        )


def told(fault: Fault) -> str:
    """Return a fault as text, without its file and line."""
    table, *keys = fault.place
    quote = table == QUOTED and len(keys) == 1
    quoted_keys = (key if BARE.fullmatch(key) and not quote else f'"{key}"' for key in keys)
    return f"{'.'.join([table, *quoted_keys])}: {fault.text}"


def read_document(path: Path) -> Document:
    """Read a TOML file; raise UserError if it is not one."""
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {line}: not UTF-8: save the file in UTF-8") from None
    try:
        return Document(path, tomllib.loads(text), _lines_of(text))
    except tomllib.TOMLDecodeError as error:
        position = POSITION.search(str(error))
        last = text.rstrip("\n").count("\n") + 1
        line = int(position["line"]) if position and position["line"] else last
        what = POSITION.sub("", str(error))
        raise UserError(
            f"{path}, line {line}: not TOML: {what[:1].lower()}{what[1:]}; "
            "a rubric has [table] lines, and key = value lines below them"
        ) from None


def _lines_of(text: str) -> dict[KeyPath, int]:
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.split("\n"), start=1):
        match = LINE.match(line)
        if match and match["table"]:
            table = _parts(match["table"])
            lines.setdefault(table, number)
        elif match:
            lines.setdefault((*table, *_parts(match["key"])), number)
    return lines


def _parts(name: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in re.findall(PART, name))


def over(base: Tables, tables: Tables) -> dict[str, Any]:
    """Return `base`, overridden by `tables` key by key."""
    return {**base, **{name: {**base.get(name, {}), **table} for name, table in tables.items()}}


def without(tables: Tables, places: Iterable[KeyPath]) -> dict[str, Any]:
    """Return the tables without some tables and keys."""
    removals = {place[:2] for place in places}
    return {
        name: {key: value for key, value in table.items() if (name, key) not in removals}
        for name, table in tables.items()
        if (name,) not in removals
    }


def faults_in(
    tables: Tables, whole: type[msgspec.Struct], keys: Mapping[str, Keys]
) -> Iterator[Fault]:
    """Yield what does not match the fields of `whole`: names, types and ranges."""
    types = {
        field.name: types_of(field.type, keys.get(field.name))
        for field in msgspec.structs.fields(whole)
    }
    for name, table in tables.items():
        if name not in types:
            yield Fault((name,), _unknown_table(name, isinstance(table, dict), types))
        elif not isinstance(table, dict):
            text = f"a table is needed: [{name}] on a line of its own, and its keys below it"
            yield Fault((name,), text)
        else:
            for key, value in table.items():
                yield from _faults_of((name, key), value, types, keys.get(name))


def missing_from(tables: Tables, whole: type[msgspec.Struct]) -> Iterator[Fault]:
    """Yield the tables and keys of `whole` that `tables` lack."""
    for field in msgspec.structs.fields(whole):
        if field.name not in tables:
            yield Fault((field.name,), "the table is missing")
        else:
            for key in types_of(field.type).keys() - tables[field.name].keys():
                yield Fault((field.name, key), "is missing")


def types_of(table: Any, keys: Keys | None = None) -> dict[str, Any]:
    """Return the type of each key that a table may have."""
    if isinstance(table, type) and issubclass(table, msgspec.Struct):
        return {field.name: field.type for field in msgspec.structs.fields(table)}
    return dict.fromkeys(keys.names, get_args(table)[1]) if keys else {}


def _faults_of(
    place: KeyPath, value: Any, types: Mapping[str, Mapping[str, Any]], keys: Keys | None
) -> Iterator[Fault]:
    name, key = place
    fields = types[name]
    if key not in fields:
        inner = list(value) if isinstance(value, dict) else []
        parts = [part for part in inner if f"{key}.{part}" in fields]
        for part in parts:
            yield Fault((*place, part), f'put the key in quotes: "{key}.{part}" = ...')
        if not parts:
            yield Fault(place, _unknown_key(place, types, keys))
    elif keys and keys.switch and value is False:
        return
    elif isinstance(value, int) and value not in INTEGERS:
        yield Fault(place, f"{shown(value)} is too large a number")
    elif not _fits(value, fields[key]):
        instead = f"; false leaves {keys.one} out" if keys and keys.switch else ""
        expectation = _words(inspect.type_info(fields[key]))
        yield Fault(place, f"{shown(value)} is not {expectation}{instead}")


def _fits(value: Any, type_: Any) -> bool:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError:
        return False
    return all(map(_is_storable, _leaves(value)))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _is_storable(leaf: Any) -> bool:
    return leaf in INTEGERS if isinstance(leaf, int) else leaf == leaf and leaf not in INFINITE


INFINITE = (math.inf, -math.inf)


def _unknown_table(name: str, is_table: bool, types: Mapping[str, Mapping[str, Any]]) -> str:
    owners = [f"[{table}]" for table, fields in types.items() if name in fields]
    if not is_table and owners:
        return f"is not in a table: put it below {' or '.join(owners)}"
    return f"not a table of a rubric; the tables are {', '.join(types)}{did_you_mean(name, types)}"


def _unknown_key(place: KeyPath, types: Mapping[str, Mapping[str, Any]], keys: Keys | None) -> str:
    table, key = place
    names = list(types[table])
    if keys and key in keys.elsewhere:
        return keys.elsewhere[key]
    one, several = (keys.one, keys.all) if keys else (f"a key of [{table}]", "its keys")
    listing = f"; {several} are {', '.join(names)}" if len(names) <= MOST_LISTED else ""
    owners = [f"[{other}]" for other, fields in types.items() if key in fields]
    hint = did_you_mean(key, names)
    if owners and not hint:
        hint = f" (it belongs below {' or '.join(owners)})"
    elsewhere = f"; see {several}" if not listing and not hint else ""
    return f"not {one}{listing}{elsewhere}{hint}"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a question about the most similar name, or nothing if none is similar."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def shown(value: Any) -> str:
    """Return a value as TOML writes it, shortened if it is long."""
    import tomlkit  # only needed to report a fault or to write a rubric

    if any(isinstance(leaf, dict) for leaf in _leaves(value)):
        return "a table"
    text = tomlkit.item(value).as_string()
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."


def _words(info: inspect.Type) -> str:
    """Describe in words what a type accepts."""
    match info:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"a whole number{_bounds(info)}"
        case inspect.FloatType():
            return f"a number{_bounds(info)}"
        case inspect.StrType(pattern=None):
            return "a text in quotes"
        case inspect.StrType():
            return "a name as Python allows them, in quotes"
        case inspect.LiteralType(values=values):
            return " or ".join(f'"{value}"' for value in values)
        case inspect.ListType(item_type=item, min_length=least):
            return f"a list of {f'{least} or more' if least else 'any number'}, each {_words(item)}"
        case inspect.TupleType(item_types=items):
            return f"[{', '.join(map(_words, items))}]"
    return "what belongs there"


def _bounds(info: inspect.IntType | inspect.FloatType) -> str:
    if info.ge is not None and info.le is not None:
        return f" from {info.ge} to {info.le}"
    bounds = {"greater than": info.gt, "of at least": info.ge, "at most": info.le}
    phrases = [f"{words} {bound}" for words, bound in bounds.items() if bound is not None]
    return f" {' and '.join(phrases)}" if phrases else ""


def with_values(text: str, tables: Tables) -> str:
    """Return a TOML file with other values and its comments kept; only keys may be new."""
    import tomlkit

    document = tomlkit.parse(text)
    new: dict[str, list[str]] = {}
    for name, values in tables.items():
        table: Any = document[name]
        for key, value in values.items():
            if key not in table:
                new.setdefault(name, []).append(f"{key} = {shown(value)}")
            elif table[key] != value:
                table[key] = value
    return _with_lines(tomlkit.dumps(document), new)


def without_tables(text: str, names: Collection[str]) -> str:
    """Return a TOML file without some tables."""
    import tomlkit

    document = tomlkit.parse(text)
    for name in names:
        document.pop(name, None)
    return tomlkit.dumps(document)


def _with_lines(text: str, new: Mapping[str, Sequence[str]]) -> str:
    """Add lines after the last key of their table; tomlkit adds them after the comments there."""
    last: dict[str, int] = {}
    for (name, *_), number in _lines_of(text).items():
        last[name] = max(number, last.get(name, 0))
    lines = text.split("\n")
    for name in sorted(new, key=lambda table: last[table], reverse=True):
        lines[last[name] : last[name]] = new[name]
    return "\n".join(lines)
