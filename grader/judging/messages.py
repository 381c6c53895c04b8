"""The texts that students and instructors read about a criterion, by id, in several languages.

Judging names a text and the values to fill in (a Reason); only displaying it makes words of it.
The English texts below are the msgids of the gettext catalogues in locale/.
"""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from ..errors import UserError

Language = Literal["en", "zh_Hans", "zh_Hant"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
# Other names for a language; "zh" alone is the mainland's.
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
    """Return the language `text` names ("zh_Hant", "zh-TW", "zh"); raise UserError if none."""
    languages = {name.lower(): language for name, language in ALIASES.items()}
    language = languages.get(text.replace("-", "_").lower())
    if language is None:
        raise UserError(f"no language is called {text!r}; choose from {', '.join(LANGUAGES)}")
    return language


def language_here(environment: Mapping[str, str]) -> Language:
    """Return Chinese if the environment's locale (LC_ALL, LC_MESSAGES, LANG) is, else English."""
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


# Outcomes of a criterion
OUTCOMES = {
    "right": N_("right"),
    "not_attempted": N_("not attempted"),
    "not_attempted_stub_above": N_(
        "the stub's raise NotImplementedError still stands above your code{there}: delete it"
    ),
    "missing": N_("{detail} is not defined"),
    "missing_in_text": N_(
        "{detail} is not defined: {cell}, which defines it, is a {kind} cell; change it to Code"
    ),
    "missing_unparsed": N_("{detail} is not defined: its code does not parse{there}"),
    "missing_failed": N_("{detail} is not defined: its definition ended in {name}{there}"),
    "missing_near": N_("{detail} is not defined; there is {name}{there}"),
    "missing_nested": N_(
        "{detail} is defined inside {name}{there}, where nothing else finds it: write it at the "
        "top level"
    ),
    "raised": N_("{function} raised {detail}{place}"),
    "raised_nested": N_(
        "{function} raised {detail}{place}: forward is defined inside {name}{there}; write it "
        "beside __init__, one level less deep"
    ),
    "bad_return": N_("{detail}{place}"),
    "timeout": N_("{function} {detail}{place}"),
    "waited": N_("{function} {detail}{place}"),
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
    "only_on_path": N_(
        "right for the {returned} of a forward pass, but not for the {returned} it is given: "
        "write a closed form of those two, without autograd, finite differences or a second "
        "forward pass"
    ),
    "recomputed_half": N_(
        "right only for the {returned} of a forward pass, and there only approximately "
        "(relative error {error:.1e}): write a closed form of the {returned} it is given"
    ),
    "autograd": N_(
        "torch differentiated here: {name}{place}. The task is the derivative by hand: derive "
        "{equations} and write the result as a closed form of the {returned} you are given"
    ),
    "autograd_in_forward": N_(
        "torch differentiated while forward was called, which is before this gradient: "
        "{name}{place}. The task is the derivative by hand: derive {equations} and write the "
        "result as a closed form of the {returned} you are given"
    ),
    "autograd_unwatched": N_(
        "{name} by the code that was called{place}: what it did then is not known, and it earns "
        "nothing"
    ),
    "autograd_named": N_(
        "right for the {returned} of a forward pass, but not for the {returned} it is given, "
        "and its code reaches {name}{place}: derive {equations} by hand and write the result as "
        "a closed form of those two"
    ),
    "flag_autograd": N_("{name} in {function}{place}"),
    "flag_autograd_named": N_("{name}, reached from {function}{place}"),
    "flag_state": N_("{function} reads {name}{place}, which was made before it is called"),
    "flag_state_autograd": N_(
        "{function} reads {name}{place}, which was made before it is called; torch differentiated "
        "before that, too"
    ),
    "flag_unfollowed": N_(
        "{function} leads to more than is followed{place}: what else it names or reads is not known"
    ),
    "flag_state_called": N_(
        "{function} reaches {name}{place}, which can bring in what the source does not show"
    ),
    "trained": N_("final loss {loss:.4f}, at or below the pass mark {pass_mark:.4f}"),
    "not_trained": N_("final loss {loss:.4g} is above the pass mark {pass_mark:.4f}"),
    "diverged": N_("training diverged: its parameters became NaN or infinite"),
    "nothing_defined": N_("nothing that is asked is defined: define {names}.{error}"),
    "mostly_missing": N_("The homework also asks for {names}, which are not defined."),
    "nothing_defined_in_text": N_(
        "nothing that is asked is defined ({names}): {cell}, which defines some of it, is a {kind} "
        "cell; change it to Code"
    ),
    "nothing_defined_too_deep": N_(
        "nothing that is asked is defined ({names}): what begins at {place} is nested too deeply "
        "for Python to read, and is left out; write it with less nesting"
    ),
    "unreadable": N_("{reason}"),
    "net_beside": N_("This file defines no {network}; the one in {file} counts."),
    # Told to an instructor about submissions that may have ended by the machine's fault
    "alarm": N_(
        "{count} submissions in a row ended in the same way: {end}. The reference solution was "
        "graded again after each of them and passed, so this machine can grade."
    ),
    "ended_crash": N_("their process died"),
    "ended_memory": N_("they ran out of memory"),
    "ended_module": N_("a required module could not be imported"),
    "ended_wait": N_("they were stopped while they waited"),
    "ended_time": N_("they used up their processor time"),
}

# The texts of named mistakes; rubric.toml's [misconceptions] may give each a share.
MISTAKES = {
    # A wrong sign or factor
    "sign": N_(
        "The sign of your {equation} is flipped: descent would climb. Follow the signs of your "
        "derivation, from the loss on."
    ),
    "factor_two_missing": N_(
        "A factor of 2 is missing from your {equation}. Go through the factors of your derivation, "
        "from the loss on."
    ),
    "factor_two_doubled": N_(
        "There is a factor of 2 too many in your {equation}. Go through the factors of your "
        "derivation, from the loss on."
    ),
    "mean_for_sum": N_(
        "Your {equation} is divided by the number of samples once more than the gradient of the "
        "loss is."
    ),
    "scalar_multiple": N_(
        "A factor that all entries of your {equation} have in common is wrong. Go through the "
        "factors of your derivation, from the loss on."
    ),
    "zero_gradient": N_(
        "Your {function} returns zeros, so {parameter} would never move. Something multiplies"
        " by 0, or the result is never filled in."
    ),
    "constant_gradient": N_(
        "Your {function} returned the same numbers for different inputs of the same size. A "
        "gradient depends on the data and on the parameters: derive {equation}, and write it in "
        "terms of what {function} is given."
    ),
    "entries_permuted": N_(
        "The numbers are right and stand in wrong places: a reshape, view or flip in your "
        "{function} where a transpose, or nothing, belongs."
    ),
    # How it is computed
    "cast_to_float32": N_(
        "It went through float32, which has some seven digits. Numbers arrive as float64 and "
        "are compared to twelve digits: leave out .float(), and make new tensors with the "
        "dtype of those you are given."
    ),
    "recomputed": N_(
        "And it holds only for the {returned} of a forward pass, not for those it is "
        "given: write a closed form of these two."
    ),
    "in_place_damage": N_(
        "{function} changes {detail} in place. The caller still needs it: the next gradient "
        "and the next step then work with other data. Write x = x - y, or x.clone(), not x -="
        " y or a method that ends in _."
    ),
    # The returned values
    "return_forgotten": N_(
        "Nothing is returned: a return is missing, or it stands where it is not reached."
    ),
    "tuple_returned": N_("A tuple or list is returned where one tensor is asked for."),
    "numpy_returned": N_(
        "A numpy array is returned. Return a torch.Tensor: stay in torch, or end with "
        "torch.from_numpy."
    ),
    "pair_not_returned": N_(
        "Only one is returned where more are asked for: {returned}, in this order."
    ),
}

OF_ANY_HOMEWORK = dict(MISTAKES)
TEXTS = {**OUTCOMES, **MISTAKES}


def add_mistakes(texts: Mapping[str, str]) -> None:
    """Register the texts of a homework's mistakes in this process.

    They may replace the general text of a mistake. The homework registered last counts.
    """
    known = {**OF_ANY_HOMEWORK, **texts}
    MISTAKES.update(known)
    TEXTS.update(known)


# How a final mark comes about: its steps, which attempt counts, and who recorded a time.
BREAKDOWN = {
    "earned": N_("Points earned"),
    "criterion_by_hand": N_("{criterion} was set by hand to {points} points (graded: {graded})"),
    "handed_in": N_("Handed in: {moment}"),
    "system": N_("as the course's system recorded it"),
    "archive": N_("the time in the archive that it came in"),
    "file": N_("the time of the file"),
    "due": N_("Due: {due}"),
    "extension": N_("Due, with your extension: {due}"),
    "days": N_("Days late: {days}"),
    "days_of_system": N_("Days late, as the course's system marks it: {days}"),
    "days_by_hand": N_("Days late, set by hand: {days}"),
    "by_hand": N_("Set by hand"),
    "best": N_("Attempt {attempt} of {attempts} counts: it has the highest final mark."),
    "last": N_("Attempt {attempt} of {attempts} counts: it was handed in last."),
}

# Words in place of a mistake's values when it is reported for several students.
NEUTRAL = {
    "equation": N_("gradient"),
    "function": N_("function"),
    "parameter": N_("the parameter"),
    "detail": N_("its arguments"),
}

# Values that reasons in an older grader's gradebook lack, and the word that joins names.
UNSAID: Mapping[str, str | int | float] = {
    "returned": "values",
    "equations": "the gradient",
    "network": "network",
}
AND = N_("and")

# What an instructor reads about all submissions with an outcome, without names and numbers.
KINDS = {
    "not_attempted": N_("not attempted"),
    "not_attempted_stub_above": N_("the stub's raise still stands above the code"),
    "missing": N_("not defined"),
    "missing_in_text": N_("defined in a cell that is not a code cell"),
    "missing_unparsed": N_("not defined: its code does not parse"),
    "missing_failed": N_("not defined: its definition ended in an error"),
    "missing_near": N_("not defined, but a similar name is"),
    "missing_nested": N_("defined inside another function or class"),
    "raised": N_("raised an error"),
    "raised_nested": N_("raised an error: forward is defined inside another method"),
    "bad_return": N_("returned something else than asked"),
    "timeout": N_("took too long"),
    "waited": N_("stopped while it waited"),
    "crashed": N_("its process ended"),
    "shape": N_("wrong shape"),
    "count": N_("wrong number of tensors"),
    "not_finite": N_("NaN or infinity"),
    "half": N_("only approximately right"),
    "wrong": N_("wrong, no known mistake"),
    "only_on_path": N_("right only for the values of a forward pass"),
    "recomputed_half": N_("approximately right, only for the values of a forward pass"),
    "autograd": N_("autograd was used"),
    "autograd_in_forward": N_("autograd was used in forward"),
    "autograd_unwatched": N_("the watch for autograd was switched off"),
    "state": N_("a gradient reads what was made before"),
    "state_autograd": N_("a gradient reads what was made before, and autograd was used before"),
    "autograd_named": N_("autograd is within reach of the code"),
    "unfollowed": N_("a gradient leads to more than is followed"),
    "not_trained": N_("final loss above the pass mark"),
    "diverged": N_("training diverged"),
    "nothing_defined": N_("nothing that is asked is defined"),
    "nothing_defined_in_text": N_("all of it is in cells that are not code cells"),
    "nothing_defined_too_deep": N_("nested too deeply for Python to read"),
    "unreadable": N_("the file cannot be read"),
    "net_beside": N_("the network is in another file"),
    "by_hand": N_("set by hand"),
    "unknown": N_("not known"),
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
        return " ".join(self._filled(TEXTS[reason.id], reason.values) for reason in reasons)

    def _filled(self, message: str, values: Mapping[str, str | int | float]) -> str:
        all_values = {**UNSAID, **values}
        names = str(all_values["returned"]).split(f" {AND} ")
        return self.say(message, **{**all_values, "returned": f" {self.say(AND)} ".join(names)})

    def name_of(self, id_: str) -> str:
        """Return the name of a reason, for readers of several submissions."""
        return self.say(KINDS[id_]) if id_ in KINDS else id_.replace("_", " ")

    def outline(self, id_: str, values: Mapping[str, str | int | float]) -> str:
        """Return the words for a mistake, with neutral words for what differs between students.

        `values` are those of any one of them.
        """
        neutral = {name: self.say(word) for name, word in NEUTRAL.items()}
        return self._filled(MISTAKES[id_], {**values, **neutral})

    def alarm(self, smell: str, count: int) -> str:
        """Return the words for submissions in a row that ended alike (smells.Smell)."""
        end = self.of(Reason(f"ended_{smell}"))
        return self.of(Reason("alarm", {"count": count, "end": end}))

    def say(self, message: str, **values: str | int | float) -> str:
        """Return the words for a message marked by N_, with its values filled in."""
        return self.translations.gettext(message).format(**values)


ENGLISH = Texts()
