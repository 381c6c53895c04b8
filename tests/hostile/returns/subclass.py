"""Return tensors of a class of one's own."""
# INCLUDE honest

class Gradient(torch.Tensor):
    unit = "per weight"


def grad_w1(x, y, params, hs, y_pred):
    return (x.T @ delta(y, params, hs, y_pred)).as_subclass(Gradient)
