"""What /help and /keymap say, from the table of commands and the screen's table of keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from akmon_tui.slash.table import Slash, Table, named, unknown


def help_text(table: Table, keys: Sequence[tuple[str, str]], topic: str = "") -> str:
    """All commands and ``keys`` (each with what it does), or what the command ``topic`` does."""
    if topic:
        slash = named(table, topic)
        return "\n".join(_rows([(slash.usage, _about(slash))])) if slash else unknown(topic, table)
    commands = _rows((slash.usage, _about(slash)) for slash in table.values())
    return "\n".join([*commands, "", *_rows(keys)])


def keys_text(keys: Sequence[tuple[str, str]]) -> str:
    return "\n".join(_rows(keys))


def _about(slash: Slash) -> str:
    also = ", ".join(f"/{alias}" for alias in slash.aliases)
    return f"{slash.about} (also {also})" if also else slash.about


def _rows(rows: Iterable[tuple[str, str]]) -> list[str]:
    rows = list(rows)
    width = max((len(head) for head, _ in rows), default=0)
    return [f"{head:<{width}}  {rest}".rstrip() for head, rest in rows]
