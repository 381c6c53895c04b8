"""Results as other systems read them: a module a format, each of pure functions."""
