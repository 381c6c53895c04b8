"""Write docs/confinement.md, which says what a worker sees, from the probe's questions.

python tests/support/probe/page.py
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tests" / "support")]

from probe.questions import HARMLESS, QUESTIONS, VISIBLE, Question  # noqa: E402

PAGE = ROOT / "docs" / "confinement.md"
START = """# What a submission sees

A submission runs in a worker that the kernel confines ([Security](security.md)). This page lists
what such a worker was asked, and what it finds. The {count} questions are in
`tests/support/probe/questions.py`. `tests/unit/confined/test_probe.py` asks them all four times: as
the user who runs the tests, as an ordinary user who owns a file of Python's, and as an ordinary
user and as root in a container like Docker's. `python tests/support/probe/page.py` writes this page
from the questions.

"""
CHANNELS = """
Two submissions that run at the same time and cooperate can signal each other: by the load they put
on the processor, through the cache of files that both read, or by locks on such a file. Two
attempts of one student can also leave each other a little, by when a file of Python's was last
read. A submission that does not cooperate reveals nothing, and none knows anything that earns
points, because no worker has the expected values.
"""


def page() -> str:
    """Return the page."""
    closed = [question for question in QUESTIONS if question not in HARMLESS + VISIBLE]
    return "".join(
        [
            START.format(count=len(QUESTIONS)),
            "## What it sees\n\n| it sees |\n|---|\n",
            *_rows([question.seen] for question in VISIBLE if question.seen),
            CHANNELS,
            "\n## What it may do, and what reaches nobody else\n\n| it may |\n|---|\n",
            *_rows([question.text] for question in HARMLESS),
            "\n## What is refused, or is not there\n\n| about | it asks for |\n|---|---|\n",
            *_rows(_by_area(closed)),
        ]
    )


def _rows(cells: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |\n" for row in cells]


def _by_area(questions: Sequence[Question]) -> list[Sequence[str]]:
    areas = dict.fromkeys(question.area for question in questions)
    return [
        (area, "; ".join(question.text for question in questions if question.area == area))
        for area in areas
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
