"""What keys and slash commands can do with the screen: the part of the app that they know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol

import msgspec

from akmon_core.commands import Command
from akmon_core.servers import ServerStatus
from akmon_tui.completing import Completing
from akmon_tui.composer.prompt import Composer, Sent
from akmon_tui.focus import Focus
from akmon_tui.lines import Line
from akmon_tui.services import Leave, Services
from akmon_tui.slash.table import Table
from akmon_tui.stage import Stage
from akmon_tui.status import DEFAULT_PARTS, Facts
from akmon_tui.terminal import Terminal
from akmon_tui.transcript import Transcript
from akmon_tui.view import View


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the person wants the screen to be like."""

    theme: str = "auto"
    vim: bool = False
    status_line: tuple[str, ...] = DEFAULT_PARTS
    notify: str = "auto"


class Screen(Protocol):
    """The screen and what is on it."""

    composer: Composer
    completing: Completing
    focus: Focus
    stage: Stage
    transcript: Transcript
    terminal: Terminal
    table: Table
    servers: Sequence[ServerStatus]
    """Those of the session, as they were last told."""
    look: Look
    facts: Facts
    follow_ups: list[Sent]
    """What is to be said when the turn is over, or when there is a session."""
    own_commands: list[str]
    """Command lines of the person's own that run, or wait until they can."""
    shows_todos: bool
    clock: Callable[[], float]
    """Gives seconds since 1970-01-01 UTC."""

    @property
    def view(self) -> View: ...

    @property
    def is_open(self) -> bool:
        """Whether there is a session."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether a turn runs."""
        ...

    @property
    def services(self) -> Services:
        """Raises ``AkmonError`` as long as there is no session."""
        ...

    async def send(self, command: Command) -> None:
        """To the session; raises ``AkmonError`` without one."""
        ...

    async def prompt(self, sent: Sent) -> None:
        """Starts a turn with it, and with the pictures that it names."""
        ...

    async def next_follow_up(self) -> None:
        """Does the first of what waits, if nothing runs, and more until a turn begins."""
        ...

    def leave(self, leave: Leave) -> None:
        """Ends the session, or the conversation."""
        ...

    def start(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[None]:
        """Does ``work`` in the background. An ``AkmonError`` in it is said to the person."""
        ...

    async def key_pressed(self) -> None:
        """Waits until a key has done what it does."""
        ...

    def wear(self, look: Look) -> None:
        """Looks and behaves like that from now on."""
        ...

    def set(self, name: str, value: str) -> None:
        """Changes how the screen looks or behaves. An empty value is the other one of two."""
        ...

    def say(self, text: str, style: str = "dim") -> None:
        """Says something that is no event."""
        ...

    def show(self, lines: Iterable[Line]) -> None: ...

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        ...

    def write(self, control: str) -> None:
        """Sends the terminal what is not text, such as a title or a bell."""
        ...

    def changed(self) -> None:
        """Something looks different."""
        ...
