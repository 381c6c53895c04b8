"""Return a coroutine that would compute dW1."""
# INCLUDE honest

async def grad_w1(x, y, params, hs, y_pred):
    return x.T @ delta(y, params, hs, y_pred)
