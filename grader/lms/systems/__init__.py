"""One file per system, or one folder if it would be long; each defines its SYSTEM (system.py)."""
