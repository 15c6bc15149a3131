"""The conversation in a terminal: a client of a session like any other.

``akmon_tui.app.run`` shows it on a screen, ``akmon_tui.plain.conversation.converse`` line by line. Only
importing these loads prompt_toolkit.
"""

__version__ = "0.1.0"
