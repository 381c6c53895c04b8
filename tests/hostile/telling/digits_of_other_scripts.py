"""Hidden numbers in the digits of other scripts."""

# INCLUDE honest


# INCLUDE words


def tell(y, hs):
    devanagari = "".join(chr(0x0966 + int(digit)) for digit in digits(y))
    wide = "".join(chr(0xFF10 + int(digit)) for digit in digits(hs))
    raise ValueError(f"{devanagari} {wide}")


# INCLUDE told
