"""Run a student's code and call its functions; used by both the grader and the self-check."""
