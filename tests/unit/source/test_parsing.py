"""What of a source is parsed: every statement that is Python, and a fault for each that is not."""

import ast
import sys
from textwrap import dedent

import pytest
from times import effort

from grader.source import magics, parsing
from grader.source.files import Cell


def parsed(source: str) -> tuple[list[tuple[int, str]], list[tuple[int | None, str]]]:
    """Return the statements of a cell and its faults, each with its line."""
    cell = Cell("cell 1", dedent(source))
    statements = [(one.lineno, ast.unparse(one).split("\n")[0]) for one in cell.statements]
    return statements, [(fault.line, str(fault.error)) for fault in cell.faults]


# The source; the statements that are left; the line of each fault and what it says.
BROKEN = {
    "an unclosed bracket": (
        "x = f(1,\n   2\ndef g():\n    return 1\nz = 3",
        [(3, "def g():"), (5, "z = 3")],
        [(1, "'(' was never closed")],
    ),
    "an unterminated string": (
        "a = 1\nb = 'abc\nc = 2",
        [(1, "a = 1"), (3, "c = 2")],
        [(2, "unterminated string")],
    ),
    "an unterminated string of three quotes": (
        'a = 1\nb = """abc\nc = 2',
        [(1, "a = 1"), (3, "c = 2")],
        [(2, "unterminated triple-quoted string")],
    ),
    "a docstring that does not end": (
        'def f():\n    """doc\n    return 1\n\ndef g():\n    """doc"""\n    return 2\n',
        [(5, "def g():")],
        [(2, "unterminated triple-quoted string")],
    ),
    "a stray indentation": (
        "x = 1\n  y = 2\nz = 3",
        [(1, "x = 1"), (3, "z = 3")],
        [(2, "unexpected indent")],
    ),
    "a body that is not indented": (
        "if x:\ny = 1\nz = 2",
        [(2, "y = 1"), (3, "z = 2")],
        [(1, "expected an indented block")],
    ),
    "an indentation that fits nothing": (
        "def f():\n        a = 1\n    b = 2\n\ndef g(): pass",
        [(5, "def g():")],
        [(3, "unindent does not match")],
    ),
    "an else of a broken if": (
        "x = [\n1,\n]\nif a:\n    b\nelse:\n    c d\nz = 1",
        [(1, "x = [1]"), (8, "z = 1")],
        [(7, "invalid syntax")],
    ),
    "a decorated definition": (
        "@one\n@two(1,\n  2)\ndef f(:\n    pass\nx = 1",
        [(6, "x = 1")],
        [(4, "invalid syntax")],
    ),
    "Python 2": (
        "print 'a'\nx = 1\nprint 'b'",
        [(2, "x = 1")],
        [(1, "Missing parentheses"), (3, "Missing parentheses")],
    ),
    "prose": ("# Title\nA text, no code.\nx = 1", [(3, "x = 1")], [(2, "invalid syntax")]),
    "what no encoding has": (
        'x = "\ud800"\ny = 1',
        [(2, "y = 1")],
        [(None, "surrogates not allowed")],
    ),
    "brackets without end": ("(" * 10_000, [], [(1, "too many nested parentheses")]),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_what_does_not_parse_costs_its_own_statement(case):
    source, statements, faults = case
    left, found = parsed(source)
    assert left == statements
    assert [line for line, _ in found] == [line for line, _ in faults]
    assert all(says in told for (_, says), (_, told) in zip(faults, found, strict=True))


ELIFS = "if 1:\n  pass\n" + "elif 2:\n  pass\n" * 40_000
DEEP = {
    "signs": f"x = {'-' * 100_000}1\n",
    "fewer signs": f"x = {'-' * 3_000}1\n",
    "elif": ELIFS,
    "lambdas": f"x = {'lambda:' * 150_000}1\n",
    "inside a function": f"def g():\n    return {'-' * 100_000}1\n",
}


@pytest.mark.parametrize("case", DEEP)
def test_what_is_nested_too_deeply_costs_itself_alone(case):
    statements, faults = parsed(f"# first\na = 1\n{DEEP[case]}b = 2\nc = 3\n")
    below = 3 + DEEP[case].count("\n")
    assert statements == [(2, "a = 1"), (below, "b = 2"), (below + 1, "c = 3")]
    assert faults == [(3, "nested too deeply for Python to read")]


def test_so_it_does_where_there_is_nothing_else():
    assert parsed(f"\n# first\n{ELIFS}") == ([], [(3, "nested too deeply for Python to read")])


def test_faults_are_bounded_in_number_and_that_is_told():
    _, faults = parsed("print 'a'\n" * 5_000)
    assert len(faults) == 101
    assert faults[-1] == (101, "nothing is read from here on: too much above is not Python")
    _, faults = parsed("print 'a'\n" * 100)
    assert len(faults) == 100


# What Python reads once more below each fault, or below each line that is IPython's own.
FAULTY = {
    "faults": "x = f(1)  # and so on\ny = = 2\n",
    "unclosed brackets": "x = f(1\ny = 2\n",
    "unterminated strings": "x = 'a\ny = 2\n",
    "unterminated texts": 'x = """a\ny = 2\n',
    "stray indentations": "x = 1\n  y = 2\n",
    "help": "*class Net ?\n",
    "magics for cells": "%%time\n",
    "magics that are not known": "%%magic\n",
    "magics of both kinds": "%%time\n%%time\n%%magic\n",
    "decorators": "@a\n",
}


@pytest.mark.parametrize("case", FAULTY)
def test_the_effort_grows_with_the_source_and_no_faster(case):
    def cost(length: int) -> float:
        source = (FAULTY[case] * length)[:length] + "\n(("
        return min(effort(lambda: Cell("cell 1", source).statements) for _ in range(3))

    assert cost(40_000) < 3.5 * cost(20_000) + 0.2


# What only a newer Python reads; what is said of it. The last three are no Python anywhere.
NEWER = [
    ("print(f'{', '.join(x)}')", "braces of an f-string are new in Python 3.12"),
    ("f\"{'\\n'.join(x)}\"", "braces of an f-string are new in Python 3.12"),
    ("f'{x['a']:>{w}} {y!r} {z=}'", "braces of an f-string are new in Python 3.12"),
    ("f'{f'{f'{x}'}'}'", "braces of an f-string are new in Python 3.12"),
    ("type X = int", "the type statement is new in Python 3.12"),
    ("type Pair[T] = tuple[T, T]", "the type statement is new in Python 3.12"),
    ("def first[T](x: T) -> T:\n    return x", "brackets are new in Python 3.12"),
    ("class Stack[T]:\n    pass", "brackets are new in Python 3.12"),
    ("f'{a b}'", None),
    ("f'{x'", None),
    ("type X == int y", None),
]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads them")
@pytest.mark.parametrize(("source", "says"), NEWER)
def test_syntax_of_a_newer_python_is_told_where_that_is_certain(source, says):
    statements, ((_, told),) = parsed(f"x = 1\n{source}\ny = 2")
    assert [text for _, text in statements] == ["x = 1", "y = 2"]
    assert (f"{says}; this was read by Python 3.11" in told) if says else ("new in" not in told)


IPYTHON = {
    "a shell line and magics": (
        "!pip install x\nimport a\n%matplotlib inline\nfiles = !ls\na.b?\n",
        [
            (1, "get_ipython().system('pip install x')"),
            (2, "import a"),
            (3, "get_ipython().run_line_magic('matplotlib', 'inline')"),
            (4, "files = get_ipython().getoutput('ls')"),
            (5, "get_ipython().run_line_magic('pinfo', 'a.b')"),
        ],
    ),
    "%%time": ("\n%%time\ndef f():\n    return 1\n", [(3, "def f():")]),
    "%%time above %%capture": (
        "%%time\n%%capture out\ndef f():\n    return 1\n",
        [(2, "out = get_ipython().captured()"), (3, "def f():")],
    ),
    "%%bash": ("%%bash\nls -l\n", [(1, "get_ipython().run_cell_magic('bash', '', 'ls -l\\n')")]),
    "as nbconvert writes it": (
        "x = 1\n"
        'get_ipython().run_cell_magic("time", "", "def f(x):\\n    return x\\n")\n'
        'get_ipython().run_line_magic("time", "y = 1")\n',
        [(1, "x = 1"), (2, "def f(x):"), (3, "y = 1")],
    ),
    "an indented cell": ("    x = 1\n    %env\n    y = 2", [(1, "x = 1"),
        (2, "get_ipython().run_line_magic('env', '')"), (3, "y = 2")]),
    "prompts": (">>> x = 1\n>>> def f():\n...     return 1\n", [(1, "x = 1"), (2, "def f():")]),
    "%time above %time": ("%time %time x = 1", [(1, "x = 1")]),
}  # fmt: skip


@pytest.mark.parametrize("case", IPYTHON.values(), ids=IPYTHON.keys())
def test_ipythons_own_syntax_is_python_in_its_lines(case):
    source, statements = case
    cell = Cell("cell 1", source)
    assert [(one.lineno, ast.unparse(one).split("\n")[0]) for one in cell.statements] == statements
    assert cell.faults == []


def test_what_is_broken_beside_a_magic_costs_its_own_statement():
    statements, faults = parsed("!pip install x\nx = (1,\nprint 'a'\n%time y = 1\nz = 2")
    assert [text for _, text in statements] == [
        "get_ipython().system('pip install x')", "y = 1", "z = 2",
    ]  # fmt: skip
    assert [line for line, _ in faults] == [2, 3]


def test_without_ipython_it_is_said_once_and_only_that_line_is_lost(monkeypatch):
    for module in (magics, parsing):
        monkeypatch.setattr(module, "transformer", lambda: None)
    statements, faults = parsed("x = 1\n%matplotlib inline\ny = 2")
    assert statements == [(1, "x = 1"), (3, "y = 2")]
    assert faults == [(2, "here is IPython's own syntax; to check it: pip install ipython")]
    statements, faults = parsed("%%time\ny = 2\n!ls\nz = 3")
    assert statements == [(2, "y = 2"), (4, "z = 3")]
    assert [line for line, _ in faults] == [3]
