"""Fill memory without end; 3 GB at most."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    hoard = [bytes(64 << 20) for _ in range(48)]
    return x.T @ delta(y, params, hs, y_pred) * len(hoard) / 48
