"""Find the submissions and read them as text; nothing of theirs is imported, parsed or run."""


def shown(name: object) -> str:
    """Return a file name as one printable line; whatever would not print is shown as U+FFFD."""
    return "".join(char if char.isprintable() else "\ufffd" for char in str(name))
