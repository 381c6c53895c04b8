"""Text as a cell of a CSV file that people open in a spreadsheet."""

FORMULA = ("=", "+", "-", "@")  # what a spreadsheet takes for the beginning of one


def to_cell(text: str) -> str:
    """Return a text as a spreadsheet shows it: one that begins like a formula would be run.

    Apostrophes in front are counted with what follows them, so that `from_cell` can undo this.
    """
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def from_cell(cell: str) -> str:
    """Return the text that `to_cell` made a cell of."""
    return cell.removeprefix("'") if cell.lstrip("'").startswith(FORMULA) else cell
