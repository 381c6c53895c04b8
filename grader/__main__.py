"""The `grader` command; `python -m grader` runs it too."""

import sys

from grader.commands.hiding import hide_command_line


def main() -> None:
    """Run the command line, and hide it from other users of the machine."""
    hide_command_line()
    from grader.commands import cli

    cli.main()


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the current folder, which may be a student's
    main()
