"""Walk grad_fn node by node, without the engine."""

# INCLUDE honest

import torch


# INCLUDE objective


def leaves_of(params):
    return [p.clone().requires_grad_() for p in params]


def walked(node, flowing, leaf):
    if node is None or flowing is None:
        return 0
    if hasattr(node, "variable"):
        return flowing.sum_to_size(leaf.shape) if node.variable is leaf else 0
    out = node(flowing)
    out = out if isinstance(out, tuple) else (out,)
    pairs = zip(node.next_functions, out, strict=True)
    return sum(walked(inner, part, leaf) for (inner, _), part in pairs)


def differentiated(x, y, params, which):
    leaves = leaves_of(params)
    loss = objective_at(x, y, leaves)
    return walked(loss.grad_fn, torch.ones_like(loss), leaves[which])


# INCLUDE gradients
