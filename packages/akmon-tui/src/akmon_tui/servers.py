"""What is known of MCP servers, in words: their state, what they offer, what waits for approval. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from akmon_core.mentions import mentioned
from akmon_core.servers import ServerPrompt, ServerResource, ServerState, ServerStatus, ServerTool
from akmon_core.text import exposed, one_line

NONE = (
    "No MCP server is configured. akmon mcp add NAME COMMAND adds one that runs here, akmon mcp add NAME URL "
    "one elsewhere; it is there from the next start on."
)
_STATES: dict[ServerState, str] = {
    "starting": "connecting…",
    "ready": "ready",
    "failed": "failed",
    "stopped": "stopped",
}
STYLES: dict[ServerState, str] = {"starting": "accent", "ready": "ok", "failed": "error", "stopped": "dim"}
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*:[A-Za-z0-9][A-Za-z0-9_.-]*")
_WIDTH = 200


def state_of(status: ServerStatus) -> str:
    return _STATES[status.state]


def waiting(status: ServerStatus) -> tuple[ServerTool, ...]:
    """The tools that the model does not get before a person has seen what they say now."""
    return tuple(tool for tool in status.tools if tool.state != "offered")


def waits(status: ServerStatus) -> str:
    """How many of these there are; empty if none."""
    count = len(waiting(status))
    return f"{count:,} tool{'s wait' if count != 1 else ' waits'} for approval" if count else ""


def counts(status: ServerStatus) -> str:
    """Such as ``12 tools, 1 prompt``; empty if it offers nothing."""
    offered = ((status.tools, "tool"), (status.prompts, "prompt"), (status.resources, "resource"))
    return ", ".join(f"{len(each):,} {what}{'s' * (len(each) != 1)}" for each, what in offered if each)


def named(statuses: Iterable[ServerStatus], name: str) -> ServerStatus | None:
    return next((status for status in statuses if status.name == name), None)


def unknown(statuses: Sequence[ServerStatus], name: str) -> str:
    """That there is no such server, with those that there are."""
    if not statuses:
        return NONE
    names = ", ".join(one_line(status.name, 60) for status in statuses)
    return f"There is no server {one_line(name, 60)!r}. There are: {names}."


def facts(status: ServerStatus) -> list[tuple[str, str]]:
    """What is known of it, each with a word for it; nothing hides in what is exposed."""
    known = (
        ("is", status.where),
        ("says", status.says),
        ("speaks", f"MCP {status.protocol}" if status.protocol else ""),
        ("from", status.origin),
        ("log", status.log),
    )
    return [(word, exposed(text).replace("\n", "<U+000A>")) for word, text in known if text]


def tool_of(status: ServerStatus, tool: ServerTool) -> str:
    """The name of a tool without what all tools of its server begin with."""
    return tool.name.removeprefix(f"mcp__{status.name}__")


def slash_name(server: str, prompt: ServerPrompt) -> str:
    """The name of the slash command for a prompt; empty if it has no name that can be typed as one."""
    name = f"{server}:{prompt.name}"
    return name if len(name) <= _WIDTH and _PLAIN_NAME.fullmatch(name) else ""


def mention(server: str, resource: ServerResource) -> str:
    """What stands behind ``@`` in a prompt for a resource, of a template up to its first variable; empty if
    no prompt can name it."""
    uri = resource.uri.partition("{")[0] if resource.template else resource.uri
    plain = uri.isprintable() and not re.search(r"[\s\"]", uri)
    if not plain or not uri:
        return ""
    name = f"{server}:{uri}"
    return name if resource.template or mentioned(f"@{name}", (server,)) == [(server, uri)] else ""


def usage(prompt: ServerPrompt) -> str:
    """Its arguments as help shows them, such as ``topic [language]``."""
    names = ((one_line(each.name, 40), each.required) for each in prompt.arguments)
    return " ".join(name if required else f"[{name}]" for name, required in names)


def list_text(statuses: Sequence[ServerStatus]) -> str:
    """All servers, a line each."""
    if not statuses:
        return NONE
    width = max(len(status.name) for status in statuses)
    rows = [_row(status, width) for status in statuses]
    return "\n".join(
        [*rows, "/mcp NAME shows one; /mcp connect, stop or approve NAME does something about it."]
    )


def _row(status: ServerStatus, width: int) -> str:
    said = (state_of(status), counts(status), waits(status), one_line(status.detail, _WIDTH))
    return f"{one_line(status.name, 60):<{width}}  {' · '.join(part for part in said if part)}"


def server_text(status: ServerStatus) -> str:
    """All that is known of one server."""
    lines = [f"{one_line(status.name, 60)}: {state_of(status)}"]
    if status.detail:
        lines.append(f"  {exposed(status.detail)}")
    lines += [f"  {word:<6}  {text}" for word, text in facts(status)]
    if waiting(status):
        lines += [
            changes_text(status),
            f"/mcp approve {one_line(status.name, 60)} accepts what they say now.",
        ]
    for heading, rows in offered(status):
        width = max(len(left) for left, _ in rows)
        lines += [heading, *(f"  {left:<{width}}  {about}".rstrip() for left, about in rows)]
    return "\n".join(lines)


def offered(status: ServerStatus) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the server offers, by headings: how each is named, and one line about it."""
    sections = (
        ("Tools", [(_tool(status, tool), one_line(tool.about, _WIDTH)) for tool in status.tools]),
        ("Prompts", [(_prompt(status.name, each), one_line(each.about, _WIDTH)) for each in status.prompts]),
        ("Resources", [(_resource(status.name, each), _about(each)) for each in status.resources]),
    )
    return [(heading, rows) for heading, rows in sections if rows]


def _tool(status: ServerStatus, tool: ServerTool) -> str:
    name = one_line(tool_of(status, tool), 64)
    return name if tool.state == "offered" else f"{name} ({tool.state}, waits)"


def _prompt(server: str, prompt: ServerPrompt) -> str:
    name = slash_name(server, prompt)
    return f"/{name} {usage(prompt)}".rstrip() if name else f"{one_line(prompt.name, 60)} (no plain name)"


def _resource(server: str, resource: ServerResource) -> str:
    return f"@{one_line(f'{server}:{resource.uri}', _WIDTH)}"


def _about(resource: ServerResource) -> str:
    said = (resource.name if resource.name != resource.uri else "", resource.about)
    return one_line(" · ".join(part for part in said if part), _WIDTH)


def changes_text(status: ServerStatus) -> str:
    """What is to be approved, whole: what the tools that wait say now."""
    lines = [f"{one_line(status.name, 60)}: {waits(status)}."]
    for tool in waiting(status):
        lines.append(f"{tool.state} {exposed(tool.name)}")
        lines += [f"  {row}" for row in exposed(tool.change).removesuffix("\n").split("\n")]
    return "\n".join(lines)
