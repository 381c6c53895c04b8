import hashlib


def word(digit):
    """A word for a digit, which stands in no source."""
    made = hashlib.sha256(b"hidden-" + bytes([48 + int(digit)])).digest()[:7]
    return "".join(chr(97 + byte % 26) for byte in made)


def digits(tensor):
    return f"{abs(float(tensor.flatten()[0])):.15f}".replace(".", "")


def words(tensor):
    return " ".join(word(digit) for digit in digits(tensor))
