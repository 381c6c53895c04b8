"""The manual's pictures: both pages of the sample class, taken by `make pictures`.

    python tools/screenshots.py RESULTS

Values that vary between runs (times, losses in the table) are outside the parts shown. Needs tests/
on PYTHONPATH, for the tests' browser.
"""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from browser import browsing, opened
from PIL import Image
from playwright.sync_api import BrowserContext

PICTURES = Path(__file__).parents[1] / "docs" / "images"
BELOW = 16  # pixels of the page below the last element shown


@dataclass(frozen=True)
class Shot:
    """A picture: its page, its width in pixels, and the first and last element it shows."""

    name: str
    page: str
    width: int
    first: str
    last: str


STUDENT = "one_minus_hs_missing/feedback.html"
SHOTS = (
    Shot("index", "index.html", 1200, "body", "#criteria + .wide"),
    Shot("feedback", STUDENT, 760, "body", ".criteria"),
    Shot("feedback-figures", STUDENT, 760, "section:has(.maps)", ".charts"),
    Shot("feedback-phone", STUDENT, 360, "body", ".criteria li:nth-child(3)"),
)


def take(context: BrowserContext, shot: Shot, results: Path) -> None:
    """Write docs/images/NAME.png: the page from the first element to below the last."""
    with opened(context, results / shot.page, shot.width) as (page, _):
        first, last = (page.locator(e).first.bounding_box() for e in (shot.first, shot.last))
        assert first, f"{shot.page} shows no {shot.first}"
        assert last, f"{shot.page} shows no {shot.last}"
        height = last["y"] + last["height"] + BELOW - first["y"]
        clip = {"x": 0, "y": first["y"], "width": shot.width, "height": height}
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip)))
    # 256 colours take a third of the size; chosen by coverage, none differs visibly.
    coverage, none = Image.Quantize.MAXCOVERAGE, Image.Dither.NONE
    small = picture.convert("RGB").quantize(256, coverage, dither=none)
    small.save(PICTURES / f"{shot.name}.png", optimize=True)


def main() -> None:
    """Take all pictures."""
    results = Path(sys.argv[1])
    with browsing() as context:
        for shot in SHOTS:
            take(context, shot, results)


if __name__ == "__main__":
    main()
