"""The command line: one module per command; each parses, calls one function and returns an exit code."""
