"""What other systems hand out and take in: one module per system and direction."""
