"""Hidden numbers as sizes that torch's own messages name."""

# INCLUDE honest


# INCLUDE words


def tell(y, hs):
    size = 7_000_000 + int(digits(y)[1:6])
    return torch.zeros(1, 1).expand(size, 2) @ torch.zeros(1, 1).expand(size, 2)


# INCLUDE told
