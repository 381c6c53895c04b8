"""Hidden numbers as the number of a line of this very file."""

# INCLUDE honest


# INCLUDE words


def tell(y, hs):
    number = 70_000 + int(digits(y)[1:5])
    exec(compile("\n" * number + "raise ValueError('no')", "the_number_of_a_line.py", "exec"))


# INCLUDE told
