"""Find suspiciously similar submissions, by copydetect's fingerprints of their tokens.

A fingerprint stands for several tokens in a row, without names, strings and comments. Text from the
released homework, and text that much of the class shares because of the task, is left out. Nothing
is executed; texts are only cut into tokens, in processes with limited memory and processor time.
"""

import io
import itertools
import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError
from contextlib import chdir
from dataclasses import dataclass, field
from typing import Any

from pebble import ProcessExpired, ProcessPool

from grader.grading.launch import EMPTY
from grader.judging.messages import N_
from grader.rubric.rubric import Similarity
from grader.scoring.limited_process import SLEEP_SECONDS, Allowance, within, write_nothing

with chdir(EMPTY):  # imports matplotlib, which reads a matplotlibrc in the current folder
    from copydetect.detector import CodeFingerprint, compare_files

MEMORY_BYTES = 2**30  # cutting the longest text into tokens takes a tenth of that
Passages = list[tuple[int, int]]


@dataclass(frozen=True)
class Side:
    """A submission of a pair: its text, and the start and end of similar passages."""

    student: str
    text: str
    passages: Passages


@dataclass(frozen=True)
class Pair:
    """Two submissions; `likeness` is the share of the larger one's own text that both have.

    `wording` is the same share including names, strings and comments.
    """

    one: Side
    other: Side
    likeness: float
    wording: float


@dataclass(frozen=True)
class Comparison:
    """The similar pairs, most similar first; `found` also counts those beyond the limit.

    `left_out` says, by student, why there was nothing to compare, `unread` why nothing was read.
    """

    compared: int
    found: int
    pairs: list[Pair]
    left_out: dict[str, str]
    unread: dict[str, str] = field(default_factory=dict)


@dataclass
class _Prints:
    """A text's fingerprints: of its tokens, and of its exact words."""

    tokens: CodeFingerprint
    words: CodeFingerprint


def compare(texts: Mapping[str, str], handout: str, settings: Similarity, jobs: int) -> Comparison:
    """Compare each student's Python with all others', ignoring what all were given."""
    short = {name: text for name, text in texts.items() if len(text) <= settings.most_characters}
    left_out = dict.fromkeys(texts.keys() - short.keys(), N_("too long to compare"))
    prints: dict[str, _Prints] = {}
    for name, fingerprint in _fingerprints(short, settings, jobs):
        if isinstance(fingerprint, str):
            left_out[name] = fingerprint
        else:
            prints[name] = fingerprint
    handout_prints = _fingerprint(handout, settings, window=1)
    for which in ("tokens", "words"):
        _leave_out(
            [getattr(p, which) for p in prints.values()], getattr(handout_prints, which), settings
        )
    for name, fingerprint in prints.items():
        if len(fingerprint.tokens.hashes) < settings.least_fingerprints:
            left_out[name] = N_("too little text of its own")
    prints_by_name = {
        name: fingerprint for name, fingerprint in prints.items() if name not in left_out
    }
    alike = _alike(
        {name: fingerprint.tokens.hashes for name, fingerprint in prints_by_name.items()}, settings
    )
    ranking = sorted(
        ((likeness, _share(prints_by_name[a].words.hashes, prints_by_name[b].words.hashes), a, b)
         for likeness, a, b in alike),
        key=lambda pair: (-pair[0] - pair[1], pair[2:]),
    )  # fmt: skip
    pairs = [
        _pair(a, prints_by_name[a], b, prints_by_name[b], likeness, wording)
        for likeness, wording, a, b in ranking[: settings.most_pairs]
    ]
    return Comparison(len(prints_by_name), len(ranking), pairs, dict(sorted(left_out.items())))


def _fingerprints(
    texts: Mapping[str, str], settings: Similarity, jobs: int
) -> Iterator[tuple[str, _Prints | str]]:
    """Yield the fingerprints of each text, or why there are none."""
    # Forked, because fingerprints use Python's hash(), which differs between unrelated processes.
    context = multiprocessing.get_context("fork")
    allowance = Allowance(settings.seconds, MEMORY_BYTES)
    with ProcessPool(max_workers=jobs, initializer=write_nothing, context=context) as pool:
        futures = {
            name: pool.schedule(
                within,
                args=(allowance, _fingerprint, text, settings, settings.window),
                timeout=SLEEP_SECONDS,
            )
            for name, text in texts.items()
        }
        for name, future in futures.items():
            try:
                yield name, future.result()
            except (TimeoutError, ProcessExpired, MemoryError, RecursionError):
                yield name, N_("could not be cut into tokens")


def _fingerprint(text: str, settings: Similarity, window: int) -> _Prints:
    text = text.strip("\n") + "\n"
    # copydetect requires a text longer than a fingerprint.
    longer_text = text + "0 " * settings.tokens
    tokens, words = (
        CodeFingerprint(
            "homework.py", settings.tokens, window, filter=filter_, language="python",
            fp=io.StringIO(longer_text),
        )
        for filter_ in (True, False)
    )  # fmt: skip
    tokens.raw_code = text
    return _Prints(tokens, words)


def _leave_out(
    prints: Sequence[CodeFingerprint], handout: CodeFingerprint, settings: Similarity
) -> None:
    """Remove what is in the released homework, and what too many students share."""
    most = max(settings.common_submissions, settings.common_share * len(prints))
    shared_by = Counter(itertools.chain.from_iterable(one.hashes for one in prints))
    common = {hash_ for hash_, count in shared_by.items() if count > most} | handout.hashes
    for one in prints:
        one.hashes = one.hashes - common
        one.hash_idx = {
            hash_: places for hash_, places in one.hash_idx.items() if hash_ in one.hashes
        }


def _alike(
    hashes: Mapping[str, set[int]], settings: Similarity
) -> Iterator[tuple[float, str, str]]:
    """Yield (likeness, student, student) of similar pairs; only overlapping texts are compared."""
    holders: defaultdict[int, list[str]] = defaultdict(list)
    for name, own in hashes.items():
        counts = Counter(itertools.chain.from_iterable(holders[hash_] for hash_ in own))
        for other, count in counts.items():
            likeness = count / max(len(own), len(hashes[other]))
            if likeness >= settings.threshold:
                yield likeness, other, name
        for hash_ in own:
            holders[hash_].append(name)


def _share(one: set[int], other: set[int]) -> float:
    return len(one & other) / max(len(one), len(other), 1)


def _pair(a: str, one: _Prints, b: str, other: _Prints, likeness: float, wording: float) -> Pair:
    _, _, slices = compare_files(one.tokens, other.tokens)
    return Pair(
        _side(a, one.tokens, slices[0]), _side(b, other.tokens, slices[1]), likeness, wording
    )


def _side(student: str, tokens: CodeFingerprint, slices: Any) -> Side:
    """Make a side; `slices` is copydetect's array of two rows, starts and ends of passages."""
    return Side(student, tokens.raw_code, [(int(start), int(end)) for start, end in slices.T])
