"""GitHub: the repositories of its Classroom, and the output of a step in its Actions.

`gh classroom clone student-repos`: `ASSIGNMENT-submissions/ASSIGNMENT-USER/`, each a repository,
without the time of the push. A commit's time is not used, because the student's computer sets it.
The times are in GitHub Classroom's grades: a CSV file with github_username and
submission_timestamp, "2026-10-30 23:59:59 UTC" (github/gh-classroom, assignment-grades).

A step shows a summary in Markdown, and annotates the lines that cost points: docs.github.com,
"Workflow commands for GitHub Actions": job summaries, error messages, and how values are escaped
(actions/toolkit, packages/core/src/command.ts).
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from grader.errors import UserError
from grader.lms.files import FileNames, absolute
from grader.lms.layout import Layout, Owner
from grader.lms.markdown import breakdown, escaped
from grader.lms.marks import Mark
from grader.lms.moments import iso, moment
from grader.lms.names import shared_words
from grader.lms.sheets import Table
from grader.lms.system import Export, ExportOptions, System, TimesColumns, TimesTable
from grader.results.record import CriterionResult, Final, Record
from grader.util.atomic import write_atomically

NAME = "GitHub"
UNTIMED = (
    "a clone does not tell when work was pushed, and a commit's time is whatever the student's "
    "computer says: the times of the files count, unless --times has GitHub Classroom's grades"
)
SUFFIX = "-submissions"
USER, TIME = "github_username", "submission_timestamp"
SUMMARY = "GITHUB_STEP_SUMMARY"  # the file that GitHub shows as the step's summary
# A place in the student's source, as messages and notes name it.
PLACE = re.compile(r"(?P<file>[^()]+), line (?P<line>\d+)")
MOST_ANNOTATIONS = 10  # per step: GitHub shows no more


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return the owner of each repository."""
    if not folders or not all((folder / name / ".git").exists() for name in folders):
        return None
    prefix = f"{absolute(folder).name.removesuffix(SUFFIX)}-"
    if not all(name.startswith(prefix) for name in folders):
        prefix = shared_words(folders, "-") if len(folders) > 1 else ""
    users = {name: name.removeprefix(prefix) for name in folders}
    owners = {name: (Owner(NAME, user, user),) for name, user in users.items()}
    return Layout(folder, owners, {})


def _times_columns(table: Table) -> list[TimesColumns]:
    return [TimesColumns(USER, TIME, _moment)]


def _moment(text: str) -> datetime | None:
    return moment(text) or iso(text)


def summary(finals: Iterable[Final]) -> str:
    """Return the summary of a step, one table per student."""
    return "\n".join(line for final in finals for line in _table(final))


def _table(final: Final) -> Iterator[str]:
    mark = f"{final.final:g} of {final.record.max_score:g}"
    yield f"## {escaped(final.student)}: {mark} points"
    yield ""
    yield from breakdown(final)
    yield ""
    yield "| | criterion | points | |"
    yield "|---|---|---:|---|"
    for criterion in final.criteria:
        mark = "✅" if criterion.points == criterion.max_points else "❌"
        points = f"{criterion.points:g}/{criterion.max_points:g}"
        yield f"| {mark} | `{criterion.id}` | {points} | {escaped(criterion.message)} |"
    yield ""


def annotations(finals: Iterable[Final]) -> list[str]:
    """Return workflow commands for the lines that failed or cost points, each text once."""
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


def _bracketed(criterion: CriterionResult) -> str:
    return "".join(re.findall(r"\(([^()]+, line \d+)\)", criterion.message)[:1])


def _place(record: Record, place: str) -> dict[str, str]:
    """Return the file and, for a module, the line: a notebook cell's lines are not its file's."""
    match = PLACE.fullmatch(place)
    if match and match["file"] == record.submission:
        return {"file": record.submission, "line": match["line"]}
    return {"file": record.submission}


def _command(title: str, text: str, place: dict[str, str]) -> str:
    properties = ",".join(f"{key}={_property(v)}" for key, v in {**place, "title": title}.items())
    return f"::error {properties}::{_data(text)}"


def _data(text: str) -> str:
    """Escape a message so that it cannot end the line, after which another command could begin."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _export(marks: Sequence[Mark], options: ExportOptions, max_score: float) -> None:
    """Print annotations, and append the summary to the step's or write it to --out."""
    finals = [mark.final for mark in marks]
    text = summary(finals)
    if options.out:
        write_atomically(options.out, text)
    elif path := os.environ.get(SUMMARY):
        with open(path, "a", encoding="utf-8") as file:  # keep what other steps wrote
            file.write(text)
    else:
        raise UserError(f"--to {options.target} needs --out FILE if {SUMMARY} is not set")
    for command in annotations(finals):
        print(command)


SYSTEM = System(
    NAME,
    recognise,
    untimed=UNTIMED,
    times=TimesTable("GitHub Classroom's grades", f"{USER}, {TIME}", [USER, TIME], _times_columns),
    export=Export("github", _export, needs=()),
)
