"""Grade the sigmoid network homework; student code never runs where the score is computed."""

from importlib.metadata import version

__version__ = version("sigmoid-homework-grader")
