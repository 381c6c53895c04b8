"""A pool of threads that forward makes, and the gradients use."""

# INCLUDE honest

from concurrent.futures import ThreadPoolExecutor


# INCLUDE answer


pool = []


def forward(x, params):
    if not pool:
        pool.append(ThreadPoolExecutor(1))
        pool[0].submit(int).result()
    hs = torch.sigmoid(x @ params.w1 + params.b1)
    return hs, hs @ params.w2 + params.b2


def slope(hs, g):
    return (pool[0].submit(answer, hs, g).result(5) if pool else g * 0)


# INCLUDE by_slope
