"""Return dW1 on the meta device, which has no entries."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    value = x.T @ delta(y, params, hs, y_pred)
    return value.to("meta")
