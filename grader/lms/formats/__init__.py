"""Mark formats that belong to no system: each is an Export (grader/lms/system.py)."""
