"""Hold a student's functions against stored cases; stands beside a converted notebook.

It runs in the same process as the student's code, which can change whatever it likes: the tool that
grades has no other place for it. But it imports nothing from the student's folder.
"""

import os
import sys

FOLDER = os.path.dirname(os.path.realpath(__file__))
FOLDERS = sys.path
sys.path = [path for path in FOLDERS if os.path.realpath(path) != FOLDER]
try:
    import json
    from collections.abc import Mapping, Sequence
    from typing import Any

    import torch
    from torch import Tensor
finally:
    sys.path = FOLDERS

TOLERANCE = 1e-5  # relative, in the max norm
Names = Mapping[str, Any]


def check(cases: str, names: Names) -> None:
    """Raise AssertionError where an answer of the functions in `names` is not what is expected."""
    for case in json.loads(cases):
        given = {name: tensor(rows) for name, rows in case["tensors"].items()}
        params = names["Parameters"](*(given[name] for name in ("w1", "b1", "w2", "b2")))
        if case["function"].startswith("train"):
            check_training(case["function"], given, params, case["settings"], names)
            continue
        answers = ask(case["function"], given, params, names)
        for answer, rows in zip(answers, case["expected"], strict=True):
            check_value(case["function"], answer, tensor(rows))


def tensor(rows: list[list[float]]) -> Tensor:
    """Return a stored matrix."""
    return torch.tensor(rows, dtype=torch.float64)


def ask(function: str, given: Names, params: Any, names: Names) -> Sequence[Any]:
    """Return what the student's function answers to a case."""
    if function == "forward":
        answers: Sequence[Any] = names["forward"](given["x"], params)
        return answers
    if function == "net":
        return [net_with(params, names)(given["x"])]
    return [names[function](given["x"], given["y"], params, given["hs"], given["y_pred"])]


def net_with(params: Any, names: Names) -> Any:
    """Return the student's Net with these weights; nn.Linear keeps them transposed."""
    net = names["Net"](params.w1.shape[0], params.w1.shape[1], params.w2.shape[1]).double()
    with torch.no_grad():
        net.hidden.weight.copy_(params.w1.T)
        net.hidden.bias.copy_(params.b1[0])
        net.predict.weight.copy_(params.w2.T)
        net.predict.bias.copy_(params.b2[0])
    return net


def check_value(function: str, answer: object, expected: Tensor) -> None:
    """Compare a tensor with the expected one."""
    assert isinstance(answer, Tensor), f"{function} returned {type(answer).__name__}"
    shapes = f"{tuple(answer.shape)}, expected {tuple(expected.shape)}"
    assert answer.shape == expected.shape, f"{function} returned shape {shapes}"
    error = (answer.double() - expected).abs().max() / expected.abs().max()
    assert error <= TOLERANCE, f"{function}: relative error {error:.1e}"


def check_training(
    function: str, given: Names, params: Any, settings: Mapping[str, float], names: Names
) -> None:
    """Train, and compare the final loss with the pass mark."""
    x, y = given["x"], given["y"]
    train = trained_by_hand if function == "train_manual" else trained
    output = train(x, y, params, settings, names)
    loss, mark = (y - output).square().mean(), settings["pass_fraction"] * y.var(correction=0)
    assert loss <= mark, f"final loss {loss:.4g} is above the pass mark {mark:.4g}"


def trained_by_hand(
    x: Tensor, y: Tensor, params: Any, settings: Mapping[str, float], names: Names
) -> Any:
    """Return the prediction after a descent with the student's own gradients."""
    step = settings["learning_rate"] / len(x)
    functions = [names[f"grad_{name}"] for name in params._fields]
    for _ in range(int(settings["steps"])):
        given = (x, y, params, *names["forward"](x, params))
        gradients = [function(*given) for function in functions]
        for gradient, parameter in zip(gradients, params, strict=True):
            assert gradient.shape == parameter.shape, "a gradient has not its parameter's shape"
        params = type(params)(*(p - step * g for p, g in zip(params, gradients, strict=True)))
    return names["forward"](x, params)[1]


def trained(x: Tensor, y: Tensor, params: Any, settings: Mapping[str, float], names: Names) -> Any:
    """Return the prediction of the student's Net after training by autograd."""
    net = net_with(params, names)
    for _ in range(int(settings["steps"])):
        net.zero_grad()
        (y - net(x)).square().mean().backward()
        with torch.no_grad():
            for weight in net.parameters():
                weight -= settings["learning_rate"] * weight.grad
    return net(x).detach()
