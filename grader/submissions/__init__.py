"""Find who handed in what, and when."""
