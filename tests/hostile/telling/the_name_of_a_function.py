"""Hidden numbers, spelled by a function that is made for its name."""

# INCLUDE honest


# INCLUDE words


def tell(y, hs):
    name, space = words(y).replace(" ", "_"), {}
    exec(f"def {name}():\n    raise ValueError('in {name}')", space)
    space[name]()


# INCLUDE told
