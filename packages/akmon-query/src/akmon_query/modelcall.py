"""Calls the model: reports what it says as it comes, and at the end what it said and what that took."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from akmon_core.errors import ProviderError
from akmon_core.events import ModelFailed, Replied, SummaryFailed
from akmon_core.messages import Assistant, Text, distinct_calls
from akmon_core.models import Model, ModelFacts, ModelRequest
from akmon_core.prefix import Sent, cache_break
from akmon_core.stream import ReplyDone, Retrying, StreamEvent, TextDelta, Usage, UsageSeen
from akmon_query.ledger import Ledger


class ModelCalls:
    """The model calls of an agent, one at a time. Each ends with one event that says what it took."""

    def __init__(self, ledger: Ledger, model: Model) -> None:
        self._ledger = ledger
        self._model = model
        self._before: Sent | None = None
        """The last call that was answered, while its prompt is the beginning of the next one."""
        self.last: float | None = None
        """When the last answered request was sent, in seconds since 1970; a cache counts from then."""

    @property
    def facts(self) -> ModelFacts:
        return self._model.facts

    async def call(self, request: ModelRequest, weight: int) -> None:
        """Reports a ``Replied`` or a ``ModelFailed``. ``weight`` is that of the whole prompt."""
        bill = Bill(self._model.facts)
        try:
            done = await self._reply(request, bill, quiet=False)
        except ProviderError as error:
            self._failed(error, bill, weight)
        except asyncio.CancelledError:
            if bill.done:  # only the closing was interrupted
                self._replied(request, bill.done, bill, weight)
            else:
                self._interrupted(bill)
            raise
        else:
            self._replied(request, done, bill, weight)

    async def summarise(self, request: ModelRequest) -> tuple[str, Bill] | None:
        """The summary, and what it took; None after a ``SummaryFailed``."""
        bill = Bill(self._model.facts)
        try:
            done = await self._reply(request, bill, quiet=True)
        except ProviderError as error:
            self.summary_failed(str(error), bill)
            return None
        except asyncio.CancelledError:
            bill.end_broken()
            if bill.usage != Usage():
                self.summary_failed("interrupted", bill)
            raise
        text = done.message.text.strip()
        if not text or done.message.calls or done.message.stop != "end":
            self.summary_failed("the model's answer was no whole summary", bill)
            return None
        return text, bill

    def summary_failed(self, message: str, bill: Bill) -> None:
        bill.end_broken()
        self._ledger.report(
            SummaryFailed(
                message=message,
                usage=bill.usage,
                cost=bill.cost,
                attempts=bill.attempts,
                model=self.other(bill.facts),
            )
        )

    def forget(self) -> None:
        """The next prompt is meant to differ from the last one, which is no reason for a notice."""
        self._before = None

    async def close(self) -> None:
        await self._model.close()

    async def _reply(self, request: ModelRequest, bill: Bill, *, quiet: bool) -> ReplyDone:
        """The reply. Shows what comes of it on the way, ``quiet`` only that it is tried again."""
        began = self._ledger.clock()
        try:
            async with aclosing(self._model.stream(request)) as stream:
                async for event in stream:
                    if isinstance(event, ReplyDone):
                        bill.end(event)
                        break
                    bill.take(event, self._model)
                    if not isinstance(event, UsageSeen) and (isinstance(event, Retrying) or not quiet):
                        self._ledger.report(event)
        except ProviderError:
            if not bill.done:  # else it was only the closing that failed
                raise
        if not bill.done:
            raise ProviderError("protocol", "the model's reply ended without its end being marked")
        self.last = began
        return bill.done

    def _replied(self, request: ModelRequest, done: ReplyDone, bill: Bill, weight: int) -> None:
        self._ledger.report(
            Replied(
                distinct_calls(done.message),
                bill.usage,
                bill.cost,
                attempts=bill.attempts,
                model=self.other(bill.facts),
                response_id=done.id,
                prompt_tokens=done.usage.prompt_tokens,
                prompt_weight=weight,
            )
        )
        before, facts = self._before, bill.facts
        sent = Sent(request=request, model=_name(facts), usage=done.usage, at=self._ledger.clock())
        self._before = sent
        if before and facts.caches and (broken := cache_break(before, sent)):
            self._ledger.report(broken)

    def _failed(self, error: ProviderError, bill: Bill, weight: int) -> None:
        bill.end_broken()
        self._ledger.report(
            ModelFailed(
                kind=error.kind,
                message=str(error),
                usage=bill.usage,
                cost=bill.cost,
                attempts=bill.attempts,
                model=self.other(bill.facts),
                said=bill.text,
                prompt_weight=weight,
            )
        )

    def _interrupted(self, bill: Bill) -> None:
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
                model=self.other(bill.facts),
            )
        )

    def other(self, facts: ModelFacts) -> str:
        """The name of a model that is not the session's."""
        state = self._ledger.state
        return "" if (facts.provider, facts.id) == (state.provider, state.model) else _name(facts)


class Bill:
    """What one call has said and used so far, over all of its attempts."""

    def __init__(self, facts: ModelFacts) -> None:
        self.facts = facts
        """Of the model that is asked."""
        self.attempts = 1
        self.usage = Usage()
        """Of the attempts that have ended."""
        self.cost: float | None = 0.0
        self.done: ReplyDone | None = None
        """The whole reply."""
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

    def end(self, done: ReplyDone) -> None:
        self._charge(UsageSeen(done.usage, self._seen.cost if done.cost is None else done.cost))
        self._began, self._seen = False, UsageSeen(Usage())
        self.done = done

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
