"""What model calls took: one sum, which the session, its reports and its screens all keep."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from akmon_core.events import Compacted, ModelFailed, Replied, SummaryFailed
from akmon_core.stream import Usage

Charged: TypeAlias = Replied | ModelFailed | Compacted | SummaryFailed
"""The events that carry what a model call used."""


class Spent(msgspec.Struct, frozen=True):
    """Tokens and US dollars of any number of model calls."""

    usage: Usage = Usage()
    priced: float = 0.0
    """US dollars of the calls whose price is known."""
    unpriced: int = 0
    """Calls whose price is not known."""

    @property
    def cost(self) -> float | None:
        """US dollars; None if a call is unpriced, which is not free."""
        return None if self.unpriced else self.priced

    def and_also(self, call: Charged) -> Spent:
        return Spent(
            self.usage + call.usage,
            self.priced + (call.cost or 0.0),
            self.unpriced + (call.cost is None),
        )
