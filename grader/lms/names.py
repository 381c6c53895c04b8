"""Whose an entry is by its name: the names of a class read together, as students choose a part."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple, Self

from grader.lms.files import FileNames
from grader.lms.layout import Layout, Owner
from grader.source.paths import ZIP, is_gradable, shown, suffix

# Times as small or as large as all others, a number is not one that the system gave a file of the
# same class: it counts them up, and a class hands in within some weeks.
FAR = 100
RENAME = "rename it so that only one of them fits"


class Reading(NamedTuple):
    """One way to read an entry's name: whose it is by that, and what that student called it.

    `number` is the one that the system gave the file, if it gives such.
    """

    name: str
    id: str
    file: str | None
    number: int | None = None
    is_late: bool = False

    @classmethod
    def of(cls, match: re.Match[str], name: str) -> Self:
        """Return a way by the groups of a pattern, of which only `id` is in each."""
        groups = match.groupdict()
        number = groups.get("number")
        return cls(
            name,
            match["id"],
            groups.get("file"),
            int(number) if number else None,
            bool(groups.get("late")),
        )


def matters(name: str) -> bool:
    """Tell whether a file is one that may be graded, or an archive."""
    return is_gradable(name) or suffix(name) == ZIP


def matches(
    pattern: re.Pattern[str], files: FileNames, folders: FileNames = ()
) -> dict[str, re.Match[str]]:
    """Return what fits the pattern; nothing, where anything that matters does not."""
    matches_ = {name: match for name in [*files, *folders] if (match := pattern.fullmatch(name))}
    rest = {*folders, *filter(matters, files)} - matches_.keys()
    return {} if rest else matches_


def readings(tail: re.Pattern[str], entry: str) -> list[Reading]:
    """Return the ways to read an entry's name as a student's name and then what fits the tail."""
    matches_ = (tail.fullmatch(entry, start) for start in range(len(entry)))
    return [Reading.of(match, entry[: match.start()]) for match in matches_ if match]


def clear_ids(ids_and_names: Iterable[tuple[str, str]]) -> set[str]:
    """Return the ids that go with a single name, of ids and names: those that are a student's."""
    return {id_ for id_, names in _names_of(ids_and_names).items() if len(names) == 1}


def nobodys(entry: str, names: Iterable[str]) -> str:
    """Return why nothing of an entry is graded that may be each of several students'."""
    ways = " or of ".join(names)
    return f"{shown(entry)} is ambiguous: it may be of {shown(ways)}; {RENAME}"


def by_name(
    system: str,
    ways: Callable[[str], Sequence[Reading]],
    folder: Path,
    files: FileNames,
    folders: FileNames = (),
) -> Layout | None:
    """Return the layout where each name says whose it is, but those of files nobody grades.

    `ways` are those to read a name. Of several the one counts that all others here rule out to be
    wrong; else the entry is nobody's, as a student may choose a name that reads as another's.
    An id that goes with two names is nobody's (ada_2026_10_x.py, ben_2026_10_x.py): what has it
    stands for itself, and all that has one for no system.
    """
    ways_of = {entry: each for entry in [*files, *folders] if (each := ways(entry))}
    if {*folders, *filter(matters, files)} - ways_of.keys():
        return None
    certain = _certain(ways_of)
    clear = clear_ids((way.id, way.name) for way in certain.values())
    if not clear:
        return None
    owners = {
        entry: _nobody(system, ways_of[entry])
        if (way := certain.get(entry)) is None
        else Owner(system, way.id, way.name.strip(" ,") or way.id)
        if way.id in clear
        else Owner(system, entry, Path(entry).stem)
        for entry in ways_of
    }
    problems = {
        entry: nobodys(entry, [f"{way.name} ({way.id})" for way in ways_of[entry]])
        for entry in ways_of.keys() - certain.keys()
    }
    late = {entry: way.is_late for entry, way in certain.items()}
    return Layout(
        folder,
        {entry: (owner,) for entry, owner in owners.items()},
        {entry: way.file or entry for entry, way in certain.items()},
        problems=problems,
        late=late if any(late.values()) else {},  # if none is, perhaps none was due
        nobodys=problems,
    )


def _certain(ways_of: Mapping[str, Sequence[Reading]]) -> dict[str, Reading]:
    """Return how each entry is to be read of which that is certain.

    An entry that reads in one way says what an id's student is called, and what numbers this class
    has. The true way agrees with that, so if a single one does, it is that. Not, however, if
    another one names somebody who is in this class.
    """
    sure = [each[0] for each in ways_of.values() if len(each) == 1]
    names = _names_of((way.id, way.name) for way in sure)
    numbers = [way.number for way in sure if way.number is not None]
    least, most = min(numbers, default=0) / FAR, max(numbers, default=math.inf) * FAR
    certain = {}
    for entry, ways in ways_of.items():
        fitting_ways = [
            way
            for way in ways
            if way.name in names.get(way.id, {way.name})
            and (way.number is None or least <= way.number <= most)
        ]
        others = [way for way in ways if way not in fitting_ways and way.id in names]
        if len(fitting_ways) == 1 and not any(way.name in names[way.id] for way in others):
            certain[entry] = fitting_ways[0]
    return certain


def _nobody(system: str, ways: Sequence[Reading]) -> Owner:
    """Return what stands for whoever may be each of several students."""
    name = f"{ways[-1].name}_{ways[-1].id}"
    return Owner(system, name, name)


def _names_of(ids_and_names: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    names: dict[str, set[str]] = defaultdict(set)
    for id_, name in ids_and_names:
        names[id_].add(name)
    return names


def shared_words(names: Iterable[str], separator: str) -> str:
    """Return what names begin with, in whole words: "hw1-" of hw1-ada and hw1-ben-x."""
    columns = zip(*(name.split(separator)[:-1] for name in names), strict=False)
    prefix = takewhile(lambda words: len(set(words)) == 1, columns)
    return "".join(f"{words[0]}{separator}" for words in prefix)
