"""The functions that the network should fit: text in rubrics, code in the homework, TeX in prose.

A target is an expression of x such as "x**2" or "cos(3*x)". It may only contain what is listed
here, so that a rubric can be read without executing it.
"""

import ast
import math
import re
from types import CodeType

from grader.errors import UserError

FUNCTIONS = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "abs": abs,
}
MOST_TRIED = 10_000  # of the points at which a target is tried
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub)


class _Torch(ast.NodeTransformer):
    """Replaces bare names by torch's."""

    def visit_Call(self, node: ast.Call) -> ast.AST:  # ast's name
        self.generic_visit(node)
        assert isinstance(node.func, ast.Name)  # _check has made sure
        return ast.Call(_torch(node.func.id), node.args, [])

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return _torch("pi") if node.id == "pi" else node


class _Floats(ast.NodeTransformer):
    """Turns integers into floats, since a power of integers could take forever."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:  # ast's name
        assert isinstance(node.value, int | float)  # _check has made sure
        return ast.Constant(float(node.value))


def check_target(target: str, n_samples: int) -> None:
    """Raise UserError if a target is invalid, or has no value at one of its samples in [-1, 1]."""
    tree = ast.fix_missing_locations(_Floats().visit(_parsed(target)))
    code = compile(tree, target, "eval")
    for number in range(0, n_samples, n_samples // MOST_TRIED + 1):
        x = -1 + 2 * number / (n_samples - 1)
        if not _is_finite(code, x):
            raise UserError(f"target {target!r}: has no finite value at x = {x:.3g}")


def _is_finite(code: CodeType, x: float) -> bool:
    try:
        value = eval(code, {"__builtins__": {}, "pi": math.pi, **FUNCTIONS}, {"x": x})
    except (ArithmeticError, ValueError):
        return False
    return isinstance(value, float) and math.isfinite(value)  # a root may be a complex number


def code_of(target: str) -> str:
    """Return a target as Python for a tensor x; raise UserError if it is invalid."""
    code = ast.unparse(_Torch().visit(_parsed(target)))
    return re.sub(r"(?<=\w) \*\* (?=\w)", "**", code)  # as formatters write simple powers


def tex_of(target: str) -> str:
    """Return a target in TeX; raise UserError if it is invalid."""
    import sympy  # half a second, which only writers of texts need to spend

    _parsed(target)
    return str(sympy.latex(sympy.sympify(target, evaluate=False)))


def _parsed(target: str) -> ast.Expression:
    try:
        tree = ast.parse(target, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UserError(f"target {target!r}: not an expression of x") from None
    if not any(isinstance(node, ast.Name) and node.id == "x" for node in ast.walk(tree)):
        raise UserError(f"target {target!r}: there is no x in it")
    _check(tree.body, target)
    return tree


def _check(node: ast.AST, target: str) -> None:
    match node:
        case ast.Name(id="x" | "pi") | ast.Constant(value=int() | float()):
            return
        case ast.BinOp(left=left, op=operator, right=right) if isinstance(operator, OPERATORS):
            inner = [left, right]
        case ast.UnaryOp(op=operator, operand=operand) if isinstance(operator, OPERATORS):
            inner = [operand]
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            inner = [argument]
        case _:
            functions = ", ".join(FUNCTIONS)
            raise UserError(
                f"target {target!r}: {ast.unparse(node)} is not understood; write numbers, x, pi, "
                f"+ - * / ** and {functions}"
            )
    for part in inner:
        _check(part, target)


def _torch(name: str) -> ast.Attribute:
    return ast.Attribute(ast.Name("torch"), name)
