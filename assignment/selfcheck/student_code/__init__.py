"""Run a student's code and put calls to it: all that runs beside it, in grader and self-check."""
