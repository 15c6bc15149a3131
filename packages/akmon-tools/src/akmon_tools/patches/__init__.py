"""Patches of several files: reading both formats, finding where hunks belong, working out the result."""
