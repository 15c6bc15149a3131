"""The conversation in a terminal: a client of a session like any other.

``akmon_tui.app.converse`` runs it. Only importing ``akmon_tui.app`` loads prompt_toolkit.
"""

__version__ = "0.1.0"
