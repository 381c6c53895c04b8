"""The manual, as Sphinx builds it: `make docs`."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import reference  # noqa: E402

from grader import __version__  # noqa: E402

project = "sigmoid-homework-grader"
release = __version__
html_title = "The homework grader"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["manual.css"]
html_show_copyright = False
html_copy_source = False
html_use_index = False
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
exclude_patterns = ["calibration.md"]  # a page includes it
# The greater part of the manual is commands: no quotes or dashes of a printer's in it.
smartquotes = False

# What is appended to a page when it is read.
WRITTEN = {"reference/commands": reference.commands, "reference/rubric": reference.rubric}


def append_what_is_written(app: Sphinx, page: str, source: list[str]) -> None:
    """Append to a page the part that is written from the code."""
    if page in WRITTEN:
        source[0] += "\n" + WRITTEN[page]()


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", append_what_is_written)
