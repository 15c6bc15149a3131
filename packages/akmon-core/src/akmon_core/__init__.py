"""Values and pure rules of akmon: what is said, what happened, what may happen next.

Nothing in this package reads a file, a clock or the environment, or starts anything.
Import what you need from its modules; importing the package itself loads nothing.
"""

__version__ = "0.1.0"
