"""A derivative of ATen's in a thread that threading knows nothing of."""

# INCLUDE honest

import _thread

import torch


def back_of(y, params, hs, y_pred):
    def target():
        box.append(torch.ops.aten.sigmoid_backward(-2 * (y - y_pred) @ params.w2.T, hs))
        done.release()

    box, done = [], _thread.allocate_lock()
    done.acquire()
    _thread.start_new_thread(target, ())
    done.acquire()
    return box[0]


# INCLUDE by_back_of
