"""Gradescope: its export of submissions, and the results.json that it reads for each submission.

"Export Submissions": `submission_NUMBER/`, with the owners in submission_metadata.yml.
results.json: gradescope-autograders.readthedocs.io, "Autograder Specifications", output format.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from grader.errors import UserError
from grader.lms.files import FileNames, read
from grader.lms.layout import Layout, Owner
from grader.lms.markdown import breakdown, escaped
from grader.lms.marks import Mark
from grader.lms.moments import moment
from grader.lms.system import Export, ExportOptions, System
from grader.results.record import Final, to_json
from grader.source.paths import shown

NAME = "Gradescope"
BY_MAIL = "told apart by their addresses"
METADATA_FILE = "submission_metadata.yml"
METADATA_BYTES = 50_000_000
FOLDER = re.compile(r"submission_\d+")


class _Person(NamedTuple):
    """A submitter: only the address is certain to be unique, as students type in their id."""

    id: str
    email: str
    name: str


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return the owner of each folder, if the metadata file lies beside them."""
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
        # The folder stands for itself if no submitter is named.
        owners[name] = tuple(
            Owner(NAME, id_, person.name or name, time)
            for person in people[name] or [_Person("", "", "")]
            for id_ in [_known_by(person, often) or name]
        )
        if ids := [person.id for person in people[name] if often[person.id] > 1]:
            remarks[name] = f"the id {shown(ids[0])} belongs to another student too: {BY_MAIL}"
    return Layout(folder, owners, {}, remarks=remarks) if owners else None


def _known_by(person: _Person, often: Mapping[str, int]) -> str:
    """Return a person's id, or their address if another person has that id too."""
    return person.id if often[person.id] == 1 else person.email


def _metadata(path: Path) -> Mapping[Any, Any]:
    """Return Gradescope's metadata, all values as text; nothing if it cannot be read.

    As text, because otherwise the id 007 would become 7, and the name No would become False.
    """
    import yaml  # takes 0.01 s; imported only if needed

    with suppress(OSError, yaml.YAMLError, ValueError, RecursionError):
        metadata = yaml.load(read(path, METADATA_BYTES), Loader=yaml.CBaseLoader)
        if isinstance(metadata, Mapping):
            return metadata
    return {}


def _submitters(entry: object) -> list[_Person]:
    """Return the submitters of a submission."""
    people = entry.get(":submitters") if isinstance(entry, Mapping) else None
    keys = (":sid", ":email", ":name")
    return [
        _Person(*(_text_of(person, key) for key in keys))
        for person in (people if isinstance(people, list) else [])
    ]


def _text_of(about: object, key: str) -> str:
    """Return a text of the metadata, or "" if it is not one: a list may be endless as text."""
    value = about.get(key) if isinstance(about, Mapping) else None
    return value if isinstance(value, str) else ""


def results(final: Final) -> dict[str, Any]:
    """Return the content of results.json: one test per criterion, and losses for a leaderboard."""
    record = final.record
    return {
        "score": final.final,
        "execution_time": round(record.seconds, 3),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "output": _summary(final),
        "output_format": "md",
        "tests": [
            {
                "name": criterion.id,
                "score": criterion.points,
                "max_score": criterion.max_points,
                "status": "passed" if criterion.points == criterion.max_points else "failed",
                "output": escaped(criterion.message),
                "output_format": "md",
                "visibility": "visible",
            }
            for criterion in final.criteria
        ],
        "leaderboard": [
            {"name": f"loss ({name})", "value": loss, "order": "asc"}
            for name, loss in record.training.losses.items()
            if loss is not None
        ],
    }


def _summary(final: Final) -> str:
    lines = [f"**{final.final:g} of {final.record.max_score:g} points**", "", *breakdown(final)]
    notes = [f"- {escaped(note.where)}: {escaped(note.text)}" for note in final.record.notes]
    return "\n".join([*lines, "", "Errors while the file ran:", "", *notes] if notes else lines)


def _export(marks: Sequence[Mark], options: ExportOptions, max_score: float) -> bytes:
    if len(marks) != 1:
        raise UserError(f"--to {options.target} exports one submission, but there are {len(marks)}")
    return to_json(results(marks[0].final))


SYSTEM = System(
    NAME,
    recognise,
    read_files=[METADATA_FILE],
    export=Export("gradescope", _export),
)
