"""Time what a large gradebook costs.

1,000 submissions are graded, and then again, unchanged. And the same commands run on a gradebook of
one student, which is their start, and on one of 10,000, by turns. Prints the medians, of seconds
and of what all processes computed. `SIZE ROUNDS` as arguments make it smaller.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

import msgspec
from homeworks import CHECKS, make_class
from measure import Command, Usage, run
from ours import GRADER, write_rubric
from rich.console import Console
from rich.table import Table

from grader.gradebook import Gradebook, GradedAttempt, default_url
from grader.reports.results_folder import COMPLETE, ResultsFolder
from grader.scoring.protocol import SubmittedFiles
from grader.util.atomic import write_atomically

UNCHANGED = 1000
SIZE = 10_000
ROUNDS = 5
CHUNK = 500  # students that are put into a gradebook at a time


def main() -> None:
    """Run and print."""
    size, rounds = map(int, sys.argv[1:] or (SIZE, ROUNDS))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rubric = write_rubric(Path(folder) / "rubric.toml", CHECKS)
        first, again = grade_unchanged(
            Path(folder) / "unchanged", rubric, min(UNCHANGED, size), rounds
        )
        beside = compare(Path(folder) / "beside", rubric, size, rounds)
    console = Console(width=100)
    console.print(
        f"{min(UNCHANGED, size)} submissions: graded in {first.seconds:.1f} s, unchanged in "
        f"{again.seconds:.2f} s ({again.cpu:.2f} s of a processor)"
    )
    table = Table(box=None, header_style="bold")
    for heading in ("command", "beside 1", f"beside {size}", "above its start", "ratio"):
        table.add_column(heading, justify="left" if heading == "command" else "right")
    for command, (alone, among) in beside.items():
        for what, one, many in (
            (f"{command}, seconds", alone.seconds, among.seconds),
            ("  of a processor", alone.cpu, among.cpu),
        ):
            table.add_row(what, *(f"{x:.2f}" for x in (one, many, many - one, many / one)))
    console.print(table)


def grade_unchanged(folder: Path, rubric: Path, size: int, rounds: int) -> tuple[Usage, Usage]:
    """Return what it takes to grade a class, and to grade it again."""
    make_class(folder / "class", size)
    command = ("grade", folder / "class", "--out", folder / "results")
    first = usage(*command, "--rubric", rubric)
    return first, middle([usage(*command) for _ in range(rounds)])


def compare(folder: Path, rubric: Path, size: int, rounds: int) -> dict[str, tuple[Usage, Usage]]:
    """Return what each command takes on a gradebook of one student and on one of `size`."""
    make_class(folder / "class", 1)
    (file,) = (folder / "class").iterdir()
    one, many = folder / "one", folder / "many"
    usage("grade", file, "--out", one, "--rubric", rubric)
    shutil.copytree(one, many)
    fill(many, size)
    usage("grade", file, "--out", many)  # writes what the folder lacks of the others
    taken: dict[str, tuple[list[Usage], list[Usage]]] = {}
    for number in range(rounds):
        new = folder / f"{number}" / file.name
        new.parent.mkdir()
        text = file.read_text(encoding="utf-8")
        new.write_text(text.replace('"# ', f'"# {number} ', 1), encoding="utf-8")
        for name, command in commands(file, new, number, folder / "out.csv"):
            for results, usages in zip((one, many), taken.setdefault(name, ([], [])), strict=True):
                usages.append(usage(*command, *where(name, results)))
    return {name: (middle(alone), middle(among)) for name, (alone, among) in taken.items()}


def middle(usages: Sequence[Usage]) -> Usage:
    """Return the medians."""
    return Usage(*(median(column) for column in zip(*map(astuple, usages), strict=True)))


def commands(
    file: Path, new: Path, number: int, out: Path
) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Yield what is timed; each differs from round to round, so that there is something to do."""
    yield "grade a file that is known", ("grade", file)
    yield "grade a new file", ("grade", new)
    yield "override", ("override", file.stem, number, "--why", "x", "--who", "W")
    yield "export", ("export", "--to", "csv", "--out", out)
    yield "history", ("history", file.stem)


def where(name: str, results: Path) -> tuple[object, ...]:
    """Return how a command is told which results are meant."""
    if name == "export":
        return (results,)
    return ("--out" if name.startswith("grade") else "--results", results)


def usage(*arguments: object) -> Usage:
    """Return what a command takes, which must end well."""
    return run(Command([GRADER, *arguments]))


def fill(results: Path, size: int) -> None:
    """Put students into a gradebook of one, graded as that one was, each with their own file."""
    with Gradebook(default_url(results)) as book:
        assignment, (final,), (stored,) = book.assignment, book.finals(), book.stored()
        (record,) = book.with_drawings([final])
        source = next(iter(book.files_of(stored.id).files.values()))
        for start in range(1, size, CHUNK):
            book.add(
                assignment.basis,
                [entry(record.record, source, n) for n in range(start, min(start + CHUNK, size))],
            )
        ResultsFolder(results, book, assignment, None).write_tables()
        id_, stamps = book.stamps()
        complete = msgspec.json.encode({"book": id_, "records": stamps, "pages": stamps})
        write_atomically(results / COMPLETE, complete)


def entry(record, source: bytes, number: int) -> GradedAttempt:
    name = f"student{number:05}"
    return GradedAttempt(
        key=f"key of {name}",
        content=f"content of {name}",
        record=msgspec.structs.replace(record, student=name, sha256=f"content of {name}"),
        files=partial(SubmittedFiles.of, name, "homework.ipynb", source + b"\n" * number),
        handed_in=datetime(2026, 10, 30, 12, 0, tzinfo=UTC),
        told_by="file",
    )


if __name__ == "__main__":
    main()
