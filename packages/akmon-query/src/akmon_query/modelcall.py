"""Calls the model: reports what it says as it comes, and at the end what it said and what that took."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from akmon_core.errors import ProviderError
from akmon_core.events import ModelFailed, Replied
from akmon_core.messages import Assistant, Text, distinct_calls
from akmon_core.models import Model, ModelFacts, ModelRequest
from akmon_core.prefix import Sent, cache_break
from akmon_core.stream import ReplyDone, Retrying, StreamEvent, TextDelta, Usage, UsageSeen
from akmon_query.ledger import Ledger


class ModelCalls:
    """The model calls of a session, one at a time. Each ends with one ``Replied`` or ``ModelFailed``."""

    def __init__(self, ledger: Ledger, model: Model) -> None:
        self._ledger = ledger
        self._model = model
        self._before: Sent | None = None
        """The last call that was answered."""

    async def call(self, request: ModelRequest) -> None:
        bill = _Bill(self._model.facts)
        try:
            async with aclosing(self._model.stream(request)) as stream:
                async for event in stream:
                    if isinstance(event, ReplyDone):
                        bill.end(event.usage, event.cost)
                        self._replied(request, event, bill)
                        return
                    bill.take(event, self._model)
                    if not isinstance(event, UsageSeen):
                        self._ledger.report(event)
            raise ProviderError("protocol", "the model's reply ended without its end being marked")
        except ProviderError as error:
            if not bill.ended:  # else it was only the closing that failed
                self._failed(error, bill)
        except asyncio.CancelledError:
            if not bill.ended:
                self._interrupted(bill)
            raise

    async def close(self) -> None:
        await self._model.close()

    def _replied(self, request: ModelRequest, done: ReplyDone, bill: _Bill) -> None:
        self._ledger.report(
            Replied(
                distinct_calls(done.message),
                bill.usage,
                bill.cost,
                attempts=bill.attempts,
                model=self._other(bill.facts),
                response_id=done.id,
            )
        )
        before, facts = self._before, bill.facts
        sent = Sent(request=request, model=_name(facts), usage=done.usage, at=self._ledger.clock())
        self._before = sent
        if before and facts.caches and (broken := cache_break(before, sent)):
            self._ledger.report(broken)

    def _failed(self, error: ProviderError, bill: _Bill) -> None:
        bill.end_broken()
        self._ledger.report(
            ModelFailed(
                kind=error.kind,
                message=str(error),
                usage=bill.usage,
                cost=bill.cost,
                attempts=bill.attempts,
                model=self._other(bill.facts),
                said=bill.text,
            )
        )

    def _interrupted(self, bill: _Bill) -> None:
        bill.end_broken()
        if not bill.text and bill.usage == Usage():
            return
        parts = (Text(bill.text),) if bill.text else ()
        self._ledger.report(
            Replied(
                Assistant(parts, "interrupted"),
                bill.usage,
                bill.cost,
                attempts=bill.attempts,
                model=self._other(bill.facts),
            )
        )

    def _other(self, facts: ModelFacts) -> str:
        """The name of a model that is not the session's."""
        state = self._ledger.state
        return "" if (facts.provider, facts.id) == (state.provider, state.model) else _name(facts)


class _Bill:
    """What one call has said and used so far, over all of its attempts."""

    def __init__(self, facts: ModelFacts) -> None:
        self.facts = facts
        """Of the model that is asked."""
        self.attempts = 1
        self.usage = Usage()
        """Of the attempts that have ended."""
        self.cost: float | None = 0.0
        self.ended = False
        """Whether the reply is whole."""
        self._said: list[str] = []
        self._began = False
        """Whether the running attempt was answered by anything."""
        self._seen = UsageSeen(Usage())
        """What it has used so far."""

    @property
    def text(self) -> str:
        """What arrived of the reply; empty if that is only white space."""
        text = "".join(self._said)
        return text if text.strip() else ""

    def take(self, event: StreamEvent, model: Model) -> None:
        match event:
            case Retrying(passed=0.0):
                self.end_broken()
                self.attempts += 1
                self.facts = model.facts
                return
            case Retrying():
                return
            case TextDelta(text):
                self._said.append(text)
            case UsageSeen(usage, cost):
                self._seen = UsageSeen(usage, self._seen.cost if cost is None else cost)
            case _:
                pass
        self._began = True

    def end(self, usage: Usage, cost: float | None) -> None:
        self._charge(UsageSeen(usage, self._seen.cost if cost is None else cost))
        self.ended = True

    def end_broken(self) -> None:
        """The attempt is over before its reply was whole; one that was not answered cost nothing."""
        if self._began:
            self._charge(self._seen)
        self._began, self._seen = False, UsageSeen(Usage())

    def _charge(self, seen: UsageSeen) -> None:
        cost, prices = seen.cost, self.facts.prices
        if cost is None and prices:
            cost = prices.cost(seen.usage)
        self.usage += seen.usage
        self.cost = None if cost is None or self.cost is None else self.cost + cost


def _name(facts: ModelFacts) -> str:
    return f"{facts.provider}/{facts.id}"
