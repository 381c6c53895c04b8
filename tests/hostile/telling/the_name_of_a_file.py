"""Hidden numbers, spelled by the file that a traceback names."""

# INCLUDE honest


# INCLUDE words


def tell(y, hs):
    exec(compile("raise ValueError(1)", words(y).replace(" ", "_") + ".py", "exec"))


# INCLUDE told
