"""Compute a number of 370 million digits."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    9 ** 9**9
    return x.T @ delta(y, params, hs, y_pred)
