"""Hands events to any number of clients: durable ones in order, none dropped, the others as time allows."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import islice

import msgspec

from akmon_core.events import (
    EPHEMERAL,
    Envelope,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    QuestionAnswered,
    QuestionAsked,
)
from akmon_core.limits import SUBSCRIBER_EVENTS
from akmon_core.ports import Journal
from akmon_core.stream import TextDelta, ThinkingDelta

_MERGED_CHARS = 4_096
_QUESTIONS = (PermissionAsked, PermissionDecided, QuestionAsked, QuestionAnswered)


class Hub:
    """The fan-out of one session."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._subscribers: set[Subscriber] = set()
        self._unheard: list[Envelope] | None = []
        """What people should know and was said before anybody listened; None since somebody has."""
        self._closed = False

    def publish(self, envelope: Envelope) -> None:
        if self._unheard is not None and isinstance(envelope.event, Noticed):
            self._unheard.append(envelope)
        for subscriber in self._subscribers:
            subscriber.put(envelope)

    def subscribe(self, after: int, *, behind: bool, agents: bool) -> Subscriber:
        """A reader of what follows sequence number ``after``; ``behind`` if some of it is in the journal.

        With ``agents`` it sees all that sub-agents do, otherwise only what they ask the person.
        """
        subscriber = Subscriber(self, self._journal, after, behind=behind, agents=agents)
        subscriber.hear(self._unheard or ())
        self._unheard = None
        self._subscribers.add(subscriber)
        if self._closed:
            subscriber.end()
        return subscriber

    def drop(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)

    def close(self) -> None:
        """Lets every reader finish what it has and then end."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.end()


class Subscriber:
    """One client's queue. A reader that falls too far behind catches up from the journal."""

    def __init__(self, hub: Hub, journal: Journal, after: int, *, behind: bool, agents: bool) -> None:
        self._hub = hub
        self._journal = journal
        self._last = after
        self._behind = behind
        self._agents = agents
        self._queue: deque[Envelope] = deque()
        self._wake = asyncio.Event()
        self._ended = False

    def hear(self, unheard: Iterable[Envelope]) -> None:
        """Begins with these notices, as if they were said right now."""
        self._queue.extend(msgspec.structs.replace(envelope, seq=self._last) for envelope in unheard)

    def put(self, envelope: Envelope) -> None:
        if self._behind:
            self._wake.set()
            return
        if not self._concerns(envelope):
            return
        if isinstance(envelope.event, EPHEMERAL):
            self._put_ephemeral(envelope)
        elif len(self._queue) >= SUBSCRIBER_EVENTS:
            self._queue.clear()
            self._behind = True
        else:
            self._queue.append(envelope)
        self._wake.set()

    def end(self) -> None:
        self._ended = True
        self._wake.set()

    def close(self) -> None:
        self._hub.drop(self)
        self.end()

    def __aiter__(self) -> Subscriber:
        return self

    async def __anext__(self) -> Envelope:
        while True:
            if not self._queue and self._behind:
                self._catch_up()
            if self._queue:
                envelope = self._queue.popleft()
                self._last = max(self._last, envelope.seq)
                return envelope
            if self._ended:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()

    def _put_ephemeral(self, envelope: Envelope) -> None:
        if self._queue and (merged := _merge(self._queue[-1], envelope)):
            self._queue[-1] = merged
        elif len(self._queue) < SUBSCRIBER_EVENTS:
            self._queue.append(envelope)

    def _concerns(self, envelope: Envelope) -> bool:
        return self._agents or not envelope.agent or isinstance(envelope.event, _QUESTIONS)

    def _catch_up(self) -> None:
        missed = filter(self._concerns, self._journal.read(self._last))
        self._queue.extend(islice(missed, SUBSCRIBER_EVENTS))
        self._behind = len(self._queue) >= SUBSCRIBER_EVENTS


def _merge(last: Envelope, new: Envelope) -> Envelope | None:
    """Two pieces of one text as a single piece, where that loses nothing."""
    match last.event, new.event:
        case (TextDelta(text=a), TextDelta(text=b)) if len(a) < _MERGED_CHARS:
            event: TextDelta | ThinkingDelta = TextDelta(a + b)
        case (ThinkingDelta(text=a), ThinkingDelta(text=b)) if len(a) < _MERGED_CHARS:
            event = ThinkingDelta(a + b)
        case _:
            return None
    if (last.turn, last.agent) != (new.turn, new.agent):
        return None
    return msgspec.structs.replace(new, event=event)
