"""The agent's hands: tools that read, change and search files and run commands inside a workspace.

``akmon_tools.registry`` lists them; importing the package itself loads nothing.
"""

__version__ = "0.1.0"
