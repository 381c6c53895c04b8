"""Pages in a real browser, headless Chromium, with a log of what they request and run."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from parts import CHROMIUM
from playwright.sync_api import BrowserContext, Page, sync_playwright

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

# The lowest contrast of a text with its background.
CONTRAST = """() => {
  const light = colour => {
    const part = colour.match(/[\\d.]+/g).slice(0, 3).map(c => c / 255)
      .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)') return light(colour);
    }
    return 1;
  };
  const ratios = [...document.querySelectorAll('body *:not(svg *):not(svg)')]
    .filter(node => node.innerText && node.innerText.trim())
    .map(node => [light(getComputedStyle(node).color), behind(node)])
    .map(([a, b]) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  return Math.min(...ratios);
}"""


@dataclass
class Seen:
    """A page's actions: other addresses it requested, dialogs, and console errors."""

    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def browsing() -> Iterator[BrowserContext]:
    """Yield a browser with a fresh profile."""
    (chromium, *_) = filter(None, map(shutil.which, CHROMIUM))
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium, args=FLAGS, headless=True
        )
        try:
            yield context
        finally:
            context.close()


@contextmanager
def opened(context: BrowserContext, file: Path, width: int = 1200) -> Iterator[tuple[Page, Seen]]:
    """Open a page of ours; all other requests are noted and refused."""
    page, seen, address = context.new_page(), Seen(), file.resolve().as_uri()

    def asked(route) -> None:
        if route.request.url == address:
            route.continue_()
        else:
            seen.requests.append(route.request.url)
            route.abort()

    page.route(lambda url: not url.startswith("data:"), asked)
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda line: line.type == "error" and seen.errors.append(line.text))
    page.set_viewport_size({"width": width, "height": 800})
    try:
        page.goto(address)
        yield page, seen
    finally:
        page.close()
