"""The pictures of README: both pages of the sample class, taken by `make docs`.

    python docs/screenshots.py RESULTS

Nothing that is measured anew in each run (times, losses in the table) is in the parts that are
shown. Needs tests/ on PYTHONPATH, for the browser the tests use.
"""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from browser import browsing, opened
from PIL import Image
from playwright.sync_api import BrowserContext

HERE = Path(__file__).parent
COLOURS = 64  # of a picture: text and flat areas need no more
BELOW = 16  # pixels of the page below the last element shown


@dataclass(frozen=True)
class Shot:
    """A picture: the page it is of, its width in pixels, and the last element that it shows."""

    name: str
    page: str
    width: int
    last: str


SHOTS = (
    Shot("index", "index.html", 1200, "#criteria + .wide"),
    Shot("feedback", "residual_reversed/feedback.html", 760, ".charts"),
    Shot("feedback-phone", "residual_reversed/feedback.html", 360, ".criteria li:nth-child(3)"),
)


def take(context: BrowserContext, shot: Shot, results: Path) -> None:
    """Write docs/NAME.png: the page from its top to below the last element."""
    with opened(context, results / shot.page, shot.width) as (page, _):
        box = page.locator(shot.last).first.bounding_box()
        assert box, f"{shot.page} shows no {shot.last}"
        height = round(box["y"] + box["height"]) + BELOW
        clip = {"x": 0, "y": 0, "width": shot.width, "height": height}
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip)))
    small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(HERE / f"{shot.name}.png", optimize=True)


def main() -> None:
    """Take all of them."""
    results = Path(sys.argv[1])
    with browsing() as context:
        for shot in SHOTS:
            take(context, shot, results)


if __name__ == "__main__":
    main()
