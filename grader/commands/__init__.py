"""The command line, and its commands' work in this process, which coordinates."""
