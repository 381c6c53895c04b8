"""`grader export`: the marks of a class, or one record, as another system reads them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from grader.commands.override import Place
from grader.errors import UserError
from grader.gradebook import Gradebook
from grader.lms.exports import canvas, github, gradescope, junit, moodle, tables
from grader.lms.exports.marks import Mark, Merged
from grader.lms.sheets import about, read_rows, read_text
from grader.results.record import Final, to_json
from grader.rubric import Rubric
from grader.util.atomic import write_atomically

Target = Literal["csv", "parquet", "canvas", "moodle", "gradescope", "junit", "github"]
TARGETS: tuple[Target, ...] = get_args(Target)
SUMMARY = "GITHUB_STEP_SUMMARY"  # the file that GitHub shows as the step's summary


@dataclass(frozen=True)
class ExportOptions:
    """What is asked: the `target`, the file to write and, by target, what it needs.

    `into` is the table that Canvas or Moodle exported, `assignment` Canvas's column, `groups`
    Canvas's table of who is in which group.
    """

    target: Target
    out: Path | None
    into: Path | None
    assignment: str | None
    groups: Path | None


def export(options: ExportOptions, place: Place) -> tuple[list[str], list[str]]:
    """Write what is wished.

    Return a line for each mark that is not in it, and for what else there is to know.

    Raise UserError, in words for people, if something is missing or is not what it should be.
    Nothing is written then.
    """
    if options.groups and options.target != "canvas":
        raise UserError("--groups is for --to canvas")
    with place.open() as book:
        marks, rubric = _marks(book), book.assignment.rubric
    if not marks:
        raise UserError(f"{place.results}: nothing is graded yet")
    if options.target == "github":
        _to_github([mark.final for mark in marks], options.out)
        return [], []
    if options.out is None:
        raise UserError(f"--to {options.target} needs --out FILE")
    content = MAKERS[options.target](marks, options, rubric)
    if isinstance(content, Merged):
        write_atomically(options.out, content.text)
        notes = [
            f"{who}: no grade in these results; row left unchanged" for who in content.unmarked
        ]
        return content.problems, content.notes + notes
    write_atomically(options.out, content)
    return [], []


def _marks(book: Gradebook) -> list[Mark]:
    """Return the marks of everybody in the gradebook."""
    people = {person.student: person for person in book.people()}
    finals = book.finals()
    return [
        Mark(final, person.system, person.id, person.name) if person.system else Mark(final)
        for final, person in ((final, people[final.student]) for final in finals)
    ]


def _csv(marks: Sequence[Mark], options: ExportOptions, rubric: Rubric) -> str:
    return tables.to_csv(marks)


def _parquet(marks: Sequence[Mark], options: ExportOptions, rubric: Rubric) -> bytes:
    try:
        return tables.to_parquet(marks)
    except ImportError as error:
        extra = "pip install 'sigmoid-homework-grader[parquet]'"
        raise UserError(f"--to parquet needs PyArrow ({error}): {extra}") from error


def _canvas(marks: Sequence[Mark], options: ExportOptions, rubric: Rubric) -> Merged:
    if options.assignment is None:
        raise UserError("--to canvas needs --assignment NAME: the column, new or in the file")
    assignment, columns = options.assignment, (canvas.GROUP_ID, canvas.GROUP_NAME)
    rows = read_rows(options.groups, columns, [canvas.GROUP_NAME]) if options.groups else ()
    groups = {row.cells[canvas.GROUP_ID].strip(): row.cells[canvas.GROUP_NAME] for row in rows}
    return _merged(
        options, lambda text: canvas.merge(text, marks, assignment, rubric.max_score, groups)
    )


def _moodle(marks: Sequence[Mark], options: ExportOptions, rubric: Rubric) -> Merged:
    return _merged(options, lambda text: moodle.merge(text, marks))


def _merged(options: ExportOptions, merge: Callable[[str], Merged]) -> Merged:
    """Merge into the table that the system exported; a UserError names its file."""
    if options.into is None:
        raise UserError(f"--to {options.target} needs --into FILE: what {options.target} exported")
    text = read_text(options.into)
    try:
        return merge(text)
    except UserError as error:
        raise about(options.into, error) from error


def _gradescope(marks: Sequence[Mark], options: ExportOptions, rubric: Rubric) -> bytes:
    if len(marks) != 1:
        raise UserError(f"--to gradescope is of one submission; here are {len(marks)}")
    return to_json(gradescope.results(marks[0].final))


def _junit(marks: Sequence[Mark], options: ExportOptions, rubric: Rubric) -> bytes:
    return junit.report(mark.final for mark in marks)


Maker = Callable[[Sequence[Mark], ExportOptions, Rubric], str | bytes | Merged]
MAKERS: dict[str, Maker] = {
    "csv": _csv,
    "parquet": _parquet,
    "canvas": _canvas,
    "moodle": _moodle,
    "gradescope": _gradescope,
    "junit": _junit,
}


def _to_github(finals: Sequence[Final], out: Path | None) -> None:
    """Print annotations, and add the summary to the step's, or write it to `out`."""
    text = github.summary(finals)
    if out:
        write_atomically(out, text)
    elif path := os.environ.get(SUMMARY):
        with open(path, "a", encoding="utf-8") as file:  # what other steps wrote stays
            file.write(text)
    else:
        raise UserError(f"--to github needs --out FILE where {SUMMARY} is not set")
    for command in github.annotations(finals):
        print(command)
