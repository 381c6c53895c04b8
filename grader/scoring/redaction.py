"""Remove hidden inputs from texts that came from students' code before students read them.

A function that is called has hidden inputs, and can put them into any text: an error's message, its
class's name, a place. So only what honest errors need is kept: words, short integers (shapes),
existing places. Texts from before the first call are kept whole, because the code had seen no
hidden input; so is everything in the self-check, whose inputs are public.
"""

import builtins
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from grader.source.files import File, cells_of
from grader.source.tasks import Tasks
from grader.student_code.contract import (
    NO_GPU_HERE,
    OUT_OF_TIME,
    Hint,
    Outcome,
    PriorValue,
    Sighting,
)

LEFT_OUT = "…"
LONGEST = 120  # characters of a text
LONGEST_WORD = 60  # except for a word of the submission's own
MOST_DIGITS = 3  # in an integer
MOST_NUMBERS = 12  # in one text
NUMBER = re.compile(r"\.?\d+(?:[._]\d+)*(?:[eE][+-]?\d+)?", re.ASCII)
WORD = re.compile(r"\w+", re.ASCII)
# Honest errors contain names, float64, NotImplementedError, shapes like 100x20. Bytes encoded as
# text, in hexadecimal or base64, look different.
WITH_A_NUMBER = re.compile(r"[A-Za-z_]*\d{0,3}[A-Za-z_]*")
SHAPE = re.compile(r"\d{1,3}(?:x\d{1,3})+")
LETTERS = re.compile(r"[A-Za-z]{0,3}|(?:Py)?[a-z]*(?:[A-Z]+[a-z]{2,})*[A-Z]*[a-z]?")
GLUED = re.compile(r"[\w+/=]*[+/=][\w+/=]*", re.ASCII)  # as in base64
LONGEST_GLUED = 16
BETWEEN_LETTERS = re.compile(r"[\d_]+")
FOREIGN = re.compile(rf"[^\x00-\x7f{LEFT_OUT}]+")
LEFT_OUT_AGAIN = re.compile(rf"{LEFT_OUT}(?:[\s,;()\[\]/+-]*{LEFT_OUT})+")
PLACE = re.compile(r"(?P<label>.+), line (?P<line>\d{1,7})", re.ASCII)
NO_GPU = f" ({NO_GPU_HERE})"
MOST_OWN = 4  # the submission's own words per text
# Words in the errors of Python, numpy, torch and the grader. If any words were allowed, a
# submission could spell numbers with them.
OF_ERRORS = """
    a able about above addmm after all allocate already also ambiguous an and another answer any
    are argument arguments array arrays as assigned assignment associated at attribute axes axis
    backward base be because been before below between bias bmm bool Boolean bounds broadcast
    broadcastable broke buffer but by bytes call callable called calling can cannot cast class
    closed code comparison complex concatenate constructor contiguous convert converted
    converting core could CPU current d data deep defined delete denied dense deprecated depth
    descriptor diagonal dict did different dim dimension dimensional dimensionality dimensions
    dims directory dispatch division do does double driver dtype dtypes during each element
    elements ellipsis else empty enough equal equation error even exact exactly exceeded
    existing exists expand expandable expanded expected expects fail failed far few file first
    fit float float32 float64 flow following for format forward found frame from function
    generator getting given global got grad gradient gradients has hashable hashed have hidden
    if implemented import impossible in incompatible inconsistent index indexable indexed
    indices inferred infinite inhomogeneous inner input inputs instance instead int int64
    integer integers interpreted interrupted into invalid is istream it item items iterable
    iterator its key keyword keywords killed kwargs large last layer layout leaf length lengths
    like limit linear Linear list literal local long longer m1 m2 machine makes maps mat1 mat2
    match matching mathematical matmul matrices matrix max maximum mean memory message method
    min mismatch missing mm module more multiple multiplied must name named names nan ndarray
    need needed needs negative network nn no non none NoneType nonzero not number numbers
    numeric numpy object objects of off on one only opened operand operands operation operations
    operator operators optional or order other out output over overflow overlap pack parameter
    parameters parent parse permission position positional positions possible predict previous
    private process processor promotion property protocol provided ragged range rank reader
    recent recursion refer reference referenced required requires reshape result return returned
    rows run runs s same scalar scalars scale self sequence set setting shape shaped shapes
    should side singleton singular size sizes slice so solution specified spoke square stack
    start step storage str string strings subscriptable subscripts such sum support supported
    supports t takes target tensor tensors than that the them there this time to together too
    took trained training transpose tried truth tuple turn two type types unable unbound
    undefined unexpected unhashable unknown unpack unsupported until use used using valid value
    values variable vector version view was weight were when where which while with without work
    write wrong yet you zero
"""
# Words allowed in any error: those of OF_ERRORS, and libraries' names.
KNOWN = frozenset(
    {
        *OF_ERRORS.split(),
        *map(str.capitalize, OF_ERRORS.split()),
        *("TODO", "CPU", "GPU", *WORD.findall(NO_GPU_HERE)),
        *(number.name for number in signal.Signals),
        *(
            name
            for package in (builtins, torch, torch.Tensor, torch.nn, np)
            for name in dir(package)
        ),
    }
)

# Python, its packages, this one, and the grading user's home.
OWN_FOLDERS = {sys.prefix, sys.base_prefix, str(Path(__file__).parents[1]), str(Path.home())} - {
    "/"
}
IN_OWN_FOLDER = re.compile(
    rf"(?:{'|'.join(map(re.escape, sorted(OWN_FOLDERS)))})(?![\w.-])(?:/[^\s'\"(),:]*)?"
)
PATH = re.compile(r"/[^\s'\"(),:]*")
OF_WORKER = "/grader-"  # in the path of the folder that a submission runs in


def without_folders(text: str) -> str:
    """Shorten the paths of this machine's own files in a text to their names.

    Errors in a student's code may contain such paths, and students read them.
    """
    text = IN_OWN_FOLDER.sub(lambda path: _name_of(path[0]), text)
    return PATH.sub(lambda path: _name_of(path[0]) if OF_WORKER in path[0] else path[0], text)


def _name_of(path: str) -> str:
    return path.rpartition("/")[2]


class Redactor:
    """Redacts the outcomes of one submission's calls for its student.

    `main` and the files `beside` it are the submission; `notes` are the places and texts of the
    errors met while it was loaded. The names of the `tasks` are not secret.
    """

    def __init__(
        self,
        main: File,
        beside: Sequence[File],
        tasks: Tasks,
        notes: Sequence[tuple[str, str]],
    ) -> None:
        self._input_names = tasks.given
        self._known_names = {*tasks.given, *tasks.definitions}
        self._files = [main, *(file.beside() for file in beside)]
        self._notes = notes

    # Read only when needed: most submissions have no text that must be looked up in it.

    @cached_property
    def _lines(self) -> dict[str, int]:
        return {c.label: len(c.source.splitlines()) + 1 for c in cells_of(self._files)}

    @cached_property
    def _text(self) -> str:
        return "\n".join(cell.source for cell in cells_of(self._files))

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(WORD.findall(self._text))

    def outcome(self, outcome: Outcome) -> Outcome:
        """Return an outcome as students may read it. The text of a timeout is our own."""
        is_ours = outcome.problem in OUT_OF_TIME
        hint = outcome.hint
        return replace(
            outcome,
            detail=outcome.detail if is_ours else self.error(outcome.detail),
            where=self.place(outcome.where),
            sightings=tuple(
                Sighting(self.text(s.name), self.place(s.where)) for s in outcome.sightings
            ),
            prior_values=tuple(
                PriorValue(self.text(k.name), self.place(k.where), k.kind)
                for k in outcome.prior_values
            ),
            changed_inputs=tuple(
                name for name in outcome.changed_inputs if name in self._input_names
            ),
            hint=hint if hint and self._bears_out(hint) else None,
        )

    def error(self, text: str) -> str:
        """Return an error's text without possible data, and with few words of the submission's."""
        own: set[str] = set()

        def is_told(word: str) -> bool:
            if word.isdecimal() or SHAPE.fullmatch(word):
                return True
            if word in KNOWN or word in self._known_names:
                return True
            if word in self._words:
                own.add(word)
            return word in own and len(own) <= MOST_OWN

        message = self.text(text)
        return LEFT_OUT_AGAIN.sub(
            LEFT_OUT, WORD.sub(lambda word: word[0] if is_told(word[0]) else LEFT_OUT, message)
        )

    def text(self, text: str) -> str:
        """Return a text without possible data: numbers, odd words, other alphabets."""
        text = without_folders(text)
        message = text.removesuffix(NO_GPU)
        ours = text[len(message) :]
        message = self._only(GLUED, lambda run: len(run) <= LONGEST_GLUED, message)
        message = self._only(WORD, _is_plain, _with_few_numbers(message))
        message = self._only(FOREIGN, lambda run: False, message)
        message = LEFT_OUT_AGAIN.sub(LEFT_OUT, message)
        return (message if len(message) <= LONGEST else message[:LONGEST] + LEFT_OUT) + ours

    def _only(self, pattern: re.Pattern[str], is_plain: Callable[[str], bool], text: str) -> str:
        """Remove matches of a pattern that are neither plain nor in the source."""

        def told(match: re.Match[str]) -> str:
            return match[0] if is_plain(match[0]) or match[0] in self._text else LEFT_OUT

        return pattern.sub(told, text)

    def place(self, place: str) -> str:
        """Return a place if it is in the submission, else "".

        A file that the submission wrote itself is recognised if its label is in the source.
        """
        match = PLACE.fullmatch(place)
        if match is None:
            return ""
        label, line = match["label"], int(match["line"])
        line_count = sum(self._lines.values()) if label in self._text else 0
        return place if 0 < line <= self._lines.get(label, line_count) else ""

    def _bears_out(self, hint: Hint) -> bool:
        """Tell whether the source, or an error met before any call, supports a hint."""
        if any(hint.where == where and text.startswith(hint.name) for where, text in self._notes):
            return True
        names = hint.name.split(".")
        return bool(self.place(hint.where)) and all(name in self._text for name in names)


def _is_plain(word: str) -> bool:
    """Tell whether a word looks like one from a library's error."""
    if len(word) > LONGEST_WORD or not WITH_A_NUMBER.fullmatch(word):
        return SHAPE.fullmatch(word) is not None
    return all(map(LETTERS.fullmatch, BETWEEN_LETTERS.split(word)))


def _with_few_numbers(text: str) -> str:
    """Keep only the first few short integers in a text, enough for shapes."""
    count = 0

    def told(number: re.Match[str]) -> str:
        nonlocal count
        count += 1
        is_short = number[0].isdecimal() and len(number[0]) <= MOST_DIGITS
        return number[0] if is_short and count <= MOST_NUMBERS else LEFT_OUT

    return NUMBER.sub(told, text)
