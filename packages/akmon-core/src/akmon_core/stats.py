"""What a session took, by turn and by model: a fold over its journal."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from akmon_core.events import (
    CacheBroken,
    Compacted,
    Envelope,
    ModelChosen,
    ModelFailed,
    Prompted,
    Replied,
    SummaryFailed,
)
from akmon_core.spending import Charged, Spent


class Tally(msgspec.Struct, frozen=True):
    """Model calls and what they took."""

    calls: int = 0
    repeats: int = 0
    """Attempts beyond the first of each call."""
    spent: Spent = Spent()

    def and_also(self, call: Charged) -> Tally:
        return Tally(self.calls + 1, self.repeats + call.attempts - 1, self.spent.and_also(call))


class Break(msgspec.Struct, frozen=True):
    """A prompt that was read anew, and where that happened."""

    turn: int
    step: int
    """The model call of the turn, counted from 1."""
    cause: str
    tokens: int


class Stats(msgspec.Struct, kw_only=True):
    total: Tally = Tally()
    turns: dict[int, Tally] = {}
    """By number of the turn, those without model calls too."""
    models: dict[str, Tally] = {}
    """By ``provider/id``. A call counts for the model that was asked last."""
    breaks: list[Break] = []


def stats_of(journal: Iterable[Envelope]) -> Stats:
    """The sums over all of ``journal``, of sub-agents and summaries too; ``total.spent`` is the session's."""
    stats, chosen = Stats(), dict[str, str]()
    for envelope in journal:
        match envelope.event:
            case ModelChosen(provider, model):
                chosen[envelope.agent] = f"{provider}/{model}"
            case Prompted() if not envelope.agent:
                stats.turns[envelope.turn] = Tally()
            case Replied() | ModelFailed() | SummaryFailed() | Compacted(by="model") as call:
                _add(stats, call, envelope.turn, call.model or chosen.get(envelope.agent, ""))
            case CacheBroken(cause, tokens):
                step = stats.turns.get(envelope.turn, Tally()).calls
                stats.breaks.append(Break(envelope.turn, step, cause, tokens))
            case _:
                pass
    return stats


def _add(stats: Stats, call: Charged, turn: int, model: str) -> None:
    stats.total = stats.total.and_also(call)
    stats.turns[turn] = stats.turns.get(turn, Tally()).and_also(call)
    stats.models[model] = stats.models.get(model, Tally()).and_also(call)
