"""Subcommands, which the entry points of ``akmon.commands`` add to the program."""
