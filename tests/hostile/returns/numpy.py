"""Return dW1 as a numpy array."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    value = x.T @ delta(y, params, hs, y_pred)
    return value.numpy()
