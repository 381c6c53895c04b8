"""The settings that a gradebook remembers, each with when and by whom it was made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Self

import msgspec
from msgspec.structs import replace

from grader.judging.messages import Language
from grader.rubric import Rubric, rubric_from_json
from grader.scoring.protocol import basis_of

# "names" records a renaming of students, with their number.
Name = Literal["rubric", "seed", "basis", "language", "roster", "software", "names"]
# The origin of a seed: drawn here and told to nobody, given by somebody, or found in an older
# grader's gradebook.
Origin = Literal["secret", "given", "before"]
PACKAGE = "the package's own rubric"


class Setting(msgspec.Struct, frozen=True):
    """A setting as it was made: `value` is JSON."""

    name: Name
    value: str
    who: str
    at: datetime


class SeedSetting(msgspec.Struct, frozen=True):
    """The seed of the hidden cases in decimal, as it may have too many digits for JSON."""

    value: str
    origin: Origin


class NamedRubric(msgspec.Struct, frozen=True):
    """A whole rubric, and the name of the file it was read from."""

    name: str
    rubric: msgspec.Raw


class Assignment(msgspec.Struct, frozen=True):
    """The settings in force, which every command uses.

    `rubric_name` and `roster_name` are the files they were read from ("": none); `software` are the
    versions that the class was last graded with. `basis` identifies what determines every score:
    the rubric's scoring part, and the seed. It is stored because a newer grader, whose rubric has
    more keys, would compute a different one.
    """

    rubric: Rubric
    rubric_name: str
    seed: SeedSetting
    basis: str
    language: Language
    roster_name: str = ""
    software: dict[str, str] = {}

    def values(self) -> dict[Name, str]:
        """Return the settings as JSON."""
        values: dict[Name, object] = {
            "rubric": NamedRubric(self.rubric_name, msgspec.Raw(msgspec.json.encode(self.rubric))),
            "seed": self.seed,
            "basis": self.basis,
            "language": self.language,
            "roster": self.roster_name,
            "software": self.software,
        }
        return {name: msgspec.json.encode(value).decode() for name, value in values.items()}

    @classmethod
    def of(cls, settings: Sequence[Setting]) -> Self | None:
        """Return the settings in force, the last of each name, or None without a rubric."""
        values: Mapping[Name, str] = {setting.name: setting.value for setting in settings}
        if "rubric" not in values or "seed" not in values:
            return None
        rubric_setting = msgspec.json.decode(values["rubric"], type=NamedRubric)
        return cls(
            rubric=rubric_from_json(bytes(rubric_setting.rubric)),
            rubric_name=rubric_setting.name,
            seed=msgspec.json.decode(values["seed"], type=SeedSetting),
            basis=msgspec.json.decode(values["basis"], type=str),
            language=msgspec.json.decode(values["language"], type=Language),
            roster_name=msgspec.json.decode(values["roster"], type=str),
            software=msgspec.json.decode(values["software"], type=dict[str, str]),
        )

    def with_scoring(self, rubric: Rubric, rubric_name: str, seed: SeedSetting) -> Self:
        """Return a copy with another rubric and seed; the basis stays if scores do."""
        is_same = basis_of(rubric, seed.value) == basis_of(self.rubric, self.seed.value)
        basis = self.basis if is_same else basis_of(rubric, seed.value)
        return replace(self, rubric=rubric, rubric_name=rubric_name, seed=seed, basis=basis)

    def changes_to(self, other: "Assignment") -> dict[Name, str]:
        """Return another assignment's settings that differ, as JSON."""
        mine = self.values()
        return {name: value for name, value in other.values().items() if value != mine[name]}


def seed_before(settings: Sequence[Setting]) -> str | None:
    """Return the seed that an older grader used, if its gradebook has one."""
    values = [setting.value for setting in settings if setting.name == "seed"]
    return msgspec.json.decode(values[-1], type=SeedSetting).value if values else None
