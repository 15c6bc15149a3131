"""The tools of a server as tools of an agent, and the tool that reads what servers offer to read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from akmon_core.descriptions import description_text
from akmon_core.errors import ArgumentsError, ToolError
from akmon_core.limits import MCP_DESCRIPTION_CHARS, MCP_PROGRESS_CHARS, MCP_PROGRESS_SECONDS, MCP_URI_CHARS
from akmon_core.schemas import sanitised
from akmon_core.servers import Server, ServerResource
from akmon_core.text import exposed, neutralise, one_line
from akmon_core.tools import Effect, TextView, ToolContext, ToolOutput, ToolSpec
from akmon_tools.mcp.arguments import Check
from akmon_tools.mcp.facts import Ask, Listing, ToolFacts
from akmon_tools.mcp.results import output_of, output_of_resource, shown
from akmon_tools.outputs import Outputs

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ReadResourceResult

_WHERE_CHARS = 200


class Caller(Protocol):
    """What a tool needs of the connection with its server."""

    @property
    def server(self) -> Server: ...

    @property
    def identity(self) -> str: ...

    async def call(
        self, tool: str, arguments: dict[str, Any], progress: Callable[[str], None], ask: Ask | None
    ) -> CallToolResult:
        """Raises ``ToolError``."""
        ...


class Reader(Protocol):
    """What reading needs of it."""

    @property
    def server(self) -> Server: ...

    @property
    def listing(self) -> Listing: ...

    async def read(self, uri: str) -> ReadResourceResult:
        """Raises ``ToolError``."""
        ...


def description_of(facts: ToolFacts) -> str:
    """All that a tool says of itself; another text if it says anything else."""
    return description_text(
        facts.name,
        title=facts.title,
        description=facts.description,
        schema=facts.schema,
        output_schema=facts.output_schema,
        annotations=facts.annotations,
    )


class McpArguments(msgspec.Struct, frozen=True):
    values: dict[str, Any]
    """By name, as the model gave them."""


class McpTool:
    """One tool of a server, called ``name`` by models. What it says of itself changes nothing of how its
    calls are judged."""

    arguments = McpArguments

    def __init__(self, name: str, facts: ToolFacts, connection: Caller, outputs: Outputs) -> None:
        self.name = name
        self.facts = facts
        self._connection = connection
        self._outputs = outputs
        self._check = Check(facts.schema)

    @property
    def description(self) -> str:
        return self.spec.description

    @property
    def server(self) -> str:
        return self._connection.identity

    @property
    def server_name(self) -> str:
        return self._connection.server.name

    @cached_property
    def spec(self) -> ToolSpec:
        parameters = sanitised(self.facts.schema)
        about = self.facts.description or self.facts.title
        text = neutralise(about[: 2 * MCP_DESCRIPTION_CHARS]).strip()
        text = text if len(text) <= MCP_DESCRIPTION_CHARS else text[: MCP_DESCRIPTION_CHARS - 1] + "…"
        of_arguments = parameters.pop("description", "")  # not every model sees it there
        if of_arguments and of_arguments not in text:
            text = f"{text}\n\n{of_arguments}".strip()
        return ToolSpec(self.name, text or f"The tool {self.name}.", parameters)

    def parse(self, arguments: str) -> McpArguments:
        try:
            values = msgspec.json.decode(arguments or "{}")
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ArgumentsError(
                f"{self.name}: the arguments are not valid JSON ({error}). "
                "Nothing was done; send the call again whole."
            ) from None
        if not isinstance(values, dict):
            raise ArgumentsError(f"{self.name}: the arguments must be a JSON object. {self._expected()}")
        return self.checked(values)

    def checked(self, values: dict[str, Any]) -> McpArguments:
        """``values`` as arguments. Raises ``ArgumentsError``."""
        if problems := self._check.problems(values):
            raise ArgumentsError(f"{self.name}: {'; '.join(problems)}. {self._expected()}")
        return McpArguments(values)

    def effects(self, arguments: McpArguments) -> tuple[Effect, ...]:
        return (_call(exposed(self.facts.name), self._connection.server, reads=self.facts.reads_only),)

    def preview(self, arguments: McpArguments, context: ToolContext) -> TextView | None:
        """All of the arguments: nothing is shortened."""
        if not arguments.values:
            return None
        return TextView(exposed(json.dumps(arguments.values, ensure_ascii=False, indent=2)))

    async def run(self, arguments: McpArguments, context: ToolContext) -> ToolOutput:
        progress = Progress(context.progress)
        try:
            result = await self._connection.call(self.facts.name, arguments.values, progress, context.ask)
        except ToolError as error:
            return _failed(error, self.server_name)
        return output_of(result, self.server_name, self._outputs)

    def _expected(self) -> str:
        parameters = self.spec.parameters
        required = parameters.get("required", ())
        named = [f"{name} (required)" if name in required else name for name in parameters["properties"]]
        return f"Its arguments are: {', '.join(named)}." if named else "It takes no arguments that are known."


class ResourceArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    server: Annotated[str, Meta(description="Without it and `uri`: lists what can be read.")] = ""
    uri: Annotated[str, Meta(max_length=MCP_URI_CHARS)] = ""


class ResourceTool:
    """Lists what servers offer to read, as they said when they were connected, and reads it."""

    name = "mcp_resource"
    description = Path(__file__).with_name("mcp_resource.md").read_text("utf-8")
    arguments = ResourceArguments

    def __init__(self, connections: Sequence[Reader], outputs: Outputs) -> None:
        self._connections = {connection.server.name: connection for connection in connections}
        self._outputs = outputs

    def effects(self, arguments: ResourceArguments) -> tuple[Effect, ...]:
        """A list is known already; what cannot be read is refused without anybody being asked."""
        connection = self._connections.get(arguments.server)
        if connection is None or not arguments.uri:
            return ()
        return (_call(exposed(arguments.uri), connection.server, reads=True),)

    async def run(self, arguments: ResourceArguments, context: ToolContext) -> ToolOutput:
        if arguments.server and arguments.server not in self._connections:
            raise ToolError(
                f"there is no server {arguments.server!r}. There are: {', '.join(self._connections)}."
            )
        if not arguments.uri:
            return self._list(arguments.server)
        if not arguments.server:
            raise ToolError(f"say which server: {', '.join(self._offering(arguments.uri))}.")
        try:
            result = await self._connections[arguments.server].read(arguments.uri)
        except ToolError as error:
            return _failed(error, arguments.server)
        return output_of_resource(result, arguments.server, self._outputs)

    def _list(self, server: str) -> ToolOutput:
        names = [name for name in self._connections if server in ("", name)]
        offers = {name: self._connections[name].listing.resources for name in names}
        text = "\n".join(_offer(name, resources) for name, resources in offers.items() if resources)
        count = sum(map(len, offers.values()))
        source = ", ".join(name for name, resources in offers.items() if resources)
        if not count:
            return ToolOutput(f"{server or 'No server'} offers nothing to read.", summary="0 resources")
        summary = f"{count:,} resource{'s' * (count != 1)}"
        return ToolOutput(shown(text, source, self._outputs), summary=summary, untrusted=source)

    def _offering(self, uri: str) -> list[str]:
        """The servers that list ``uri``, or else all."""
        found = [
            name
            for name, connection in self._connections.items()
            if any(each.uri == uri for each in connection.listing.resources)
        ]
        return found or [*self._connections]


class Progress:
    """Hands on what a server says of its progress, a line now and then, however much it says."""

    def __init__(self, show: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._show = show
        self._clock = clock
        self._next = 0.0

    def __call__(self, text: str) -> None:
        now = self._clock()
        line = one_line(text, MCP_PROGRESS_CHARS)
        if line and now >= self._next:
            self._next = now + MCP_PROGRESS_SECONDS
            self._show(f"{line}\n")


def _call(what: str, server: Server, *, reads: bool) -> Effect:
    where = one_line(server.where, _WHERE_CHARS)
    return Effect("call", f"{what} of {server.name} ({where})", claims_to_read=reads)


def _failed(error: ToolError, server: str) -> ToolOutput:
    """An error whose words may be the server's."""
    text = neutralise(str(error))
    return ToolOutput(text, error=True, summary=one_line(text, 200), untrusted=server)


def _offer(server: str, resources: Sequence[ServerResource]) -> str:
    return "\n".join([f"{server}:", *map(_resource_line, resources)])


def _resource_line(resource: ServerResource) -> str:
    about = f": {one_line(resource.about, 200)}" if resource.about else ""
    template = ", with what is in braces filled in" if resource.template else ""
    return f"  {one_line(resource.uri, MCP_URI_CHARS)} ({one_line(resource.name, 200)}{template}){about}"
