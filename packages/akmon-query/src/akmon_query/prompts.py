"""What the next model call is sent, and how much room there is for it."""

from __future__ import annotations

from akmon_core.context import Room
from akmon_core.limits import (
    CACHE_SECONDS,
    INTACT_MESSAGES,
    INTACT_MESSAGES_GROQ,
    SMALL_WINDOW,
)
from akmon_core.models import ModelFacts, ModelRequest
from akmon_core.prompt import compose
from akmon_core.tokens import weigh_text, weigh_tools
from akmon_core.tools import ToolSpec
from akmon_query.hands import Hands
from akmon_query.ledger import Ledger


def is_small(facts: ModelFacts) -> bool:
    """Whether a model is better off with few tools, a short prompt, and little history."""
    return facts.context_window <= SMALL_WINDOW


def usable_tokens(facts: ModelFacts) -> int:
    """Tokens that a prompt may have, so that a reply of full length fits behind it."""
    return facts.context_window - facts.max_output


class Prompts:
    """Composes an agent's requests."""

    def __init__(self, ledger: Ledger, hands: Hands, *, auto: bool) -> None:
        self._ledger = ledger
        self._hands = hands
        self._auto = auto
        self._weighed: tuple[str, tuple[ToolSpec, ...], int] = ("", (), 0)
        """A system prompt, tools, and what they weigh together: they hardly ever change."""

    def request(self, facts: ModelFacts) -> ModelRequest:
        ledger = self._ledger
        return compose(
            ledger.state, self._hands.specs, ledger.session, small=is_small(facts), agent=ledger.agent
        )

    def weight(self, request: ModelRequest) -> int:
        """What the next prompt weighs."""
        return self._prefix(request) + self._ledger.state.weight

    def room(self, facts: ModelFacts, last_call: float | None) -> Room:
        """``last_call`` is when the provider last saw the conversation, in seconds since 1970."""
        return Room(
            usable=usable_tokens(facts),
            prefix=self._prefix(self.request(facts)),
            small=is_small(facts),
            caches=facts.caches,
            prices=facts.prices,
            cold=last_call is None or self._ledger.clock() - last_call > CACHE_SECONDS,
            intact=INTACT_MESSAGES_GROQ if facts.provider == "groq" else INTACT_MESSAGES,
            auto=self._auto,
        )

    def _prefix(self, request: ModelRequest) -> int:
        system, tools, weight = self._weighed
        if request.system != system or request.tools != tools:
            weight = weigh_text(request.system) + weigh_tools(request.tools)
            self._weighed = (request.system, request.tools, weight)
        return weight
