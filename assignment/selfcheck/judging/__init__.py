"""Outcomes in, verdicts and their messages out: the same in grader and self-check."""
