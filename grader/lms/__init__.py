"""What other systems hand out and take in: one file per system, all of them in registry.py."""
