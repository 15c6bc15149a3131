"""The one door: ``report`` appends an event to the journal, folds it into the state, publishes it."""

from __future__ import annotations

from collections.abc import Iterator

from akmon_core.codec import storable
from akmon_core.events import (
    EPHEMERAL,
    CommandRan,
    DurableEvent,
    Envelope,
    Event,
    FilesChanged,
    PermissionDecided,
    Prompted,
    QuestionAnswered,
    Rewound,
    ToolStarted,
    TurnEnded,
)
from akmon_core.ports import Clock, Journal, Redactor
from akmon_core.redactevents import redact_event
from akmon_core.state import State, apply, fold
from akmon_query.hub import Hub, Subscriber


class Ledger:
    """An agent's state and everything that led to it.

    ``report`` is synchronous, so that journal, state and clients can never disagree about the order. The
    ledgers of sub-agents write to the journal of the main agent, under their path.
    """

    def __init__(
        self,
        session: str,
        journal: Journal,
        clock: Clock,
        *,
        redactor: Redactor | None = None,
        of: Ledger | None = None,
    ) -> None:
        """``redactor`` takes secrets out of whatever is reported, before anybody gets to see it."""
        self.session = session
        self.state = State()
        self.clock = clock
        self.root = of or self
        """The main agent's ledger."""
        self.agent = ""
        """The path of the sub-agent; empty is the main agent."""
        self.cause = ""
        """The id of the command that what happens now belongs to."""
        self.began = 0.0
        """When the main agent's turn began, by the monotonic clock."""
        self._journal = journal
        self._redactor = redactor
        self._hub: Hub = of._hub if of else Hub(journal)
        self._seq = 0
        self._broken = ""

    @property
    def seq(self) -> int:
        """Sequence number of the session's last durable event."""
        return self.root._seq

    @property
    def broken(self) -> str:
        """Why nothing is kept any more; empty while all is well."""
        return self.root._broken

    @property
    def damage(self) -> tuple[str, ...]:
        """What was wrong with the journal when it was opened, in words for people."""
        return self._journal.damage

    @property
    def altered(self) -> bool:
        """Whether somebody may have changed the journal."""
        return self._journal.altered

    def sub_agent(self) -> Ledger:
        """The ledger of a new sub-agent, whose path no other one has had."""
        ledger = Ledger(self.session, self._journal, self.clock, redactor=self._redactor, of=self.root)
        ledger.agent = f"task-{self.seq + 1}"
        ledger.cause = self.cause
        return ledger

    def restore(self) -> None:
        """Folds what the journal holds into the state, without publishing it."""
        for envelope in self._journal.read():
            self._seq = envelope.seq
            self.state = fold(self.state, envelope)

    def report(self, event: Event, cause: str = "") -> None:
        """Raises ``JournalError`` if the event cannot be kept; then it has not happened."""
        root = self.root
        if self._redactor:
            event = redact_event(event, self._redactor)
        if isinstance(event, EPHEMERAL):
            self._hub.publish(self._envelope(event, cause, root.seq, root.state.turn))
            return
        event = storable(event)
        state = apply(self.state, event)
        turn = state.turn if self is root else root.state.turn
        envelope = self._envelope(event, cause, root.seq + 1, turn)
        if not root.broken:
            self._journal.append(envelope, sync=_must_last(event))
        root._seq += 1
        self.state = state
        if self is not root:
            root.state = fold(root.state, envelope)
        self._hub.publish(envelope)

    def give_up(self, why: str) -> None:
        """Keeps nothing from now on, so that a turn can end whose end cannot be kept."""
        self.root._broken = why

    def recall(self, record: int) -> Event | None:
        """What the record of that number says; None if there is none."""
        if not 0 < record <= self.seq:
            return None
        envelope = next(self._journal.read(record - 1), None)
        return envelope.event if envelope and envelope.seq == record else None

    def since(self, record: int) -> Iterator[Envelope]:
        """The records from that number on, of all agents."""
        return self._journal.read(record - 1)

    def subscribe(self, after: int | None, *, agents: bool = False) -> Subscriber:
        if after is None:
            return self._hub.subscribe(self.seq, behind=False, agents=agents)
        return self._hub.subscribe(after, behind=after < self.seq, agents=agents)

    def close(self) -> None:
        self._hub.close()
        self._journal.close()

    def _envelope(self, event: Event, cause: str, seq: int, turn: int) -> Envelope:
        return Envelope(
            seq=seq,
            at=self.clock(),
            session=self.session,
            turn=turn,
            cause=cause or self.cause,
            event=event,
            agent=self.agent,
        )


def _must_last(event: DurableEvent) -> bool:
    """Whether the event has to be on the disk before anything else happens."""
    match event:
        case Prompted() | TurnEnded() | QuestionAnswered() | FilesChanged() | Rewound() | CommandRan():
            return True
        case PermissionDecided(by="person") | ToolStarted(mutating=True):
            return True
        case _:
            return False
