"""Make a homework: its files, its variants, its proofs, its form for other systems."""
