"""What packages that join by entry point are given, and what they give.

The group ``akmon.tools`` names callables that take a ``Workplace`` and give tools; ``akmon.commands`` names
modules that are subcommands, see ``Subcommand``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    import argparse


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """Where akmon works."""

    root: str
    """The root of the project, canonical."""
    cache: str
    """A folder for what can be made anew, which the person alone can read; empty if there is no place."""
    config: str
    """The folder of the person's own settings, in which a package may have a file of its own; or empty."""
    withheld: Callable[[str], bool]
    """Whether rules keep a file from being read: by its path from the root, with ``/`` between folders."""
    learn: Callable[[str], None]
    """To be told each secret that the package comes to know, so that it is taken out of all output."""


class Subcommand(Protocol):
    """What ``akmon NAME ...`` does. A module can be one."""

    def parser(self) -> argparse.ArgumentParser:
        """Its options; ``-C`` is added to them."""
        ...

    def run(self, options: argparse.Namespace, workplace: Workplace) -> int:
        """Gives the exit code: 0, 1 for what went wrong, 2 for wrong arguments. Raises ``AkmonError``."""
        ...
