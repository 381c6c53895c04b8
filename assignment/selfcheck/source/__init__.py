"""Read a student's text without running it: files, cells, IPython lines, what the code shows."""
