"""The result of a submission: the record, the final mark, and how it came about."""
