"""Read students' files in a separate process, which may die.

A submission that kills the process is named, with the reason, and affects nobody else: another
process reads the next one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.scoring.limited_process import Allowance, LimitedProcess, Lost
from grader.scoring.machine_faults import Smell
from grader.source.by_code import ShownByCode, shown_by_code
from grader.source.read import Source, Unreadable, read, read_bytes
from grader.source.tasks import Tasks
from grader.submissions.candidates import Choice, is_handout
from grader.submissions.ownership import FileOutline, look_at

# Reading every value of the largest notebook takes 4 seconds of processor time and 1.2 GB.
ALLOWANCE = Allowance(seconds=30, memory_bytes=2**31)


@dataclass(frozen=True)
class ReadFiles:
    """The content of a submission's readable files, and why others cannot be read, by name.

    Each of the `candidates` is graded on its own. `untouched` files are as they were handed out;
    `evidence` is what each file's code shows. If the files were lost, `smell` is what may be the
    machine's fault, and a retry may succeed unless it is `certain`.
    """

    sources: Sequence[Source] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    candidates: Sequence[Source] = ()
    untouched: Collection[str] = ()
    evidence: Mapping[str, ShownByCode] = field(default_factory=dict)
    smell: Smell | None = None
    certain: bool = True


class Reader:
    """Reads files in a separate process. Use with `closing`, which ends it.

    The process is forked from this one, so use only one thread until the first file is read.
    """

    def __init__(self, allowance: Allowance = ALLOWANCE) -> None:
        self._process = LimitedProcess(allowance)

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def look_at(self, path: Path, most_bytes: int, tasks: Tasks) -> FileOutline:
        """Look at a file's text; one that is lost has an empty outline, and is reported later."""
        try:
            return self._process.call(look_at, path, most_bytes, tasks)
        except Lost:
            return FileOutline()

    def is_handout(self, path: Path, most_bytes: int, handed_out: Collection[str]) -> bool:
        """Tell whether a file can be read and is unchanged since it was handed out."""
        try:
            return self._process.call(is_handout, path, most_bytes, handed_out)
        except Lost:
            return False

    def text_of(self, name: str, path: Path, most_bytes: int) -> str:
        """Return all code of a file; raise Unreadable if it contains none, or is lost."""
        try:
            return self._process.call(_text_of, name, path, most_bytes)
        except Lost as lost:
            raise Unreadable(_problem(name, "it", lost)) from None

    def read(self, files: Mapping[str, bytes], choice: Choice) -> ReadFiles:
        """Read a submission's files, which are lost either together or not at all."""
        try:
            return self._process.call(_read, files, choice)
        except Lost as lost:
            what = "it" if len(files) == 1 else f"the {len(files)} files of this submission"
            problems = {name: _problem(name, what, lost) for name in files}
            return ReadFiles(problems=problems, smell=lost.smell, certain=lost.certain)


def _problem(name: str, what: str, error: Lost) -> str:
    return f"{name} is not read: reading {what} {error}"


def _text_of(name: str, path: Path, most_bytes: int) -> str:
    return read(name, read_bytes(path, most_bytes)).text


def _read(files: Mapping[str, bytes], choice: Choice) -> ReadFiles:
    sources, problems = [], {}
    for name, data in files.items():
        try:
            source = read(name, data)
        except Unreadable as error:
            problems[name] = str(error)
        else:
            sources.append(replace(source, in_text=choice.only_asked(source.in_text)))
    return ReadFiles(
        sources=sources,
        problems=problems,
        candidates=choice.candidates(sources),
        untouched=choice.untouched(sources),
        evidence={source.name: shown_by_code(source.text, choice.tasks) for source in sources},
    )
