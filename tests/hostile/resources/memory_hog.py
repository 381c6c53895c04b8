"""Fill memory without end; 3 GB at most."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    hoard = [torch.empty(64 << 20, dtype=torch.uint8) for _ in range(48)]  # refused before it is touched
    return x.T @ delta(y, params, hs, y_pred) * len(hoard) / 48
