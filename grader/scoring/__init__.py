"""Score one submission: ask a confined worker, judge, and record."""
