"""Hidden numbers, spelled by a name that Python itself puts into its message."""

# INCLUDE honest


# INCLUDE words


def tell(y, hs):
    return getattr(torch, words(y).replace(" ", "_"))


# INCLUDE told
