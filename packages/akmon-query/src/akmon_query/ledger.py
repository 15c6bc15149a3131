"""The one door: ``report`` appends an event to the journal, folds it into the state, publishes it."""

from __future__ import annotations

from typing import cast

from akmon_core.codec import storable
from akmon_core.events import (
    EPHEMERAL,
    DurableEvent,
    Envelope,
    Event,
    PermissionDecided,
    Prompted,
    ToolStarted,
    TurnEnded,
)
from akmon_core.ports import Clock, Journal
from akmon_core.state import State, apply
from akmon_query.hub import Hub, Subscriber


class Ledger:
    """A session's state and everything that led to it.

    ``report`` is synchronous, so that journal, state and clients can never disagree about the order.
    """

    def __init__(self, session: str, journal: Journal, clock: Clock) -> None:
        self.session = session
        self.state = State()
        self.cause = ""
        """The id of the command that what happens now belongs to."""
        self._journal = journal
        self.clock = clock
        self._hub = Hub(journal)
        self.seq = 0
        """Sequence number of the last durable event."""
        self.broken = ""
        """Why nothing is kept any more; empty while all is well."""

    def restore(self) -> None:
        """Folds what the journal holds into the state, without publishing it."""
        for envelope in self._journal.read():
            self.seq = envelope.seq
            self.state = apply(self.state, cast("DurableEvent", envelope.event))

    def report(self, event: Event, cause: str = "") -> None:
        """Raises ``JournalError`` if the event cannot be kept; then it has not happened."""
        if isinstance(event, EPHEMERAL):
            self._hub.publish(self._envelope(event, cause))
            return
        event = storable(event)
        state = apply(self.state, event)
        envelope = self._envelope(event, cause, seq=self.seq + 1, turn=state.turn)
        if not self.broken:
            self._journal.append(envelope, sync=_must_last(event))
        self.seq += 1
        self.state = state
        self._hub.publish(envelope)

    def give_up(self, why: str) -> None:
        """Keeps nothing from now on, so that a turn can end whose end cannot be kept."""
        self.broken = why

    def subscribe(self, after: int | None) -> Subscriber:
        if after is None:
            return self._hub.subscribe(self.seq, behind=False)
        return self._hub.subscribe(after, behind=after < self.seq)

    def close(self) -> None:
        self._hub.close()
        self._journal.close()

    def _envelope(
        self, event: Event, cause: str, *, seq: int | None = None, turn: int | None = None
    ) -> Envelope:
        return Envelope(
            seq=self.seq if seq is None else seq,
            at=self.clock(),
            session=self.session,
            turn=self.state.turn if turn is None else turn,
            cause=cause or self.cause,
            event=event,
        )


def _must_last(event: Event) -> bool:
    """Whether the event has to be on the disk before anything else happens."""
    match event:
        case Prompted() | TurnEnded():
            return True
        case PermissionDecided(by="person") | ToolStarted(mutating=True):
            return True
        case _:
            return False
