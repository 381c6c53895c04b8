"""What the help of every command ends with: an example, and the exit codes."""

from grader.util.exits import EXIT_CODES, UNDER_MARK


def epilog(example: str, under_mark: str = "") -> str:
    """Return the end of a command's help.

    `under_mark` says what exit code 1 means; without it, the command does not end with 1.
    """
    codes = {**EXIT_CODES, UNDER_MARK: under_mark} if under_mark else EXIT_CODES
    meanings = "; ".join(f"{code} {meaning}" for code, meaning in sorted(codes.items()))
    return f"Example: `{example}`\n\nExit codes: {meanings}."
