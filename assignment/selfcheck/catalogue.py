"""The texts a student or an instructor reads about a criterion, by id, in several languages.

What judges names a text and the values to fill in (a Reason); only what shows it makes words of it.
The English texts below are the msgids of the gettext catalogues in locale/.
"""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

Language = Literal["en", "zh_Hans", "zh_Hant"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
# How else a language may be called; "zh" alone is the mainland's.
ALIASES: dict[str, Language] = {
    "zh": "zh_Hans",
    "zh_CN": "zh_Hans",
    "zh_SG": "zh_Hans",
    "zh_TW": "zh_Hant",
    "zh_HK": "zh_Hant",
    "zh_MO": "zh_Hant",
    **{language: language for language in LANGUAGES},
}
LOCALE = Path(__file__).with_name("locale")
DOMAIN = "messages"


def language_of(text: str) -> Language:
    """Return the language `text` names ("zh_Hant", "zh-TW", "zh"); raise ValueError if none."""
    known = {name.lower(): language for name, language in ALIASES.items()}
    language = known.get(text.replace("-", "_").lower())
    if language is None:
        raise ValueError(f"no language is called {text!r}; choose from {', '.join(LANGUAGES)}")
    return language


def language_here(environment: Mapping[str, str]) -> Language:
    """Return Chinese where an environment's locale (LC_ALL, LC_MESSAGES, LANG) is, else English."""
    set_here = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, set_here), "").partition(".")[0]
    return language_of(locale) if locale.replace("-", "_") in ALIASES else "en"


@dataclass(frozen=True)
class Reason:
    """A text of the catalogue by its id, and the values to fill in."""

    id: str
    values: Mapping[str, str | int | float] = field(default_factory=dict)


def N_(message: str) -> str:  # noqa: N802  # gettext's name for what is to be translated later
    """Mark a message for the catalogues."""
    return message


TEXTS = {
    "right": N_("right"),
    "not_attempted": N_("not attempted"),
    "missing": N_("{detail} is not defined"),
    "raised": N_("{function} raised {detail}{place}"),
    "bad_return": N_("{detail}{place}"),
    "timeout": N_("{function} {detail}{place}"),
    "crashed": N_("the process that ran this code ended during {function}: {detail}"),
    "shape": N_("{tensor} has shape {actual}, expected {expected}"),
    "count": N_("returned {actual} tensors, expected {expected}"),
    "not_finite": N_("{tensor} has NaN or infinity at {entry}"),
    "half": N_(
        "{tensor}: relative error {error:.1e} at {entry}, where {tolerance:.0e} is asked: "
        "numerically approximated, or cast to float32"
    ),
    "wrong": N_(
        "{tensor}: relative error {error:.1e}, worst at {entry} (tolerance {tolerance:.0e})"
    ),
    "recomputed": N_(
        "right for the hs and y_pred of a forward pass, but not for the hs and y_pred it is given: "
        "write a closed form of those two, without autograd, finite differences or a second "
        "forward pass"
    ),
    "recomputed_half": N_(
        "right only for the hs and y_pred of a forward pass, and there only approximately "
        "(relative error {error:.1e}): write a closed form of the hs and y_pred it is given"
    ),
    "autograd": N_(
        "torch differentiated here: {name}{place}. The task is the derivative by hand: derive "
        "(3.3) to (3.6) and write the result as a closed form of the hs and y_pred you are given"
    ),
    "autograd_named": N_(
        "right for the hs and y_pred of a forward pass, but not for the hs and y_pred it is given, "
        "and its code reaches {name}{place}: derive (3.3) to (3.6) by hand and write the result as "
        "a closed form of those two"
    ),
    "flag_autograd": N_("{name} in {function}{place}"),
    "flag_autograd_named": N_("{name}, reached from {function}{place}"),
    "rows_not_summed": N_(
        "not summed over the rows: this is the gradient for a bias of its own per sample, but here "
        "all samples share one row of {bias}, so its gradient is the sum over the rows"
    ),
    "trained": N_("final loss {loss:.4f}, at or below the pass mark {pass_mark:.4f}"),
    "not_trained": N_("final loss {loss:.4g} is above the pass mark {pass_mark:.4f}"),
    "diverged": N_("training diverged: its parameters became NaN or infinite"),
    "needs_forward": N_("forward.values comes first: the loss is found with your forward pass"),
    "nothing_defined": N_("none of the asked functions is defined{reason}"),
    "unreadable": N_("{reason}"),
}


class Texts:
    """The catalogue in one language."""

    def __init__(self, language: Language = "en") -> None:
        self.language = language
        self.translations = gettext.translation(
            DOMAIN, LOCALE, [language], fallback=language == "en"
        )

    def of(self, *reasons: Reason) -> str:
        """Return the words for some reasons, one after the other."""
        return " ".join(self.say(TEXTS[reason.id], **reason.values) for reason in reasons)

    def say(self, message: str, **values: str | int | float) -> str:
        """Return the words for a message marked by N_, with its values filled in."""
        return self.translations.gettext(message).format(**values)


ENGLISH = Texts()
