"""Shortens an agent's conversation: by itself where ``decide`` says so, or because the person asks."""

from __future__ import annotations

import msgspec

from akmon_core.context import Room, can_be_read, kept_messages, prompt_tokens, summarised, trimmed
from akmon_core.events import Cleared, Compacted, Compacting, Noticed
from akmon_core.prompt import compose_summary
from akmon_query.ledger import Ledger
from akmon_query.modelcall import ModelCalls
from akmon_query.prompts import Prompts


class Compaction:
    """What makes room in an agent's prompts."""

    def __init__(self, ledger: Ledger, calls: ModelCalls, prompts: Prompts) -> None:
        self._ledger = ledger
        self._calls = calls
        self._prompts = prompts

    def room(self) -> Room:
        return self._prompts.room(self._calls.facts, self._calls.last)

    def shorten(self, how: Cleared | Compacted) -> None:
        self._calls.forget()
        self._ledger.report(how)

    async def asked_for(self, hint: str) -> None:
        """Summarises all but the end of the conversation, and says so where there is nothing to gain."""
        state, room = self._ledger.state, self.room()
        kept = kept_messages(state, room)
        if kept and can_be_read(state, room, kept):
            await self.summarise(kept, hint)
        elif kept and (trim := trimmed(state, room)):
            self.shorten(trim)
        else:
            self._ledger.report(Noticed("there is nothing in the conversation that could be left out yet"))

    async def summarise(self, kept: int, hint: str = "") -> None:
        """Reports a ``Compacted`` or a ``SummaryFailed``."""
        ledger, room = self._ledger, self.room()
        request = compose_summary(self._prompts.request(self._calls.facts), kept, hint)
        start = len(ledger.state.history) - kept
        ledger.report(Compacting(prompt_tokens(ledger.state, room)))
        answer = await self._calls.summarise(request)
        if answer is None:
            return
        summary, bill = answer
        kept = len(ledger.state.history) - start  # what was said meanwhile stays as well
        how = summarised(ledger.state, room, summary, kept)
        if how is None:
            self._calls.summary_failed("the summary would have saved nothing", bill)
            return
        model = self._calls.other(bill.facts)
        self.shorten(
            msgspec.structs.replace(
                how, usage=bill.usage, cost=bill.cost, attempts=bill.attempts, model=model
            )
        )
