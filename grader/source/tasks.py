"""What a homework asks: the names to define, the calls made to them, and the criteria.

Everything that depends on the criterion or the function reads it from here. A homework's tasks are
data: they go to the worker with the source, and to students with the public cases.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

PARAMETERS = "params"  # the argument that stands for all parameters together

QuestionKind = Literal["forward", "gradient", "network", "descent", "training"]


@dataclass(frozen=True)
class Question:
    """A kind of call, identified by its name in calls, messages and spellings.

    forward: a function of `arguments` that returns the tensors `returns`. gradient: takes some of
    the tensors that forward takes and returns, for a `parameter`. network: a class, torch's Module.
    descent: training with forward and the gradients. training: training of the network by autograd.
    Messages use `equation` and `subject` to say what it is about. `uses` names the questions whose
    functions a training run calls, and `run` is the run's name in results.
    """

    name: str
    kind: QuestionKind
    arguments: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    parameter: str = ""
    equation: str = ""
    subject: str = ""
    defines: str = ""
    uses: tuple[str, ...] = ()
    run: str = ""

    @property
    def definition(self) -> str:
        """The name to define: its own, unless `defines` gives another."""
        return self.defines or self.name

    @property
    def is_training(self) -> bool:
        """Whether it trains, which takes long and is judged by a loss."""
        return self.kind in ("descent", "training")


@dataclass(frozen=True)
class Layer:
    """A linear layer of the network: its name, and the parameters that its weights are set to."""

    name: str
    weight: str
    bias: str


@dataclass(frozen=True)
class Network:
    """How to build the network: its sizes, each a dimension of a parameter, and its layers.

    Its parameters are those of the layers, in order. `loss`, a function of torch.nn.functional, is
    what it is trained on.
    """

    sizes: tuple[tuple[str, int], ...]
    layers: tuple[Layer, ...]
    loss: str


@dataclass(frozen=True)
class Criterion:
    """Something that earns points: the cases of a question, or those in one bias convention.

    `todo` is the task's number in the homework, `name` the name to define for it, and `reading` a
    message that says what to read.
    """

    id: str
    question: str
    todo: str
    name: str
    reading: str
    convention: str = ""


@dataclass(frozen=True)
class SameAnswer:
    """A mistake with the same answer as another, told apart by the function's code.

    negates: the code multiplies by -2 and contains the first of `names` minus the second, but never
    the reverse. transposes: it contains the first of `names` transposed.
    """

    mistake: str
    other: str
    shows: Literal["negates", "transposes"]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Tasks:
    """The parameters, questions and criteria of a homework, in the order of asking and marking."""

    parameters: tuple[str, ...]
    questions: tuple[Question, ...]
    criteria: tuple[Criterion, ...]
    network: Network | None = None
    same_answers: tuple[SameAnswer, ...] = ()

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Tasks":
        """Return the tasks that `content` holds as plain values."""
        network = content["network"]
        return cls(
            parameters=tuple(content["parameters"]),
            questions=tuple(Question(**_with_tuples(each)) for each in content["questions"]),
            criteria=tuple(Criterion(**each) for each in content["criteria"]),
            same_answers=tuple(SameAnswer(**_with_tuples(s)) for s in content["same_answers"]),
            network=network
            and Network(
                sizes=tuple((name, dimension) for name, dimension in network["sizes"]),
                layers=tuple(Layer(**each) for each in network["layers"]),
                loss=network["loss"],
            ),
        )

    def stored(self) -> dict[str, Any]:
        """Return the tasks as plain values."""
        return asdict(self)

    @cached_property
    def by_name(self) -> dict[str, Question]:
        """The questions by name."""
        return {question.name: question for question in self.questions}

    @cached_property
    def by_id(self) -> dict[str, Criterion]:
        """The criteria by id."""
        return {criterion.id: criterion for criterion in self.criteria}

    @cached_property
    def gradients(self) -> tuple[str, ...]:
        """The names of the gradients, in the order of the parameters."""
        return self._named("gradient")

    @cached_property
    def forward(self) -> Question:
        """The forward pass."""
        (name,) = self._named("forward")
        return self.by_name[name]

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """The names of the functions called with tensors and watched: forward and the gradients."""
        return (self.forward.name, *self.gradients)

    @cached_property
    def given(self) -> frozenset[str]:
        """The names of the tensors that functions take."""
        arguments = {name for question in self.questions for name in question.arguments}
        return frozenset({*arguments - {PARAMETERS}, *self.parameters})

    @cached_property
    def definitions(self) -> tuple[str, ...]:
        """The names to define."""
        return tuple(dict.fromkeys(q.definition for q in self.questions if not q.is_training))

    @cached_property
    def runs(self) -> dict[str, Question]:
        """The training runs, keyed by their names in results."""
        return {question.run: question for question in self.questions if question.is_training}

    @cached_property
    def words(self) -> dict[str, str]:
        """Words for messages about gradients: forward's results they take, and the equations."""
        equations = sorted(self.by_name[name].equation for name in self.gradients)
        given = {argument for name in self.gradients for argument in self.by_name[name].arguments}
        returned = [name for name in self.forward.returns if name in given]
        words = {"equations": f"{equations[0]} to {equations[-1]}"}
        return words | ({"returned": " and ".join(returned)} if returned else {})

    def question_of(self, criterion: str) -> Question:
        """Return the question of a criterion."""
        return self.by_name[self.by_id[criterion].question]

    def criterion(self, question: str, convention: str = "") -> Criterion:
        """Return the criterion of a question; if it has several, the one of a convention."""
        own = [each for each in self.criteria if each.question == question]
        return next((each for each in own if each.convention == convention), own[0])

    def trains(self, criterion: str) -> bool:
        """Tell whether a criterion is a training run."""
        return self.question_of(criterion).is_training

    def is_of_network(self, criterion: str) -> bool:
        """Tell whether a criterion is about the network's output or its training."""
        return self.question_of(criterion).kind in ("network", "training")

    def _named(self, kind: QuestionKind) -> tuple[str, ...]:
        return tuple(question.name for question in self.questions if question.kind == kind)


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
