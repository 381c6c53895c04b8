"""Formats of marks that are no system's: each is an Export (grader/lms/system.py)."""
