"""Make a homework: its files, its variants, its proofs, and its form for other systems."""
