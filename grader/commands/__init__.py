"""The command line, and what its commands do in this process, which coordinates."""
