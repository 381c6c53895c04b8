"""Return a view of 80 GB with one number in it, which a careless copy would lay out."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    return torch.zeros(1, dtype=torch.float64).expand(100_000, 100_000)
