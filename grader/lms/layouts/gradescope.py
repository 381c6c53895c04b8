"""Gradescope, "Export Submissions": `submission_NUMBER/`, whose are in submission_metadata.yml."""

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from grader.lms.layouts.common import Layout, Names, Owner, moment, read
from grader.source.paths import shown

SYSTEM = "Gradescope"
BY_MAIL = "told apart by their addresses"
METADATA_FILE = "submission_metadata.yml"
METADATA_BYTES = 50_000_000
FOLDER = re.compile(r"submission_\d+")


class _Person(NamedTuple):
    """A submitter: only the address is surely their own, as students type in their id."""

    id: str
    email: str
    name: str


def recognise(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return whose each folder is, where the table lies beside them."""
    if METADATA_FILE not in files:
        return None
    metadata = _metadata(folder / METADATA_FILE)
    entries = {name: metadata.get(name) for name in folders if FOLDER.fullmatch(name)}
    people = {name: _submitters(entry) for name, entry in entries.items()}
    everybody = {person for submitters in people.values() for person in submitters}
    often = Counter(id_ for person in everybody for id_ in {person.id, person.email} if id_)
    owners, remarks = {}, {}
    for name, entry in entries.items():
        time = moment(_text_of(entry, ":created_at"))
        # It stands for itself where nobody is named.
        owners[name] = tuple(
            Owner(SYSTEM, id_, person.name or name, time)
            for person in people[name] or [_Person("", "", "")]
            for id_ in [_known_by(person, often) or name]
        )
        if ids := [person.id for person in people[name] if often[person.id] > 1]:
            remarks[name] = f"the id {shown(ids[0])} is somebody else's, too: {BY_MAIL}"
    return Layout(folder, owners, {}, remarks=remarks) if owners else None


def _known_by(person: _Person, often: Mapping[str, int]) -> str:
    """Return the id of somebody, or the address where that is another one's id or address, too."""
    return person.id if often[person.id] == 1 else person.email


def _metadata(path: Path) -> Mapping[Any, Any]:
    """Return what Gradescope wrote, all of it as text; nothing, where it cannot be read.

    Text, since otherwise a student whose id is 007 is 7, and one whose name is No is False.
    """
    with suppress(OSError, yaml.YAMLError, ValueError, RecursionError):
        metadata = yaml.load(read(path, METADATA_BYTES), Loader=yaml.CBaseLoader)
        if isinstance(metadata, Mapping):
            return metadata
    return {}


def _submitters(entry: object) -> list[_Person]:
    """Return whose a submission is."""
    people = entry.get(":submitters") if isinstance(entry, Mapping) else None
    keys = (":sid", ":email", ":name")
    return [
        _Person(*(_text_of(person, key) for key in keys))
        for person in (people if isinstance(people, list) else [])
    ]


def _text_of(about: object, key: str) -> str:
    """Return a text of the metadata, "" where there is none: a list may be endless as a text."""
    value = about.get(key) if isinstance(about, Mapping) else None
    return value if isinstance(value, str) else ""
