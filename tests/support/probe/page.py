"""Write docs/confinement.md, which says what a worker sees: made of the probe's own questions.

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

A submission runs in a worker that the kernel confines (README, Security). This page lists what such
a worker was asked, and what it finds. `tests/support/probe/questions.py` has the {count} questions,
and `tests/unit/confined/test_probe.py` asks them all: as whoever runs the tests, as an ordinary
user who owns a file of Python's, and in a container as Docker makes one, as an ordinary user and as
root.
`python tests/support/probe/page.py` makes this page of the questions.

"""
CHANNELS = """
Two submissions that are at work at the same time, and agree to, can tell each other something: by
what they do to the processor, to the cache of files that both read, or by locks on such a file. So
can two attempts of one student, a little: by when a file of Python's was last read. What one does
not want to tell, the other one does not learn; and none has anything to tell that earns points,
since the expected values are in no worker.
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
