"""The engine in a thread, where no dispatch mode of the caller is."""

# INCLUDE honest

import threading

import torch


# INCLUDE objective


def leaves_of(params):
    return [p.clone().requires_grad_() for p in params]


def differentiated(x, y, params, which):
    def target():
        leaves = leaves_of(params)
        loss = objective_at(x, y, leaves)
        run = torch.autograd.Variable._execution_engine.run_backward
        one = (torch.ones_like(loss),)
        box.extend(run((loss,), one, False, False, (leaves[which],), False, accumulate_grad=False))

    box = []
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    return box[0]


# INCLUDE gradients
