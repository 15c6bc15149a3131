"""What every dialog is to the screen: a frame to show, and keys that change it until it is done."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from akmon_tui.lines import Frame


class Press(NamedTuple):
    """A key by prompt_toolkit's name for it, such as ``a``, ``enter``, ``c-c``, ``<bracketed-paste>``."""

    key: str
    data: str = ""
    """What was pasted."""


class Done(NamedTuple):
    """A dialog is over."""

    value: object
    """What the person chose; None where they left without a choice."""


class Dialog(Protocol):
    """Asks the person something in a few rows above the status line. A value of its own class while it lives:
    it may change itself, but does nothing outside."""

    def frame(self, width: int, height: int) -> Frame:
        """At most ``height`` lines of at most ``width`` columns."""
        ...

    def press(self, press: Press) -> Done | None:
        """Takes a key; None if there is more to ask. Unknown keys do nothing."""
        ...
