"""Search over a project by words and by meaning; joins the agent by entry points."""

__version__ = "0.1.0"
