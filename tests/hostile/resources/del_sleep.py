"""Sleep for an hour when an object is deleted: once in a call, once when the process ends."""
# INCLUDE honest

import time


class Sleeper:
    def __del__(self):
        time.sleep(3600)


sleepers, kept = [Sleeper()], Sleeper()


def grad_w1(x, y, params, hs, y_pred):
    sleepers.clear()
    return x.T @ delta(y, params, hs, y_pred)
