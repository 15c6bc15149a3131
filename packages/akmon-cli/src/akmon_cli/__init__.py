"""The akmon program: reads its arguments, puts a session together, shows what happens."""

__version__ = "0.1.0"
