"""Recognize syntax of a newer Python than the running one, if that is certain."""

import ast
import re
import sys
from collections.abc import Sequence

HERE = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
TYPE_STATEMENT = re.compile(r"\s*type\s+\w+\s*(?:\[[^\]]*\]\s*)?=(?!=)")
TYPE_PARAMETERS = re.compile(r"\s*(?:(?:async\s+)?def|class)\s+\w+\s*\[")
# The start of an f-string, or of any other string or comment, which may contain an f-string.
STRING = re.compile(
    r"(?i)(?<!\w)(?P<prefix>f|rf|fr|r|b|br|rb|u|)(?P<quote>\"\"\"|'''|\"|')|#[^\n]*"
)
DEEPEST = 8
LONGEST = 20_000  # of a statement; longer ones are not examined


def explained(error: BaseException, lines: Sequence[str], begin: int) -> BaseException:
    """Return the error of a statement that does not parse, with an explanation if known.

    `lines` is the statement; `begin` lines stand above it.
    """
    if not isinstance(error, SyntaxError) or sys.version_info >= (3, 12):
        return error
    at = (error.lineno or 0) - begin - 1
    line = lines[at] if 0 <= at < len(lines) else ""
    what = None
    if TYPE_STATEMENT.match(line):
        what = "the type statement is"
    elif TYPE_PARAMETERS.match(line):
        what = "type parameters in brackets are"
    elif _is_newer_f_string("\n".join(lines)):
        what = "quotes, backslashes and comments in the braces of an f-string are"
    if what is None:
        return error
    return SyntaxError(f"{error.msg} ({what} new in Python 3.12; this was read by {HERE})")


def _is_newer_f_string(text: str) -> bool:
    """Tell whether a statement parses once its f-strings, read as 3.12 reads them, are plain."""
    if len(text) > LONGEST:
        return False
    try:
        plain = _without_f_strings(text, DEEPEST)
        ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return plain != text


def _without_f_strings(text: str, depth: int) -> str:
    """Return code with each f-string replaced by an empty one; ValueError if one is incomplete."""
    parts, at = [], 0
    while string := STRING.search(text, at):
        end = string.end()
        if string["quote"] and "f" in string["prefix"].lower():
            parts += [text[at : string.start()], '""']
            end = _end_of_f_string(
                text, end, string["quote"], "r" in string["prefix"].lower(), depth
            )
        else:
            if string["quote"]:
                end = _end_of_string(text, end, string["quote"])
            parts.append(text[at:end])
        at = end
    return "".join([*parts, text[at:]])


def _end_of_string(text: str, at: int, quote: str) -> int:
    while not text.startswith(quote, at):
        if at >= len(text) or (text[at] == "\n" and len(quote) == 1):
            raise ValueError("a string without an end")
        at += 2 if text[at] == "\\" else 1
    return at + len(quote)


def _end_of_f_string(text: str, at: int, quote: str, is_raw: bool, depth: int) -> int:
    while not text.startswith(quote, at):
        if at >= len(text) or (text[at] == "\n" and len(quote) == 1):
            raise ValueError("an f-string without an end")
        if text.startswith(("{{", "}}"), at):
            at += 2
        elif text[at] == "{":
            at = _end_of_field(text, at + 1, quote, is_raw, depth)
        else:
            at += 2 if text[at] == "\\" and not is_raw else 1
    return at + len(quote)


def _end_of_field(text: str, at: int, quote: str, is_raw: bool, depth: int) -> int:
    """Return the end of a replacement field; ValueError if it holds no expression."""
    if depth == 0:
        raise ValueError("too deep")
    begin, brackets = at, 0
    while at < len(text):
        char = text[at]
        string = STRING.match(text, at)
        if string and string["quote"]:
            at = string.end()
            if "f" in string["prefix"].lower():
                raw = "r" in string["prefix"].lower()
                at = _end_of_f_string(text, at, string["quote"], raw, depth - 1)
            else:
                at = _end_of_string(text, at, string["quote"])
            continue
        if string:
            at = string.end()
            continue
        if brackets == 0 and (char in "}:" or (char == "!" and text[at + 1 : at + 2] != "=")):
            break
        brackets += (char in "([{") - (char in ")]}")
        at += 1
    expression = _without_f_strings(text[begin:at], depth - 1).strip().removesuffix("=")
    ast.parse(f"(\n{expression}\n)", mode="eval")
    if text.startswith("!", at):
        at += 2
    if text.startswith(":", at):
        at += 1
        while not text.startswith("}", at):
            if at >= len(text) or text.startswith(quote, at):
                raise ValueError("a field without an end")
            if text[at] == "{":
                at = _end_of_field(text, at + 1, quote, is_raw, depth - 1)
            else:
                at += 1
    if not text.startswith("}", at):
        raise ValueError("a field without an end")
    return at + 1
