"""The formats other systems export and import: one file per system, all listed in registry.py."""
