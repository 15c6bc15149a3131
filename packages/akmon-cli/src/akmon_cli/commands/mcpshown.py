"""Configured MCP servers and what they offer, as lines for people: nothing of theirs hides or steers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from akmon_core.servers import ServerStatus, ServerTool
from akmon_core.text import exposed, one_line

if TYPE_CHECKING:
    from akmon_config.mcpservers import Entry

_WHERE_CHARS = 100


def table(entries: Sequence[Entry]) -> Iterator[str]:
    """A line for each, and below it why it is not used."""
    rows = [(safe(each.name), each.state, each.scope, each.transport, _where(each)) for each in entries]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for row, entry in zip(rows, entries, strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield "  ".join((*cells, row[4])).rstrip()
        if entry.detail:
            yield f"    {safe(entry.detail)}"


def entry_lines(entry: Entry) -> Iterator[str]:
    yield f"{safe(entry.name)}: {entry.state}"
    if entry.detail:
        yield f"  {safe(entry.detail)}"
    yield f"  from: {safe(entry.origin)}"
    for key, value in entry.fields.items():
        if isinstance(value, dict):
            yield f"  {key}:"
            yield from (f"    {safe(name)}: {safe(str(each))}" for name, each in value.items())
        else:
            yield f"  {key}: {safe(value if isinstance(value, str) else _as_json(value))}"
    if entry.ignored:
        yield f"  without meaning here: {', '.join(map(safe, entry.ignored))}"


def status_lines(status: ServerStatus, seconds: float) -> Iterator[str]:
    """What came of connecting to a server."""
    said = f", {safe(status.says)}" if status.says else ""
    protocol = f", protocol {safe(status.protocol)}" if status.protocol else ""
    yield f"{status.name}: {status.state} after {seconds:.1f} s{said}{protocol}"
    yield f"  {safe(status.where)}"
    if status.detail:
        yield f"  {safe(status.detail)}"
    if status.state != "ready" and status.log and status.log not in status.detail:
        yield f"  what it printed: {safe(status.log)}"
    if status.state != "ready":
        return
    yield f"  {counted(len(status.tools), 'tool')}{':' if status.tools else ''}"
    yield from (_tool(tool) for tool in status.tools)
    for what, found in (("prompt", status.prompts), ("resource", status.resources)):
        if found:
            yield f"  {counted(len(found), what)}: {one_line(', '.join(each.name for each in found), 200)}"
    if any(tool.state != "offered" for tool in status.tools):
        yield f"  Look at what waits before it is used: akmon mcp approve {status.name}"


def change_lines(tool: ServerTool) -> Iterator[str]:
    """What is new of a tool, all of it."""
    yield f"{safe(tool.name)} is {tool.state}:"
    yield from (f"  {line}" for line in exposed(tool.change).splitlines())


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def safe(text: str) -> str:
    """All of ``text`` on one line, with nothing in it that hides, and no secret."""
    from akmon_cli.redaction import redactor

    return redactor()(exposed(text).replace("\n", "<U+000A>").replace("\t", "<U+0009>"))


def _tool(tool: ServerTool) -> str:
    waits = "" if tool.state == "offered" else f" (waits for you: {tool.state})"
    about = f": {one_line(tool.about, _WHERE_CHARS)}" if tool.about else ""
    return f"    {safe(tool.name)}{waits}{about}"


def _where(entry: Entry) -> str:
    return one_line(safe(entry.where), _WHERE_CHARS)


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
