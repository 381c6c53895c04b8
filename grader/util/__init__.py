"""Small tools that do not depend on the homework: files, CSV cells, archives, moments, exits."""
