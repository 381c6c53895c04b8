"""What submissions define in a way of their own: Parameters, odd magics, and what fails."""

import pytest
from handed import module, notebook
from marked import RIGHT, grade_fixture  # noqa: F401
from worth import MAX_SCORE

PLAIN = RIGHT[RIGHT.index("class Parameters") : RIGHT.index("def objective")]
FORWARD = RIGHT[RIGHT.index("def forward") : RIGHT.index("def back")]
HIDDEN = "torch.sigmoid(x @ params.w1 + params.b1)"
# Parameters, and a forward that needs them.
OWN = {
    "with a method": (
        f"{PLAIN}    def hidden(params, x):\n        return {HIDDEN}\n",
        "def forward(x, params):\n    hs = params.hidden(x)\n"
        "    return hs, hs @ params.w2 + params.b2\n",
    ),
    "a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass Parameters:\n"
        "    w1: Tensor\n    b1: Tensor\n    w2: Tensor\n    b2: Tensor\n",
        f"def forward(x, params):\n    assert isinstance(params, Parameters)\n    hs = {HIDDEN}\n"
        "    return hs, hs @ params.w2 + params.b2\n",
    ),
    "matched": (
        PLAIN,
        "def forward(x, params):\n    match params:\n        case Parameters(w1, b1, w2, b2):\n"
        "            hs = torch.sigmoid(x @ w1 + b1)\n            return hs, hs @ w2 + b2\n",
    ),
    "of another kind, which nothing is made of": ("Parameters = dict\n", FORWARD),
    "that raise": (
        "class Parameters:\n    def __init__(self, **given):\n        raise ValueError\n",
        FORWARD,
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_functions_are_given_parameters_of_their_own_class(grade, name):
    parameters, forward = OWN[name]
    source = RIGHT.replace(PLAIN, parameters).replace(FORWARD, forward)
    result = grade(module(source))
    assert result.points == MAX_SCORE, result.messages


@pytest.mark.parametrize("magic", ["%%memit", "%%wandb", "%%my_own -x 3"])
def test_python_below_a_magic_that_nobody_knows_runs(grade, magic):
    assert grade(notebook(f"{magic}\n{RIGHT}")).points == MAX_SCORE


@pytest.mark.parametrize("magic", ["%%bash", "%%html", "%%python3", "%%timeit"])
def test_what_leaves_no_names_in_a_notebook_leaves_none_here(grade, magic):
    assert grade(notebook(f"{magic}\n{RIGHT}", "import torch")).points == 0


def test_a_definition_that_fails_is_told_with_its_error(grade):
    source = RIGHT.replace("class Net(nn.Module):", "class Net(nn.Modul):")
    line = source[: source.index("class Net")].count("\n") + 1
    message = grade(module(source)).messages["net"]
    assert message.startswith("Net is not defined: its definition ended in AttributeError: module ")
    assert message.endswith(f"(homework.py, line {line})")


def test_a_name_that_only_an_annotation_needs_costs_no_function(grade):
    source = RIGHT.replace("def grad_w2(x,", "def grad_w2(x: Vec,")
    source = source.replace("    def forward(self, x):", "    def forward(self, x: Vec) -> Vec:")
    result = grade(module(f"type Vec = Tensor\n{source}"))
    assert result.points == MAX_SCORE, result.messages


@pytest.mark.parametrize("use", ["@torch.compile\n", "@torch.compile(fullgraph=True)\n"])
def test_what_is_to_be_compiled_runs_as_it_stands(grade, use):
    assert grade(module(RIGHT.replace("def grad_w1", f"{use}def grad_w1"))).points == MAX_SCORE


def test_an_import_error_does_not_say_where_this_machines_library_lies(grade):
    (note,) = grade(module(f"from typing import no_such_thing\n{RIGHT}")).notes
    assert note[1] == "ImportError: cannot import name 'no_such_thing' from 'typing'"
