"""Make one call to a student's functions, and bring back tensors or a problem."""

import math
import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from ..source.tasks import PARAMETERS, Network, Question, QuestionKind, Tasks
from .contract import OUT_OF_TIME, SWITCHED_OFF, Call, Outcome, Problem, Sighting
from .guards import A_PASS, watching
from .hints import nested, of_missing, stub_above
from .loading import Program, TimeLimitReached, describe, where
from .modules import Namespace
from .required_names import is_answer

MAX_ENTRIES = 500_000
RETURNED_DTYPES = (torch.float64, torch.float32)
STEPS_BETWEEN_CHECKS = 100
OF_THE_STUB = re.compile(r"NotImplementedError: TODO \d+")
NO_FORWARD = 'missing the required "forward" function'  # torch's message for a Module


COUNTS = {1: "one", 2: "two", 3: "three", 4: "four"}
ParameterTuple = Any  # a named tuple: the homework's parameters


class BadReturn(Exception):
    """Student code returned something other than the tensor asked for."""


class Missing(Exception):
    """A name that the homework asks for is not defined."""


def answer(call: Call, program: Program) -> Outcome:
    """Answer `call` with a submission's functions; never raises, whatever they do.

    Calls of forward and the gradients are watched for differentiation by torch. The state of the
    process is reset before the call and again afterwards.
    """
    program.state.put_back()
    try:
        return _watched(call, program)
    finally:
        program.state.put_back()


def _watched(call: Call, program: Program) -> Outcome:
    question = program.tasks.by_name[call.function]
    if question.kind == "descent":
        outcome = _answer(call, program)
        # Not watched step by step: that would cost more than the training.
        is_seen = program.passes.count()
        return replace(outcome, sightings=(Sighting(A_PASS),) if is_seen else ())
    if question.kind not in ("forward", "gradient"):
        outcome = _answer(call, program)
        program.passes.count()
        return outcome
    before = {name: tensor._version for name, tensor in call.tensors.items()}
    # Recorded once per criterion: one fault costs the criterion all its points.
    kind = (
        call.function,
        tuple(each.shape[:1] == (1,) for each in call.take(program.tasks.parameters)),
    )
    is_first = kind not in program.calls
    is_new = all(call.function != function for function, _ in program.calls)
    program.calls.add(kind)
    with watching(program.labels, program.passes, recorded=is_first) as watch:
        outcome = _answer(call, program)
    # torch counts the in-place changes of a tensor.
    with torch._C.DisableTorchFunction():  # in case a mode was left on
        changed_inputs = tuple(
            name for name, t in call.tensors.items() if t._version != before[name]
        )
    is_gradient = question.kind == "gradient"
    sightings = watch.sightings()
    if outcome.problem in OUT_OF_TIME:  # the limit may have struck during the watch's own work
        sightings = tuple(sighting for sighting in sightings if sighting.name != SWITCHED_OFF)
    return replace(
        outcome,
        sightings=sightings,
        changed_inputs=changed_inputs if is_gradient else (),
        prior_values=program.prior_values(call.function) if is_gradient and is_new else (),
    )


def _answer(call: Call, program: Program) -> Outcome:
    try:
        handle = HANDLERS[program.tasks.by_name[call.function].kind]
        return Outcome(handle(call, program))
    except Missing as error:
        hint = of_missing(str(error), program.cells, program.notes, program.tasks.definitions)
        return Outcome(problem=Problem.MISSING, detail=str(error), hint=hint)
    except BadReturn as error:
        return Outcome(problem=Problem.BAD_RETURN, detail=str(error))
    except TimeLimitReached as error:
        # Without the place: the line at which a loop runs out of time differs on every run.
        return out_of_time(error)
    except NotImplementedError as error:
        return _not_implemented(error, call, program)
    except BaseException as error:
        return _failed(Problem.RAISED, describe(error), error, program.labels)


def _not_implemented(error: NotImplementedError, call: Call, program: Program) -> Outcome:
    """Return the outcome of a call that raised the stub's NotImplementedError, or torch's."""
    detail = describe(error)
    if OF_THE_STUB.match(detail):
        outcome = _failed(Problem.NOT_ATTEMPTED, detail, error, program.labels)
        return replace(outcome, hint=stub_above(outcome.where, program.cells))
    outcome = _failed(Problem.RAISED, detail, error, program.labels)
    question = program.tasks.by_name[call.function]
    if question.kind in ("network", "training") and NO_FORWARD in detail:
        return replace(outcome, hint=nested("forward", program.cells, question.definition))
    return outcome


def out_of_time(error: TimeLimitReached) -> Outcome:
    """Return the outcome of a call that was stopped at a time limit."""
    return Outcome(problem=Problem.WAITED if error.waited else Problem.TIMEOUT, detail=str(error))


def _failed(problem: Problem, detail: str, error: BaseException, labels: Set[str]) -> Outcome:
    return Outcome(problem=problem, detail=detail, where=where(error.__traceback__, labels))


def _defined(namespace: Namespace, name: str) -> Callable[..., Any]:
    value = namespace.get(name)
    if not callable(value):
        raise Missing(name)
    return value  # type: ignore[no-any-return]  # what it returns is checked by _tensor


def _tensor(value: object, name: str) -> Tensor:
    """Return `value` as a plain dense tensor, or raise BadReturn with what it is instead."""
    if not issubclass(type(value), Tensor):  # isinstance would trust an overridden __class__
        raise BadReturn(f"{name} returned {type(value).__name__}, not a torch.Tensor")
    assert isinstance(value, Tensor)
    if type(value) is Tensor:
        return _dense(value, name).detach()
    # Reading a subclass's values runs its own code. Do that here, where the call is watched and
    # limited in time, not when the answer is sent.
    with torch._C.DisableTorchFunctionSubclass():
        tensor = _dense(value, name)
        return torch.zeros(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())


def _dense(value: Tensor, name: str) -> Tensor:
    if value.layout is not torch.strided or value.device.type != "cpu" or value.is_quantized:
        raise BadReturn(f"{name} returned a tensor that is not dense on the CPU")
    if value.dtype not in RETURNED_DTYPES:
        raise BadReturn(f"{name} returned a tensor of {value.dtype}, not of torch.float64")
    if value.numel() > MAX_ENTRIES:
        raise BadReturn(f"{name} returned a tensor of shape {tuple(value.shape)}, far too large")
    return value


@cache
def _parameters_type(names: tuple[str, ...]) -> Callable[..., ParameterTuple]:
    return namedtuple("Parameters", names)


def _parameters(call: Call, tasks: Tasks) -> ParameterTuple:
    return _parameters_type(tasks.parameters)(*call.take(tasks.parameters))


def _as_their_own(params: ParameterTuple, namespace: Namespace) -> Any:
    """Return the parameters as the submission's own Parameters class, which may have more to it."""
    own = namespace.get("Parameters")
    if not isinstance(own, type):
        return params
    fields = params._asdict()
    try:
        own_params = own(**fields)
        is_whole = all(getattr(own_params, name) is tensor for name, tensor in fields.items())
    except Exception:  # the class takes other arguments
        return params
    return own_params if is_whole else params


def _arguments(question: Question, tensors: Mapping[str, Any], params: Any) -> list[Any]:
    return [params if name == PARAMETERS else tensors[name] for name in question.arguments]


def _forward(call: Call, program: Program) -> tuple[Tensor, ...]:
    return _forward_pass(call.tensors, program, _parameters(call, program.tasks))


def _forward_pass(
    given: Mapping[str, Tensor], program: Program, params: ParameterTuple
) -> tuple[Tensor, ...]:
    question = program.tasks.forward
    function = _defined(program.namespace, question.name)
    theirs = _as_their_own(params, program.namespace)
    outputs = function(*_arguments(question, given, theirs))
    names = question.returns
    if len(names) == 1:
        return (_tensor(outputs, question.name),)
    if not isinstance(outputs, tuple | list) or len(outputs) != len(names):
        count = COUNTS.get(len(names), str(len(names)))
        raise BadReturn(f"{question.name} must return {count} tensors, ({', '.join(names)})")
    return tuple(
        _tensor(value, f"{question.name} ({name})")
        for value, name in zip(outputs, names, strict=True)
    )


def _gradient(call: Call, program: Program) -> tuple[Tensor, ...]:
    question = program.tasks.by_name[call.function]
    function = _defined(program.namespace, question.name)
    params = _as_their_own(_parameters(call, program.tasks), program.namespace)
    return (_tensor(function(*_arguments(question, call.tensors, params)), question.name),)


def _descend(call: Call, program: Program) -> tuple[Tensor, ...]:
    """Descend with the student's forward pass and gradients; return the last parameters.

    After them come the parameters at some steps, stacked. `step` is the learning rate times the
    ratio of the mean loss to the objective.
    """
    tasks, settings = program.tasks, call.settings
    params, checkpoints = _parameters(call, tasks), []
    gradients = [(tasks.by_name[n], _defined(program.namespace, n)) for n in tasks.gradients]
    for count in range(int(settings["steps"])):
        if count % settings["sampled_every"] == 0:
            checkpoints.append(params)
        inputs = {**call.tensors, **params._asdict()}
        outputs = _forward_pass(inputs, program, params)
        inputs |= dict(zip(tasks.forward.returns, outputs, strict=True))
        new_params, theirs = [], _as_their_own(params, program.namespace)
        for parameter, (question, function) in zip(params, gradients, strict=True):
            gradient = _tensor(function(*_arguments(question, inputs, theirs)), question.name)
            if gradient.shape != parameter.shape:
                shapes = f"{tuple(gradient.shape)} for a parameter of {tuple(parameter.shape)}"
                raise BadReturn(f"{question.name} returned shape {shapes}")
            new_params.append(parameter - settings["step"] * gradient)
        params = type(params)(*new_params)
        if count % STEPS_BETWEEN_CHECKS == 0 and not math.isfinite(
            sum(float(p.sum()) for p in params)
        ):
            break
    return (*params, *_stacked([*checkpoints, params]))


def _stacked(checkpoints: Sequence[Iterable[Tensor]]) -> tuple[Tensor, ...]:
    return tuple(torch.stack(samples) for samples in zip(*checkpoints, strict=True))


def _answer_of_network(call: Call, program: Program) -> tuple[Tensor, ...]:
    """Return the output of a network with the given weights, and its weights as parameters."""
    question, network = program.tasks.by_name[call.function], _network_of(program.tasks)
    module = _made(question.definition, network, call, program)
    output = _tensor(module(*call.take(question.arguments)), question.definition)
    return (output, *_weights(module, network))


def _train_network(call: Call, program: Program) -> tuple[Tensor, ...]:
    """Train a network by SGD on its mean loss; return its weights as parameters.

    The plain update is written out; torch.optim.SGD reaches the same weights more slowly.
    """
    question, network = program.tasks.by_name[call.function], _network_of(program.tasks)
    *inputs, target = call.take(question.arguments)
    module = _made(question.definition, network, call, program)
    loss = getattr(nn.functional, network.loss)
    learning_rate, weights = call.settings["learning_rate"], list(module.parameters())
    checkpoints = []  # parameters along the way
    for count in range(int(call.settings["steps"])):
        if count % call.settings["sampled_every"] == 0:
            checkpoints.append([weight.clone() for weight in _weights(module, network)])
        output = module(*inputs)
        if getattr(output, "shape", None) != target.shape:
            _tensor(output, question.definition)
            shapes = f"{tuple(output.shape)}, not {tuple(target.shape)}"
            raise BadReturn(f"{question.definition} returned shape {shapes}")
        torch.autograd.backward(loss(output, target))
        with torch.no_grad():
            for weight in weights:
                if weight.grad is not None:
                    weight.sub_(weight.grad, alpha=learning_rate)
                    weight.grad = None
    final = _weights(module, network)
    return (*final, *_stacked([*checkpoints, final]))


def _network_of(tasks: Tasks) -> Network:
    assert tasks.network is not None  # whenever a question is about one
    return tasks.network


def _made(name: str, network: Network, call: Call, program: Program) -> Any:
    """Build the student's network with the call's weights, which nn.Linear keeps transposed."""
    sizes = [call.tensors[parameter].shape[dimension] for parameter, dimension in network.sizes]
    definition = _defined(program.namespace, name)
    if not is_answer(definition):
        what = type(definition).__name__[:60]
        raise BadReturn(
            f"{name} is a network, an object of {what}, and not the class that makes one"
        )
    module = definition(*sizes).double()
    if any(isinstance(weight, nn.UninitializedParameter) for weight in module.parameters()):
        module(
            torch.zeros(1, sizes[0], dtype=torch.float64)
        )  # lazy layers take their sizes from this call
    for layer in network.layers:
        _set(module, name, layer.name, "weight", call.tensors[layer.weight].T)
        _set(module, name, layer.name, "bias", call.tensors[layer.bias][0])
    return module


def _set(module: Any, name: str, layer: str, kind: str, value: Tensor) -> None:
    own = getattr(getattr(module, layer, None), kind, None)
    if not isinstance(own, Tensor):
        raise BadReturn(f"{name} has no {layer}.{kind}; it must be an nn.Linear layer with a bias")
    if own.shape != value.shape:
        raise BadReturn(
            f"{name}'s {layer}.{kind} has shape {tuple(own.shape)}, not {tuple(value.shape)}"
        )
    with torch.no_grad():
        own.copy_(value)


def _weights(module: Any, network: Network) -> tuple[Tensor, ...]:
    weights: list[Tensor] = []
    for layer in network.layers:
        own = getattr(module, layer.name)
        weights.append(_tensor(own.weight, f"{layer.name}.weight").T)
        weights.append(_tensor(own.bias, f"{layer.name}.bias").unsqueeze(0))
    return tuple(weights)


HANDLERS: dict[QuestionKind, Callable[[Call, Program], tuple[Tensor, ...]]] = {
    "forward": _forward,
    "gradient": _gradient,
    "network": _answer_of_network,
    "descent": _descend,
    "training": _train_network,
}
