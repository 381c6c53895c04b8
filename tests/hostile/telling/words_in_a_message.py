"""Hidden numbers, spelled in words by an error's message."""

# INCLUDE honest


# INCLUDE words


def tell(y, hs):
    raise ValueError(words(y) + " " + words(hs))


# INCLUDE told
