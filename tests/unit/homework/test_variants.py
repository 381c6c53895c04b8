"""Another homework from the rubric alone: what is written, and what follows from it."""

import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import msgspec
import pytest
import torch
from times import PATIENCE
from worth import MAX_SCORE, out_of, worth

from grader.authoring.release import release
from grader.authoring.validate import mutants_of, mutate
from grader.errors import UserError
from grader.homework import variants
from grader.homework.settings import Homework
from grader.homework.variants import new_variant
from grader.rubric import RUBRIC_FILE, derived_seed, load_rubric
from grader.rubric.cases import hidden_cases, public_cases
from grader.scoring.protocol import GradingSettings, SubmittedFiles, cache_key

OWN = load_rubric()


def homework_with(**changes: object) -> Homework:
    return msgspec.structs.replace(OWN.homework, **changes)


# What is written


@pytest.fixture
def measured_at(monkeypatch):
    """Let right runs end at the first number and wrong ones at the second, a rate after another."""

    def set_to(*ends: tuple[float, float]) -> list[float]:
        tried: list[float] = []

        def measure(rubric, network, jobs, runs):
            rate = rubric.training.learning_rate
            if rate not in tried:
                tried.append(rate)
            right, wrong = ends[min(len(tried), len(ends)) - 1]
            share = right if network.must == "pass" else wrong
            return variants.Measurement(network, (share,), rubric.training.pass_fraction)

        monkeypatch.setattr(variants, "measure", measure)
        return tried

    return set_to


DIVERGED = (float("inf"), 0.5)


@pytest.mark.parametrize(
    ("ends", "rates", "fraction"),
    [
        ([(0.05, 0.2)], [0.2], 0.1),
        ([(0.01, 0.03)], [0.2], 0.017),
        ([(0.2, 0.9)], [0.2], 0.42),
        ([DIVERGED, (0.05, 0.2)], [0.2, 0.1], 0.1),
        ([(0.09, 0.11), DIVERGED, (0.05, 0.2)], [0.2, 0.1, 0.05], 0.1),
    ],
)
def test_rate_and_pass_mark_are_what_measurement_says(measured_at, tmp_path, ends, rates, fraction):
    tried = measured_at(*ends)
    path = tmp_path / "new" / "rubric.toml"
    rubric, measured = new_variant(homework_with(activation="tanh"), path, jobs=1)
    assert tried == rates
    assert (rubric.training.learning_rate, rubric.training.pass_fraction) == (rates[-1], fraction)
    assert all(each.holds for each in measured)
    assert load_rubric(path) == rubric


def test_where_no_pass_mark_tells_right_from_wrong_nothing_is_written(measured_at, tmp_path):
    tried = measured_at(DIVERGED, (0.3, 0.2))
    says = (
        r"no pass mark .*: at 0\.2 right runs diverge; at 0\.1 right runs .* sign flipped at 0\.2;"
    )
    with pytest.raises(UserError, match=says):
        new_variant(homework_with(targets=["tan(x)"]), tmp_path / "rubric.toml", jobs=1)
    assert len(tried) == 5
    assert list(tmp_path.iterdir()) == []


def test_a_rubric_that_is_there_stays_as_it_is(warm, tmp_path):
    path = tmp_path / "rubric.toml"
    path.write_text("mine")
    done = warm.run("new-variant", tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        f"grader: {path} already exists: name another folder, or move it away\n",
    )
    assert path.read_text() == "mine"


# Criteria whose points one of them has, where it is the only one left.
B1 = ("grad_b1.sample", "grad_b1.row")
B2 = ("grad_b2.sample", "grad_b2.row")
TRAIN = ("train.manual", "train.net")


@pytest.mark.parametrize(
    ("bias", "joined"),
    [
        ("row", {"grad_b1.row": B1, "grad_b2.row": B2}),
        ("sample", {"grad_b1.sample": B1, "grad_b2.sample": B2, "train.net": TRAIN}),
    ],
)
def test_points_of_a_convention_that_is_not_asked_go_to_the_other(
    measured_at, tmp_path, bias, joined
):
    measured_at((0.05, 0.2))
    rubric, _ = new_variant(homework_with(biases=[bias]), tmp_path / "rubric.toml", jobs=1)
    assert {name: p for name, p in rubric.points.items() if p != OWN.points[name]} == {
        name: worth(*criteria) for name, criteria in joined.items()
    }
    assert rubric.max_score == MAX_SCORE
    assert list(rubric.points) == [name for name in OWN.points if name in rubric.points]


def test_all_else_is_the_packages_comments_and_all(measured_at, tmp_path):
    measured_at((0.05, 0.2))
    path = tmp_path / "rubric.toml"
    new_variant(homework_with(noise=0.1, seed=7), path, jobs=1)
    ours, theirs = (p.read_text(encoding="utf-8").split("\n") for p in (RUBRIC_FILE, path))
    changed = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    assert [b.split(" #")[0].strip() for _, b in changed] == ["noise = 0.1", "seed = 7"]


# What follows from it

VARIANTS = [
    {"activation": "tanh", "n_hidden": 32, "targets": ["cos(3*x)"]},
    {"activation": "softplus", "targets": ["x**2", "sin(3*x)"]},
    {"activation": "arctan", "noise": 0.0, "biases": ["row"]},
    {"biases": ["sample"], "n_samples": 40},
]


@pytest.mark.parametrize("changes", VARIANTS)
def test_a_variants_solution_is_right_and_each_mutant_is_another_text(zygote, reader, changes):
    """Without training, which the pass mark is for; `grader validate` grades the mutants."""
    from grader.material.solution import solution_of
    from grader.scoring.scorer import Scorer

    homework = homework_with(**changes)
    points = {
        name: full
        for name, full in OWN.untrained().points.items()
        if name.partition(".")[2] not in {"sample", "row"} - set(homework.biases)
    }
    rubric = msgspec.structs.replace(OWN, homework=homework, points=points)
    source = solution_of(rubric)["homework.py"]
    scorer = Scorer(GradingSettings.of(rubric, 5, strict=False), zygote, reader)
    record = scorer.grade(SubmittedFiles.of("ada", "homework.py", source.encode())).record
    assert [c.id for c in record.criteria if c.points < c.max_points] == []
    assert record.score == sum(points.values())
    mutated = {mutate(source, mutant) for mutant in mutants_of(rubric)}
    assert len(mutated) == len(mutants_of(rubric)) > 35


# Data and cases of each student's own

PER_STUDENT = msgspec.structs.replace(OWN, homework=homework_with(per_student=True))


def first_numbers(cases: Sequence) -> list[float]:
    """Return an entry of each case; those of forward.stable are ±1 for everybody."""
    given = [case.call.tensors for case in cases if case.criterion != "forward.stable"]
    return [float(tensors.get("w1", tensors["x"]).flatten()[0]) for tensors in given]


def test_no_two_students_share_a_number():
    settings = GradingSettings.of(PER_STUDENT, 20261001, strict=False)
    students = [f"student-{number}" for number in range(300)]
    seeds = {settings.seed_for(student) for student in students}
    released = [PER_STUDENT.released_to(student) for student in students]
    seeds |= {rubric.homework.seed for rubric in released}
    seeds |= {rubric.public_cases.seed for rubric in released}
    assert len(seeds) == 3 * len(students)
    numbers: list[float] = []
    for student in students[:3]:
        numbers += first_numbers(hidden_cases(PER_STUDENT, settings.seed_for(student)))
        numbers += first_numbers(public_cases(PER_STUDENT.released_to(student)))
    # train.manual and train.net of one seed have the same start.
    assert len(set(numbers)) == len(numbers) - 6


def test_what_is_released_does_not_depend_on_the_terms_seed_nor_tell_it():
    one, other = (GradingSettings.of(PER_STUDENT, seed, strict=False) for seed in (1, 2))
    assert one.seed_for("ada") != other.seed_for("ada")
    assert one.seed_for("ada") == derived_seed(1, "hidden/ada") == one.seed_for("ada")
    assert one.rubric.released_to("ada") == other.rubric.released_to("ada")


def test_everybody_has_the_same_cases_where_the_homework_does_not_say_otherwise():
    assert GradingSettings.of(OWN, 7, strict=False).seed_for("ada") == 7


@pytest.mark.parametrize("own", [False, True])
def test_a_record_is_found_again_for_whom_it_is_true(own):
    settings = GradingSettings.of(PER_STUDENT if own else OWN, 7, strict=False)
    ada, bob = (
        cache_key(settings, SubmittedFiles.of(name, "homework.py", b"x = 1\n"))
        for name in ("ada", "bob")
    )
    assert (ada != bob) == own
    assert ada == cache_key(settings, SubmittedFiles.of("ada", "homework.py", b"x = 1\n"))


@pytest.fixture
def rubric_file(tmp_path) -> Path:
    path = tmp_path / "rubric.toml"
    text = RUBRIC_FILE.read_text(encoding="utf-8")
    path.write_text(text.replace("per_student = false", "per_student = true"), encoding="utf-8")
    return path


def test_each_student_gets_an_archive_of_their_own_and_is_graded_by_cases_of_their_own(
    warm, rubric_file, tmp_path
):
    table, out, results = tmp_path / "class.csv", tmp_path / "dist", tmp_path / "results"
    table.write_text("id,student\n1,ada\n2,bob\n")
    done = warm.run(
        "release", "--rubric", rubric_file, "--root", tmp_path, "--out", out, "--students", table
    )
    assert done.returncode == 0, done.stderr
    held = {}
    for student in ("ada", "bob"):
        with ZipFile(out / student / "homework.zip") as opened:
            held[student] = {name: opened.read(name) for name in opened.namelist()}
    differing = {name for name, content in held["ada"].items() if held["bob"][name] != content}
    assert differing == {
        "homework/selfcheck/public_cases.json",
        "homework/homework.ipynb",
        "homework/homework.zh_Hant.ipynb",
    }
    data = [str(load_rubric(rubric_file).released_to(s).homework.seed) for s in ("ada", "bob")]
    assert data[0].encode() in held["ada"]["homework/homework.ipynb"]
    solution = (tmp_path / "solution" / "homework.py").read_bytes()
    (tmp_path / "in").mkdir()
    for student in ("ada", "bob"):
        (tmp_path / "in" / f"{student}.py").write_bytes(solution)
    command = ["grade", tmp_path / "in", "--rubric", rubric_file, "--out", results, "--no-pages"]
    assert warm.run(*command).returncode == 0
    with (results / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["score"]) for row in rows] == [MAX_SCORE, MAX_SCORE]


def test_training_does_not_depend_on_whose_work_it_is(zygote, reader):
    """From the start that student0205's own seed would give, right gradients miss the mark."""
    from grader.material.solution import solution_of
    from grader.scoring.scorer import Scorer

    source = solution_of(PER_STUDENT)["homework.py"].encode()
    seed = 301234567890123456789012345678901234567
    scorer = Scorer(GradingSettings.of(PER_STUDENT, seed, strict=False), zygote, reader)
    records = [
        scorer.grade(SubmittedFiles.of(student, "homework.py", source)).record
        for student in ("student0205", "ada")
    ]
    assert [record.score for record in records] == [MAX_SCORE, MAX_SCORE]
    losses = [record.training.losses for record in records]
    assert losses[0] == losses[1]


def test_the_self_check_of_a_students_own_archive_is_passed_by_the_solution(tmp_path):
    *_, path = release(PER_STUDENT, tmp_path, tmp_path / "dist", ["ada"])
    with ZipFile(path) as opened:
        opened.extractall(tmp_path / "ada")
    folder = tmp_path / "ada" / "homework"
    (folder / "homework.py").write_bytes((tmp_path / "solution" / "homework.py").read_bytes())
    command = [sys.executable, "-m", "selfcheck", "homework.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert out_of(MAX_SCORE) in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("student\nada\nada\n", "class.csv, line 3: student ada is also in line 2"),
        ("student\n../ada\n", "'../ada' cannot be a folder's name"),
        ("name\nada\n", "has no column 'student'; its headings are: name"),
    ],
)
def test_a_table_of_students_that_is_off_is_one_line(warm, rubric_file, tmp_path, table, says):
    path = tmp_path / "class.csv"
    path.write_text(table)
    done = warm.run(
        "release", "--rubric", rubric_file, "--root", tmp_path / "r", "--students", path
    )
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "r").exists()


def test_archives_of_their_own_need_a_homework_that_has_them(warm, tmp_path):
    path = tmp_path / "class.csv"
    path.write_text("student\nada\n")
    command = ["release", "--root", tmp_path / "r", "--out", tmp_path, "--students", path]
    done = warm.run(*command)
    assert done.returncode == 2
    assert "per_student = true" in done.stderr
    assert not (tmp_path / "r").exists()


def test_numbers_are_drawn_without_the_global_generator():
    before = torch.get_rng_state()
    public_cases(PER_STUDENT.released_to("ada"))
    assert torch.equal(before, torch.get_rng_state())
