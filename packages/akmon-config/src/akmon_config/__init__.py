"""Settings of akmon, the paths it uses, and where each value came from.

``akmon_config.paths`` is cheap to import; ``akmon_config.load`` loads pydantic when it is called.
Importing the package itself loads nothing.
"""

__version__ = "0.1.0"
