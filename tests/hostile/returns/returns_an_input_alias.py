"""Return dW1, written over the w1 it was given."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    value = x.T @ delta(y, params, hs, y_pred)
    return params.w1.copy_(value)
