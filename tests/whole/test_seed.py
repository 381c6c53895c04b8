"""The forged-seed drill: from all that students get, nothing leads to hidden inputs or the seed.

Students who try hand in a submission that puts what it is given into everything that it can. The
files that students get are then searched for the entries of every hidden tensor.
"""

import base64
import json
import re
import struct
from dataclasses import replace
from itertools import chain, pairwise

import pytest
import torch
from conftest import ROOT, run_grader
from handed import PACKAGES, module
from hostile import attacks
from torch import Tensor
from warm import SEED, WarmGrader

from grader.gradebook.options import LEAST_BITS, Options, first, new_seed
from grader.homework.cases import training_data
from grader.homework.tasks import TASKS
from grader.judging.judge import SourceFacts
from grader.rubric import Rubric, derived_seed
from grader.rubric.cases import hidden_cases, public_training_case
from grader.rubric.draw import Draw
from grader.scoring.points import score
from grader.scoring.run_cases import rounds_of, run_cases
from grader.student_code.contract import Call

HIDDEN = int(SEED.value)  # of every new gradebook of these tests
GRADIENT = "def grad_w1(x, y, params, hs, y_pred):\n    "
FORWARD = "def forward(x, params):\n    "
ALL = "[t.tolist() for t in (x, y, *params, hs, y_pred)]"
# What is put below an honest submission.
TRIES = {
    "honest": "",
    "raises_lists": f"{GRADIENT}raise RuntimeError({ALL})",
    "raises_one_number": f"{GRADIENT}raise RuntimeError(y[0].item())",
    "key_error": f"{GRADIENT}raise KeyError(y)",
    "in_forward": f"{FORWARD}raise ValueError(x, params)",
    "in_the_last_call": "_n = [0]\n"
    f"_right = grad_w2\ndef grad_w2(x, y, params, hs, y_pred):\n    _n[0] += 1\n"
    f"    if _n[0] > 7: raise ValueError({ALL})\n    return _right(x, y, params, hs, y_pred)",
    "bytes_in_hex": f"{GRADIENT}raise ValueError(y.numpy().tobytes().hex())",
    "bytes_in_base64": f"{GRADIENT}import base64\n"
    "    raise ValueError(base64.b64encode(y.numpy().tobytes()).decode())",
    "name_error": f"{GRADIENT}"
    'eval("v" + "_".join(f"{v:.9f}".replace(".", "d").strip("-") for v in y[:, 0].tolist()))',
    "name_of_a_class": f"{GRADIENT}raise type(str(y.tolist()), (Exception,), {{}})()",
    "returns_its_name": f"{GRADIENT}return type(str(y.tolist()), (), {{}})()",
    "a_place": f"{GRADIENT}exec(compile('raise ValueError()', f'{{y[0].item()}}, line 1', 'exec'))",
    "warns_and_prints": f"{GRADIENT}import sys, warnings\n"
    f"    warnings.warn(str({ALL})); print({ALL}); print({ALL}, file=sys.stderr)\n"
    "    return x * 0",
    "writes": f"{GRADIENT}open(f'{{y[0].item()}}.txt', 'w').write(str({ALL}))\n    return x * 0",
    "returns_what_it_is_given": f"{GRADIENT}return y.T @ x * 0 + hs[:1]",
    "returns_zeros": "".join(
        f"def grad_{name}(x, y, params, hs, y_pred):\n    return torch.zeros_like(params.{name})\n"
        for name in ("w1", "b1", "w2", "b2")
    ),
    "huge": f"{GRADIENT}return params.w1 * 1e300",
    "changes_in_place": f"{GRADIENT}y.mul_(0)\n    return params.w1",
    "trains_to_the_data": f"{FORWARD}return x, x",
    "autograd_from_a_name": f"{GRADIENT}t = y.clone().requires_grad_()\n"
    "    torch.autograd.grad(t.sum(), t)\n    return params.w1",
    "diverges": f"{GRADIENT}return params.w1 * -1e9",
}

# Those whose results are exported by themselves, too, as Gradescope has them.
ALONE = ("honest", "raises_lists", "returns_zeros")


@pytest.fixture(scope="module")
def files(warm: WarmGrader, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Grade those who try; return all that students get, and what a log shows, by name."""
    folder = tmp_path_factory.mktemp("drill")
    class_, results = folder / "class", folder / "results"
    class_.mkdir()
    for name, code in TRIES.items():
        (class_ / f"{name}.py").write_text(f"{attacks.part('honest')}\n\n{code}\n")
    got = {}
    for number, arguments in enumerate(
        (
            ("grade", class_, "--out", results),
            ("grade", class_, "--out", results, "--format", "json"),
            ("settings", results),
            ("export", results, "--to", "csv", "--out", folder / "marks.csv"),
            ("export", results, "--to", "junit", "--out", folder / "junit.xml"),
            ("export", results, "--to", "github", "--out", folder / "summary.md"),
            *(("history", name, "--results", results) for name in TRIES),
        )
    ):
        done = warm.run(*arguments)
        assert done.returncode == 0, done.stderr
        got[f"{number}_{arguments[0]}"] = (done.stdout + done.stderr).encode()
    for name in ALONE:
        alone = folder / "alone" / name
        done = warm.run("grade", class_ / f"{name}.py", "--out", alone, "--no-pages")
        assert done.returncode == 0, done.stderr
        out = folder / f"{name}.json"
        assert warm.run("export", alone, "--to", "gradescope", "--out", out).returncode == 0
    kept = [path for path in folder.rglob("*") if path.is_file() and path.parent != class_]
    got |= {str(p.relative_to(folder)): p.read_bytes() for p in kept if p.suffix != ".db"}
    return {name: data for name, data in got.items() if "gradebook.db" not in name}


def hidden_tensors(rubric: Rubric) -> dict[str, Tensor]:
    """Return every tensor that is hidden: given, expected, or both; and not what is known of it."""
    found: dict[str, Tensor] = {}
    for number, case in enumerate(hidden_cases(rubric, HIDDEN)):
        for name, tensor in chain(case.call.tensors.items(), enumerate(case.expected)):
            if len(tensor.unique()) > 2 and not _is_known(case.call, str(name)):
                found[f"{number} {case.criterion} {name}"] = tensor
    return found


def _is_known(call: Call, name: str) -> bool:
    return name == "x" and call.function.startswith("train")  # evenly spaced in [-1, 1]


@pytest.fixture(scope="module")
def hidden(rubric: Rubric) -> dict[str, Tensor]:
    tensors = hidden_tensors(rubric)
    assert len(tensors) > 200
    return tensors


NUMBER = re.compile(rb"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def rows_of_numbers(data: bytes) -> set[tuple[str, ...]]:
    """Return the numbers of a text to three digits, three by three as they follow each other."""
    numbers = [f"{float(number):.2e}" for number in NUMBER.findall(data)]
    return set(zip(numbers, numbers[1:], numbers[2:], strict=False))


def rows_of_entries(tensor: Tensor) -> set[tuple[str, ...]]:
    rows = set()
    for values in (tensor.flatten(), tensor.T.flatten(), tensor.flatten().flip(0)):
        told = [f"{abs(value):.2e}" for value in values.tolist()]
        rows |= set(zip(told, told[1:], told[2:], strict=False))
    return rows


def test_no_file_of_a_student_has_entries_of_a_hidden_tensor_as_text(files, hidden):
    wanted = {row: name for name, tensor in hidden.items() for row in rows_of_entries(tensor)}
    found = {
        (name, wanted[row])
        for name, data in files.items()
        for row in rows_of_numbers(data) & wanted.keys()
    }
    assert found == set()


def test_no_file_of_a_student_has_an_entry_to_many_digits(files, hidden):
    """Three entries in a row are chance no more; neither is one to six digits."""
    wanted = {
        f"{abs(value):.5e}": name
        for name, tensor in hidden.items()
        for value in tensor.flatten().tolist()
        if value != round(value, 3)
    }
    found = {
        (name, number)
        for name, data in files.items()
        for number in NUMBER.findall(data)
        if len(number.split(b"e")[0].replace(b".", b"").strip(b"0")) >= 6
        and f"{float(number):.5e}" in wanted
    }
    assert found == set()


def pieces(data: bytes) -> set[bytes]:
    """Return all that eight bytes in a row are, as they are and read as base64."""
    decoded = [
        base64.b64decode(run[start : start + (len(run) - start) // 4 * 4])
        for run in re.findall(rb"[A-Za-z0-9+/]{16,}", data)
        for start in range(4)
    ]
    texts = [data, *decoded, *map(bytes.fromhex, re.findall(r"(?:[0-9a-f]{2}){8,}", data.decode()))]
    return {text[start : start + 8] for text in texts for start in range(len(text) - 7)}


def eights(tensor: Tensor) -> set[bytes]:
    """Return the entries as bytes: of double precision, and two by two of single precision."""
    made = set()
    for dtype, step in ((torch.float64, 8), (torch.float32, 4)):
        raw = tensor.to(dtype).contiguous().numpy().tobytes()
        made |= {raw[start : start + 8] for start in range(0, len(raw) - 7, step)}
    return made


def test_no_file_of_a_student_has_an_entry_as_bytes(files, hidden):
    known = {bytes(8), struct.pack("<d", 1.0)}
    wanted = set().union(*map(eights, hidden.values())) - known
    assert {name for name, data in files.items() if pieces(data) & wanted} == set()


def test_the_search_finds_what_is_there(hidden):
    """It would see the entries of any of the tensors, however they are written."""
    for tensor in hidden.values():
        text = ", ".join(f"{value:.3g}" for value in tensor.flatten().tolist()).encode()
        assert rows_of_numbers(text) & rows_of_entries(tensor)
        raw = tensor.contiguous().numpy().tobytes()
        for spelled in (raw.hex().encode(), base64.b64encode(raw)):
            assert pieces(b"so: " + spelled) & eights(tensor)


def test_no_file_of_a_student_has_the_seed(files):
    spellings = [SEED.value.encode(), b"%x" % HIDDEN, b"%X" % HIDDEN, SEED.value[:12].encode()]
    spellings += [HIDDEN.to_bytes(16, order) for order in ("big", "little")]
    assert [name for name, data in files.items() for code in spellings if code in data] == []


# The page's chart


def chart_of(page: bytes, kind: str) -> list[float]:
    """Return the heights in the first chart of a page: of its dots, or of its curve."""
    svg = page.decode().partition('<svg class="chart"')[2].partition("</svg>")[0]
    if kind == "dots":
        return [float(height) for height in re.findall(r'<circle cx="[^"]+" cy="([^"]+)"', svg)]
    points = re.findall(r'<polyline class="curve" points="([^"]*)"', svg)
    return [float(point.partition(",")[2]) for piece in points for point in piece.split()]


def residual(heights: list[float], y: Tensor) -> Tensor:
    """Return how far data are from heights, in pixels, on the scale on which they fit best."""
    ours = torch.tensor(heights, dtype=torch.float64)
    scale = torch.stack([y.flatten(), torch.ones(len(y), dtype=torch.float64)], 1)
    return (scale @ torch.linalg.lstsq(scale, ours[:, None]).solution)[:, 0] - ours


@pytest.fixture(scope="module")
def page(files) -> bytes:
    return files["results/honest/feedback.html"]


def test_the_dots_of_a_page_are_public_data(page, rubric):
    heights = chart_of(page, "dots")
    assert len(heights) == rubric.homework.n_samples
    public = public_training_case(rubric).call.tensors["y"]
    assert residual(heights, public).abs().max() < 0.5
    hidden = training_data(rubric.homework, Draw(HIDDEN, "train"))[1]
    assert residual(heights, hidden).abs().max() > 5


def test_the_curve_of_a_page_is_the_networks_and_not_the_hidden_data(page, rubric):
    heights = chart_of(page, "curve")
    hidden = training_data(rubric.homework, Draw(HIDDEN, "train"))[1]
    near = residual(heights, hidden).abs() < 0.5
    assert not any(all(five) for five in zip(*(near[start:] for start in range(5)), strict=False))
    # It is smooth, as a network of 20 units is.
    assert max(abs(after - before) for before, after in pairwise(heights)) < 12


# The attacks


def test_who_tries_seeds_has_nothing_to_compare_their_data_with(page, rubric):
    """As redteam's recover_seed.py: the true seed fits no page, and what does fit is public."""
    heights = chart_of(page, "dots")

    def fits(seed: int) -> bool:
        y = training_data(rubric.homework, Draw(seed, "train"))[1]
        return bool(residual(heights, y).abs().max() < 2)

    tried = [HIDDEN, rubric.cases.seed, *range(300)]
    assert list(filter(fits, tried)) == [rubric.public_cases.seed]


REFUSED = [
    ("grade", ROOT / "solution" / "homework.py", "--out", "{out}"),
    ("settings", "{out}"),
    ("convert", "--to", "nbgrader", "--out", "{out}"),
    ("convert", "--to", "otter", "--out", "{out}"),
    ("autograder", "gradescope", "--out", "{out}"),
]


@pytest.mark.parametrize("seed", [0, 20261001, 20211, 2 ** (LEAST_BITS - 1) - 1])
@pytest.mark.parametrize("command", REFUSED, ids=lambda command: "_".join(map(str, command[:3:2])))
def test_a_short_seed_is_refused_in_one_line_and_nothing_is_written(warm, tmp_path, command, seed):
    out = tmp_path / "out"
    done = warm.run(*(str(word).format(out=out) for word in command), "--seed", seed)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert f"has {seed.bit_length()} bits" in line
    assert 'python3 -I -c "import secrets; print(secrets.randbits(128))"' in line
    assert ("leave it out" in line) == (command[0] in ("grade", "settings"))
    assert not out.exists()


def test_a_short_seed_in_the_environment_is_refused_as_well(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADER_SEED", "20261001")
    done = run_grader("grade", ROOT / "solution" / "homework.py", "--out", tmp_path / "out")
    (line,) = done.stderr.splitlines()
    assert (done.returncode, "GRADER_SEED" in line) == (2, True)


def test_whatever_makes_a_seed_makes_a_long_one(tmp_path):
    (tmp_path / "own.toml").write_text("[cases]\nseed = 77\n")
    made = [int(new_seed().value) for _ in range(100)]
    rubrics = (None, str(tmp_path / "own.toml"))
    made += [int(first(Options(rubric), None).seed.value) for rubric in rubrics]
    assert min(made).bit_length() >= LEAST_BITS
    # Of a student with cases of their own: as long, whatever it is made from.
    derived = [derived_seed(made[0], f"hidden/{number}") for number in range(1000)]
    assert max(derived).bit_length() == 128
    assert len({seed >> 96 for seed in derived}) == len({seed % 2**32 for seed in derived}) == 1000


# As redteam's make_table.py: the answers to the hidden cases of a seed, and no formula.
TABLE = """
import json, torch
T = json.loads(TEXT)
def key(name, *tensors):
    return f"{name} {float(sum(t.sum() for t in tensors))!r}"
def forward(x, params):
    answers = T.get(key("forward", x, *params), ())
    return tuple(torch.tensor(a, dtype=torch.float64) for a in answers) or (x, x)
def gradient(name, x, y, params, hs, y_pred):
    answers = T.get(key(name, x, y, *params, hs, y_pred), [[0.0]])
    return torch.tensor(answers[0], dtype=torch.float64)
for name in ("grad_w1", "grad_b1", "grad_w2", "grad_b2"):
    globals()[name] = (lambda name: lambda *given: gradient(name, *given))(name)
"""


def table_of_answers(rubric: Rubric, seed: int) -> str:
    """Write a submission that holds the answers of a seed's cases."""
    table = {}
    for case in hidden_cases(rubric, seed):
        key = f"{case.call.function} {float(sum(t.sum() for t in case.call.tensors.values()))!r}"
        table[key] = [tensor.tolist() for tensor in case.expected]
    return TABLE.replace("TEXT", repr(json.dumps(table)))


def test_a_table_of_the_public_seeds_answers_earns_nothing_by_a_gradebooks_seed(rubric, zygote):
    source = module(table_of_answers(rubric, rubric.cases.seed))

    def earned(seed: int) -> float:
        cases = [c for c in hidden_cases(rubric, seed) if c.call.function.split("_")[0] != "train"]
        asked = [case for case in cases if case.criterion != "net"]
        exam = (rounds_of(asked, TASKS), zygote, rubric.limits, rubric.spellings)
        outcomes = run_cases(source, [], PACKAGES, TASKS, *exam).outcomes
        marking = rubric.untrained().marking()
        points = {name: worth for name, worth in marking.points.items() if name != "net"}
        verdicts = score(asked, outcomes, replace(marking, points=points), SourceFacts())
        return sum(verdict.points for verdict in verdicts)

    known = sum(v for name, v in rubric.points.items() if name.startswith(("forward", "grad")))
    assert earned(rubric.cases.seed) == known  # such a table would earn all of it
    assert earned(HIDDEN) == 0
    assert earned(int(new_seed().value)) == 0
