"""The servers of a session: which tools of theirs are offered, what waits for a person, and what is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Literal, assert_never

from akmon_core.errors import SettingsError, ToolError
from akmon_core.events import Event, Noticed, ServerChanged
from akmon_core.mentions import fill_in
from akmon_core.messages import Image, Text
from akmon_core.ports import Approvals
from akmon_core.servers import Server, ServerPrompt, ServerStatus
from akmon_core.tools import AnyTool
from akmon_tools.mcp.catalogue import offered
from akmon_tools.mcp.connection import Connection
from akmon_tools.mcp.facts import Surroundings
from akmon_tools.mcp.part import Part
from akmon_tools.mcp.results import parts_of_prompt, parts_of_resource
from akmon_tools.mcp.tool import ResourceTool
from akmon_tools.outputs import Outputs


class McpServers:
    """Implements ``akmon_core.ports.Servers``."""

    def __init__(
        self,
        servers: Sequence[Server],
        surroundings: Surroundings,
        approvals: Approvals | None,
        outputs: Outputs,
    ) -> None:
        """Without ``approvals`` what tools say first is what holds, for this session only."""
        self._outputs = outputs
        self._report: Callable[[Event], None] | None = None
        self._parts: dict[str, Part] = {}
        self._basis: tuple[object, ...] = ()
        """What ``_offered`` was made of."""
        self._offered: tuple[AnyTool, ...] = ()
        for server in sorted(servers, key=lambda each: each.name):
            changed, say = partial(self._changed, server.name), partial(self._say, server.name)
            connection = Connection(server, surroundings, changed, say)
            self._parts[server.name] = Part(connection, approvals, outputs)

    @property
    def statuses(self) -> tuple[ServerStatus, ...]:
        return tuple(part.status for part in self._parts.values())

    def begin(self, report: Callable[[Event], None]) -> None:
        if self._report is None:
            self._report = report
            for part in self._parts.values():
                part.connection.begin()

    async def settled(self) -> None:
        await asyncio.gather(*(part.connection.settled() for part in self._parts.values()))

    def offered(self, tokens: int, allowed: Callable[[str], bool]) -> tuple[AnyTool, ...]:
        """Those of a server that is being connected again stay, so that the model's tools do not change."""
        there = [part for part in self._parts.values() if part.connection.state in ("ready", "starting")]
        for part in there:
            part.look_again()
        tools = tuple(tool for part in there for tool in part.tools if allowed(tool.name))
        readable = tuple(part.connection for part in there if part.connection.listing.resources)
        basis = (tools, readable, tokens)
        if basis != self._basis:
            self._basis = basis
            self._offered = offered(tools, tokens, self._extra(readable))
        return tuple(tool for tool in self._offered if allowed(tool.name))

    async def resource(self, server: str, uri: str) -> tuple[Text | Image, ...]:
        result = await self._part(server).connection.read(uri)
        return parts_of_resource(result, self._outputs, server)

    async def prompt(self, server: str, name: str, arguments: str) -> tuple[Text | Image, ...]:
        connection = self._part(server).connection
        prompts = {prompt.name: prompt for prompt in connection.listing.prompts}
        if name not in prompts:
            raise ToolError(f"{server} has no prompt {name}. It has: {_listed(prompts)}.")
        result = await connection.prompt(name, _values(prompts[name], arguments))
        return parts_of_prompt(result, self._outputs, server)

    async def manage(self, server: str, what: Literal["connect", "stop", "approve"], seen: str = "") -> str:
        part = self._part(server)
        match what:
            case "connect":
                await part.connection.stop()
                part.connection.begin()
                await part.connection.settled()
                return part.said
            case "stop":
                await part.connection.stop()
                return f"{server} is stopped for this session: /mcp connects it again."
            case "approve":
                try:
                    said = part.approve(seen)
                except SettingsError as error:
                    raise ToolError(f"nothing was approved: {error}") from None
                self._changed(server)
                return said
            case _:
                assert_never(what)

    async def close(self) -> None:
        await asyncio.gather(*(part.connection.close() for part in self._parts.values()))

    def _part(self, server: str) -> Part:
        if server not in self._parts:
            raise ToolError(f"there is no server {server}. There are: {_listed(self._parts)}.")
        return self._parts[server]

    def _extra(self, readable: object) -> tuple[AnyTool, ...]:
        connections = [part.connection for part in self._parts.values()]
        return (ResourceTool(connections, self._outputs),) if readable else ()

    def _changed(self, server: str) -> None:
        part = self._parts[server]
        waiting = part.renew()
        if self._report:
            self._report(ServerChanged(server))
            if waiting:
                self._report(Noticed(waiting))

    def _say(self, server: str, text: str) -> None:
        if self._report:
            self._report(Noticed(f"{server}: {text}"))


def _values(prompt: ServerPrompt, typed: str) -> dict[str, str]:
    filled = fill_in(prompt, typed)
    takes = " ".join(each.name if each.required else f"[{each.name}]" for each in prompt.arguments)
    if filled.surplus:
        raise ToolError(f"{prompt.name} takes {takes or 'no arguments'}, and not {filled.surplus!r} besides.")
    if filled.missing:
        raise ToolError(f"{prompt.name} needs {', '.join(filled.missing)}. It takes: {takes}.")
    return filled.values


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
