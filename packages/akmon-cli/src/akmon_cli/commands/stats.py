"""``akmon stats``: what a session took: calls, tokens, cost, and how well the prompt cache held."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, Parser
from akmon_cli.folders import change_folder, project_sessions
from akmon_cli.streams import print_json
from akmon_core.spending import Spent
from akmon_core.stats import Break, Stats, Tally, stats_of
from akmon_core.text import neutralise, one_line
from akmon_query.journal import read_records
from akmon_query.store import SessionInfo, find_session

_HEAD = ("", "calls", "retries", "input", "output", "cache read", "cache write", "cached", "cost")


def parser() -> Parser:
    parser = Parser(
        prog="akmon stats", description="What a session took: model calls, tokens, cost, prompt cache."
    ).add(COMMON)
    parser.add_argument("session", nargs="?", default="", help="id, start of an id, or name (the last used)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    info = find_session(project_sessions(), options.session)
    stats = stats_of(envelope for _, envelope, _ in read_records(info.path))
    if options.json:
        print_json(_as_json(info, stats))
    else:
        sys.stdout.write("".join(f"{neutralise(line)}\n" for line in _lines(info, stats)))
    sys.stdout.flush()
    return exitcodes.OK


def _as_json(info: SessionInfo, stats: Stats) -> dict[str, Any]:
    return {
        "session_id": info.id,
        "total": _tally(stats.total),
        "turns": [{"turn": turn, **_tally(tally)} for turn, tally in stats.turns.items()],
        "models": [{"model": model, **_tally(tally)} for model, tally in stats.models.items()],
        "cache_breaks": stats.breaks,
    }


def _tally(tally: Tally) -> dict[str, Any]:
    spent = tally.spent
    return {
        "calls": tally.calls,
        "retries": tally.repeats,
        **msgspec.structs.asdict(spent.usage),
        "cached_share": _share(spent),
        "cost_usd": spent.cost,
    }


def _share(spent: Spent) -> float | None:
    """The part of the prompt tokens that was read from a cache; None without any."""
    tokens = spent.usage.prompt_tokens
    return round(spent.usage.cache_read_tokens / tokens, 4) if tokens else None


def _lines(info: SessionInfo, stats: Stats) -> list[str]:
    rows = [
        _HEAD,
        *(_row(f"turn {turn}", tally) for turn, tally in stats.turns.items()),
        *(_row(one_line(model, 40), tally) for model, tally in stats.models.items()),
        _row("total", stats.total),
    ]
    name = f" [{one_line(info.name, 100)}]" if info.name else ""
    return [f"session {info.id}{name}", "", *_table(rows), *(_break(each) for each in stats.breaks)]


def _row(label: str, tally: Tally) -> tuple[str, ...]:
    usage, share, cost = tally.spent.usage, _share(tally.spent), tally.spent.cost
    counts = (
        tally.calls,
        tally.repeats,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
    )
    return (
        label,
        *(f"{count:,}" for count in counts),
        "-" if share is None else f"{share:.0%}",
        "unpriced" if cost is None else f"${cost:.4f}",
    )


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    ]


def _break(broken: Break) -> str:
    where = f"turn {broken.turn}, step {broken.step}"
    return f"cache broken in {where}: {broken.cause} ({broken.tokens:,} tokens)"
