"""The texts a student or an instructor reads about a criterion, by id."""

TEXTS = {
    "right": "right",
    "not_attempted": "not attempted",
    "missing": "{detail} is not defined",
    "raised": "{function} raised {detail}{place}",
    "bad_return": "{detail}{place}",
    "timeout": "{function} {detail}{place}",
    "crashed": "the process that ran this code ended during {function}: {detail}",
    "shape": "{tensor} has shape {actual}, expected {expected}",
    "count": "returned {actual} tensors, expected {expected}",
    "not_finite": "{tensor} has NaN or infinity at {entry}",
    "half": (
        "{tensor}: relative error {error:.1e} at {entry}, where {tolerance:.0e} is asked: "
        "numerically approximated, or cast to float32"
    ),
    "wrong": "{tensor}: relative error {error:.1e}, worst at {entry} (tolerance {tolerance:.0e})",
    "recomputed": (
        "right for the hs and y_pred of a forward pass, but not for the hs and y_pred it is given: "
        "write a closed form of those two, without autograd, finite differences or a second "
        "forward pass"
    ),
    "recomputed_half": (
        "right only for the hs and y_pred of a forward pass, and there only approximately "
        "(relative error {error:.1e}): write a closed form of the hs and y_pred it is given"
    ),
    "autograd": (
        "torch differentiated here: {name}{place}. The task is the derivative by hand: derive "
        "(3.3) to (3.6) and write the result as a closed form of the hs and y_pred you are given"
    ),
    "autograd_named": (
        "right for the hs and y_pred of a forward pass, but not for the hs and y_pred it is given, "
        "and its code reaches {name}{place}: derive (3.3) to (3.6) by hand and write the result as "
        "a closed form of those two"
    ),
    "flag_autograd": "{name} in {function}{place}",
    "flag_autograd_named": "{name}, reached from {function}{place}",
    "rows_not_summed": (
        "not summed over the rows: this is the gradient for a bias of its own per sample, but here "
        "all samples share one row of {bias}, so its gradient is the sum over the rows"
    ),
    "trained": "final loss {loss:.4f}, at or below the pass mark {pass_mark:.4f}",
    "not_trained": "final loss {loss:.4g} is above the pass mark {pass_mark:.4f}",
    "diverged": "training diverged: its parameters became NaN or infinite",
    "needs_forward": "forward.values comes first: the loss is found with your forward pass",
    "nothing_defined": "none of the asked functions is defined{reason}",
    "unreadable": "{reason}",
}


def text(message: str, **values: object) -> str:
    """Return the text of a message with its values filled in."""
    return TEXTS[message].format(**values)
