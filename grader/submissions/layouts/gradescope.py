"""Gradescope, "Export Submissions": `submission_NUMBER/`, whose are in submission_metadata.yml."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from grader.submissions.layouts.common import Layout, Names, Owner, moment, read

METADATA_FILE = "submission_metadata.yml"
METADATA_BYTES = 50_000_000
FOLDER = re.compile(r"submission_\d+")


def recognise(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return whose each folder is, where the table lies beside them."""
    if METADATA_FILE not in files:
        return None
    metadata = _metadata(folder / METADATA_FILE)
    owners = {
        name: tuple(_submitters(name, metadata.get(name)))
        for name in folders
        if FOLDER.fullmatch(name)
    }
    return Layout(folder, owners, {}) if owners else None


def _metadata(path: Path) -> Mapping[Any, Any]:
    """Return what Gradescope wrote, all of it as text; nothing, where it cannot be read.

    Text, since otherwise a student whose id is 007 is 7, and one whose name is No is False.
    """
    with suppress(OSError, yaml.YAMLError, ValueError, RecursionError):
        loaded = yaml.load(read(path, METADATA_BYTES), Loader=yaml.CBaseLoader)
        if isinstance(loaded, Mapping):
            return loaded
    return {}


def _submitters(name: str, entry: object) -> Iterator[Owner]:
    """Yield whose a submission is; it stands for itself where nobody is named."""
    created = moment(_told(entry, ":created_at"))
    people = entry.get(":submitters") if isinstance(entry, Mapping) else None
    for person in people if isinstance(people, list) and people else [{}]:
        id_ = _told(person, ":sid") or _told(person, ":email") or name
        yield Owner("Gradescope", id_, _told(person, ":name") or name, created)


def _told(about: object, key: str) -> str:
    """Return a text of the metadata, "" where there is none: a list may be endless as a text."""
    value = about.get(key) if isinstance(about, Mapping) else None
    return value if isinstance(value, str) else ""
