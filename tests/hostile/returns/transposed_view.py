"""Return dW1 as a transposed view with strides of its own."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    value = x.T @ delta(y, params, hs, y_pred)
    return torch.stack([value[0], value[0]], 1).T[:1]
