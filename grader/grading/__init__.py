"""Grade many: the processes that score, and who gets which submission."""
