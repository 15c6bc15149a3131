"""Slash commands for the prompts that MCP servers offer, as rows of the table."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_core.commands import UsePrompt
from akmon_core.mentions import fill_in
from akmon_core.servers import ServerPrompt, ServerStatus
from akmon_core.text import one_line
from akmon_tui.servers import slash_name, usage
from akmon_tui.slash.replies import Reply, Say, Send
from akmon_tui.slash.table import Slash, Table, named
from akmon_tui.view import View

_WIDTH = 100


def with_prompts(statuses: Sequence[ServerStatus], table: Table) -> Table:
    """``table`` with a row ``/SERVER:PROMPT`` for each prompt of a server that is ready.

    Their names are text of strangers: one that is not plain gets no row, nor does one that is taken.
    """
    rows: dict[str, Slash] = {}
    for status in statuses:
        for prompt in status.prompts if status.state == "ready" else ():
            name = slash_name(status.name, prompt)
            if name and name not in rows and not named(table, name):
                rows[name] = _row(name, status.name, prompt)
    return {**table, **rows}


def _row(name: str, server: str, prompt: ServerPrompt) -> Slash:
    def run(_view: View, argument: str) -> Reply:
        if lacks := fill_in(prompt, argument).missing:
            return Say(_hint(name, prompt, lacks), stays=True)
        return Send((UsePrompt(server, prompt.name, argument),))

    about = one_line(prompt.about, _WIDTH) or f"a prompt of the server {one_line(server, 60)}"
    return Slash(name, one_line(f"/{name} {usage(prompt)}".strip(), _WIDTH), about, run)


def _hint(name: str, prompt: ServerPrompt, lacks: Sequence[str]) -> str:
    arguments = [argument for argument in prompt.arguments if argument.name in lacks]
    rows = [f"  {one_line(each.name, 40)}  {one_line(each.about, _WIDTH)}".rstrip() for each in arguments]
    head = f"/{name} {usage(prompt)} needs more: words in this order, in quotes if need be, or name=value."
    return "\n".join([head, *rows])
