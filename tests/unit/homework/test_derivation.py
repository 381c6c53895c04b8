"""The derivation: its expressions against SymPy's derivatives, and its cells against mistakes."""

import ast
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from types import SimpleNamespace
from typing import Any, NamedTuple

import jupytext
import msgspec
import numpy as np
import pytest
import sympy
import torch

from grader.authoring.validate import Mutant, mutants_of, mutate
from grader.homework.activations import Activation, activations
from grader.material.solution import solution_of
from grader.rubric import Rubric, load_rubric

FUNCTIONS = ("grad_w1", "grad_b1", "grad_w2", "grad_b2")
CONVENTIONS = ("sample", "row")


def variant(**changes: Any) -> Rubric:
    """Return the rubric with another homework, without the criteria of a bias that is not asked."""
    rubric = load_rubric()
    homework = msgspec.structs.replace(rubric.homework, **changes)
    absent = set(CONVENTIONS) - set(homework.biases)
    points = {n: p for n, p in rubric.points.items() if n.partition(".")[2] not in absent}
    return msgspec.structs.replace(rubric, homework=homework, points=points)


VARIANTS = {
    "default": variant(),
    "tanh": variant(activation="tanh", n_hidden=32, targets=["cos(3*x)"], biases=["row"]),
    "softplus": variant(activation="softplus", targets=["x**2", "sin(3*x)"]),
    "sample": variant(biases=["sample"]),
}


# --- The solution's own code over symbols -----------------------------------------------------


class Symbols(np.ndarray):
    """An array of SymPy expressions, with the methods of a tensor that the solution uses."""

    def square(self) -> "Symbols":
        return self * self

    def sum_to_size(self, shape: tuple[int, ...]) -> "Symbols":
        axes = tuple(i for i, size in enumerate(shape) if size == 1)
        summed = self.sum(axis=axes, keepdims=True)
        assert summed.shape == shape  # as torch would refuse
        return summed


def matrix(name: str, rows: int, columns: int) -> Symbols:
    """Return a matrix of real symbols."""
    entries = [
        [sympy.Symbol(f"{name}{i}{j}", real=True) for j in range(columns)] for i in range(rows)
    ]
    return np.array(entries).view(Symbols)


def elementwise(function: Callable[[sympy.Expr], sympy.Expr]) -> Callable[[Any], Any]:
    """Return a function of an expression as one of an array as well."""
    each = np.frompyfunc(function, 1, 1)
    return lambda of: each(of).view(Symbols) if isinstance(of, np.ndarray) else function(of)


# What torch's functions are, exactly. Those that activations.toml calls, and no others.
EXACT: dict[str, Callable[[sympy.Expr], sympy.Expr]] = {
    "sigmoid": lambda h: 1 / (1 + sympy.exp(-h)),
    "logit": lambda p: sympy.log(p / (1 - p)),
    "tanh": sympy.tanh,
    "atanh": sympy.atanh,
    "atan": sympy.atan,
    "tan": sympy.tan,
    "cos": sympy.cos,
    "sin": sympy.sin,
    "exp": sympy.exp,
    "log": sympy.log,
    "expm1": lambda h: sympy.exp(h) - 1,
    "softplus": lambda h: sympy.log(1 + sympy.exp(h)),
}


def symbolic_torch(**instead: Callable[[sympy.Expr], sympy.Expr]) -> SimpleNamespace:
    """Return what stands for the module torch: exact functions, some of them replaced."""
    functions = {name: elementwise(exact) for name, exact in (EXACT | instead).items()}
    of_nn = SimpleNamespace(functional=SimpleNamespace(softplus=functions["softplus"]))
    return SimpleNamespace(**functions, nn=of_nn)


def functions_of(module: str, torch_: SimpleNamespace) -> dict[str, Any]:
    """Return what the solution's functions are over symbols, from its text as it stands."""
    wanted = {"objective", "forward", "Parameters", *FUNCTIONS}
    tree = ast.parse(module)
    tree.body = [node for node in tree.body if getattr(node, "name", None) in wanted]
    namespace = {"torch": torch_, "Tensor": object, "NamedTuple": NamedTuple}
    exec(compile(tree, "homework.py", "exec"), namespace)
    assert wanted <= namespace.keys()
    return namespace


class Case(NamedTuple):
    """Symbols in the place of the data and the parameters."""

    x: Symbols
    y: Symbols
    parameters: tuple[Symbols, ...]  # w1, b1, w2, b2

    @classmethod
    def of(cls, convention: str, n_output: int) -> "Case":
        """Return a case of two samples, one feature, two hidden units."""
        n = 2
        rows = n if convention == "sample" else 1
        shapes = ((1, 2), (rows, 2), (2, n_output), (rows, n_output))
        named = zip(("w", "b", "v", "c"), shapes, strict=True)
        parameters = tuple(matrix(name, *shape) for name, shape in named)
        return cls(matrix("x", n, 1), matrix("y", n, n_output), parameters)


def objective_by_indices(case: Case, activation: Callable[[sympy.Expr], sympy.Expr]) -> sympy.Expr:
    """Return f entry by entry, (1.1) to (1.4): written here anew, and not the solution's."""
    x, y, (w1, b1, w2, b2) = case
    total = sympy.Integer(0)
    for n, k in itertools.product(range(len(x)), range(y.shape[1])):
        out = b2[n % len(b2), k]  # the one row, or the sample's own
        for j in range(len(w2)):
            out += activation(x[n, 0] * w1[0, j] + b1[n % len(b1), j]) * w2[j, k]
        total += (y[n, k] - out) ** 2
    return total


def leaf_of(activation: Activation) -> str:
    """Return the name in EXACT of the function that an activation calls."""
    return activation.call.rpartition(".")[2]


def differences(
    module: str, activation: Activation, case: Case
) -> Iterator[tuple[str, sympy.Expr]]:
    """Yield what each entry of each gradient is apart from the partial derivative of f."""
    code = functions_of(module, symbolic_torch())
    params = code["Parameters"](*case.parameters)
    hs, y_pred = code["forward"](case.x, params)
    f = objective_by_indices(case, EXACT[leaf_of(activation)])
    for name in FUNCTIONS:
        gradient = code[name](case.x, case.y, params, hs, y_pred)
        parameter = getattr(params, name.removeprefix("grad_"))
        assert gradient.shape == parameter.shape
        for entry, symbol in zip(gradient.flat, parameter.flat, strict=True):
            yield name, entry - sympy.diff(f, symbol)


def is_zero(expression: sympy.Expr) -> bool:
    """Return whether an expression is 0, exactly.

    Over one denominator, and with a variable for each exponential, it is a polynomial that `expand`
    decides: `simplify` finds the same, in five times the time (2.5 s and 0.5 s for the sigmoid).
    """
    variables = {exponential: sympy.Dummy() for exponential in expression.atoms(sympy.exp)}
    numerator = sympy.numer(sympy.together(expression.xreplace(variables)))
    return bool(sympy.expand(numerator) == 0)


def wrong(module: str, activation: Activation, case: Case) -> set[str]:
    """Return the functions that have an entry which is not the partial derivative of f."""
    found = differences(module, activation, case)
    return {name for name, difference in found if not is_zero(difference)}


BY_ACTIVATION = pytest.mark.parametrize("activation", activations().values(), ids=activations())
BY_CASE = pytest.mark.parametrize(
    ("convention", "n_output"), list(itertools.product(CONVENTIONS, (1, 2)))
)


def module_of(activation: Activation, n_output: int = 1) -> str:
    """Return the generated solution for an activation and a number of outputs."""
    targets = ["x**2", "sin(3*x)"][:n_output]
    return solution_of(variant(activation=activation.name, targets=targets))["homework.py"]


@BY_ACTIVATION
@BY_CASE
def test_the_expressions_are_the_partial_derivatives_exactly(activation, convention, n_output):
    module = module_of(activation, n_output)
    assert wrong(module, activation, Case.of(convention, n_output)) == set()


def test_forward_and_objective_are_the_equations():
    for activation, n_output in itertools.product(activations().values(), (1, 2)):
        s = sympy.Function("s")
        code = functions_of(module_of(activation), symbolic_torch(**{leaf_of(activation): s}))
        for convention in CONVENTIONS:
            case = Case.of(convention, n_output)
            y_pred = code["forward"](case.x, code["Parameters"](*case.parameters))[1]
            f = code["objective"](case.y, y_pred).item()
            assert sympy.expand(f - objective_by_indices(case, s)) == 0


WRONG = {
    "sign": ("-2 *", "2 *"),
    "factor two missing": ("-2 *", "-1 *"),
    "slope missing": (r" \* SLOPE", ""),
}


@BY_ACTIVATION
@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_expression_is_found_different(activation, mistake):
    module = module_of(activation)
    slope = re.search(r"w2\.T\) \* (.+)\n", module)
    assert slope
    find, replacement = WRONG[mistake]
    pattern = find.replace("SLOPE", re.escape(slope[1])) if "SLOPE" in find else re.escape(find)
    mutated, count = re.subn(pattern, replacement, module)
    affected = {"grad_w1", "grad_b1"} if mistake == "slope missing" else set(FUNCTIONS)
    assert count == len(affected)
    assert wrong(mutated, activation, Case.of("row", 1)) == affected


# --- The activations, (2.1) to (2.3) ----------------------------------------------------------


def code(text: str, hs: sympy.Expr) -> sympy.Expr:
    """Evaluate an expression of activations.toml at one value."""
    one = np.array([hs], dtype=object).view(Symbols)
    return eval(text, {"torch": symbolic_torch(), "hs": one})[0]


X = sympy.Symbol("x", real=True)
HS = sympy.Symbol("hs", real=True)


def same(one: sympy.Expr, other: sympy.Expr, of: sympy.Symbol = X, at: int = 0) -> bool:
    """Return whether two smooth functions are equal: their slopes everywhere, their values at one.

    So `simplify` has no logarithms to bring together, which it does only where it likes to.
    """
    difference = one - other
    slopes = sympy.simplify(sympy.diff(difference, of).rewrite(sympy.exp))
    return slopes == 0 and sympy.simplify(difference.subs(of, at)) == 0


def value_of(activation: Activation, at: sympy.Expr) -> sympy.Expr:
    return EXACT[leaf_of(activation)](at)


def of_tex(tex: str, activation: Activation) -> sympy.Expr:
    """Return what the TeX of activations.toml says: its own few commands, and no more."""
    text = tex.replace(activation.symbol + "(", "value(")
    text = re.sub(r"\\int_0\^x \\frac\{dt\}\{(.*?)\}", r"integral(\1)", text)
    for find, replacement in {
        r"\\left|\\right": "",
        r"\\,|\\cdot|\\odot": "*",
        r"\\(tanh|tan|cos)\^2\(": r"square_of_\1(",
        r"\\(log|arctan)\(": r"\1(",
        r"h_s": "hs",
        r"(\d)x": r"\1*x",
        r"e\^x": "exp(x)",
    }.items():
        text = re.sub(find, replacement, text)
    while "{" in text:  # from the innermost braces outwards
        shorter = re.sub(r"e\^\{([^{}]*)\}", r"exp(\1)", text)
        shorter = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", shorter)
        assert shorter != text, f"not understood: {tex}"
        text = shorter
    t = sympy.Symbol("t", real=True)
    names: dict[str, Any] = {
        "x": X,
        "t": t,
        "hs": HS,
        "value": lambda at: value_of(activation, at),
        "integral": lambda of: sympy.integrate(1 / of, (t, 0, X)),
        "exp": sympy.exp,
        "log": sympy.log,
        "arctan": sympy.atan,
        **{f"square_of_{n}": lambda at, n=n: EXACT[n](at) ** 2 for n in ("tanh", "tan", "cos")},
    }
    return eval(text.replace("^", "**"), names)


@BY_ACTIVATION
def test_the_slope_in_the_value_is_the_derivative(activation):
    value = value_of(activation, X)
    assert same(code(activation.slope, value), sympy.diff(value, X))


@BY_ACTIVATION
def test_the_inverse_gives_back_h(activation):
    assert same(code(activation.inverse, value_of(activation, X)), X)


@BY_ACTIVATION
def test_every_form_and_step_in_tex_is_right(activation):
    value = value_of(activation, X)
    for form in activation.definition_tex:
        assert same(of_tex(form, activation), value), form
    for step in (*activation.derivation_tex, activation.value_slope_tex):
        assert same(of_tex(step, activation), sympy.diff(value, X)), step
    assert sympy.expand(of_tex(activation.slope_tex, activation) - code(activation.slope, HS)) == 0


@BY_ACTIVATION
def test_a_slip_is_no_derivative(activation):
    value = value_of(activation, X)
    for slip in activation.slips.values():
        assert not same(code(slip, value), sympy.diff(value, X)), slip


@pytest.mark.parametrize("name", EXACT)
def test_the_exact_functions_are_torchs(name):
    function = getattr(torch, name, None) or getattr(torch.nn.functional, name)
    for number in (0.2, 0.5, 0.9):
        ours = float(EXACT[name](sympy.Float(number, 30)))
        assert float(function(torch.tensor(number, dtype=torch.float64))) == pytest.approx(
            ours, rel=1e-14
        )


# --- The derivation's cells -------------------------------------------------------------------


def cells_of(derivation: str) -> list[str]:
    return [c.source for c in jupytext.reads(derivation, fmt="md").cells if c.cell_type == "code"]


def label_of(cell: str) -> str | None:
    """Return what a cell says is ok; None where it only defines something."""
    said = re.search(r'print\(f"ok: ([^{]*?)(?:, (?:max error|least difference)| is) \{', cell)
    return said[1] if said else None


def first_failing(module: str, cells: Sequence[str]) -> str | None:
    """Return the label of the first cell that does not run through after this module, if any."""
    namespace: dict[str, Any] = {"__name__": "homework"}
    exec(compile(module, "homework.py", "exec"), namespace)
    for number, cell in enumerate(cells):
        with redirect_stdout(StringIO()) as printed:
            try:
                exec(compile(cell, f"cell {number}", "exec"), namespace)
            except Exception:  # a wrong shape fails in torch, a wrong value in the assert
                return label_of(cell) or cell
        assert printed.getvalue().startswith("ok: ") == (label_of(cell) is not None)
    return None


BY_VARIANT = pytest.mark.parametrize("rubric", VARIANTS.values(), ids=VARIANTS)


@BY_VARIANT
def test_the_cells_run_through(rubric):
    solution = solution_of(rubric)
    cells = cells_of(solution["derivation.md"])
    checking = [cell for cell in cells if "assert err" in cell or label_of(cell)]
    assert len(checking) >= 25
    assert all(label_of(cell) for cell in checking)
    assert first_failing(solution["homework.py"], cells) is None


EQUATION = {"grad_b2": "(3.3)", "grad_w2": "(3.4)", "grad_b1": "(3.5)", "grad_w1": "(3.6)"}
LATER = {
    "rows_not_summed": "the gradients with a shared row",
    "recomputed": "the four functions on given hs and y_pred",
}


@BY_VARIANT
def test_a_wrong_gradient_fails_at_its_equation(rubric):
    """All mutants of `grader validate` that change a gradient."""
    solution = solution_of(rubric)
    cells = cells_of(solution["derivation.md"])
    mutants = [mutant for mutant in mutants_of(rubric) if mutant.function in EQUATION]
    assert {mutant.function for mutant in mutants} == EQUATION.keys()
    for mutant in mutants:
        expected = LATER.get(mutant.diagnosis or "", EQUATION[mutant.function])
        assert first_failing(mutate(solution["homework.py"], mutant), cells) == expected, mutant.id


# What of homework.py is changed, how, and the cell that says so first.
ELSEWHERE = [
    ("objective", ".sum()", ".mean()", "(3.1)"),
    ("objective", "(y - y_pred)", "(y_pred - 2 * y)", "(3.1)"),
    ("forward", "+ params.b2", "- params.b2", "(3.2)"),
    ("forward", "hs @ params.w2", "hs @ params.w2.abs()", "(3.2)"),
    ("forward", "+ params.b1", "- params.b1", "dh_s for (3.5)"),
    ("forward", "torch.sigmoid(h)", "torch.tanh(h)", "dh_s for (3.5)"),
    ("forward", "params.w1", "(2 * params.w1 - params.w1.detach())", "dh_s for (3.6)"),
]


@pytest.mark.parametrize(("function", "find", "replacement", "label"), ELSEWHERE)
def test_a_wrong_forward_pass_or_objective_fails_at_its_step(function, find, replacement, label):
    solution = solution_of(VARIANTS["default"])
    mutant = Mutant(function, function, find, replacement, [])
    cells = cells_of(solution["derivation.md"])
    assert first_failing(mutate(solution["homework.py"], mutant), cells) == label


# A mistake in each cell's own lines, so that no cell is one that cannot fail.
IN_CELL = {
    "R1 and R5": ("d @ a.T", "d @ d.T"),
    "R6": ("b.T @ a", "-b.T @ a"),
    "R7": ("a * d, g)", "a, g)"),
    "R2": (" + db @ dc", ""),
    "R4": ("2 * inner(a, da)", "inner(a, da)"),
    "R3": ("torch.cos(a)", "torch.sin(a)"),
    "(2.2) and (2.3)": ("hs * (1 - hs)", "hs * (1 + hs)"),
    "(3.1)": ("-2 * inner(r, dy_pred), by", "2 * inner(r, dy_pred), by"),
    "(3.2)": ("hs @ change.w2", "hs @ params.w2"),
    "the lines of (3.3)": ("inner(-2 * r", "inner(-r"),
    "(3.3)": ("(-2 * r, autograd", "(2 * r, autograd"),
    "the lines of (3.4)": ("(hs.T @ r).T", "(-hs.T @ r).T"),
    "(3.4)": ("(-2 * hs.T @ r, autograd", "(-hs.T @ r, autograd"),
    "dh_s for (3.5)": ("by_definition * change.b1", "change.b1"),
    "the lines of (3.5)": ("slope * change.b1", "change.b1"),
    "(3.5)": (" * slope", ""),
    "dh_s for (3.6)": ("x @ change.w1", "x @ params.w1"),
    "the lines of (3.6)": ("-2 * inner(x.T", "inner(x.T"),
    "(3.6)": (" * slope", ""),
    "df of all four changes": ('"b1", ', ""),
    "broadcasting adds B = 1 b": ("copied), (hs", "params), (hs"),
    "line 4": ("ones.T @ g", "-ones.T @ g"),
    "sum_to_size": ("(n, n_hidden), g)", "(n, n_hidden), -g)"),
    "the gradients with a shared row": (" * slope", ""),
    "W2 by indices": ("r, hs, delta", "r, -hs, delta"),
    "W1 by indices": ("r, slope, x", "r, hs, x"),
    "the four gradients at the homework's sizes": ("f(*leaves)", "2 * f(*leaves)"),
    "(3.3) as printed": (").T\n", ")\n"),
    "the four functions on given hs and y_pred": ("slope)", "hs)"),
    "autograd at the given hs and y_pred": ("placed(y_pred, ", "(0 * y_pred + "),
    "a second forward pass answers another question": ("(recomputed", "(hand"),
}


def test_a_mistake_in_any_cell_stops_it():
    solution = solution_of(VARIANTS["default"])
    cells = cells_of(solution["derivation.md"])
    assert [label for cell in cells if (label := label_of(cell))] == list(IN_CELL)
    for label, (find, replacement) in IN_CELL.items():
        changed = [
            cell.replace(find, replacement) if label_of(cell) == label else cell for cell in cells
        ]
        assert changed != cells, label
        assert first_failing(solution["homework.py"], changed) == label, label


@BY_VARIANT
def test_the_text_is_of_this_homework(rubric):
    """The equations are tagged once, in order; errata and bias rows are told where they belong."""
    derivation = solution_of(rubric)["derivation.md"]
    tags = re.findall(r"\\tag\{(.*?)\}", derivation)
    assert tags == ["3.1", "3.2", "3.3", "3.4", "3.5", "3.6"]
    homework = rubric.homework
    assert ("Errata" in derivation) == (rubric is VARIANTS["default"])
    assert ("B_1" in derivation) == (homework.biases == ["row"])
    assert activations()[homework.activation].slope_tex in derivation
    others = activations().keys() - {homework.activation}
    assert not re.search("|".join(others), derivation)


def test_an_activation_that_is_added_has_its_steps_without_reasons(monkeypatch):
    """activations.toml is all that an activation needs; the template has reasons for some."""
    added = msgspec.structs.replace(activations()["sigmoid"], name="logistic")
    monkeypatch.setattr("grader.homework.prose.activation_called", lambda name: added)
    solution = solution_of(VARIANTS["sample"])
    assert all(f"{step}$ |  |" in solution["derivation.md"] for step in added.derivation_tex)
    assert first_failing(solution["homework.py"], cells_of(solution["derivation.md"])) is None
