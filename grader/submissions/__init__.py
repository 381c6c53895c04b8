"""Find out who handed in what, and when."""
