"""Read a student's text: files, cells, lines of IPython, what the code shows. Nothing is run."""
