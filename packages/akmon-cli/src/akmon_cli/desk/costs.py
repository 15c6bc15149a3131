"""What each model call of a session took, as a table."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import get_args

from akmon_core.events import Compacted, Envelope, Event, ModelChosen, ModelFailed, SummaryFailed
from akmon_core.limits import CALLS_LISTED
from akmon_core.spending import Charged, Spent
from akmon_core.stream import Usage
from akmon_core.text import one_line

_HEAD = ("time", "model", "in", "cached", "out", "cost", "")
_CHARGED = get_args(Charged)


def cost_table(records: Iterable[Envelope]) -> str:
    """A line for each of the last calls, sub-agents' too, and the sum of all of the session."""
    rows: list[tuple[str, ...]] = []
    models: dict[str, str] = {}
    total = Spent()
    for record in records:
        event = record.event
        if isinstance(event, ModelChosen):
            models[record.agent] = f"{event.provider}/{event.model}"
        elif isinstance(event, _CHARGED):
            total = total.and_also(event)
            rows.append(_row(record, event, event.model or models.get(record.agent, "")))
    if not rows:
        return "No model was called yet."
    hidden = max(0, len(rows) - CALLS_LISTED)
    last = ("total", f"{len(rows):,} call{'s' * (len(rows) != 1)}", *_amounts(total.usage, total.cost), "")
    table = _table([_HEAD, *rows[hidden:], last])
    more = [f"({hidden:,} earlier ones are counted in the sum)"] if hidden else []
    unpriced = total.unpriced and total.priced
    known = [f"What is priced of it: ${total.priced:.4f}"] if unpriced else []
    return "\n".join([*table[:-1], *more, table[-1], *known])


def _row(record: Envelope, event: Charged, model: str) -> tuple[str, ...]:
    said = [one_line(record.agent, 30), _kind(event), f"{event.attempts} attempts" * (event.attempts > 1)]
    at = time.strftime("%H:%M:%S", time.localtime(record.at))
    note = ", ".join(filter(None, said))
    return (at, one_line(model, 40), *_amounts(event.usage, event.cost), note)


def _kind(event: Event) -> str:
    match event:
        case Compacted():
            return "summary"
        case SummaryFailed():
            return "summary failed"
        case ModelFailed():
            return "failed"
        case _:
            return ""


def _amounts(usage: Usage, cost: float | None) -> tuple[str, ...]:
    tokens = usage.prompt_tokens
    cached = f"{usage.cache_read_tokens / tokens:.0%}" if tokens else "-"
    return f"{tokens:,}", cached, f"{usage.output_tokens:,}", "unpriced" if cost is None else f"${cost:.4f}"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_cells(row, widths)).rstrip() for row in rows]


def _cells(row: tuple[str, ...], widths: Sequence[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    left = (0, 1, len(row) - 1)
    return [
        cell.ljust(width) if at in left else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
