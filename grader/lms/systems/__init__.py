"""One file per system, or one folder where that would be long: each has its SYSTEM (system.py)."""
