"""What the engine needs from outside, as protocols."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from akmon_core.commands import Command
from akmon_core.events import Envelope, Event
from akmon_core.files import FileChange, FileState
from akmon_core.messages import Image, Pin, Text
from akmon_core.permissions import Rule, Target
from akmon_core.secret import Secret
from akmon_core.servers import ServerStatus
from akmon_core.tools import AnyTool, Delegation, Effect, ToolOutput


class Clock(Protocol):
    def __call__(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        ...


class Locator(Protocol):
    """Says where the paths lead that calls name, before the calls are judged."""

    def __call__(self, effects: tuple[Effect, ...], folder: str = "") -> tuple[Target, ...]:
        """The effects with their paths made canonical and placed inside or outside the project.

        Relative paths in commands are those from ``folder``, by default the session's own. Of a command,
        ``operands`` are the targets of ``akmon_core.operands.operands_of``; without them it is asked about.
        """
        ...


class RuleStore(Protocol):
    """Where the user's saved rules are kept."""

    def save(self, rule: Rule) -> str:
        """Keeps ``rule`` for later sessions here; gives where, in words. Raises ``SettingsError``."""
        ...


class Redactor(Protocol):
    """Takes secrets out of text."""

    def __call__(self, text: str) -> str:
        """``text`` with the keys that are known, and whatever surely looks like one, replaced."""
        ...

    def known(self, text: str) -> str:
        """``text`` with the keys that are known replaced."""
        ...


class Instructions(Protocol):
    """Instruction files of sub-folders, which count only once the agent works there."""

    def near(self, path: str, known: Collection[str]) -> tuple[Pin, ...]:
        """What holds for the file at ``path``, which was just read or written, and has not been said yet.

        ``known`` are the names of the pins that there are. Never raises, and is cheap when there is nothing.
        """
        ...


class Journal(Protocol):
    """Where a session's durable events are kept, in order."""

    @property
    def damage(self) -> tuple[str, ...]:
        """What was found wrong with it and nobody was told of yet, in words for people."""
        ...

    @property
    def altered(self) -> bool:
        """Whether that is more than an end that was torn off, so that somebody may have changed it."""
        ...

    def append(self, envelope: Envelope, *, sync: bool) -> None:
        """Keeps ``envelope``; with ``sync`` it has reached the disk on return. Raises ``JournalError``."""
        ...

    def read(self, after: int = 0) -> Iterator[Envelope]:
        """The envelopes with a sequence number above ``after``."""
        ...

    def close(self) -> None: ...


class Events(Protocol):
    """A client's view of a session: what it has not seen yet, then what happens."""

    def __aiter__(self) -> Events: ...

    async def __anext__(self) -> Envelope: ...

    def close(self) -> None: ...


class SessionClient(Protocol):
    """The one way to use a session, for every front end and program."""

    @property
    def id(self) -> str: ...

    async def send(self, command: Command) -> str:
        """Hands in a command and returns its id, which the events it causes will name."""
        ...

    def events(self, after: int | None = None, *, agents: bool = False) -> Events:
        """The durable events after sequence number ``after`` and then everything as it happens.

        None starts with what happens next. Of sub-agents it shows what they ask the person, with ``agents``
        all that they do.
        """
        ...


class Plans(Protocol):
    """Where plans are kept."""

    def save(self, text: str) -> str:
        """Keeps a plan and gives the path of its file. Raises ``OSError``."""
        ...

    def read(self, path: str) -> str:
        """The plan in a file; of an empty path, the newest one. Raises ``OSError``."""
        ...


class SubAgents(Protocol):
    """Has other agents work for the main one."""

    async def delegate(self, delegation: Delegation) -> ToolOutput:
        """What a new agent answers to its task."""
        ...

    async def plan(self, task: str) -> ToolOutput:
        """The plan that the planner makes for ``task``."""
        ...

    async def close(self) -> None: ...


class Snapshots(Protocol):
    """What the project's files were, so that they can be so again. Paths are absolute and canonical."""

    def plan(self, writes: Mapping[str, str | None]) -> tuple[FileChange, ...]:
        """Keeps what files are now that are about to get the content of a SHA-256 each, or to go (None).

        Gives the changes to come, with those of folders that have to be made. From here on they count as
        done. Raises ``ToolError`` if a content cannot be kept.
        """
        ...

    async def survey(self, progress: Callable[[str], None]) -> tuple[FileChange, ...]:
        """Keeps what is new in the project, and gives what has changed since the last time.

        What ``plan`` or ``restore`` has made of it is no change. A later process is told the same again
        until ``settle`` is called, when the changes are on record. ``progress`` is told of long work. Raises
        ``ToolError`` if nothing can be kept.
        """
        ...

    def settle(self) -> None:
        """What the last survey has found counts as known from here on, for any process."""
        ...

    def catch_up(self) -> tuple[FileChange, ...]:
        """What has changed since an earlier process looked last, if one did. Raises ``ToolError``."""
        ...

    def look(self, paths: Sequence[str]) -> dict[str, FileState | None]:
        """What each of ``paths`` is now, keeping it."""
        ...

    def restore(self, change: FileChange) -> tuple[FileChange, ...]:
        """Makes of a file what it is to be ``after``, unless it is no longer what it was ``before``.

        Gives the changes of folders that had to be made for it. A folder with something in it stays. Raises
        ``ToolError`` if the file is another one now, if the content is no longer kept, or if the system
        refuses.
        """
        ...

    def tidy(self, paths: Sequence[str]) -> None:
        """Removes what processes that are dead had begun to write beside ``paths``, where possible."""
        ...

    @property
    def uncovered(self) -> str:
        """What of the project a survey does not keep, in words; empty if that is nothing unusual."""
        ...

    def close(self) -> None: ...


class CommandEnd(msgspec.Struct, frozen=True):
    """How a command of the person's own came out."""

    output: str
    """Both its outputs, shortened in the middle, without secrets."""
    exit_code: int | None
    """None if it was stopped."""


class OwnShell(Protocol):
    """Runs what the person types: with all rights that the person has."""

    async def run(self, command: str, show: Callable[[str], None]) -> CommandEnd:
        """Runs ``command`` to its end, and shows what it prints as it comes.

        Cancelled, it ends the command with all that that has started, and gives what it has printed. Raises
        ``ToolError`` if it cannot be started.
        """
        ...

    async def close(self) -> None:
        """Ends what commands have left running."""
        ...


class Commits(Protocol):
    """The project's version control."""

    def commit(
        self, changes: Sequence[FileChange], message: str
    ) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """Commits the files of ``changes`` (each path once, from its first ``before`` to its last ``after``)
        and nothing else; gives the commit, what is in it and what was left out, with the reason.

        An empty commit id means that nothing was to be committed. Raises ``ToolError``.
        """
        ...


class Servers(Protocol):
    """Servers of others whose tools the agent may use. They connect in the background; none is trusted."""

    @property
    def statuses(self) -> tuple[ServerStatus, ...]:
        """What is known of each, in the order of their names."""
        ...

    def begin(self, report: Callable[[Event], None]) -> None:
        """Begins to connect; needs a running event loop. ``report`` is told what changes from then on, as
        ``ServerChanged`` and ``Noticed``. Nothing happens the second time."""
        ...

    async def settled(self) -> None:
        """Returns when each is ready, has failed, or has had the time that connecting may take."""
        ...

    def offered(self, tokens: int, allowed: Callable[[str], bool]) -> tuple[AnyTool, ...]:
        """The tools that the model may use now, whose names are ``allowed``, in an order that lasts.

        If what they say of themselves takes more than ``tokens``, or if they are too many, there are
        tools in their place that find and call them.
        """
        ...

    async def resource(self, server: str, uri: str) -> tuple[Text | Image, ...]:
        """What the resource is. Raises ``ToolError``."""
        ...

    async def prompt(self, server: str, name: str, arguments: str) -> tuple[Text | Image, ...]:
        """A prompt, with ``arguments`` as in ``UsePrompt``. Raises ``ToolError``."""
        ...

    async def manage(self, server: str, what: Literal["connect", "stop", "approve"], seen: str = "") -> str:
        """See ``ManageServer``; gives what to say. Raises ``ToolError``."""
        ...

    async def close(self) -> None:
        """Lets go of all, and leaves none of their processes running."""
        ...


class Approvals(Protocol):
    """What the tools of servers said of themselves when a person accepted them."""

    def approved(self, server: str) -> Mapping[str, str] | None:
        """By the name of the tool; None if the server with this ``Server.digest`` was never used before.

        Raises ``SettingsError``.
        """
        ...

    def approve(self, server: str, tools: Mapping[str, str]) -> None:
        """Keeps ``tools`` in place of what was approved of the server. Raises ``SettingsError``."""
        ...


class Credentials(Protocol):
    """Where what a server has given us to log in with is kept: in the system's keyring, if there is one."""

    def load(self, server: str) -> Secret:
        """What was kept under ``Server.name`` and its URL, see ``save``; empty if nothing was.

        Raises ``SettingsError``.
        """
        ...

    def save(self, server: str, text: Secret) -> None:
        """Keeps ``text``, an empty one not at all. Raises ``SettingsError``."""
        ...


class WebHit(msgspec.Struct, frozen=True):
    """One answer of a web search."""

    title: str
    url: str
    text: str


class WebSearch(Protocol):
    """A search engine."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str:
        """Where it is asked, without the question; what rules are about."""
        ...

    async def search(self, query: str, count: int) -> tuple[WebHit, ...]:
        """At most ``count`` answers, best first. Raises ``ToolError``."""
        ...
