"""Put one call to the functions a student defined, and bring home tensors or a problem."""

import math
import re
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ..source.names import GRADIENTS
from .asked import is_answer
from .contract import (
    Call,
    Outcome,
    Parameters,
    Problem,
    Sighting,
)
from .guards import A_PASS, watching
from .hints import nested, of_missing, stub_above
from .loading import (
    Loaded,
    Namespace,
    TimeLimitReached,
    describe,
    where,
)

MAX_ENTRIES = 500_000
RETURNED_DTYPES = (torch.float64, torch.float32)
STEPS_BETWEEN_CHECKS = 100
WATCHED = ("forward", *GRADIENTS)
OF_THE_STUB = re.compile(r"NotImplementedError: TODO \d+")
NO_FORWARD = 'missing the required "forward" function'  # as torch says it of a Module


class BadReturn(Exception):
    """Student code returned something that is not the tensor asked for."""


class Missing(Exception):
    """A name that the homework asks for is not defined."""


def answer(call: Call, loaded: Loaded) -> Outcome:
    """Put `call` to the functions of a submission; never raises, whatever they do.

    forward and the gradients are watched for differentiation by torch. The state of the process is
    as it was before the submission, and is so again afterwards.
    """
    loaded.state.put_back()
    try:
        return _watched(call, loaded)
    finally:
        loaded.state.put_back()


def _watched(call: Call, loaded: Loaded) -> Outcome:
    if call.function == "train_manual":
        outcome = _answer(call, loaded)
        # Not step by step: a watch would cost more than the training.
        seen = (Sighting(A_PASS),) if loaded.passes.count() else ()
        return replace(outcome, seen=seen)
    if call.function not in WATCHED:
        outcome = _answer(call, loaded)
        loaded.passes.count()
        return outcome
    before = {name: tensor._version for name, tensor in call.tensors.items()}
    # Of each criterion one: what is wrong there earns nothing.
    kind = (call.function, len(call.tensors["b1"]) == 1)
    is_first = kind not in loaded.asked
    is_new = all(call.function != function for function, _ in loaded.asked)
    loaded.asked.add(kind)
    with watching(loaded.labels, loaded.passes, recorded=is_first) as watch:
        outcome = _answer(call, loaded)
    # torch counts the changes of a tensor in place.
    with torch._C.DisableTorchFunction():  # of a mode that was left on
        damaged = tuple(name for name, t in call.tensors.items() if t._version != before[name])
    is_gradient = call.function in GRADIENTS
    return replace(
        outcome,
        seen=watch.sightings(),
        damaged=damaged if is_gradient else (),
        kept=loaded.kept(call.function) if is_gradient and is_new else (),
    )


def _answer(call: Call, loaded: Loaded) -> Outcome:
    try:
        tensors = HANDLERS[call.function](call, loaded.namespace)
        return Outcome(tensors)
    except Missing as error:
        hint = of_missing(str(error), loaded.cells, loaded.notes)
        return Outcome(problem=Problem.MISSING, detail=str(error), hint=hint)
    except BadReturn as error:
        return Outcome(problem=Problem.BAD_RETURN, detail=str(error))
    except TimeLimitReached as error:
        # Without its place: where a loop is when the time is over is another line on every run.
        return out_of_time(error)
    except NotImplementedError as error:
        return _not_implemented(error, call, loaded)
    except BaseException as error:
        return _failed(Problem.RAISED, describe(error), error, loaded.labels)


def _not_implemented(error: NotImplementedError, call: Call, loaded: Loaded) -> Outcome:
    """Return the outcome of a call that met the stub's own words, or torch's."""
    detail = describe(error)
    if OF_THE_STUB.match(detail):
        outcome = _failed(Problem.NOT_ATTEMPTED, detail, error, loaded.labels)
        return replace(outcome, hint=stub_above(outcome.where, loaded.cells))
    outcome = _failed(Problem.RAISED, detail, error, loaded.labels)
    if call.function in ("net", "train_net") and NO_FORWARD in detail:
        return replace(outcome, hint=nested("forward", loaded.cells, "Net"))
    return outcome


def out_of_time(error: TimeLimitReached) -> Outcome:
    """Return the outcome of a call that was stopped at a limit of time."""
    return Outcome(problem=Problem.WAITED if error.waited else Problem.TIMEOUT, detail=str(error))


def _failed(problem: Problem, detail: str, error: BaseException, labels: Set[str]) -> Outcome:
    return Outcome(problem=problem, detail=detail, where=where(error.__traceback__, labels))


def _defined(namespace: Namespace, name: str) -> Callable[..., Any]:
    value = namespace.get(name)
    if not callable(value):
        raise Missing(name)
    if name == "Net" and not is_answer(value):
        made = type(value).__name__[:60]
        raise BadReturn(f"Net is a network, an object of {made}, and not the class that makes one")
    return value  # type: ignore[no-any-return]  # what it returns is checked by _tensor


def _tensor(value: object, name: str) -> Tensor:
    """Return `value` as a plain dense tensor, or raise BadReturn saying what it is instead."""
    if not issubclass(type(value), Tensor):  # isinstance would believe a __class__ of its own
        raise BadReturn(f"{name} returned {type(value).__name__}, not a torch.Tensor")
    assert isinstance(value, Tensor)
    if type(value) is Tensor:
        return _dense(value, name).detach()
    # A subclass runs code of its own when its values are read: here, where the call is watched and
    # limited in time, and not when the answer is sent.
    with torch._C.DisableTorchFunctionSubclass():
        given = _dense(value, name)
        return torch.zeros(given.shape, dtype=given.dtype).copy_(given.detach())


def _dense(value: Tensor, name: str) -> Tensor:
    if value.layout is not torch.strided or value.device.type != "cpu" or value.is_quantized:
        raise BadReturn(f"{name} returned a tensor that is not dense on the CPU")
    if value.dtype not in RETURNED_DTYPES:
        raise BadReturn(f"{name} returned a tensor of {value.dtype}, not of torch.float64")
    if value.numel() > MAX_ENTRIES:
        raise BadReturn(f"{name} returned a tensor of shape {tuple(value.shape)}, far too large")
    return value


def _as_their_own(params: Parameters, namespace: Namespace) -> Any:
    """Return parameters as the submission's own class of that name, which may have more to it."""
    own = namespace.get("Parameters")
    if not isinstance(own, type):
        return params
    fields = params._asdict()
    try:
        made = own(**fields)
        is_whole = all(getattr(made, name) is tensor for name, tensor in fields.items())
    except Exception:  # it takes something else
        return params
    return made if is_whole else params


def _forward(call: Call, namespace: Namespace) -> tuple[Tensor, ...]:
    return _forward_pass(namespace, call.tensors["x"], call.parameters())


def _forward_pass(namespace: Namespace, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
    returned = _defined(namespace, "forward")(x, _as_their_own(params, namespace))
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise BadReturn("forward must return two tensors, (hs, y_pred)")
    return _tensor(returned[0], "forward (hs)"), _tensor(returned[1], "forward (y_pred)")


def _gradient(call: Call, namespace: Namespace) -> tuple[Tensor, ...]:
    given = call.tensors
    function = _defined(namespace, call.function)
    params = _as_their_own(call.parameters(), namespace)
    gradient = function(given["x"], given["y"], params, given["hs"], given["y_pred"])
    return (_tensor(gradient, call.function),)


def _train_manual(call: Call, namespace: Namespace) -> tuple[Tensor, ...]:
    """Descend on the mean loss with the student's forward pass and gradients."""
    x, y, params = call.tensors["x"], call.tensors["y"], call.parameters()
    passed = []  # parameters on the way
    gradients = [(name, _defined(namespace, name)) for name in GRADIENTS]
    step = call.settings["learning_rate"] / y.numel()
    for count in range(int(call.settings["steps"])):
        if count % call.settings["sampled_every"] == 0:
            passed.append(params)
        hs, y_pred = _forward_pass(namespace, x, params)
        moved, theirs = [], _as_their_own(params, namespace)
        for parameter, (name, function) in zip(params, gradients, strict=True):
            gradient = _tensor(function(x, y, theirs, hs, y_pred), name)
            if gradient.shape != parameter.shape:
                shapes = f"{tuple(gradient.shape)} for a parameter of {tuple(parameter.shape)}"
                raise BadReturn(f"{name} returned shape {shapes}")
            moved.append(parameter - step * gradient)
        params = Parameters(*moved)
        if count % STEPS_BETWEEN_CHECKS == 0 and not math.isfinite(
            sum(float(p.sum()) for p in params)
        ):
            break
    return (*params, *_stacked([*passed, params]))


def _stacked(passed: Sequence[Iterable[Tensor]]) -> tuple[Tensor, ...]:
    return tuple(torch.stack(samples) for samples in zip(*passed, strict=True))


def _net(call: Call, namespace: Namespace) -> tuple[Tensor, ...]:
    """Return the output of a Net with the given weights, and its weights as Parameters."""
    net = _net_with(call.parameters(), namespace)
    output = _tensor(net(call.tensors["x"]), "Net")
    return (output, *_weights(net))


def _train_net(call: Call, namespace: Namespace) -> tuple[Tensor, ...]:
    """Train a Net by SGD on the mean squared error; return its weights as Parameters.

    The plain update is written out: torch.optim.SGD comes to the same weights, more slowly.
    """
    x, y = call.tensors["x"], call.tensors["y"]
    net = _net_with(call.parameters(), namespace)
    learning_rate, weights = call.settings["learning_rate"], list(net.parameters())
    passed = []  # parameters on the way
    for count in range(int(call.settings["steps"])):
        if count % call.settings["sampled_every"] == 0:
            passed.append([weight.clone() for weight in _weights(net)])
        output = net(x)
        if getattr(output, "shape", None) != y.shape:
            _tensor(output, "Net")
            raise BadReturn(f"Net returned shape {tuple(output.shape)}, not {tuple(y.shape)}")
        torch.autograd.backward(nn.functional.mse_loss(output, y))
        with torch.no_grad():
            for weight in weights:
                if weight.grad is not None:
                    weight.sub_(weight.grad, alpha=learning_rate)
                    weight.grad = None
    final = _weights(net)
    return (*final, *_stacked([*passed, final]))


def _net_with(params: Parameters, namespace: Namespace) -> Any:
    """Build the student's Net and set its layers to `params`; nn.Linear keeps w transposed."""
    n_feature, n_hidden = params.w1.shape
    net = _defined(namespace, "Net")(n_feature, n_hidden, params.w2.shape[1]).double()
    if any(isinstance(weight, nn.UninitializedParameter) for weight in net.parameters()):
        net(torch.zeros(1, n_feature, dtype=torch.float64))  # lazy layers take their sizes from it
    for layer, weight, bias in (
        ("hidden", params.w1.T, params.b1[0]),
        ("predict", params.w2.T, params.b2[0]),
    ):
        for name, given in (("weight", weight), ("bias", bias)):
            _set(net, layer, name, given)
    return net


def _set(net: Any, layer: str, name: str, given: Tensor) -> None:
    own = getattr(getattr(net, layer, None), name, None)
    if not isinstance(own, Tensor):
        raise BadReturn(f"Net has no {layer}.{name}; it must be an nn.Linear layer with a bias")
    if own.shape != given.shape:
        raise BadReturn(
            f"Net's {layer}.{name} has shape {tuple(own.shape)}, not {tuple(given.shape)}"
        )
    with torch.no_grad():
        own.copy_(given)


def _weights(net: Any) -> tuple[Tensor, ...]:
    return (
        _tensor(net.hidden.weight, "hidden.weight").T,
        _tensor(net.hidden.bias, "hidden.bias").unsqueeze(0),
        _tensor(net.predict.weight, "predict.weight").T,
        _tensor(net.predict.bias, "predict.bias").unsqueeze(0),
    )


HANDLERS: dict[str, Callable[[Call, Namespace], tuple[Tensor, ...]]] = {
    "forward": _forward,
    **dict.fromkeys(GRADIENTS, _gradient),
    "net": _net,
    "train_manual": _train_manual,
    "train_net": _train_net,
}
