"""Grade the sigmoid network homework; student code never runs where the score is computed."""

__version__ = "0.1.0"
