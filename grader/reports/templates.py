"""The HTML pages' templates: escaped, translated, and under a strict Content-Security-Policy.

A page is one self-contained file: its only style and its only script are in it, and the policy
lists their hashes. Nothing else in the page can run, load or style anything.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grader.judging.messages import Texts

PAGES = Path(__file__).with_name("pages")


def render(page: str, texts: Texts, **values: object) -> str:
    """Render a page in a language: `page`.html.j2 with base.css, `page`.css and `page`.js inside.

    The script is optional. Values are escaped, except Markup.
    """
    style, script = _read("base.css") + _read(f"{page}.css"), _read(f"{page}.js")
    return (
        _environment(texts)
        .get_template(f"{page}.html.j2")
        .render(
            language=texts.language.replace("_", "-"),
            policy=_policy(style, script),
            style=Markup(style),
            script=Markup(script),
            reason=texts.of,
            **values,
        )
    )


@cache
def _environment(texts: Texts) -> Environment:
    """Return a catalogue's environment, in which templates are compiled only once."""
    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.install_gettext_translations(texts.translations, newstyle=True)  # type: ignore[attr-defined]
    return environment


@cache
def _read(name: str) -> str:
    path = PAGES / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _policy(style: str, script: str) -> str:
    sources = {"style-src": style, "script-src": script}
    hashes = [f"{name} {_hash(text)}" for name, text in sources.items() if text]
    return "; ".join(
        ["default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'", *hashes]
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
