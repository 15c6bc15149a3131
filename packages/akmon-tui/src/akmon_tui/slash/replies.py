"""What a slash command can ask for: values that a screen carries out in its own way."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from akmon_core.commands import Command
from akmon_tui.services import Leave

Dialogue: TypeAlias = Literal[
    "model",
    "session",
    "rewind",
    "settings",
    "theme",
    "help",
    "keys",
    "permission-mode",
    "servers",
    "approval",
]
Kind: TypeAlias = Literal[
    "context",
    "costs",
    "report",
    "diff",
    "export",
    "settings",
    "save",
    "models",
    "sessions",
    "servers",
]


class Say(msgspec.Struct, frozen=True):
    """Show it."""

    text: str
    stays: bool = False
    """The line that asked for it is to be completed, and stays where lines are typed."""


class Send(msgspec.Struct, frozen=True):
    """Send them to the session, one after the other."""

    commands: tuple[Command, ...]


class Ask(msgspec.Struct, frozen=True):
    """Open that dialog. For ``session`` and ``help`` the argument is what to look for, for ``servers`` and
    ``approval`` the name of a server."""

    kind: Dialogue
    argument: str = ""


class Fetch(msgspec.Struct, frozen=True):
    """Ask the services for it, and show what they give (``akmon_tui.slash.fetching``).

    The argument is the name of a ``report``, the path of an ``export``, ``NAME VALUE`` to ``save``, which of
    the ``sessions`` to resume, and which of the ``servers`` to show.
    """

    kind: Kind
    argument: str = ""


class Typed(msgspec.Struct, frozen=True):
    """Start a turn as if the person had entered this prompt."""

    text: str


class Set(msgspec.Struct, frozen=True):
    """Have the screen look or behave so, until akmon ends. An empty value is the other one of two."""

    name: Literal["theme", "vim", "notify"]
    value: str = ""


class Copy(msgspec.Struct, frozen=True):
    """Put the model's last reply, or the last block of code in it, on the clipboard."""

    what: Literal["reply", "code"] = "reply"


Reply: TypeAlias = Say | Send | Leave | Ask | Fetch | Typed | Set | Copy
