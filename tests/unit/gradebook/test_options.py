"""What is typed beside what a gradebook remembers: the first sets it, what differs is refused."""

import getpass
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from books import assignment
from msgspec.structs import replace

from grader.errors import UserError
from grader.gradebook import PACKAGE, Assignment, SeedSetting, Setting, options
from grader.gradebook.options import (
    LEAST_BITS,
    SECRET_BITS,
    Options,
    check_long,
    check_same,
    first,
    login_name,
    login_name_or_number,
    new_seed,
)
from grader.rubric import RUBRIC_FILE, load_rubric
from grader.scoring.protocol import basis_of
from grader.submissions.students.roster import Person, RosterRow

RESULTS = Path("res")
AT = datetime(2026, 10, 1, 8, 30, tzinfo=UTC)
SET = [
    Setting("rubric", "", "dr. x", AT), Setting("seed", "", "dr. y", AT),
    Setting("language", "", "dr. z", AT),
]  # fmt: skip
ROSTER = {"7": RosterRow("7", "ada", "B"), "8": RosterRow("8", "", "C")}
PEOPLE = [Person("ada", "Canvas", "7", "Ada"), Person("ben", "Canvas", "9", "Ben"),
          Person("zoe", "", "", "")]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(options: Options, remembered: Assignment | None = None) -> list[str]:
    """Return the lines of a refusal; none if nothing is refused."""
    try:
        check_same(options, remembered or assignment(), ROSTER, PEOPLE, SET, RESULTS)
    except UserError as error:
        return str(error).splitlines()
    return []


def test_what_is_not_typed_or_is_the_same_is_not_refused(folder):
    (folder / "same.toml").write_text("[late]\npercent_per_day = 10.0\n")
    (folder / "names.csv").write_text("id,student,section\n7,ada,B\n9,ben,\n10,new,B\n9,ben,\n")
    assert refusal(Options()) == []
    assert refusal(Options("same.toml", "1", "en", "names.csv")) == []
    assert refusal(Options(rubric=str(RUBRIC_FILE))) == []


def test_another_rubric_is_refused_with_what_differs_and_how_to_change_it(folder):
    (folder / "my.toml").write_text("[attempts]\ncounts = 'last'\n")
    assert refusal(Options(rubric="my.toml")) == [
        "res: the rubric is hw.toml (set 2026-10-01 08:30 UTC by dr. x), and my.toml differs: "
        "attempts.counts: 'best' -> 'last'; to change that: grader settings res --rubric my.toml"
    ]


def test_of_many_differences_three_are_named(folder):
    late = "percent_per_day = 1.0\nmost_percent = 2.0\ngrace_minutes = 3.0"
    (folder / "my.toml").write_text(f"[late]\n{late}\n[attempts]\ncounts = 'last'\n")
    (line,) = refusal(Options(rubric="my.toml"))
    assert line.count(" -> ") == 3
    assert "; and 1 more; to change that" in line


@pytest.mark.parametrize("seed", ["2", "424242", str(2**128 - 1)])
def test_another_seed_is_refused_and_neither_is_told(seed):
    (line,) = refusal(Options(seed=seed), assignment(seed="987654321"))
    assert line == (
        "res: the seed (set 2026-10-01 08:30 UTC by dr. y) differs from --seed or GRADER_SEED; "
        "to change that: grader settings res --seed N"
    )


def test_another_language_is_refused():
    assert refusal(Options(lang="zh_Hant")) == [
        "res: the language is en (set 2026-10-01 08:30 UTC by dr. z), not zh_Hant; "
        "to change that: grader settings res --lang zh_Hant"
    ]


STUDENTS = [  # rows of a table, and what of them is refused
    ("7,anon,B", "id 7 is ada (section B) and not anon (section B)"),
    ("7,ada,C", "id 7 is ada (section B) and not ada (section C)"),
    ("7,ada,", "id 7 is ada (section B) and not ada"),
    ("8,eve,C", "id 8 is 8 (section C) and not eve (section C)"),
    ("9,anon,", "id 9 is ben and not anon"),  # whom no table has named so far
    ("zoe,anon,", "id zoe is zoe and not anon"),  # of no system
    ("9,,D", None),  # a section, where none was known
    ("9,ben,D", None),
    ("10,eve,", None),
]


@pytest.mark.parametrize(("row", "says"), STUDENTS)
def test_who_is_called_otherwise_by_now_is_refused(folder, row, says):
    (folder / "names.csv").write_text(f"id,student,section\n{row}\n")
    remembered = replace(assignment(), roster_name="class.csv")
    assert refusal(Options(students="names.csv"), remembered) == (
        [
            f"res: the students are named as in class.csv, and names.csv differs: {says}; "
            "to change that: grader settings res --students names.csv"
        ]
        if says
        else []
    )


def test_all_that_differs_is_told_a_line_each(folder):
    (folder / "my.toml").write_text("[attempts]\ncounts = 'last'\n")
    (folder / "names.csv").write_text("id,student\n7,anon\n")
    lines = refusal(Options("my.toml", "9", "zh_Hans", "names.csv"))
    assert [line.split()[2] for line in lines] == ["rubric", "seed", "language", "students"]


# The first time.


def test_the_first_assignment_is_what_was_typed(folder):
    (folder / "my.toml").write_text("[attempts]\ncounts = 'last'\n")
    assert first(Options("my.toml", "7", "zh_Hant", "names.csv"), None) == Assignment(
        rubric=load_rubric(folder / "my.toml"),
        rubric_name="my.toml",
        seed=SeedSetting("7", "given"),
        basis=basis_of(load_rubric(folder / "my.toml"), "7"),
        language="zh_Hant",
        roster_name="names.csv",
    )


def test_the_first_assignment_is_the_packages_with_a_secret_seed():
    made = first(Options(), None)
    assert (made.rubric, made.rubric_name, made.language) == (load_rubric(), PACKAGE, "en")
    assert made.seed.origin == "secret"
    assert made.seed.value != str(load_rubric().cases.seed)


def test_a_seed_that_is_typed_counts_and_one_of_the_rubrics_own_does_not(folder):
    (folder / "my.toml").write_text("[cases]\nseed = 77\n")
    assert first(Options("my.toml", seed="5"), None).seed == SeedSetting("5", "given")
    made = first(Options("my.toml"), None).seed
    assert (made.origin, made.value != "77") == ("secret", True)


def test_results_of_an_older_grader_keep_their_seed_and_need_their_rubric(folder):
    (folder / "my.toml").write_text("")
    assert first(Options("my.toml"), "12").seed == SeedSetting("12", "before")
    assert first(Options("my.toml", seed="5"), "12").seed == SeedSetting("5", "given")
    with pytest.raises(UserError, match="kept no rubric: name the one they were graded by") as told:
        first(Options(), "12")
    assert len(str(told.value).splitlines()) == 1


def test_secret_seeds_have_128_bits_and_differ():
    seeds = {int(new_seed().value) for _ in range(50)}
    assert len(seeds) == 50
    assert SECRET_BITS - 20 < max(seeds).bit_length() <= SECRET_BITS == 128


def test_a_secret_seed_is_long_enough_even_where_the_least_is_drawn(monkeypatch):
    monkeypatch.setattr(options.secrets, "randbelow", lambda below: 0)
    assert int(new_seed().value).bit_length() == LEAST_BITS


@pytest.mark.parametrize("seed", [0, 1, 7, 20211, 20261001, 2**63, 2**95 - 1])
def test_a_seed_that_can_be_found_by_trying_is_refused_in_one_line_that_says_what_to_do(seed):
    with pytest.raises(UserError) as told:
        check_long(seed, or_else="leave it out; or ")
    (line,) = str(told.value).splitlines()
    bits = seed.bit_length()
    assert f"has {bits} bits; " in line or (bits == 1 and "has 1 bit; " in line)
    assert "leave it out; or " in line
    assert seed < 129 or str(seed) not in line
    code = line.partition('python3 -I -c "')[2].removesuffix('"')
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    check_long(int(made.stdout))


@pytest.mark.parametrize("seed", [2**95, 2**128 - 1])
def test_a_long_seed_is_taken(seed):
    check_long(seed)


# Who.


def test_a_user_has_a_name(monkeypatch):
    assert login_name() == login_name_or_number() == getpass.getuser()


def test_a_user_without_a_name_is_asked_for_it_or_has_a_number(monkeypatch):
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr(options.getpass, "getuser", nameless)
    with pytest.raises(UserError, match="give your name with --who"):
        login_name()
    assert login_name_or_number().startswith("user ")
