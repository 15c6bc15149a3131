"""What one server adds to a session: its tools as far as they are approved, and its status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from akmon_core.descriptions import difference
from akmon_core.errors import SettingsError, ToolError
from akmon_core.limits import MCP_DIFF_LINES
from akmon_core.ports import Approvals
from akmon_core.servers import Server, ServerStatus, ServerTool
from akmon_core.text import one_line
from akmon_tools.mcp.connection import Connection
from akmon_tools.mcp.facts import Ask, Listing
from akmon_tools.mcp.names import tool_names
from akmon_tools.mcp.tool import McpTool, description_of
from akmon_tools.outputs import Outputs

if TYPE_CHECKING:
    from mcp_types import CallToolResult


class Part:
    """Renewed whenever the server has changed. The first time that the server is ever used, what its tools
    say is accepted as it is; from then on one that says something else waits for a person.

    Implements ``akmon_tools.mcp.tool.Caller``.
    """

    def __init__(self, connection: Connection, approvals: Approvals | None, outputs: Outputs) -> None:
        self.connection = connection
        self.tools: tuple[McpTool, ...] = ()
        """Those that the model may use."""
        self._approvals = approvals
        self._outputs = outputs
        self._listing: Listing | None = None
        self._approved: Mapping[str, str] | None = None
        self._shown: tuple[ServerTool, ...] = ()
        self._problem = ""

    @property
    def server(self) -> Server:
        return self.connection.server

    @property
    def identity(self) -> str:
        return self.connection.identity

    async def call(
        self, tool: str, arguments: dict[str, Any], progress: Callable[[str], None], ask: Ask | None
    ) -> CallToolResult:
        """Refuses a tool that has changed since the turn began, too."""
        if all(each.facts.name != tool for each in self.tools):
            raise ToolError(
                f"nothing was done: {self.server.name} says something else of {tool} now than when it was "
                "approved, and the user has to look at that first."
            )
        return await self.connection.call(tool, arguments, progress, ask)

    @property
    def status(self) -> ServerStatus:
        connection = self.connection
        details = [connection.detail, self._problem, *connection.listing.left_out]
        return ServerStatus(
            name=connection.server.name,
            where=one_line(connection.server.where, 300),
            state=connection.state,
            detail="; ".join(filter(None, details)),
            says=connection.says,
            protocol=connection.protocol,
            tools=self._shown,
            unapproved=self._unapproved(),
            prompts=connection.listing.prompts,
            resources=connection.listing.resources,
            origin=connection.server.origin,
            log=connection.log,
        )

    @property
    def said(self) -> str:
        """How it is, in one line for people."""
        status = self.status
        if status.state != "ready":
            return f"{status.name}: {status.detail or status.state}"
        tools = "1 tool" if len(self.tools) == 1 else f"{len(self.tools):,} tools"
        return f"{status.name} is ready: {tools}{self._waiting()}"

    def renew(self) -> str:
        """Takes over what the server says now; gives what is new of it for a person, if anything."""
        if self.connection.state != "ready" or self.connection.listing is self._listing:
            return ""
        self._listing = self.connection.listing
        before = self._waiting(), self._problem
        self._judge()
        after = self._waiting(), self._problem
        if after == before or not any(after):
            return ""
        return f"{self.server.name}: {self._problem}" if self._problem else f"{self.server.name}{after[0]}"

    def look_again(self) -> None:
        """Takes over what a person has approved elsewhere: there is a command for it."""
        if not (self._approvals and self._unapproved() and self.connection.state == "ready"):
            return
        with suppress(SettingsError):  # then all is as it was
            if self._known() != self._approved:
                self._judge()

    def approve(self, seen: str = "") -> str:
        """Accepts what every tool says now, if that is what was ``seen``.

        Raises ``SettingsError`` if it cannot be kept, and ``ToolError`` if it is something else.
        """
        waiting = [tool for tool in self._shown if tool.state != "offered"]
        if seen and seen != self._unapproved():
            raise ToolError(f"{self.server.name} says something else by now. Look at it again: /mcp")
        if not waiting:
            return f"{self.server.name}: there is nothing to approve."
        self._keep({**(self._approved or {}), **self._says()})
        self._judge()
        count = "1 tool" if len(waiting) == 1 else f"{len(waiting)} tools"
        return f"{self.server.name}: {count} approved, to be used from the next prompt on."

    def _says(self) -> dict[str, str]:
        return {facts.name: description_of(facts) for facts in self.connection.listing.tools}

    def _judge(self) -> None:
        """Decides which tools are offered. Where it cannot be known what was approved, none is."""
        now = self._says()
        self._problem = ""
        try:
            self._approved = self._known()
            if self._approved is None:
                self._keep(now)
        except SettingsError as error:
            self._approved = {}
            self._problem = f"what is approved of its tools is not known, so that none is used: {error}"
        approved = self._approved or {}
        names = tool_names(self.server.name, now)
        kept = {tool.facts.name: tool for tool in self.tools}
        tools, shown, compared = [], [], 0
        for facts in self.connection.listing.tools:
            name, text, old = names[facts.name], now[facts.name], approved.get(facts.name)
            about = one_line(facts.description or facts.title, 200)
            if old == text:
                same = kept.get(facts.name)
                fits = same is not None and same.facts == facts
                tools.append(same if same and fits else McpTool(name, facts, self, self._outputs))
                shown.append(ServerTool(name=name, about=about))
            else:
                state: Literal["new", "changed"] = "new" if old is None else "changed"
                compared += text.count("\n") + (old or "").count("\n")
                change = difference(old or "", text, aligned=compared <= MCP_DIFF_LINES)
                shown.append(ServerTool(name=name, about=about, state=state, change=change))
        self.tools, self._shown = tuple(tools), tuple(shown)

    def _known(self) -> Mapping[str, str] | None:
        """What was approved, also if the file with it has been removed since; None before the first use."""
        known = self._approvals.approved(self.connection.server.digest) if self._approvals else None
        return self._approved if known is None else known

    def _keep(self, tools: Mapping[str, str]) -> None:
        if self._approvals:
            self._approvals.approve(self.connection.server.digest, tools)
        self._approved = tools

    def _unapproved(self) -> str:
        changes = [f"{tool.name}\n{tool.change}\n" for tool in self._shown if tool.state != "offered"]
        return sha256("".join(changes).encode(errors="surrogatepass")).hexdigest() if changes else ""

    def _waiting(self) -> str:
        counts = [
            f"{count} {'is' if count == 1 else 'are'} {what}"
            for what in ("changed", "new")
            if (count := sum(tool.state == what for tool in self._shown))
        ]
        if not counts:
            return ""
        look = f"/mcp, or akmon mcp approve {self.server.name}"
        return f": of its tools {' and '.join(counts)}. Look at them before they are used: {look}"
