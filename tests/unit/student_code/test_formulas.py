"""Assignments that stand for functions: what is read, what it earns, and what hostile ones cost."""

from dataclasses import replace
from itertools import cycle, islice

import msgspec
import pytest
from conftest import ROOT
from handed import PACKAGES, module, notebook, round_of
from worth import MAX_UNTRAINED, worth

from grader.errors import UserError
from grader.homework.tasks import TASKS
from grader.judging.judge import SourceFacts
from grader.rubric import check_rubric, load_rubric
from grader.rubric.cases import hidden_cases
from grader.scoring.points import score
from grader.source.imports import Files
from grader.student_code.calls import answer
from grader.student_code.contract import Call
from grader.student_code.formulas import formulas_of, with_formulas
from grader.student_code.guards import guarded
from grader.student_code.loading import load
from grader.student_code.static_analysis import screen

RUBRIC = load_rubric()
SPELLINGS = RUBRIC.spellings

HEAD = """import torch
x, y = torch.randn(9, 1), torch.randn(9, 1)
w1 = torch.randn(1, 4, requires_grad=True)
b1 = torch.randn(9, 4, requires_grad=True)
w2 = torch.randn(4, 1, requires_grad=True)
b2 = torch.randn(9, 1, requires_grad=True)
h = x.mm(w1) + b1
hs = torch.sigmoid(h)
yp = hs.mm(w2) + b2
loss = (y - yp).pow(2).sum()
loss.backward(retain_graph=True)
"""
LINES = HEAD.count("\n")
D = "((y - yp).mm(w2.t()) * hs * (1 - hs))"
W1 = f"w1_grad = -2 * x.t().mm({D})"


@pytest.fixture(scope="module")
def graded():
    """Return what a source earns in this process without training: verdicts by criterion."""
    cases = [case for case in hidden_cases(RUBRIC, 5) if not case.criterion.startswith("train.")]
    points = {name: p for name, p in RUBRIC.points.items() if not name.startswith("train.")}
    marking = replace(RUBRIC.marking(), points=points)

    def verdicts(*sources: str):
        main = notebook(*sources)
        formulas = formulas_of(Files(main).pieces(), TASKS, SPELLINGS)
        with guarded():
            loaded = with_formulas(load(main, [], PACKAGES, TASKS), formulas)
            outcomes = [answer(fresh(case.call), loaded) for case in cases]
        named = screen(Files(main), TASKS, formulas)
        judged = score(cases, outcomes, marking, SourceFacts(sightings=named))
        return {verdict.criterion: verdict for verdict in judged}

    return verdicts


def fresh(call: Call) -> Call:
    return Call(call.function, {name: tensor.clone() for name, tensor in call.tensors.items()})


# What stands below HEAD: a closed form of what is given, however it is written.
RIGHT = {
    "as the report does": W1,
    "a name between": f"d = {D}\nw1_grad = -2 * x.t().mm(d)",
    "augmented": "d = (y - yp).mm(w2.t())\nd = d * hs\nd *= 1 - hs\nw1_grad = x.t().mm(d)\n"
    "w1_grad *= -2",
    "two at once": "e, s = y - yp, hs * (1 - hs)\nw1_grad = -2 * x.t().mm(e.mm(w2.t()) * s)",
    "two at once that build on each other": f"a, b = {D}, x.t()\na, b = b, a\n"
    "w1_grad = -2 * a.mm(b)",
    "two at once, one of them given": f"hs, d = torch.sigmoid(h), {D}\nw1_grad = -2 * x.t().mm(d)",
    "annotated": W1.replace("w1_grad", "w1_grad: torch.Tensor"),
    "in place": f"d = {D}\nd.mul_(-2)\nw1_grad = x.t().mm(d)",
    "by its entries": f"w1_grad = torch.zeros_like(w1)\nw1_grad[0] = -2 * x.t().mm({D})[0]",
    "chained": W1.replace("w1_grad =", "g = w1_grad ="),
    "reassigned before and after": f"d = None\nd = {D}\nw1_grad = 0\n"
    "w1_grad = -2 * x.t().mm(d)\nd = None",
    "the last one counts": f"w1_grad = w1.grad\n{W1}",
    "sizes are those of what is given": f"n = len(x)\nones = torch.ones(n, 1)\n"
    f"w1_grad = -2 * (ones * x).t().mm({D})",
    "functions of its own": "def slope(s):\n    return s * (1 - s)\nback = lambda e: e.mm(w2.t())\n"
    "w1_grad = -2 * x.t().mm(back(y - yp) * slope(hs))",
    "a comprehension": f"w1_grad = -2 * sum(x[i : i + 1].t().mm({D}[i : i + 1]) "
    "for i in range(len(x)))",
    "a loop over the rows": f"w1_grad = torch.zeros_like(w1)\nfor i in range(len(x)):\n"
    f"    w1_grad = w1_grad - 2 * x[i] * {D}[i]",
    "a training loop": "for t in range(3):\n    hs = torch.sigmoid(x.mm(w1) + b1)\n"
    f"    yp = hs.mm(w2) + b2\n    d = {D}\n    w1_grad = -2 * x.t().mm(d)\n"
    "    w1 = w1 - 0.001 * w1_grad",
    "no_grad": f"with torch.no_grad():\n    d = {D}\n    w1_grad = -2 * x.t().mm(d)\n"
    "    w1 -= 0.1 * w1_grad",
    "a try": f"try:\n    {W1}\nexcept Exception:\n    pass",
    "a condition": f"w1_grad = x.t().mm({D})\nif w1_grad.shape == w1.shape:\n"
    "    w1_grad = -2 * w1_grad",
    "the main guard": f"if __name__ == '__main__':\n    {W1}",
    "printed beside autograd's": f"{W1}\nprint(w1.grad - w1_grad)\nw1.grad.zero_()",
    "another gradient's": f"b1_grad = -2 * {D}\nw1_grad = x.t().mm(b1_grad)\n"
    "b1_grad = b1_grad.sum_to_size(b1.shape)",
    "params by their names": "from collections import namedtuple\n"
    "params = namedtuple('P', 'w1 b1 w2 b2')(w1, b1, w2, b2)\n"
    + W1.replace("w2.t()", "params.w2.t()"),
}  # fmt: skip


@pytest.mark.parametrize("body", RIGHT.values(), ids=RIGHT.keys())
def test_a_closed_form_of_what_is_given_earns_all(graded, body):
    verdict = graded(HEAD + body)["grad_w1"]
    assert (verdict.points, verdict.message) == (worth("grad_w1"), "right")


# What stands below HEAD, the share of the points, and what is told.
OTHERS = {
    "recomputed": (f"w1_grad = -2 * x.t().mm({D.replace('hs', 'torch.sigmoid(h)')})", 0.5,
                   "right for the hs and y_pred of a forward pass, but not for"),
    "recomputed under another name": (f"a = torch.sigmoid(x.mm(w1) + b1)\n"
                                      f"w1_grad = -2 * x.t().mm({D.replace('hs', 'a')})", 0.5,
                                      "right for the hs and y_pred of a forward pass, but not for"),
    "a flipped sign": (W1.replace("-2", "2"), 0.5, "The sign of your (3.6) is flipped"),
    "what backward left": ("w1_grad = w1.grad", 0,
                           f"torch differentiated here: Tensor.backward (cell 1, line {LINES})"),
    "what backward left, in a loop": ("for t in range(2):\n    loss = (y - yp).pow(2).sum()\n"
                                      "    loss.backward()\n    w1_grad = w1.grad.clone()", 0,
                                      f"Tensor.backward (cell 1, line {LINES + 3})"),
    "autograd.grad": ("w1_grad = torch.autograd.grad(loss, w1)[0]", 0,
                      f"torch.autograd.grad (cell 1, line {LINES + 1})"),
    "autograd.grad of all": ("w1_grad, b1_grad, w2_grad, b2_grad = "
                             "torch.autograd.grad(loss, [w1, b1, w2, b2])", 0,
                             f"torch.autograd.grad (cell 1, line {LINES + 1})"),
    "autograd by another name": ("g = torch.autograd.grad\nw1_grad = g(loss, w1)[0]", 0,
                                 f"torch.autograd.grad (cell 1, line {LINES + 2})"),
    "autograd in a function": ("def g(f, w):\n    return torch.autograd.grad(f, w)\n"
                               "w1_grad = g(loss, w1)[0]", 0,
                               f"torch.autograd.grad (cell 1, line {LINES + 2})"),
    "nothing": ("", 0, "grad_w1 is not defined"),
    "None": ("w1_grad = None", 0, "grad_w1 returned NoneType, not a torch.Tensor"),
    "a name that is nowhere": ("w1_grad = x.t().mm(d)", 0,
                               f"name 'd' is not defined (cell 1, line {LINES + 1})"),
    "a name that comes after": (f"w1_grad = -2 * x.t().mm(d)\nd = {D}", 0,
                                f"name 'd' is not defined (cell 1, line {LINES + 1})"),
    "a name that needs itself": ("a = b\nb = a\nw1_grad = b", 0, "name 'b' is not defined"),
    "a function that is not there": ("grad_w1 = grad_w1(x, y, None, hs, yp)", 0,
                                     "grad_w1 is not defined"),
    "a declaration": ("w1_grad: torch.Tensor", 0, "grad_w1 is not defined"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "share", "told"), OTHERS.values(), ids=OTHERS.keys())
def test_what_is_no_closed_form_of_it_is_told_why(graded, body, share, told):
    verdict = graded(HEAD + body)["grad_w1"]
    assert verdict.points == share * worth("grad_w1")
    assert told in verdict.message


RIGHT_FUNCTION = f"(x, y, params, hs, yp):\n    w2 = params.w2\n    return -2 * x.t().mm({D})"
# Beside `w1_grad = 0 * w1`, which a definition is to outweigh.
DEFINITIONS = [
    f"def grad_w1{RIGHT_FUNCTION}",
    f"if True:\n    def grad_w1{RIGHT_FUNCTION}".replace("\n    ", "\n        ").replace(
        "        def", "    def"
    ),
    f"def make():\n    def g{RIGHT_FUNCTION}".replace("\n    ", "\n        ").replace(
        "        def", "    def"
    )
    + "\n    return g\ngrad_w1 = make()",
    f"def g{RIGHT_FUNCTION}\ngrad_w1 = lambda *given: g(*given)",
    f"exec({f'def grad_w1{RIGHT_FUNCTION}'!r})",
]


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("wrong_first", [True, False])
def test_a_function_that_is_defined_wins(graded, definition, wrong_first):
    parts = ["w1_grad = 0 * w1", definition]
    body = "\n".join(parts if wrong_first else parts[::-1])
    assert graded(HEAD + body)["grad_w1"].points == worth("grad_w1")


def test_some_may_be_functions_and_others_assignments(graded):
    body = "def grad_b2(x, y, params, hs, yp):\n"
    body += f"    return (-2 * (y - yp)).sum_to_size(params.b2.shape)\n{W1}"
    points = {name: verdict.points for name, verdict in graded(HEAD + body).items()}
    right = ["forward.values", "forward.stable", "grad_w1", "grad_b2.sample", "grad_b2.row"]
    wrong = ["grad_b1.sample", "grad_b1.row", "grad_w2", "net"]
    assert points == {name: worth(name) for name in right} | dict.fromkeys(wrong, 0)


# Each source uses another spelling of everything, as far as there are so many.
VARIANTS = range(max(map(len, SPELLINGS.values())))
EVERYTHING = """{x}, {y} = torch.randn(9, 1), torch.randn(9, 1)
{w1}, {b1}, {w2}, {b2} = torch.randn(1, 4), torch.randn(1, 4), torch.randn(4, 1), torch.randn(1, 1)
{params} = ({w1}, {b1}, {w2}, {b2})
{hs} = torch.sigmoid({x} @ {w1} + {b1})
{y_pred} = {hs} @ {w2} + {b2}
residual = {y} - {y_pred}
{grad_b2} = (-2 * residual).sum_to_size({b2}.shape)
{grad_w2} = -2 * {hs}.T @ residual
inner = residual @ {w2}.T * {hs} * (1 - {hs})
{grad_b1} = (-2 * inner).sum_to_size({b1}.shape)
{grad_w1} = -2 * {x}.T @ inner
"""


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_spelling_of_the_rubric_is_read(graded, variant):
    spelled = {name: next(islice(cycle(own), variant, None)) for name, own in SPELLINGS.items()}
    verdicts = graded("import torch\n" + EVERYTHING.format(**spelled))
    assert sum(verdict.points for verdict in verdicts.values()) == MAX_UNTRAINED - worth("net")


def test_of_several_spellings_the_first_of_the_rubric_counts(graded):
    assert graded(HEAD + W1 + "\ndW1 = w1.grad")["grad_w1"].points == worth("grad_w1")
    assert (
        graded(HEAD + W1.replace("w1_grad", "dW1") + "\nw1_grad = w1.grad")["grad_w1"].points == 0
    )


@pytest.mark.parametrize(
    ("forward", "told"),
    [
        ("hs = torch.sigmoid(x.mm(w1) + b1)", "forward raised NameError: name 'yp' is not defined"),
        ("yp = torch.sigmoid(x.mm(w1) + b1).mm(w2) + b2", "name 'hs' is not defined"),
        ("hs, yp = forward(x, params)", "forward is not defined"),
        ("a = torch.sigmoid(x.mm(w1) + b1)", "forward is not defined"),
    ],
)
def test_a_forward_pass_that_lacks_something_is_told_what(graded, forward, told):
    verdict = graded("import torch\n" + forward + "\nw1_grad = x")["forward.values"]
    assert (verdict.points, told in verdict.message) == (0, True)


@pytest.mark.parametrize("source", ["hs = [1, 2]", "y_pred = model(x)", "yp = 3\nyhat = 4"])
def test_names_of_another_notebook_are_no_forward_pass(graded, source):
    verdicts = graded(source)
    names = ", ".join(TASKS.definitions)
    assert {verdict.message for verdict in verdicts.values()} == {
        f"nothing that is asked is defined: define {names}."
    }


def test_a_forward_pass_by_a_function_of_its_own(graded):
    layers = "def layers(x, w1, b1, w2, b2):\n    s = torch.sigmoid(x @ w1 + b1)\n"
    layers += "    return s, s @ w2 + b2\nhs, yp = layers(x, w1, b1, w2, b2)"
    verdicts = graded("import torch\n" + layers)
    for name in ("forward.values", "forward.stable"):
        assert verdicts[name].points == worth(name)


def test_places_are_those_of_the_students_own_cells(graded):
    cells = (HEAD, "# a comment\nd = (y - yp).mm(w1.t())", W1.replace(D, "d"), "broken = = 1")
    verdict = graded(*cells)["grad_w1"]
    assert "(cell 2, line 2)" in verdict.message


HOSTILE = {
    "many assignments": "a = x\n" * 100_000 + "w1_grad = a",
    "many steps": "w1_grad = x\n" + "w1_grad = w1_grad + 1\n" * 20_000,
    "a long expression": "w1_grad = " + " + ".join(["x"] * 50_000),
    "a deep expression": "w1_grad = " + "(" * 150 + "x" + ")" * 150,
    "brackets without end": "w1_grad = " + "[" * 100_000,
    "deep statements": "".join(" " * n + "if x:\n" for n in range(90)) + " " * 90 + "w1_grad = x",
    "a long chain": "if a: w1_grad = x\n" + "elif a: w1_grad = x\n" * 5_000,
    "endless": "w1_grad = x\nwhile True:\n    w1_grad = w1_grad + 1",
    "names that shadow": "exec = eval = zip = dict = callable = frozenset = None\nw1_grad = x",
    "builtins that are gone": "import builtins\nbuiltins.exec = builtins.zip = None\nw1_grad = x",
    "it ends": "import os\nhs = yp = w1_grad = os._exit(3)",
    "odd names": "globals()[1] = globals()[(2,)] = 3\nw1_grad = x",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_source_costs_itself_alone(zygote, rubric, source):
    limits = msgspec.structs.replace(rubric.limits, call_seconds=0.5, statement_seconds=0.5)
    call = next(c.call for c in hidden_cases(rubric, 5) if c.call.function == "grad_w1")
    with zygote.fork_worker(limits) as worker:
        worker.load(module(source), [], PACKAGES, TASKS, SPELLINGS)
        (outcome,) = worker.ask(round_of(1, call))
    # x is no gradient: whatever came back earns nothing.
    assert outcome.problem or outcome.tensors[0].shape != call.tensors["w1"].shape
    with zygote.fork_worker(rubric.limits) as worker:
        assert worker.load(module(HEAD + W1), [], PACKAGES, TASKS, SPELLINGS) == []
        (outcome,) = worker.ask(round_of(1, call))
    assert outcome.problem is None


def test_a_source_of_functions_is_read_no_further():
    main = module((ROOT / "solution" / "homework.py").read_text(encoding="utf-8"))
    assert formulas_of(Files(main).pieces(), TASKS, SPELLINGS) == []


BAD_SPELLINGS = [
    ("x", [], "a list of 1 or more"),
    ("x", ["a b"], "a name as Python allows them"),
    ("z", ["z"], "not a name of the homework's"),
]


@pytest.mark.parametrize(("name", "spelled", "says"), BAD_SPELLINGS)
def test_spellings_that_are_none_are_refused(rubric, name, spelled, says):
    with pytest.raises(UserError, match=says):
        check_rubric(msgspec.structs.replace(rubric, spellings={**SPELLINGS, name: spelled}))


@pytest.mark.parametrize("only", ["grad_w1", "forward.values", "grad_b2.row"])
def test_the_self_check_reads_assignments_too(warm, only):
    script = ROOT / "tests" / "submissions" / "report_in_one_script.py"
    done = warm.run("check", script, "--only", only)
    right = only != "grad_b2.row"
    assert done.returncode == (0 if right else 1), done.stdout + done.stderr
    assert right or "report_in_one_script.py, line 23" in done.stdout


def test_each_gradient_of_the_homework_has_its_spellings():
    assert {"hs", "y_pred", *TASKS.gradients} < SPELLINGS.keys()
