"""The reports that people read after a grading run."""
