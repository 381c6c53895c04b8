"""Fuzz all code that reads students' text: mutate real inputs, run each target within limits.

A target is a function of a file's name, bytes and path. An input breaks a target if the target is
lost (limited_process.py): it takes too much time or memory, ends its process, or raises anything
but Unreadable.
"""

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from grader.homework.tasks import TASKS
from grader.reports.feedback.source import show
from grader.reports.similarity import MEMORY_BYTES, _fingerprint
from grader.rubric import load_rubric
from grader.scoring.limited_process import Allowance, LimitedProcess, Lost
from grader.scoring.reading import ALLOWANCE, _read
from grader.source.by_code import shown_by_code
from grader.source.files import cells_of
from grader.source.imports import Files
from grader.source.read import Unreadable, read
from grader.student_code.formulas import formulas_of
from grader.student_code.static_analysis import screen
from grader.submissions.candidates import Choice, code_lines, is_handout
from grader.submissions.ownership import look_at

TESTS = Path(__file__).parents[1]
RUBRIC = load_rubric()
LARGEST_INPUT = 200_000
SPELLINGS = RUBRIC.spellings
HANDED_OUT = code_lines((TESTS.parent / "assignment" / "homework.py").read_text(encoding="utf-8"))
CHOICE = Choice(HANDED_OUT, TASKS, SPELLINGS, RUBRIC.limits.graded_files)


# Targets


def discovery(name: str, data: bytes, path: Path) -> None:
    look_at(path, len(data), TASKS)
    is_handout(path, len(data), HANDED_OUT)


def reading(name: str, data: bytes, path: Path) -> None:
    _read({name: data}, CHOICE)


def diagnosis(name: str, data: bytes, path: Path) -> None:
    shown_by_code(read(name, data).text, TASKS)


def transformer(name: str, data: bytes, path: Path) -> None:
    """Parse the cells, with IPython's own syntax turned into Python."""
    for cell in cells_of([read(name, data).file]):
        assert cell.statements is not None


def screening(name: str, data: bytes, path: Path) -> None:
    files = Files(read(name, data).file)
    screen(files, TASKS, formulas_of(files.pieces(), TASKS, SPELLINGS))


def similarity(name: str, data: bytes, path: Path) -> None:
    text = read(name, data).text
    if len(text) <= RUBRIC.similarity.most_characters:
        _fingerprint(text, RUBRIC.similarity, RUBRIC.similarity.window)


def page(name: str, data: bytes, path: Path) -> None:
    show(name, data, RUBRIC.pages, plain=False)


def plain_page(name: str, data: bytes, path: Path) -> None:
    show(name, data, RUBRIC.pages, plain=True)


class Target(NamedTuple):
    """A fuzzed function, its limits, and whether it may be lost (a test covers its fallback)."""

    run: Callable[[str, bytes, Path], None]
    allowance: Allowance
    may_be_lost: bool


LIMITS, PAGES = RUBRIC.limits, RUBRIC.pages
WORKER = Allowance(LIMITS.load_seconds, LIMITS.memory_bytes)
TARGETS = (
    Target(discovery, ALLOWANCE, False),
    Target(reading, ALLOWANCE, False),
    Target(diagnosis, ALLOWANCE, False),
    Target(transformer, WORKER, True),
    Target(screening, WORKER, True),
    Target(similarity, Allowance(RUBRIC.similarity.seconds, MEMORY_BYTES), True),
    Target(page, Allowance(PAGES.seconds, PAGES.memory_bytes), True),
    Target(plain_page, Allowance(PAGES.seconds, PAGES.memory_bytes), False),
)


# Inputs

PIECES = (
    "import ", "import (a ", "from a import ", "%run ", "exec ", "def ", "def grad_w1(",
    "class Net ", "class Net:\n", "async def ", "w1_grad ", "w1_grad:", "grad_w1 = ", "a.b.", "a ",
    " ", "\t", "\n", "\n\n", "\r", '\\', "\\\n", '"', "'", '"""', "'''", '\\"', "#", "f'{", "0x",
    "1e", "9", "=", "= %", "x = !ls\n", "x = %time f(\n", "?\n", "?x\n", "%%time\n", "%%bash\n",
    "%%writefile a.py\n", "%matplotlib inline\n", "!ls\n", ">>> ", "...: ", "In [1]: ", "@a\n",
    "<<<<<<< HEAD\n", "\x0c", "\x00", "\u2028", "\ufeff", "\U0001f600", "\ud800", "\xe9", "-",
    "not ", "a if b else ", "lambda:", "(a)", "[0]", "{}", "(", "[", "{", ")", "]", "}", "a.",
    "**", ":=", "raise ", "if a:\n ", "for a in b:\n ", "# coding: utf-7\n", "# coding: gbk\n",
    "# %% [markdown]\n", "<a ", "<!--", "<script>", "</", "<img src=", "&#", "![a](", "[a](", "](",
    "*", "_", "__", "`", "```\n", "$", "$$", "\\begin{a}", "> ", "- ", "1. ", "|", "| - |\n", "~~",
    "==", "\x1b[31m", "\x1b", "data:image/png;base64,", '{"cells": [', '{"a":', '"source": ',
    "null,", "[],", '{"":0},', "get_ipython().run_cell('", "grad_w1(hs)", "torch.autograd.grad(",
    "x = x + ", "x: int = ", "return ", "y_pred - y", "w1.T ",
)  # fmt: skip


def inputs() -> list[tuple[str, bytes]]:
    """Return the real inputs: the tests' modules and notebooks."""
    found = []
    for folder in ("submissions", "handed_in", "hostile"):
        for path in sorted((TESTS / folder).rglob("*")):
            is_source = path.suffix in (".py", ".ipynb") and path.is_file()
            if is_source and path.stat().st_size <= LARGEST_INPUT:
                found.append((f"homework{path.suffix}", path.read_bytes()))
    return found


def mutated(rng: random.Random, real: Sequence[tuple[str, bytes]], most: int) -> tuple[str, bytes]:
    """Return a mutated real input, or a text made from one piece, in any kind of file."""
    name, data = rng.choice(real)
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice(CHANGES)(rng, data, real, most)
    if rng.random() < 0.3:
        return "homework.ipynb", _in_a_notebook(rng, data)
    return (rng.choice((name, "homework.py", "homework.ipynb")), data)


def _length(rng: random.Random, most: int) -> int:
    return int(most ** rng.uniform(0.2, 1))


def _piece(rng: random.Random, data: bytes) -> bytes:
    if rng.random() < 0.7:
        return "".join(rng.choices(PIECES, k=rng.choice((1, 1, 2, 3)))).encode(
            errors="surrogatepass"
        )
    start = rng.randrange(len(data) + 1)
    return data[start : start + rng.randint(1, 60)]


def _insert(data: bytes, at: int, more: bytes) -> bytes:
    return data[:at] + more + data[at:]


def _repeat(rng: random.Random, data: bytes, real: object, most: int) -> bytes:
    piece = _piece(rng, data) or b"x"
    more = (piece * (_length(rng, most) // len(piece) + 1))[:most]
    return more if rng.random() < 0.5 else _insert(data, rng.randrange(len(data) + 1), more)


def _nest(rng: random.Random, data: bytes, real: object, most: int) -> bytes:
    depth = _length(rng, most // 8)
    begin, end = rng.choice(
        ((b"(", b")"), (b"[", b"]"), (b"{", b"}"), (b"f(", b")"), (b"[[", b"]]"),
         (b"(lambda:", b")"), (b"-", b""), (b"not ", b""), (b"x.", b""), (b"{'a':", b"}"),
         (b"f'{", b"}'"))
    )  # fmt: skip
    kept = rng.choice((0, depth, depth - 1))
    return _insert(data, rng.randrange(len(data) + 1), begin * depth + b"1" + end * kept)


def _damage(rng: random.Random, data: bytes, real: object, most: int) -> bytes:
    for _ in range(rng.randint(1, 20)):
        start = rng.randrange(len(data) + 1)
        gone = rng.randint(0, 40)
        data = (
            data[:start]
            + rng.choice((b"", _piece(rng, data), rng.randbytes(4)))
            + data[start + gone :]
        )
    return data


def _splice(rng: random.Random, data: bytes, real: Sequence[tuple[str, bytes]], most: int) -> bytes:
    _, other = rng.choice(real)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _encode(rng: random.Random, data: bytes, real: object, most: int) -> bytes:
    with suppress(UnicodeError):
        return data.decode().encode(rng.choice(("utf-16", "utf-32-be", "gbk", "big5", "utf-8-sig")))
    return data


CHANGES = (_repeat, _repeat, _repeat, _nest, _damage, _damage, _splice, _encode)


def _in_a_notebook(rng: random.Random, data: bytes) -> bytes:
    text = data.decode(errors="replace")
    source = rng.choice((text, text.splitlines(keepends=True), [text]))
    output = {"output_type": "stream", "name": "stdout", "text": source}
    shown = {"output_type": "display_data", "data": {"text/plain": text, "image/png": text}}
    raised = {"output_type": "error", "ename": text[:99], "evalue": text, "traceback": [text]}
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "source": "x = 1\n",
            "outputs": [rng.choice((output, shown, raised))],
        },
        {"cell_type": rng.choice(("code", "markdown", "raw")), "source": source},
    ]
    times = rng.choice((1, 1, 1, max(1, 200_000 // (len(text) + 50))))
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": cells * times}).encode()


# A run


class Tried(NamedTuple):
    """The cost of one input for one target; `lost` is why it broke, if it did."""

    target: Target
    name: str
    data: bytes
    seconds: float
    megabytes: float
    lost: str | None


@dataclass
class _Measured:
    """A target that returns its cost."""

    run: Callable[[str, bytes, Path], None]

    def __call__(self, name: str, data: bytes, path: Path) -> tuple[float, int]:
        with suppress(OSError):  # a kernel that cannot reset the highest mark
            Path("/proc/self/clear_refs").write_text("5")
        before, started = _resident("VmRSS"), time.process_time()
        with suppress(Unreadable):
            self.run(name, data, path)
        return time.process_time() - started, _resident("VmHWM") - before


def _resident(which: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) // 1024
    return 0


class Fuzzer:
    """Tries inputs on all targets; `close` ends their processes."""

    def __init__(self, targets: Sequence[Target] = TARGETS) -> None:
        self._processes = {each: LimitedProcess(each.allowance) for each in targets}
        self._real = inputs()
        self._folder = tempfile.TemporaryDirectory()

    def tries(self, seed: int, most: int) -> Iterator[Tried]:
        """Yield each target's cost for a seed's input, of at most about `most` bytes."""
        name, data = mutated(random.Random(seed), self._real, most)
        path = Path(self._folder.name, name)
        path.write_bytes(data)
        for target, process in self._processes.items():
            try:
                cost = process.call(_Measured(target.run), name, data, path)
            except Lost as lost:
                yield Tried(target, name, data, 0.0, 0.0, str(lost))
            else:
                yield Tried(target, name, data, *cost, None)

    def close(self) -> None:
        for process in self._processes.values():
            process.close()
        self._folder.cleanup()
