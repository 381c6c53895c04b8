"""Hidden numbers, spelled by the name of the error's type."""

# INCLUDE honest


# INCLUDE words


def tell(y, hs):
    raise type("E_" + words(y).replace(" ", "_"), (Exception,), {})("no")


# INCLUDE told
