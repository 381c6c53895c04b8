"""The texts a student or an instructor reads about a criterion, by id, in several languages.

What judges names a text and the values to fill in (a Reason); only what shows it makes words of it.
The English texts below are the msgids of the gettext catalogues in locale/.
"""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from ..errors import UserError

Language = Literal["en", "zh_Hans", "zh_Hant"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
# How else a language may be called; "zh" alone is the mainland's.
ALIASES: dict[str, Language] = {
    "zh": "zh_Hans",
    "zh_CN": "zh_Hans",
    "zh_SG": "zh_Hans",
    "zh_TW": "zh_Hant",
    "zh_HK": "zh_Hant",
    "zh_MO": "zh_Hant",
    **{language: language for language in LANGUAGES},
}
LOCALE = Path(__file__).with_name("locale")
DOMAIN = "messages"


def language_of(text: str) -> Language:
    """Return the language `text` names ("zh_Hant", "zh-TW", "zh"); raise UserError if none."""
    known = {name.lower(): language for name, language in ALIASES.items()}
    language = known.get(text.replace("-", "_").lower())
    if language is None:
        raise UserError(f"no language is called {text!r}; choose from {', '.join(LANGUAGES)}")
    return language


def language_here(environment: Mapping[str, str]) -> Language:
    """Return Chinese where an environment's locale (LC_ALL, LC_MESSAGES, LANG) is, else English."""
    set_here = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, set_here), "").partition(".")[0]
    return language_of(locale) if locale.replace("-", "_") in ALIASES else "en"


@dataclass(frozen=True)
class Reason:
    """A text of the catalogue by its id, and the values to fill in."""

    id: str
    values: Mapping[str, str | int | float] = field(default_factory=dict)


def N_(message: str) -> str:  # noqa: N802  # gettext's name for what is to be translated later
    """Mark a message for the catalogues."""
    return message


# What a criterion came to
OUTCOMES = {
    "right": N_("right"),
    "not_attempted": N_("not attempted"),
    "not_attempted_stub_above": N_(
        "the stub's raise NotImplementedError still stands above your code{there}: delete it"
    ),
    "missing": N_("{detail} is not defined"),
    "missing_in_text": N_(
        "{detail} is not defined: {cell}, which defines it, is a {kind} cell; change it to Code"
    ),
    "missing_unparsed": N_("{detail} is not defined: its code does not parse{there}"),
    "missing_failed": N_("{detail} is not defined: its definition ended in {name}{there}"),
    "missing_near": N_("{detail} is not defined; there is {name}{there}"),
    "missing_nested": N_(
        "{detail} is defined inside {name}{there}, where nothing else finds it: write it at the "
        "top level"
    ),
    "raised": N_("{function} raised {detail}{place}"),
    "raised_nested": N_(
        "{function} raised {detail}{place}: forward is defined inside {name}{there}; write it "
        "beside __init__, one level less deep"
    ),
    "bad_return": N_("{detail}{place}"),
    "timeout": N_("{function} {detail}{place}"),
    "waited": N_("{function} {detail}{place}"),
    "crashed": N_("the process that ran this code ended during {function}: {detail}"),
    "shape": N_("{tensor} has shape {actual}, expected {expected}"),
    "count": N_("returned {actual} tensors, expected {expected}"),
    "not_finite": N_("{tensor} has NaN or infinity at {entry}"),
    "half": N_(
        "{tensor}: relative error {error:.1e} at {entry}, where {tolerance:.0e} is asked: "
        "numerically approximated, or cast to float32"
    ),
    "wrong": N_(
        "{tensor}: relative error {error:.1e}, worst at {entry} (tolerance {tolerance:.0e})"
    ),
    "only_on_path": N_(
        "right for the hs and y_pred of a forward pass, but not for the hs and y_pred it is given: "
        "write a closed form of those two, without autograd, finite differences or a second "
        "forward pass"
    ),
    "recomputed_half": N_(
        "right only for the hs and y_pred of a forward pass, and there only approximately "
        "(relative error {error:.1e}): write a closed form of the hs and y_pred it is given"
    ),
    "autograd": N_(
        "torch differentiated here: {name}{place}. The task is the derivative by hand: derive "
        "(3.3) to (3.6) and write the result as a closed form of the hs and y_pred you are given"
    ),
    "autograd_in_forward": N_(
        "torch differentiated while forward was called, which is before this gradient: "
        "{name}{place}. The task is the derivative by hand: derive (3.3) to (3.6) and write the "
        "result as a closed form of the hs and y_pred you are given"
    ),
    "autograd_unwatched": N_(
        "{name} by the code that was called{place}: what it did then is not known, and it earns "
        "nothing"
    ),
    "autograd_named": N_(
        "right for the hs and y_pred of a forward pass, but not for the hs and y_pred it is given, "
        "and its code reaches {name}{place}: derive (3.3) to (3.6) by hand and write the result as "
        "a closed form of those two"
    ),
    "flag_autograd": N_("{name} in {function}{place}"),
    "flag_autograd_named": N_("{name}, reached from {function}{place}"),
    "flag_state": N_("{function} reads {name}{place}, which was made before it is called"),
    "flag_state_autograd": N_(
        "{function} reads {name}{place}, which was made before it is called; torch differentiated "
        "before that, too"
    ),
    "flag_unfollowed": N_(
        "{function} leads to more than is followed{place}: what else it names or reads is not known"
    ),
    "flag_state_called": N_(
        "{function} reaches {name}{place}, which can bring in what the source does not show"
    ),
    "trained": N_("final loss {loss:.4f}, at or below the pass mark {pass_mark:.4f}"),
    "not_trained": N_("final loss {loss:.4g} is above the pass mark {pass_mark:.4f}"),
    "diverged": N_("training diverged: its parameters became NaN or infinite"),
    "nothing_defined": N_("nothing that is asked is defined: define {names}.{error}"),
    "mostly_missing": N_("The homework also asks for {names}, which are not defined."),
    "nothing_defined_in_text": N_(
        "nothing that is asked is defined ({names}): {cell}, which defines some of it, is a {kind} "
        "cell; change it to Code"
    ),
    "nothing_defined_too_deep": N_(
        "nothing that is asked is defined ({names}): what begins at {place} is nested too deeply "
        "for Python to read, and is left out; write it with less nesting"
    ),
    "unreadable": N_("{reason}"),
    "net_beside": N_("This file defines no Net; the one in {file} counts."),
    # What an instructor is told of submissions that may have ended by the machine's fault
    "alarm": N_(
        "{count} submissions in a row ended in the same way: {end}. The reference solution was "
        "graded again after each of them and passed, so this machine can grade."
    ),
    "ended_crash": N_("their process died"),
    "ended_memory": N_("they ran out of memory"),
    "ended_module": N_("a required module could not be imported"),
    "ended_wait": N_("they were stopped while they waited"),
    "ended_time": N_("they used up their processor time"),
}

# What mistakes with a name are told; rubric.toml's [misconceptions] may give each a share.
MISTAKES = {
    # A wrong sign or factor
    "sign": N_(
        "The sign of your {equation} is flipped: descent would climb. f depends on Y_pred "
        "through Y - Y_pred, and differentiating that brings a minus that is easily lost, or "
        "counted twice. Follow the signs from (1.1) on."
    ),
    "residual_reversed": N_(
        "Y_pred - Y stands in your {function} where the differential of (1.1) has Y - Y_pred,"
        " and the factor before it was not changed with it, so the sign of {equation} is "
        "flipped. Choose one order and follow its sign through."
    ),
    "factor_two_missing": N_(
        "A factor of 2 is missing from your {equation}. f is a sum of squares: "
        "what does differentiating a square bring down? Look at the differential of the "
        "squared norm in section 4."
    ),
    "factor_two_doubled": N_(
        "There is a factor of 2 too many in your {equation}. The 2 of the differential of the "
        "square is there once; look for the place where it comes in a second time."
    ),
    "mean_for_sum": N_(
        "Your {equation} is divided by the number of samples. The objective (1.1) is a sum of"
        " squares, not a mean, and so is its gradient; the learning rate is where a mean "
        "belongs."
    ),
    "scalar_multiple": N_(
        "A factor that all entries of your {equation} have in common is wrong. Go through the "
        "factors of your derivation, from (1.1) on."
    ),
    "zero_gradient": N_(
        "Your {function} returns zeros, so {parameter} would never move. Something multiplies"
        " by 0, or the result is never filled in."
    ),
    "constant_gradient": N_(
        "Your {function} returned the same numbers for different inputs of the same size. A "
        "gradient depends on the data and on the parameters: derive {equation}, and write it in "
        "terms of what {function} is given."
    ),
    "absolute_gradient": N_(
        "The entries of your {equation} have lost their own signs. A gradient points somewhere: "
        "its signs belong to it. Take the absolute value off."
    ),
    # The residual, (1.1)
    "y_pred_for_residual": N_(
        "Where the residual belongs, your {equation} has Y_pred alone. What does the "
        "differential of (1.1) say is multiplied: the prediction, or how far it is from Y?"
    ),
    "y_for_residual": N_(
        "Where the residual belongs, your {equation} has Y alone, so the gradient does not "
        "know what the network predicts. Take the differential of (1.1) once more."
    ),
    "residual_added": N_(
        "Y and Y_pred are added in your {function} where the residual is their difference, (1.1)."
    ),
    "residual_squared": N_(
        "The residual is still squared in your {equation}. Differentiating a square lowers "
        "its power by one: that is the first step of the derivation, the differential of the "
        "squared norm."
    ),
    "residual_absolute": N_(
        "Your {equation} uses the size or the sign of the residual alone: that is the "
        "derivative of a sum of absolute values. (1.1) is a sum of squares."
    ),
    # Back through W2, (1.4)
    "w2_not_transposed": N_(
        "The shapes do not fit because W2 is used as it stands. Going back through (1.4), "
        "from the output (N x {n_output}) to the hidden layer (N x H), the matrix acts the other "
        "way round: see what the trace rule does with a factor on the right."
    ),
    "w2_missing": N_(
        "W2 is missing from your {equation}. The hidden layer reaches the output only through"
        " W2, (1.4), so the way back passes it too: each hidden unit gets its own share of "
        "the residual."
    ),
    "w1_for_w2": N_(
        "W1 stands in your {function} where W2 belongs. The residual comes back from the "
        "output through the layer of (1.4); which weights are in that equation?"
    ),
    "back_path_missing": N_(
        "Your {equation} has the derivative of the {activation}, but not the residual that comes "
        "back through (1.4). The chain rule multiplies all the steps from f down to "
        "{parameter}."
    ),
    # The derivative of the {activation}, (1.3) and (2.3)
    "one_minus_hs_missing": N_(
        "The derivative of the {activation} is a product of two factors, (2.3), and the one with "
        "the minus is missing from your {equation}. Derive (2.2) once more and see where each"
        " factor comes from."
    ),
    "hs_missing": N_(
        "The derivative of the {activation} is a product of two factors, (2.3), and only one of "
        "them is in your {equation}. Derive (2.2) once more and see where each factor comes "
        "from."
    ),
    "activation_derivative_missing": N_(
        "The derivative of the {activation} is missing from your {equation}, as if the hidden "
        "layer were linear. Between h and hs there is (1.3); the chain rule takes its "
        "derivative along."
    ),
    "derivative_of_hs": N_(
        "In your {equation} the {activation} is applied to hs once more. hs is the {activation}'s "
        "value already; (2.3) is written in that value, so nothing needs to be applied again."
    ),
    "activation_for_its_derivative": N_(
        "In your {equation} the {activation} of hs stands where the derivative of the {activation} "
        "belongs. hs is the {activation}'s value; (2.3) says how the derivative follows from it."
    ),
    "h_for_hs": N_(
        "h stands in your {function} where its {activation} belongs. Keep apart what goes into "
        "(1.3) and what comes out of it, hs."
    ),
    "tanh_derivative": N_(
        "That is the derivative of tanh. The network has the {activation}, (1.3), and its "
        "derivative is (2.3)."
    ),
    "sigmoid_derivative": N_(
        "That is the derivative of the sigmoid. The network has the {activation}, (1.3), and "
        "its derivative is (2.3)."
    ),
    "relu_derivative": N_(
        "That is the derivative of ReLU, one or zero. The network has the {activation}, (1.3), and"
        " its derivative is (2.3)."
    ),
    "plus_in_derivative": N_(
        "There is a plus in your derivative of the {activation} where (2.3) has a minus."
    ),
    "hs_squared": N_(
        "hs stands twice in your derivative of the {activation}. (2.3) has two different factors: "
        "it must vanish where hs is near 1, too."
    ),
    "square_missing": N_("A square is missing from your derivative of the {activation}, (2.3)."),
    "one_minus_missing": N_(
        "Your {equation} has what (2.3) subtracts from one, and not the difference. Derive "
        "(2.2) once more and see where the one comes from."
    ),
    "exponent_sign": N_(
        "The sign in the exponent of your derivative of the {activation} is flipped. Check it "
        "against (2.3)."
    ),
    "sine_for_cosine": N_(
        "A sine stands in your derivative of the {activation} where (2.3) has a cosine."
    ),
    "derivative_twice": N_(
        "The derivative of the {activation} is in your {equation} twice. Between f and {parameter}"
        " the {activation} (1.3) is passed once."
    ),
    "derivative_inverted": N_(
        "Your {equation} divides by the derivative of the {activation}. Going back through (1.3), "
        "the chain rule multiplies."
    ),
    "matmul_for_elementwise": N_(
        "A matrix product stands in your {function} where the {activation}'s derivative belongs. "
        "The {activation} (1.3) acts on each entry by itself, so going back through it multiplies "
        "entry by entry."
    ),
    "added_for_multiplied": N_(
        "Your {equation} adds the derivative of the {activation} to what comes back from the "
        "output. The chain rule multiplies the steps; see the elementwise rule of section 4."
    ),
    # What multiplies the weights, (1.2) and (1.4)
    "x_missing": N_(
        "X is missing from your {equation}: that is the gradient for something that is added "
        "to h. W1 is multiplied by X in (1.2); what becomes of the other factor of a product?"
    ),
    "x_not_transposed": N_(
        "The shapes do not fit because X is used as it stands. In (1.2) it is on the left of "
        "W1; see what the trace rule makes of a factor on the left, and which shape the "
        "gradient must have."
    ),
    "hs_for_x": N_(
        "hs stands in your {equation} where X belongs. W1 is in (1.2): what is it multiplied "
        "by there?"
    ),
    "hs_missing_in_w2": N_(
        "hs is missing from your {equation}: that is the gradient for something that is added"
        " to the output. W2 is multiplied by hs in (1.4); what becomes of the other factor of"
        " a product?"
    ),
    "hs_not_transposed": N_(
        "The shapes do not fit because hs is used as it stands. In (1.4) it is on the left of"
        " W2; see what the trace rule makes of a factor on the left, and which shape the "
        "gradient must have."
    ),
    "x_for_hs": N_(
        "X stands in your {equation} where hs belongs. W2 is in (1.4): what is it multiplied "
        "by there?"
    ),
    "derivative_for_hs": N_(
        "The derivative of the {activation} stands in your {equation}. W2 comes after the "
        "{activation}: on the way from f back to W2, (1.3) is not passed."
    ),
    "w2_in_its_own_gradient": N_(
        "W2 itself is a factor of your {equation}. Y_pred is linear in W2, (1.4): its "
        "derivative does not hold W2 any more, but for the residual."
    ),
    "elementwise_for_matmul": N_(
        "An elementwise product stands in your {function} where a matrix product belongs: the"
        " sum over what the two factors have in common is missing. Compare the shapes with "
        "those of {equation}."
    ),
    # The sum over the rows
    "rows_not_summed": N_(
        "The gradient is not summed over the rows. That is right for a bias of its own per "
        "sample, but here all samples share one row of {parameter}: it reaches f through "
        'every row that it was broadcast to, and those effects add up. See "Two bias '
        'conventions".'
    ),
    "rows_always_summed": N_(
        "The gradient is summed over the rows, though here each sample has a row of "
        '{parameter} of its own: then a row reaches f through its own sample only. See "Two '
        'bias conventions": the gradient has the shape of the parameter.'
    ),
    "wrong_axis_summed": N_(
        "The sum goes over the wrong axis. Samples are the rows; what they share is summed "
        "over them, and each hidden unit keeps its own column."
    ),
    "one_row_for_all": N_(
        "Only the first sample's row is returned. Where each sample has a row of {parameter} of "
        "its own, each has its gradient; one shared row reaches f through all samples. See "
        '"Two bias conventions".'
    ),
    "summed_to_a_number": N_(
        "Everything is summed to one number. The gradient has the shape of the parameter: one"
        " entry for each entry of {parameter}."
    ),
    "dimension_dropped": N_(
        "The shape is not right: a dimension was dropped (by squeeze, flatten, or a sum without "
        "keepdim). The gradient has the shape of the parameter."
    ),
    # Another gradient
    "b2_in_place_of_b1": N_(
        "That is the gradient of b2. b1 comes before the {activation}, (1.2): the way back goes "
        "on, through W2 and (1.3)."
    ),
    "b1_in_place_of_b2": N_(
        "That is the gradient of b1. b2 is added to the output, (1.4): the way back to it "
        "ends before W2 and the {activation}."
    ),
    "w2_in_place_of_w1": N_(
        "That is the gradient of W2. W1 comes before the {activation}, (1.2): the way back goes "
        "on, through W2 and (1.3)."
    ),
    "w1_in_place_of_w2": N_(
        "That is the gradient of W1. W2 comes after the {activation}, (1.4): the way back to it is"
        " shorter."
    ),
    "w2_in_place_of_b2": N_(
        "That is the gradient of W2. b2 is added in (1.4) and multiplied by nothing."
    ),
    # Right numbers in wrong places
    "transposed": N_(
        "Your {equation} is transposed. The gradient has the shape of the parameter; bring df"
        " into the form tr(G^T dW) and read off G, not its transpose."
    ),
    "printed_transpose": N_(
        "Your (3.3) is transposed, as the report misprints it (see the errata). b2 is a "
        "column, and so is its gradient."
    ),
    "entries_permuted": N_(
        "The numbers are right and stand in wrong places: a reshape, view or flip in your "
        "{function} where a transpose, or nothing, belongs."
    ),
    # How it is computed
    "cast_to_float32": N_(
        "It went through float32, which has some seven digits. Numbers arrive as float64 and "
        "are compared to twelve digits: leave out .float(), and make new tensors with the "
        "dtype of those you are given."
    ),
    "recomputed": N_(
        "And it holds only for the hs and y_pred of a forward pass, not for those it is "
        "given: write a closed form of these two."
    ),
    "in_place_damage": N_(
        "{function} changes {detail} in place. The caller still needs it: the next gradient "
        "and the next step then work with other data. Write x = x - y, or x.clone(), not x -="
        " y or a method that ends in _."
    ),
    # The forward pass
    "biases_left_out": N_("Both biases are left out. (1.2) and (1.4) each add one."),
    "b1_left_out": N_("b1 is left out of the hidden layer, (1.2)."),
    "b2_left_out": N_("b2 is left out of the output, (1.4)."),
    "bias_subtracted": N_("A bias is subtracted. (1.2) and (1.4) add it."),
    "bias_multiplied": N_("A bias is multiplied where (1.2) and (1.4) add it."),
    "bias_rows_merged": N_(
        "One row of the bias is used for all samples, though here each sample has a row of "
        'its own. Broadcasting does both conventions by itself: see "Two bias conventions".'
    ),
    "weight_transposed": N_(
        "A weight matrix is transposed in {function}: in (1.2) and (1.4) it stands on the "
        "right as it is. (nn.Linear stores it transposed; params does not.)"
    ),
    "activation_missing": N_(
        "The {activation} is missing: hs is h. Without (1.3) the two layers are one linear map."
    ),
    "relu_for_activation": N_("That is ReLU. The hidden layer has the {activation}, (1.3)."),
    "sigmoid_for_activation": N_(
        "That is the sigmoid. The hidden layer has the {activation}, (1.3)."
    ),
    "tanh_for_activation": N_("That is tanh. The hidden layer has the {activation}, (1.3)."),
    "softmax_for_activation": N_(
        "That is softmax, which makes entries compete. The {activation} (1.3) acts on each entry "
        "by itself."
    ),
    "softplus_for_activation": N_(
        "That is softplus. The hidden layer has the {activation}, (1.3)."
    ),
    "activation_twice": N_("The {activation} is applied twice. (1.3) applies it once."),
    "activation_of_minus_h": N_("That is the {activation} of -h. Check the signs against (2.1)."),
    "derivative_for_activation": N_(
        "That is the derivative of the {activation}, (2.3). The hidden layer has the {activation} "
        "itself, (1.3)."
    ),
    "activation_overflows": N_(
        "At h = 1000 the exponential is infinite, so your {function} is not the {activation} "
        "there. The forms of (2.1) are equal on paper; try each of them at 1000 and at -1000, "
        "or use what torch has."
    ),
    "activation_on_output": N_(
        "The output goes through the {activation}, too. (1.4) is linear: y_pred may be any number."
    ),
    "relu_on_output": N_("The output goes through ReLU. (1.4) is linear: y_pred may be negative."),
    "h_returned_for_hs": N_(
        "h is returned as hs. hs is what comes out of the {activation}, (1.3)."
    ),
    "outputs_swapped": N_("hs and y_pred are returned in the wrong order: hs comes first."),
    "outputs_transposed": N_(
        "What is returned is transposed. The rows are samples: hs is N x H and y_pred N x "
        "{n_output}."
    ),
    "output_dimension_dropped": N_(
        "y_pred has lost its second dimension. It is N x {n_output}, as (1.4) makes it; leave out "
        "squeeze and flatten."
    ),
    "hidden_returned_twice": N_(
        "The hidden layer is returned as y_pred. The output layer (1.4) is missing, or its "
        "result is not returned."
    ),
    # What is returned, and Net's layers
    "return_forgotten": N_(
        "Nothing is returned: a return is missing, or it stands where it is not reached."
    ),
    "tuple_returned": N_("A tuple or list is returned where one tensor is asked for."),
    "numpy_returned": N_(
        "A numpy array is returned. Return a torch.Tensor: stay in torch, or end with "
        "torch.from_numpy."
    ),
    "pair_not_returned": N_("Only one is returned where two are asked for: hs first, then y_pred."),
    "net_layer_missing": N_(
        "A layer is missing or has another name: call the two nn.Linear layers self.hidden "
        "and self.predict."
    ),
    "net_bias_missing": N_(
        "A layer has no bias. (1.2) and (1.4) each add one, and nn.Linear has one unless it "
        "is told otherwise."
    ),
    "net_sizes_fixed": N_(
        "Net ignores the sizes it is made with. Use n_feature, n_hidden and n_output, not the"
        " numbers of one example."
    ),
}

TEXTS = {**OUTCOMES, **MISTAKES}


def add_mistakes(texts: Mapping[str, str]) -> None:
    """Know the texts of another homework's mistakes, in this process."""
    MISTAKES.update(texts)
    TEXTS.update(texts)


# How a final mark comes about: its steps, what counts of several attempts, and who told a time.
BREAKDOWN = {
    "earned": N_("Points earned"),
    "criterion_by_hand": N_("{criterion} was set by hand to {points} points (graded: {graded})"),
    "handed_in": N_("Handed in: {moment}"),
    "system": N_("as the course's system recorded it"),
    "archive": N_("the time in the archive that it came in"),
    "file": N_("the time of the file"),
    "due": N_("Due: {due}"),
    "extension": N_("Due, with your extension: {due}"),
    "days": N_("Days late: {days}"),
    "days_of_system": N_("Days late, as the course's system marks it: {days}"),
    "days_by_hand": N_("Days late, set by hand: {days}"),
    "by_hand": N_("Set by hand"),
    "best": N_("Attempt {attempt} of {attempts} counts: it has the highest final mark."),
    "last": N_("Attempt {attempt} of {attempts} counts: it was handed in last."),
}

# What stands for the values of a mistake when it is told of several students.
NEUTRAL = {
    "equation": N_("gradient"),
    "function": N_("function"),
    "parameter": N_("the parameter"),
    "detail": N_("its arguments"),
}

# What an instructor reads of all submissions with an outcome, whatever their names and numbers.
KINDS = {
    "not_attempted": N_("not attempted"),
    "not_attempted_stub_above": N_("the stub's raise still stands above the code"),
    "missing": N_("not defined"),
    "missing_in_text": N_("defined in a cell that is not a code cell"),
    "missing_unparsed": N_("not defined: its code does not parse"),
    "missing_failed": N_("not defined: its definition ended in an error"),
    "missing_near": N_("not defined, but a similar name is"),
    "missing_nested": N_("defined inside another function or class"),
    "raised": N_("raised an error"),
    "raised_nested": N_("raised an error: forward is defined inside another method"),
    "bad_return": N_("returned something else than asked"),
    "timeout": N_("took too long"),
    "waited": N_("stopped while it waited"),
    "crashed": N_("its process ended"),
    "shape": N_("wrong shape"),
    "count": N_("wrong number of tensors"),
    "not_finite": N_("NaN or infinity"),
    "half": N_("only approximately right"),
    "wrong": N_("wrong, no known mistake"),
    "only_on_path": N_("right only for the hs and y_pred of a forward pass"),
    "recomputed_half": N_("approximately right, only for the hs and y_pred of a forward pass"),
    "autograd": N_("autograd was used"),
    "autograd_in_forward": N_("autograd was used in forward"),
    "autograd_unwatched": N_("the watch for autograd was switched off"),
    "state": N_("a gradient reads what was made before"),
    "state_autograd": N_("a gradient reads what was made before, and autograd was used before"),
    "autograd_named": N_("autograd is within reach of the code"),
    "unfollowed": N_("a gradient leads to more than is followed"),
    "not_trained": N_("final loss above the pass mark"),
    "diverged": N_("training diverged"),
    "nothing_defined": N_("nothing that is asked is defined"),
    "nothing_defined_in_text": N_("all of it is in cells that are not code cells"),
    "nothing_defined_too_deep": N_("nested too deeply for Python to read"),
    "unreadable": N_("the file cannot be read"),
    "net_beside": N_("the Net is in another file"),
    "by_hand": N_("set by hand"),
    "unknown": N_("not known"),
}


class Texts:
    """The catalogue in one language."""

    def __init__(self, language: Language = "en") -> None:
        self.language = language
        self.translations = gettext.translation(
            DOMAIN, LOCALE, [language], fallback=language == "en"
        )

    def of(self, *reasons: Reason) -> str:
        """Return the words for some reasons, one after the other."""
        return " ".join(self.say(TEXTS[reason.id], **reason.values) for reason in reasons)

    def name_of(self, id_: str) -> str:
        """Return what a reason is called for whoever reads about several submissions."""
        return self.say(KINDS[id_]) if id_ in KINDS else id_.replace("_", " ")

    def outline(self, id_: str, values: Mapping[str, str | int | float]) -> str:
        """Return the words for a mistake, with neutral words for what differs between students.

        `values` are those of any of them.
        """
        return self.say(
            MISTAKES[id_], **{**values, **{name: self.say(word) for name, word in NEUTRAL.items()}}
        )

    def alarm(self, smell: str, count: int) -> str:
        """Return the words for submissions in a row that ended alike (smells.Smell)."""
        end = self.of(Reason(f"ended_{smell}"))
        return self.of(Reason("alarm", {"count": count, "end": end}))

    def say(self, message: str, **values: str | int | float) -> str:
        """Return the words for a message marked by N_, with its values filled in."""
        return self.translations.gettext(message).format(**values)


ENGLISH = Texts()
