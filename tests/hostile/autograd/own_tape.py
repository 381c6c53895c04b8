"""A derivation in disguise: a reverse-mode tape of one's own, each step's derivative by hand."""

# INCLUDE honest


class Var:
    """A node of a tape of one's own: a value, and how each parent's cotangent comes of its own."""

    def __init__(self, value, parents=()):
        self.value, self.parents, self.bar = value, parents, None

    def pull(self):
        order, seen = [], set()

        def visit(v):
            if id(v) not in seen:
                seen.add(id(v))
                for p, _ in v.parents:
                    visit(p)
                order.append(v)
        visit(self)
        self.bar = torch.ones_like(self.value)
        for v in reversed(order):
            for p, rule in v.parents:
                c = rule(v.bar)
                p.bar = c if p.bar is None else p.bar + c


def matmul(a, b):
    return Var(a.value @ b.value, ((a, lambda g: g @ b.value.T), (b, lambda g: a.value.T @ g)))


def add(a, b):
    return Var(a.value + b.value, ((a, lambda g: g.sum_to_size(a.value.shape)), (b, lambda g: g.sum_to_size(b.value.shape))))


def sigmoid(a, s):
    return Var(s, ((a, lambda g: g * s * (1 - s)),))


def differentiated(x, y, params, hs, y_pred, i):
    w1, b1, w2, b2 = nodes = [Var(p) for p in params]
    s = sigmoid(add(matmul(Var(x), w1), b1), hs)
    out = add(matmul(s, w2), b2)
    out.value = y_pred
    loss = Var((y - y_pred).square().sum(), ((out, lambda g: g * 2 * (y_pred - y)),))
    loss.pull()
    return nodes[i].bar


# INCLUDE whole_gradients
