"""`grader export`: the marks of a class, or one record, as another system reads them."""

from grader.commands.override import GradebookPlace
from grader.errors import UserError
from grader.gradebook import Gradebook
from grader.lms.marks import Mark, Merged
from grader.lms.registry import EXPORTS, either
from grader.lms.system import Export, ExportOptions, Need
from grader.util.atomic import write_atomically

# What is said to be needed, in this order.
NEEDS: dict[Need, str] = {
    "out": "--out FILE",
    "assignment": "--assignment NAME: the column, new or in the file",
    "into": "--into FILE: the file that {target} exported",
}


def export(options: ExportOptions, place: GradebookPlace) -> tuple[list[str], list[str]]:
    """Write what is wished.

    Return a line for each mark that is not in it, and for what else there is to know.

    Raise UserError, in words for people, if something is missing or is not what it should be.
    Nothing is written then.
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
        assert options.out  # as the export needs
        write_atomically(options.out, text)
    if not isinstance(content, Merged):
        return [], []
    unmarked = [f"{who}: no grade in these results; row left unchanged" for who in content.unmarked]
    return content.problems, content.notes + unmarked


def _check_needs(target: Export, options: ExportOptions) -> None:
    """Raise UserError if an option is missing that the export needs."""
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
