"""Find an entry's owner by its name; a class is read together, as students choose a part."""

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

# A number that is this many times smaller or larger than all others was not assigned by the system
# to a file of this class: it counts up, and a class hands in within a few weeks.
FAR = 100
RENAME = "rename it so that only one of them fits"


class Reading(NamedTuple):
    """One way to read an entry's name: the student, and that student's name for the file.

    `number` is the one that the system gave the file, if any.
    """

    name: str
    id: str
    file: str | None
    number: int | None = None
    is_late: bool = False

    @classmethod
    def of(cls, match: re.Match[str], name: str) -> Self:
        """Make a reading from a pattern's groups, of which only `id` is required."""
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
    """Tell whether a file may be graded or is an archive."""
    return is_gradable(name) or suffix(name) == ZIP


def matches(
    pattern: re.Pattern[str], files: FileNames, folders: FileNames = ()
) -> dict[str, re.Match[str]]:
    """Return the matches; none if any gradable file, archive or folder does not match."""
    matches_ = {name: match for name in [*files, *folders] if (match := pattern.fullmatch(name))}
    rest = {*folders, *filter(matters, files)} - matches_.keys()
    return {} if rest else matches_


def readings(tail: re.Pattern[str], entry: str) -> list[Reading]:
    """Return the ways to split an entry's name into a student's name and a match of `tail`."""
    matches_ = (tail.fullmatch(entry, start) for start in range(len(entry)))
    return [Reading.of(match, entry[: match.start()]) for match in matches_ if match]


def clear_ids(ids_and_names: Iterable[tuple[str, str]]) -> set[str]:
    """Return the ids that occur with only one name, and so belong to one student."""
    return {id_ for id_, names in _names_of(ids_and_names).items() if len(names) == 1}


def nobodys(entry: str, names: Iterable[str]) -> str:
    """Return why an entry that may belong to several students is not graded."""
    ways = " or of ".join(names)
    return f"{shown(entry)} is ambiguous: it may be of {shown(ways)}; {RENAME}"


def by_name(
    system: str,
    ways: Callable[[str], Sequence[Reading]],
    folder: Path,
    files: FileNames,
    folders: FileNames = (),
) -> Layout | None:
    """Return the layout if each name, except those of ungradable files, identifies a student.

    `ways` returns the readings of a name. If there are several, the one counts for which the rest
    of the class rules out all others; otherwise the entry is nobody's, as a student may choose a
    name that reads as another's. An id with two names is nobody's (ada_2026_10_x.py,
    ben_2026_10_x.py): each such entry stands for itself, and if all entries have one, the class is
    not this system's.
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
        late=late if any(late.values()) else {},  # if none is late, perhaps nothing was due
        nobodys=problems,
    )


def _certain(ways_of: Mapping[str, Sequence[Reading]]) -> dict[str, Reading]:
    """Return the reading of each entry for which it is certain.

    Entries with one reading give the name of each id's student, and this class's numbers. The true
    reading agrees with them, so a single reading that does is the true one, unless another reading
    names a student of this class.
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
    """Return a placeholder owner for an entry that may belong to several students."""
    name = f"{ways[-1].name}_{ways[-1].id}"
    return Owner(system, name, name)


def _names_of(ids_and_names: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    names: dict[str, set[str]] = defaultdict(set)
    for id_, name in ids_and_names:
        names[id_].add(name)
    return names


def shared_words(names: Iterable[str], separator: str) -> str:
    """Return the common prefix of names in whole words: "hw1-" for hw1-ada and hw1-ben-x."""
    columns = zip(*(name.split(separator)[:-1] for name in names), strict=False)
    prefix = takewhile(lambda words: len(set(words)) == 1, columns)
    return "".join(f"{words[0]}{separator}" for words in prefix)
