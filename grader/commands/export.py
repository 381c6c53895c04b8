"""`grader export`: write a class's marks, or one record, in another system's format."""

from grader.commands.override import GradebookPlace
from grader.errors import UserError
from grader.gradebook import Gradebook
from grader.lms.marks import Mark, Merged
from grader.lms.registry import EXPORTS, either
from grader.lms.system import Export, ExportOptions, Need
from grader.util.atomic import write_atomically

# The required options as messages name them, in this order.
NEEDS: dict[Need, str] = {
    "out": "--out FILE",
    "assignment": "--assignment NAME: the column, new or in the file",
    "into": "--into FILE: the file that {target} exported",
}


def export(options: ExportOptions, place: GradebookPlace) -> tuple[list[str], list[str]]:
    """Write an export.

    Return one line per mark that was not exported, and lines with other remarks. Raise UserError,
    with a readable message and before writing anything, if something is missing or wrong.
    """
    target = EXPORTS[options.target]
    if options.groups and not target.groups:
        readers = either([name for name, each in EXPORTS.items() if each.groups])
        raise UserError(f"--groups works only with --to {readers}")
    with place.open() as book:
        marks, max_score = _marks(book), book.assignment.rubric.max_score
    if not marks:
        raise UserError(f"{place.results}: nothing is graded yet: run `grader grade` first")
    _check_needs(target, options)
    content = target.make(marks, options, max_score)
    text = content.text if isinstance(content, Merged) else content
    if text is not None:
        assert options.out  # guaranteed by `needs`
        write_atomically(options.out, text)
    if not isinstance(content, Merged):
        return [], []
    unmarked = [f"{who}: no grade in these results; row left unchanged" for who in content.unmarked]
    return content.problems, content.notes + unmarked


def _check_needs(target: Export, options: ExportOptions) -> None:
    """Raise UserError if an option that the export needs is missing."""
    for need, words in NEEDS.items():
        if need in target.needs and getattr(options, need) is None:
            raise UserError(f"--to {target.target} needs {words.format(target=target.target)}")


def _marks(book: Gradebook) -> list[Mark]:
    """Return the marks of everybody in the gradebook."""
    people = {person.student: person for person in book.people()}
    finals = book.finals()
    return [
        Mark(final, person.system, person.id, person.name) if person.system else Mark(final)
        for final, person in ((final, people[final.student]) for final in finals)
    ]
