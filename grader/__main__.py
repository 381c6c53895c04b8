"""The command `grader`, which `python -m grader` runs, too."""

import sys

from grader.commands.hiding import hide_command_line


def main() -> None:
    """Run the command line, which nobody else can read from here on."""
    hide_command_line()
    from grader.commands import cli

    cli.main()


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the current folder, which may be a student's
    main()
