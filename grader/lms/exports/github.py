"""GitHub: a summary of the step in Markdown, and annotations of the lines that cost points.

Format: docs.github.com, "Workflow commands for GitHub Actions": job summaries, error messages, and
how values are escaped (actions/toolkit, packages/core/src/command.ts).
"""

import re
from collections.abc import Iterable, Iterator

from grader.lms.exports.gradescope import breakdown, markdown
from grader.results.record import Criterion, Final, Record

# A place in the student's source, as messages and notes name it.
PLACE = re.compile(r"(?P<file>[^()]+), line (?P<line>\d+)")
MOST_ANNOTATIONS = 10  # of a step: GitHub shows no more


def summary(finals: Iterable[Final]) -> str:
    """Return the summary of a step, one table per student."""
    return "\n".join(line for final in finals for line in _table(final))


def _table(final: Final) -> Iterator[str]:
    mark = f"{final.final:g} of {final.record.max_score:g}"
    yield f"## {markdown(final.student)}: {mark} points"
    yield ""
    yield from breakdown(final)
    yield ""
    yield "| | criterion | points | |"
    yield "|---|---|---:|---|"
    for criterion in final.criteria:
        mark = "✅" if criterion.points == criterion.max_points else "❌"
        points = f"{criterion.points:g}/{criterion.max_points:g}"
        yield f"| {mark} | `{criterion.id}` | {points} | {markdown(criterion.message)} |"
    yield ""


def annotations(finals: Iterable[Final]) -> list[str]:
    """Return workflow commands that mark the lines which failed or cost points, each text once."""
    commands: dict[tuple[str, str], str] = {}
    for final in finals:
        record = final.record
        texts = [
            (criterion.id, criterion.message, _bracketed(criterion))
            for criterion in final.criteria
            if criterion.points < criterion.max_points
        ]
        texts += [("homework", note.text, note.where) for note in record.notes]
        for title, text, place in texts:
            command = _command(title, text, _place(record, place))
            commands.setdefault((final.student, text), command)
    return list(commands.values())[:MOST_ANNOTATIONS]


def _bracketed(criterion: Criterion) -> str:
    return "".join(re.findall(r"\(([^()]+, line \d+)\)", criterion.message)[:1])


def _place(record: Record, place: str) -> dict[str, str]:
    """Return the file and, of a module, the line; the lines of a notebook's cells are no file's."""
    match = PLACE.fullmatch(place)
    if match and match["file"] == record.submission:
        return {"file": record.submission, "line": match["line"]}
    return {"file": record.submission}


def _command(title: str, text: str, place: dict[str, str]) -> str:
    properties = ",".join(f"{key}={_property(v)}" for key, v in {**place, "title": title}.items())
    return f"::error {properties}::{_data(text)}"


def _data(text: str) -> str:
    """Escape a message: nothing in it ends the line, which is where another command would begin."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
