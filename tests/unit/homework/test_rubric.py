"""A rubric of one's own: what it leaves out, what is wrong in it, and how it is printed whole."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import tomlkit
from books import opened
from conftest import GRADER, ROOT, run_grader
from corpus import FACTORS
from hypothesis import given
from hypothesis import strategies as st
from times import PATIENCE
from worth import MAX_UNTRAINED, out_of, worth

from grader.errors import UserError
from grader.gradebook import Gradebook, default_url
from grader.homework.activations import activations
from grader.homework.misconceptions.catalogue import entries_for
from grader.homework.tasks import TASKS
from grader.judging.diagnosis import CONSTANT, MULTIPLE, RETURNED, SINGLE
from grader.judging.messages import MISTAKES
from grader.rubric import (
    RUBRIC_FILE,
    Rubric,
    differences,
    load_rubric,
    loading,
    rubric_from_json,
    to_toml,
)
from grader.rubric.cases import hidden_cases
from grader.rubric.loading import OWN_SHARES

CRITERIA = tuple(TASKS.by_id)

OWN = load_rubric()
TRAIN_NET = f'"train.net" = {OWN.points["train.net"]:g}\n'  # a line of its file
SOLUTION = ROOT / "solution" / "homework.py"


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str) -> Rubric:
    return load_rubric(written(folder, text))


def faults_of(path: Path) -> list[str]:
    """Return the lines that a rubric is refused with, without the name of its file."""
    with pytest.raises(UserError) as refused:
        load_rubric(path)
    lines = str(refused.value).split("\n")
    assert all(line.startswith(str(path)) for line in lines)
    return [line.removeprefix(str(path)).removeprefix(", ") for line in lines]


# What is left out


def test_what_a_rubric_does_not_say_is_the_packages(tmp_path):
    text = (
        '[points]\n"grad_w1" = 20\n"train.net" = false\n'
        "[misconceptions]\nsign = 0.25\ntransposed = 0.1\n"
        '[spellings]\nx = ["a"]\n[training]\nsteps = 10\n'
    )
    rubric = loaded(tmp_path, text)
    points = {name: worth for name, worth in OWN.points.items() if name != "train.net"}
    assert rubric == msgspec.structs.replace(
        OWN,
        points={**points, "grad_w1": 20},
        misconceptions={**OWN.misconceptions, "sign": 0.25, "transposed": 0.1},
        spellings={**OWN.spellings, "x": ["a"]},
        training=msgspec.structs.replace(OWN.training, steps=10),
    )
    assert list(rubric.points) == [name for name in CRITERIA if name != "train.net"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "\ufeff[points]\r\n", "[late]\ndue = ''\n"])
def test_a_rubric_that_changes_nothing_is_the_packages(tmp_path, text):
    assert loaded(tmp_path, text) == OWN


@pytest.mark.parametrize(
    "text",
    [
        "points.net = 7\n",
        "points = { net = 7 }\n",
        "[ 'points' ] # mine\n  'net'=7\n",
        '["points"]\nnet = 7.0\n',
    ],
)
def test_all_that_toml_allows_is_read(tmp_path, text):
    assert loaded(tmp_path, text).points == {**OWN.points, "net": 7}


def test_the_packages_rubric_names_all_criteria_and_cases_are_made_for_each():
    assert tuple(OWN.points) == CRITERIA
    assert {case.criterion for case in hidden_cases(OWN, 1)} == set(CRITERIA)


def test_all_mistakes_that_can_be_named_may_have_a_share():
    names = {entry.id for own in activations().values() for entry in entries_for(own)}
    names |= (
        {name for _, name in RETURNED} | {same.other for same in TASKS.same_answers} | set(FACTORS)
    )
    names |= {
        "mean_for_sum",
        "zero_gradient",
        "entries_permuted",
        MULTIPLE,
        SINGLE,
        CONSTANT,
        *OWN_SHARES,
    }
    assert names == set(MISTAKES)


# What is wrong

CRITERIA_ARE = f"not a criterion; the criteria are {', '.join(CRITERIA)}"
POSITIVE = "is not a number greater than 0"
POINTS = "is not a number greater than 0 and at most 1000000"
FALSE = "; false leaves a criterion out"
NOT_ASKED = 'homework.biases has no "row"; set this to false in [points], or add "row"'

FAULTS = [
    # Names
    ('[points]\n"grad_w3" = 14', f'line 2: points."grad_w3": {CRITERIA_ARE} (did you mean grad_w'),
    ("[points]\nforward = 3", f'line 2: points."forward": {CRITERIA_ARE}'),
    ("[points]\ngrad_b1.row = 3", 'line 2: points.grad_b1.row: put the key in quotes: "grad_b1.r'),
    ("[point]\nnet = 3", "line 1: point: not a table of a rubric; the tables are points, homework"),
    ("[[points]]\nnet = 3", "line 1: points: a table is needed: [points] on a line of its own"),
    ("points = 100", "line 1: points: a table is needed: [points] on a line of its own"),
    ("n_hidden = 5", "line 1: n_hidden: is not in a table: put it below [homework]"),
    ("[tolerance]\nhalve = 1", "line 2: tolerance.halve: not a key of [tolerance]; its keys are f"),
    ("[attempts]\n\ndue = ''", "line 3: attempts.due: not a key of [attempts]; its keys are counts"
     " (it belongs below [late])"),
    ("[misconceptions]\nsing = 1", "line 2: misconceptions.sing: not the name of a mistake (did yo"
     "u mean sign?)"),
    ("[misconceptions]\nx1y2z3 = 1", "line 2: misconceptions.x1y2z3: not the name of a mistake; se"
     "e MISTAKES in grader/homework/texts.py and grader/judging/messages.py"),
    ("[misconceptions]\nrecomputed = 1", "line 2: misconceptions.recomputed: its share is recompute"
     " in [closed_form]"),
    # Types and ranges
    ("[points]\nnet = 0", f'line 2: points."net": 0 {POINTS}{FALSE}'),
    ("[points]\nnet = -3", f'line 2: points."net": -3 {POINTS}{FALSE}'),
    ("[points]\nnet = '3'", f"line 2: points.\"net\": \"3\" {POINTS}{FALSE}"),
    ("[points]\nnet = true", f'line 2: points."net": true {POINTS}{FALSE}'),
    ("[points]\nnet = nan", f'line 2: points."net": nan {POINTS}{FALSE}'),
    ("[points]\nnet = inf", f'line 2: points."net": inf {POINTS}{FALSE}'),
    ("[shares]\nhalf = 1.5", "line 2: shares.half: 1.5 is not a number from 0 to 1"),
    ("[closed_form]\nautograd = -0.1", "line 2: closed_form.autograd: -0.1 is not a number from 0"),
    ("[misconceptions]\nsign = false", "line 2: misconceptions.sign: false is not a number from 0"),
    ("[pages]\nseconds = -1", f"line 2: pages.seconds: -1 {POSITIVE}"),
    ("[archives]\nratio = -1", "line 2: archives.ratio: -1 is not a whole number of at least 1"),
    ("[training]\nsteps = 0", "line 2: training.steps: 0 is not a whole number of at least 1"),
    ("[training]\nsteps = 2.5", "line 2: training.steps: 2.5 is not a whole number of at least 1"),
    ("[training]\nsampled_every = 0", "line 2: training.sampled_every: 0 is not a whole number"),
    ("[cases]\nseed = -1", "line 2: cases.seed: -1 is not a whole number from 0 to 9223372036854775"
     "807"),
    (f"[cases]\nseed = {10**30}", f"line 2: cases.seed: {10**30} is too large a number"),
    ("[homework]\nn_hidden = 1",
     "line 2: homework.n_hidden: 1 is not a whole number from 2 to 10000"),
    ("[homework]\nper_student = 1", "line 2: homework.per_student: 1 is not true or false"),
    ("[homework]\ntargets = 'x**2'", 'line 2: homework.targets: "x**2" is not a list of 1 or more'),
    ("[homework]\ntargets = []", "line 2: homework.targets: [] is not a list of 1 or more, each a "
     "text in quotes"),
    ("[homework]\nbiases = ['rows']", 'line 2: homework.biases: ["rows"] is not a list of 1 or more'
     ', each "row" or "sample"'),
    ("[attempts]\ncounts = 'first'", 'line 2: attempts.counts: "first" is not "best" or "last"'),
    ("[spellings]\nx = ['my x']", 'line 2: spellings.x: ["my x"] is not a list of 1 or more, each '
     "a name as Python allows them, in quotes"),
    ("[late]\ndue = 2026-10-31T23:59:00+01:00", "line 2: late.due: 2026-10-31T23:59:00+01:00 is not"
     " a text in quotes"),
    ("[late]\npercent_per_day = 101", "line 2: late.percent_per_day: 101 is not a number from 0 t"),
    ("[late]\ngrace_minutes = -5", "line 2: late.grace_minutes: -5 is not a number of at least 0"),
    ("[cases]\nsizes = []", "line 2: cases.sizes: [] is not a list of 1 or more, each [a whole nu"),
    ("[cases]\nsizes = [7, 3]", "line 2: cases.sizes: [7, 3] is not a list of 1 or more, each [a "),
    ("[public_cases]\nsizes = [[0, 3]]", "line 2: public_cases.sizes: [[0, 3]] is not a list of 1"),
    ("[cases]\nnet_sizes = [[1, 2]]", "line 2: cases.net_sizes: [[1, 2]] is not a list of 1 or mo"),
    # What does not fit together
    ("[cases]\nsizes = [[7, 3],\n [5, 5]]", "line 2: cases.sizes: [5, 5] has N equal to H"),
    ("[homework]\nactivation = 'step'", "line 2: homework.activation: no activation is called 'st"
     "ep'; choose from sigmoid, tanh, softplus, arctan"),
    ("[homework]\ntargets = ['x', 'x^2']", "line 2: homework.targets: target 'x^2': x ^ 2 is not u"
     "nderstood; write numbers, x, pi"),
    ("[homework]\ntargets = ['cos 3']", "line 2: homework.targets: target 'cos 3': not an express"),
    ("[homework]\ntargets = ['log(x)']", "line 2: homework.targets: target 'log(x)': has no finite"
     " value at x = -1"),
    ("[homework]\ntargets = ['1/x']\nn_samples = 11", "line 2: homework.targets: target '1/x': has "
     "no finite value at x = 0"),
    ("[homework]\ntargets = ['x**0.5']", "line 2: homework.targets: target 'x**0.5': has no finit"),
    ("[homework]\ntargets = ['x+9**9**9**9']", "line 2: homework.targets: target 'x+9**9**9**9': "),
    ("[homework]\nbiases = ['row', 'sample', 'row']", 'line 2: homework.biases: lists "row" twice'),
    ("[tolerance]\nhalf = 1e-13", "line 2: tolerance.half: 1e-13 is below tolerance.full, 1e-12; "),
    ("[tolerance]\nfull = 1e-3", "line 2: tolerance.half: 1e-05 is below tolerance.full, 0.001; h"),
    ("[spellings]\nw1 = ['w', 'x']", 'line 2: spellings: "x" is a spelling of both x and w1; leav'),
    ("[spellings]\nhs = ['lambda']", 'line 2: spellings.hs: "lambda" is a word of Python\'s own'),
    ("[late]\ndue = '2026-10-31'", "line 2: late.due: '2026-10-31' is not a time with an offset, "),
    ("[late]\ndue = '2026-13-31T00:00:00Z'", "line 2: late.due: '2026-13-31T00:00:00Z' is not a t"),
    # The file itself
    ("[points]\nnet = ", "line 2: not TOML: invalid value; a rubric has [table] lines, and key = "),
    ("[points]\nnet = 1\nnet = 2\n[late]", "line 3: not TOML: cannot overwrite a value; a rubric"),
    ("[points]\n\nnet : 3\n", "line 3: not TOML: expected '=' after a key"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), FAULTS, ids=[line.split(": ")[1] for _, line in FAULTS])
def test_a_fault_is_one_line_with_its_place(tmp_path, text, line):
    (said,) = faults_of(written(tmp_path, text))
    assert said.startswith(line)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_rubric_that_is_not_utf_8_is_told_with_its_line(tmp_path, encoding):
    path = tmp_path / "mine.toml"
    path.write_bytes("[homework]\n# für\n".encode(encoding))
    line = {"latin-1": 2, "utf-16": 1}[encoding]
    assert faults_of(path) == [f"line {line}: not UTF-8: save the file in UTF-8"]


def test_criteria_of_a_convention_that_is_not_asked_are_a_line_each(tmp_path):
    path = written(tmp_path, '[points]\n"grad_b1.row" = 3\n[homework]\nbiases = ["sample"]\n')
    said = faults_of(path)
    places = ['line 2: points."grad_b1.row"', 'line 4: points."grad_b2.row"']
    assert all(line.startswith(f"{p}: {NOT_ASKED}") for p, line in zip(places, said, strict=True))


def test_a_rubric_without_any_criterion_is_refused(tmp_path):
    off = "\n".join(f'"{name}" = false' for name in CRITERIA)
    assert faults_of(written(tmp_path, f"[points]\n{off}\n")) == [
        "line 1: points: no criterion is left; give one of them points, not false"
    ]


def test_any_one_criterion_may_be_the_only_one(tmp_path):
    for asked in CRITERIA:
        off = "\n".join(f'"{name}" = false' for name in CRITERIA if name != asked)
        assert list(loaded(tmp_path, f"[points]\n{off}\n").points) == [asked]


# What a course puts in the place of grader/homework/rubric.toml


@pytest.fixture
def own_file(monkeypatch, tmp_path) -> Path:
    path = tmp_path / "rubric.toml"
    monkeypatch.setattr(loading, "RUBRIC_FILE", path)
    return path


def test_the_packages_own_rubric_must_be_whole(own_file):
    text = RUBRIC_FILE.read_text(encoding="utf-8")
    text = text.replace(TRAIN_NET, "").replace("half = 1e-5\n", "")
    own_file.write_text(text.replace("[shares]", "[sharing]"), encoding="utf-8")
    advice = "this file must be whole, as `grader rubric --rubric FILE` prints it"
    said = faults_of(own_file)
    assert [line.split(": ", 1)[1] for line in said if advice in line] == [
        f'points."train.net": is missing; give it points or false; {advice}',
        f"tolerance.half: is missing; {advice}",
        f"shares: the table is missing; {advice}",
    ]
    assert any(": sharing: not a table of a rubric" in line for line in said)
    with pytest.raises(UserError, match="is missing"):
        load_rubric(written(own_file.parent, ""))


def test_what_is_printed_may_take_the_place_of_the_packages(own_file, tmp_path):
    text = '[points]\n"train.net" = false\n[homework]\nnoise = 0.5\n'
    own_file.write_text(RUBRIC_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    rubric = loaded(tmp_path, text)
    own_file.write_text(to_toml(rubric), encoding="utf-8")
    assert load_rubric(own_file) == rubric != OWN


# Printed whole


def test_the_packages_rubric_is_printed_as_it_is_written():
    done = run_grader("rubric")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == to_toml(OWN) == RUBRIC_FILE.read_text(encoding="utf-8")


def test_a_rubric_of_ones_own_is_printed_whole_with_the_packages_comments(tmp_path):
    text = (
        '[points]\n"net" = 12.5\n"train.net" = false\n[homework]\ntargets = ["sin(x)", "x"]\n'
        "[misconceptions]\nzero_gradient = 0.1\n"
    )
    done = run_grader("rubric", "--rubric", written(tmp_path, text))
    assert (done.returncode, done.stderr) == (0, "")
    expected = RUBRIC_FILE.read_text(encoding="utf-8")
    for before, after in [
        (f'"net" = {OWN.points["net"]:g}\n', '"net" = 12.5\n'),
        (TRAIN_NET, '"train.net" = false\n'),
        ('targets = ["x**2"] ', 'targets = ["sin(x)", "x"] '),
        ("mean_for_sum = 0.5\n", "mean_for_sum = 0.5\nzero_gradient = 0.1\n"),
    ]:
        assert expected.count(before) == 1
        expected = expected.replace(before, after)
    assert done.stdout == expected


POINTS = st.just(False) | st.integers(1, 100) | st.floats(0, 1e6, exclude_min=True)
SHARES = st.floats(0, 1)
NAMES = st.sampled_from(sorted(MISTAKES.keys() - OWN_SHARES.keys()))
SIZES = st.lists(st.tuples(st.integers(1, 50), st.integers(51, 99)).map(list), min_size=1)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "points": st.dictionaries(st.sampled_from(CRITERIA[:-1]), POINTS),
        "misconceptions": st.dictionaries(NAMES, SHARES),
        "shares": st.fixed_dictionaries({}, optional={"half": SHARES}),
        "cases": st.fixed_dictionaries(
            {}, optional={"sizes": SIZES, "seed": st.integers(0, 2**63 - 1)}
        ),
        "homework": st.fixed_dictionaries(
            {},
            optional={
                "activation": st.sampled_from(sorted(activations())),
                "targets": st.lists(
                    st.sampled_from(["x", "cos(3*x)", "abs(x)"]), min_size=1, max_size=3
                ),
                "per_student": st.booleans(),
            },
        ),
        "spellings": st.fixed_dictionaries(
            {}, optional={"params": st.lists(st.sampled_from(["p", "θ", "parameters"]), min_size=1)}
        ),
    },
)  # fmt: skip


@given(CHANGES)
def test_what_is_printed_is_the_same_rubric(tmp_path_factory, changes):
    folder = tmp_path_factory.mktemp("printed")
    rubric = loaded(folder, tomlkit.dumps(changes))
    whole = to_toml(rubric)
    assert loaded(folder, whole) == rubric
    assert to_toml(loaded(folder, whole)) == whole


# Kept as JSON


@given(CHANGES)
def test_what_is_kept_is_the_same_rubric(tmp_path_factory, changes):
    rubric = loaded(tmp_path_factory.mktemp("kept"), tomlkit.dumps(changes))
    assert rubric_from_json(msgspec.json.encode(rubric)) == rubric


def kept_by_another_grader(change: Callable[[dict], object], **more: object) -> Rubric:
    """Return a rubric that a grader kept whose rubrics were `changed`."""
    kept = msgspec.to_builtins(msgspec.structs.replace(OWN, **more))
    change(kept)
    return rubric_from_json(msgspec.json.encode(kept))


OTHERS = {
    "there was no such part": lambda kept: kept.pop("software"),
    "there was no such value": lambda kept: kept["late"].pop("zone"),
    "twenty files were graded, whatever it says": lambda kept: kept["limits"].pop("graded_files"),
    "there is no such part any more": lambda kept: kept.update(plagiarism={"threshold": 0.5}),
    "there is no such value any more": lambda kept: kept["limits"].update(gpu_seconds=3),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_another_grader_kept_has_the_packages_values_for_the_rest(name):
    shares = msgspec.structs.replace(OWN.shares, half=0.25)
    assert kept_by_another_grader(OTHERS[name], shares=shares) == msgspec.structs.replace(
        OWN, shares=shares
    )


def test_a_criterion_that_was_not_asked_then_is_not_asked_now():
    points = {"grad_w1": 20.0, "net": 12.0}
    kept = kept_by_another_grader(OTHERS["there was no such part"], points=points)
    assert kept.points == points


DIFFERENCES = [  # what a rubric says, and how it differs from the package's
    ("", []),
    ("[late]\npercent_per_day = 10\n", []),
    ("[shares]\nhalf = 0.25\n", ["shares.half: 0.5 -> 0.25"]),
    ('[points]\n"net" = false\n', [f"points.net: {OWN.points['net']} -> 'not there'"]),
    (
        '[late]\ndue = "2026-10-31T23:59:00Z"\ngrace_minutes = 5\n',
        ["late.due: '' -> '2026-10-31T23:59:00Z'", "late.grace_minutes: 0.0 -> 5.0"],
    ),
    ('[homework]\nbiases = ["row"]\n[points]\n"grad_b1.sample" = false\n'
     '"grad_b2.sample" = false\n',
     [f"points.grad_b1.sample: {OWN.points['grad_b1.sample']} -> 'not there'",
      f"points.grad_b2.sample: {OWN.points['grad_b2.sample']} -> 'not there'",
      "homework.biases: ['sample', 'row'] -> ['row']"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), DIFFERENCES)
def test_what_differs_is_named_with_both_values(tmp_path, text, said):
    other = loaded(tmp_path, text)
    assert differences(OWN, other) == said
    assert len(differences(other, OWN)) == len(said)


def test_a_criterion_that_is_new_is_named():
    points = msgspec.structs.replace(OWN, points={"net": 12.0})
    assert f"points.grad_w1: 'not there' -> {OWN.points['grad_w1']}" in differences(points, OWN)


# By the commands

MANY = """\
[points]
"grad_w3" = 14
"grad_w1" = 0
"net" = -3
[homework]
activation = "sigmod"
targets = ["foo(x)"]
[shares]
half = 1.5
[misconceptions]
sing = 0.5
[cases]
sizes = [[3, 3]]
[training]
steps = 0
[attempts]
counts = "first"
[late]
due = "tomorrow"
[archives]
entries = -5
[closedform]
"""

COMMANDS = [
    ("grade", SOLUTION, "--out", "out"),
    ("check", SOLUTION),
    ("check", SOLUTION, "--watch"),
    ("validate",),
    ("calibrate", "--out", "out"),
    ("release", "--root", "out", "--out", "out"),
    ("convert", "--to", "otter", "--seed", 2**127, "--out", "out"),
    ("autograder", "gradescope", "--seed", 2**127, "--out", "out"),
    ("settings",),
    ("override", "ada", 3, "--why", "so"),
    ("history", "ada"),
    ("export", "--to", "csv", "--out", "out"),
    ("similar", SOLUTION, "--out", "out"),
    ("rubric",),
]


def with_python_path(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder)}


@pytest.mark.parametrize("command", COMMANDS, ids=[" ".join(map(str, c[:2])) for c in COMMANDS])
def test_a_command_tells_all_faults_and_writes_nothing_and_imports_no_torch(tmp_path, command):
    path = written(tmp_path, MANY)
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "torch.py").write_text("raise SystemExit('torch was imported')\n")
    (tmp_path / "results").mkdir()
    with opened(default_url(tmp_path / "results")) as book:
        before = book.settings()
    done = subprocess.run(
        [str(GRADER), *map(str, command), "--rubric", str(path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=tmp_path,
        env=with_python_path(tmp_path / "first"),
    )
    told = [f"grader: {path}, {line}" for line in faults_of(path)]
    assert len(told) == 13
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (2, "", told)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first", "mine.toml", "results"]
    assert [p.name for p in (tmp_path / "results").iterdir()] == ["gradebook.db"]
    with Gradebook(default_url(tmp_path / "results")) as book:
        assert book.settings() == before


def test_a_partial_rubric_grades_what_it_asks(tmp_path):
    path = written(tmp_path, '[points]\n"train.net" = false\n"train.manual" = false\nnet = 20\n')
    done = run_grader("check", SOLUTION, "--rubric", path)
    assert done.returncode == 0, done.stderr
    points = MAX_UNTRAINED - worth("net") + 20
    assert out_of(points, points) in done.stdout


def test_training_can_be_checked_where_the_forward_pass_has_no_points(tmp_path):
    path = written(tmp_path, '[points]\n"forward.values" = false\n[training]\nsteps = 2000\n')
    done = run_grader("check", SOLUTION, "--only", "train_net", "--rubric", path)
    assert done.returncode == 0, done.stderr
    assert out_of(worth("train.net"), worth("train.net")) in done.stdout


def test_a_seed_that_is_too_large_is_a_usage_error(tmp_path):
    done = run_grader("grade", SOLUTION, "--out", tmp_path / "out", "--seed", 2**128)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_variant_without_sense_is_refused_before_it_is_measured(tmp_path):
    done = run_grader("new-variant", tmp_path / "v", "--noise", "inf")
    assert done.returncode == 2
    assert done.stderr == "grader: homework.noise: inf is not a number of at least 0\n"
    assert not (tmp_path / "v").exists()
