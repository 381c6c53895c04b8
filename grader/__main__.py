"""Run `python -m grader`, which is the command `grader`."""

from grader.commands.cli import main

main()
