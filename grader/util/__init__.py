"""Small tools that know nothing of homework: files, CSV cells, archives, moments, exits."""
