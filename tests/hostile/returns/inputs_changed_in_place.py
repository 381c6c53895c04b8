"""Return the right dW1 and wipe everything it was given."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    value = x.T @ delta(y, params, hs, y_pred)
    for given in (x, y, *params, hs, y_pred):
        given.zero_()
    return value
