"""Compare options with the remembered settings: the first command sets them, others use them.

A differing option is refused, with both values; `grader settings` changes it.
"""

import getpass
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from grader.errors import UserError
from grader.gradebook import PACKAGE, Assignment, SeedSetting, Setting
from grader.judging.messages import Language
from grader.rubric import RUBRIC_FILE, differences, load_rubric
from grader.scoring.protocol import basis_of
from grader.source.paths import shown
from grader.submissions.file_names import counted
from grader.submissions.students.roster import Person, RosterRow, read_roster

SECRET_BITS = 128
LEAST_BITS = 96  # of a given seed: shorter ones can be found by trying
MAKE_ONE = 'python3 -I -c "import secrets; print(secrets.randbits(128))"'
MOST_DIFFERENCES = 3  # listed in a refusal


class Options(msgspec.Struct, frozen=True):
    """The options given for an assignment; None means not given: the remembered value counts."""

    rubric: str | None = None
    seed: str | None = None  # in decimal: it may have more bits than a message's integers
    lang: Language | None = None
    students: str | None = None

    def read_roster(self) -> list[RosterRow]:
        """Return the rows of the table of students; none if there is no table."""
        return read_roster(Path(self.students)) if self.students else []


def first(options: Options, seed_before: str | None) -> Assignment:
    """Return the assignment of a new gradebook, from options and defaults.

    `seed_before` is the seed that an older grader used, which stored no rubric. Raise UserError if
    no rubric is given then, since a different one would lose penalties.
    """
    if seed_before is not None and options.rubric is None:
        raise UserError(
            "an older grader made these results, which kept no rubric: name the one they were "
            "graded by, this once, with --rubric FILE (the package's own: grader rubric > own.toml)"
        )
    rubric = load_rubric(Path(options.rubric) if options.rubric else RUBRIC_FILE)
    seed = _first_seed(options, seed_before)
    return Assignment(
        rubric=rubric,
        rubric_name=options.rubric or PACKAGE,
        seed=seed,
        basis=basis_of(rubric, seed.value),
        language=options.lang or "en",
        roster_name=options.students or "",
    )


def new_seed() -> SeedSetting:
    """Draw a secret seed, uniformly from all that are long enough."""
    least = 2 ** (LEAST_BITS - 1)
    return SeedSetting(str(least + secrets.randbelow(2**SECRET_BITS - least)), "secret")


def check_long(seed: int, or_else: str = "") -> None:
    """Raise UserError if a given seed could be found by trying.

    `or_else` names an alternative to a longer seed.
    """
    if is_short(seed):
        raise UserError(
            f"the seed (--seed or GRADER_SEED) has {counted(seed.bit_length(), 'bit')}; fewer than "
            f"{LEAST_BITS} can be found by trying: {or_else}make one with {MAKE_ONE}"
        )


def is_short(seed: int) -> bool:
    """Tell whether a seed could be found by trying."""
    return seed.bit_length() < LEAST_BITS


def _first_seed(options: Options, seed_before: str | None) -> SeedSetting:
    """Return a new gradebook's seed, never a rubric's own, which is short and for tests."""
    if options.seed is not None:
        return SeedSetting(options.seed, "given")
    if seed_before is not None:
        return SeedSetting(seed_before, "before")
    return new_seed()


def check_same(
    options: Options,
    assignment: Assignment,
    roster: Mapping[str, RosterRow],
    people: Iterable[Person],
    settings: Sequence[Setting],
    results: Path,
) -> None:
    """Raise UserError, with what to type instead, if an option differs from what is remembered."""
    if faults := list(_faults(options, assignment, roster, people, settings, results)):
        raise UserError("\n".join(faults))


def _faults(
    options: Options,
    assignment: Assignment,
    roster: Mapping[str, RosterRow],
    people: Iterable[Person],
    settings: Sequence[Setting],
    results: Path,
) -> Iterable[str]:
    origins = {setting.name: f"set {when(setting)}" for setting in settings}
    change = f"to change that: grader settings {results}"
    if options.rubric:
        rubric = load_rubric(Path(options.rubric))
        if parts := differences(assignment.rubric, rubric):
            yield (
                f"{results}: the rubric is {assignment.rubric_name} ({origins['rubric']}), and "
                f"{options.rubric} differs: {_some(parts)}; {change} --rubric {options.rubric}"
            )
    if options.seed is not None and options.seed != assignment.seed.value:
        yield (
            f"{results}: the seed ({origins['seed']}) differs from --seed or GRADER_SEED; "
            f"{change} --seed N"
        )
    if options.lang and options.lang != assignment.language:
        yield (
            f"{results}: the language is {assignment.language} ({origins['language']}), not "
            f"{options.lang}; {change} --lang {options.lang}"
        )
    names = {person.known_by: person.student for person in people}
    lines = [
        f"id {shown(row.id)} is {_called(current)} and not {_called(row)}"
        for row in options.read_roster()
        if (current := roster.get(row.id) or _as_called(row, names)) != row
    ]
    if lines:
        name = assignment.roster_name or "what is remembered"
        yield (
            f"{results}: the students are named as in {name}, and {options.students} differs: "
            f"{_some(lines)}; {change} --students {options.students}"
        )


def when(setting: Setting) -> str:
    """Return when and by whom a setting was made."""
    return f"{setting.at:%Y-%m-%d %H:%M} UTC by {setting.who}"


def login_name() -> str:
    """Return the user's login name; raise UserError if there is none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in containers
        raise UserError("this user has no login name: give your name with --who") from None


def login_name_or_number() -> str:
    """Return the user's login name, or number if there is none."""
    try:
        return login_name()
    except UserError:
        return f"user {os.getuid()}"


def _some(lines: Sequence[str]) -> str:
    more = len(lines) - MOST_DIFFERENCES
    return "; ".join(lines[:MOST_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")


def _as_called(row: RosterRow, names: Mapping[str, str]) -> RosterRow:
    """Return a row with its student's current name, unless the row leaves that out."""
    return replace(row, student=row.student and names.get(row.id, row.student))


def _called(row: RosterRow) -> str:
    section = f" (section {row.section})" if row.section else ""
    return shown(f"{row.student or row.id}{section}")
