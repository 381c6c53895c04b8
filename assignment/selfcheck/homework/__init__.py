"""This homework: its rubric, its mathematics, its cases and its texts."""
