"""Return a quantised dW1."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    value = x.T @ delta(y, params, hs, y_pred)
    return torch.quantize_per_tensor(value.float(), 0.1, 0, torch.qint8)
