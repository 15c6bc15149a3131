"""What the screen needs besides the session: values to show and choose from, and a few deeds around it.

The program that shows the screen hands in an implementation. Every method may be slow and raise
``AkmonError`` with words for the person, so the screen awaits each in the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from akmon_core.messages import Image
from akmon_core.models import Effort
from akmon_core.servers import ServerStatus


class ModelChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be chosen."""

    provider: str
    id: str
    window: int = 0
    """Tokens; 0 is unknown."""
    price: str = ""
    """Such as ``$3 in, $15 out``, per million tokens; empty is unpriced."""
    abilities: tuple[str, ...] = ()
    """Such as ``images``, ``thinking``."""
    efforts: tuple[Effort, ...] = ()
    detail: str = ""
    """What else the server tells, or why it lists nothing."""
    missing: str = ""
    """What it takes to use the model, such as a key that is not set; empty if it can be chosen."""


class SessionChoice(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier session of this project."""

    id: str
    name: str
    prompt: str
    """The first thing that was asked."""
    model: str
    changed: float
    """Seconds since 1970-01-01 UTC."""


class SettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A setting as it is in force."""

    name: str
    value: str
    origin: str
    about: str


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the context window, and the estimated tokens that it takes."""

    label: str
    tokens: int


class UserCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A slash command of the person's own, from a Markdown file."""

    name: str
    about: str
    hint: str
    """What stands for its arguments in help, such as ``FILE``."""
    text: str
    """What becomes the prompt, with ``$ARGUMENTS`` and ``$1`` to ``$9`` in it."""
    origin: str
    """The file, as people know it."""


class Leave(NamedTuple):
    """The conversation is over, and what comes then."""

    then: Literal["end", "new", "resume", "fork"] = "end"
    session: str = ""
    """The id of the session to resume or fork."""
    record: int = 0
    """Of a fork: the last record that the new session takes over; 0 is all."""


Report: TypeAlias = Literal["doctor", "stats", "status", "memory", "audit", "policy", "trust"]


class Services(Protocol):
    async def models(self) -> Sequence[ModelChoice]: ...

    async def sessions(self) -> Sequence[SessionChoice]:
        """Last used first, without the present one."""
        ...

    async def preview(self, session: str) -> str:
        """The beginning and the end of what was said, as Markdown."""
        ...

    async def settings(self) -> Sequence[SettingRow]: ...

    async def save_setting(self, name: str, value: str) -> str:
        """Writes the user's own settings; gives what to say."""
        ...

    async def context(self) -> Sequence[Slice]:
        """What fills the window now."""
        ...

    async def costs(self) -> str:
        """A table of what each call took, as plain lines."""
        ...

    async def report(self, what: Report) -> str:
        """What the subcommand of that name prints."""
        ...

    async def files(self) -> Sequence[str]:
        """Paths of the project's files that are not ignored, from its root, with ``/`` between folders."""
        ...

    async def branch(self) -> str:
        """The git branch; empty outside of a repository."""
        ...

    async def diff(self) -> str:
        """What differs from the last commit, as a unified diff."""
        ...

    async def image(self, path: str) -> Image:
        """A picture in a file; raises ``AkmonError`` if it is none that models take."""
        ...

    async def clipboard_image(self) -> Image | None:
        """The picture in the system's clipboard; None if there is none."""
        ...

    async def export(self, path: str) -> str:
        """Writes the conversation as Markdown; gives the path. An empty ``path`` chooses one."""
        ...

    async def commands(self) -> Sequence[UserCommand]: ...

    async def servers(self) -> Sequence[ServerStatus]:
        """The MCP servers of the session as they are now, by name. Gives what is known, without waiting."""
        ...
