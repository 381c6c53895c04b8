"""Return dW1 without its row, which would broadcast in a comparison."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    value = x.T @ delta(y, params, hs, y_pred)
    return value[0]
