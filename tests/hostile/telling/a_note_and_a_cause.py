"""Hidden numbers, spelled by a note and by a cause."""

# INCLUDE honest


# INCLUDE words


def tell(y, hs):
    error = ValueError("no")
    error.add_note(words(y))
    raise error from KeyError(words(hs))


# INCLUDE told
