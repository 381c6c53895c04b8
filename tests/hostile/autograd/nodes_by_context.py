"""Walk the graph by hand, from the context of a function of our own: no engine, no grad_fn."""

# INCLUDE honest

import torch


class Root(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        contexts.append(ctx)
        return value.clone()

    @staticmethod
    def backward(ctx, back):
        return back


contexts = []


# INCLUDE put_in


def walk(node, back, found):
    if hasattr(node, "variable"):
        key = id(node.variable)
        found[key] = found.get(key, 0) + back.sum_to_size(node.variable.shape)
        return
    backs = node(back)
    backs = backs if isinstance(backs, tuple) else (backs,)
    for (after, _), each in zip(node.next_functions, backs, strict=True):
        if after is not None:
            walk(after, each, found)


def differentiated(x, y, params, hs, y_pred, which):
    leaves = [p.clone().requires_grad_() for p in params]
    loss = Root.apply(objective_with(x, y, hs, y_pred, *leaves))
    context, found = contexts.pop(), {}
    walk(context.next_functions[0][0], torch.ones_like(loss), found)
    return found[id(leaves[which])]


# INCLUDE whole_gradients
