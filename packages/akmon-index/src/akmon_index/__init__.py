"""Ranked passage search over a project; joins the agent by the entry point ``akmon.tools``."""

__version__ = "0.1.0"
