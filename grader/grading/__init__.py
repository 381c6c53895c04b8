"""Grade many submissions: the processes that score, and who gets which submission."""
