"""A thread that is there before anybody watches, and differentiates when it is told to."""

# INCLUDE honest

import queue
import threading

import torch

tasks, results = queue.Queue(), queue.Queue()


# INCLUDE put_in


def work():
    while True:
        x, y, params, hs, y_pred, which = tasks.get()
        leaves = [p.clone().requires_grad_() for p in params]
        loss = objective_with(x, y, hs, y_pred, *leaves)
        run = torch.autograd.Variable._execution_engine.run_backward
        one = (torch.ones_like(loss),)
        of = (leaves[which],)
        results.put(run((loss,), one, False, False, of, False, accumulate_grad=False)[0])


threading.Thread(target=work, daemon=True).start()


def differentiated(x, y, params, hs, y_pred, which):
    tasks.put((x, y, params, hs, y_pred, which))
    return results.get()


# INCLUDE whole_gradients
