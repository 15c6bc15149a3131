"""Which events belong to what the person asked for, and when that is over. Pure bookkeeping."""

from __future__ import annotations

from akmon_core.commands import REWOUND, Command, Rewind, SetMode
from akmon_core.events import Compacted, Envelope, Noticed, Prompted, SummaryFailed, TurnEnded


class Following:
    """A command that was sent under the id ``cause``, until nothing more will come of it."""

    def __init__(self, command: Command, cause: str) -> None:
        self._cause = cause
        self._one_event = isinstance(command, SetMode)
        self._rewinds = isinstance(command, Rewind)
        self._steers: set[str] = set()
        """Ids of what was said meanwhile and has not come back as an event."""
        self._running = False
        self._over = False
        self._interrupted = False

    @property
    def hears(self) -> bool:
        """Whether a turn runs that can be told something: one that is being stopped cannot."""
        return self._running and not self._interrupted

    def steered(self, cause: str) -> None:
        """Something was said. Where that came too late for the turn, it begins the next one."""
        self._steers.add(cause)

    def interrupted(self) -> None:
        self._interrupted = True

    def begins(self, envelope: Envelope) -> bool:
        """Whether the turn begins with it that the command asked for."""
        mine = envelope.cause == self._cause and not envelope.agent
        return mine and isinstance(envelope.event, Prompted)

    def ends_with(self, envelope: Envelope) -> bool:
        """Takes note of the next event; True if it is the last one.

        An interrupt, whoever sent it, also drops the prompts that wait behind it.
        """
        if envelope.agent:
            return False
        mine = envelope.cause == self._cause
        match envelope.event:
            case Prompted() if mine or envelope.cause in self._steers:
                self._cause, self._running, self._over = envelope.cause, True, False
            case TurnEnded("interrupted"):
                return True
            case TurnEnded() if mine:
                self._running, self._over = False, True
            case Noticed(text) if mine and self._rewinds:
                self._over = text.startswith(REWOUND)
            case Noticed() | Compacted() | SummaryFailed() if mine and not self._running:
                self._over = True
            case _:
                self._over = self._over or (mine and self._one_event)
        self._steers.discard(envelope.cause)
        return self._over and not self._steers
