"""The only code that runs beside student code. It imports nothing else of the grader."""
