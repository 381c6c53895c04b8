"""What a submission came to: the record, the final mark, and how it came about."""
