"""Opens a client of the protocol's SDK for a server, and translates between its words and ours."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

import anyio
import mcp_types as types
from mcp import Client, MCPError
from mcp.client._transport import Transport
from mcp.client.session import ClientRequestContext, IncomingMessage
from mcp.client.subscriptions import SubscriptionLost
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import FileUrl, TypeAdapter, ValidationError

from akmon_core.limits import MCP_NAME_CHARS, MCP_PAGES, MCP_QUESTIONS, MCP_RELIST_SECONDS
from akmon_core.servers import Server
from akmon_core.text import one_line
from akmon_tools import __version__
from akmon_tools.mcp.facts import Listing, Surroundings
from akmon_tools.mcp.failures import Ended, closed, plainly, said
from akmon_tools.mcp.listing import Taken
from akmon_tools.mcp.log import ServerLog
from akmon_tools.mcp.stdio import StdioTransport
from akmon_tools.mcp.watched import Wire

for _name in ("mcp", "client"):  # without a handler of somebody's, Python prints what it logs to our stderr
    logging.getLogger(_name).addHandler(logging.NullHandler())

_RESULT: TypeAdapter[types.CallToolResult | types.InputRequiredResult] = TypeAdapter(
    types.CallToolResult | types.InputRequiredResult
)
_CHANGES = (
    types.ToolListChangedNotification,
    types.PromptListChangedNotification,
    types.ResourceListChangedNotification,
)
_PageT = TypeVar(
    "_PageT",
    types.ListToolsResult,
    types.ListPromptsResult,
    types.ListResourcesResult,
    types.ListResourceTemplatesResult,
)

Elicit = Callable[[types.ElicitRequestParams], Awaitable[types.ElicitResult]]


class Running(Protocol):
    """A call that runs."""

    def progress(self, text: str) -> None:
        """It has given a sign of life."""
        ...

    async def elicit(self, params: types.ElicitRequestParams) -> types.ElicitResult:
        """The server asks the person something for this call."""
        ...


class Talk:
    """A connection that is open. What a method raises can be put into words by ``said``."""

    def __init__(self, client: Client, wire: Wire) -> None:
        self._client = client
        self._wire = wire
        info = client.server_info
        self.says = one_line(f"{info.name} {info.version}".strip(), MCP_NAME_CHARS) if info else ""
        self.protocol = one_line(client.protocol_version, 40)

    @property
    def ended(self) -> bool:
        return self._wire.ended

    @property
    def why(self) -> str:
        """Why it has ended, in words."""
        return self._wire.why

    @property
    def stale(self) -> bool:
        """The server has said that it offers something else now."""
        return self._wire.stale

    def heard(self) -> None:
        """What it offers is about to be asked for: ``stale`` is about what changes from here on."""
        self._wire.stale = False

    async def listing(self) -> Listing:
        """All that the server offers."""
        taken = Taken()
        has = self._client.server_capabilities
        client = self._client
        if has.tools:
            await self._pages(taken, "tools", client.list_tools, lambda page: map(taken.tool, page.tools))
        if has.prompts:
            await self._others(
                taken, "prompts", client.list_prompts, lambda page: map(taken.prompt, page.prompts)
            )
        if has.resources:
            await self._others(
                taken,
                "resources",
                client.list_resources,
                lambda page: (taken.resource(each.uri, each, template=False) for each in page.resources),
            )
            await self._others(
                taken,
                "resource templates",
                client.list_resource_templates,
                lambda page: (
                    taken.resource(each.uri_template, each, template=True) for each in page.resource_templates
                ),
            )
        return taken.listing()

    async def _others(
        self,
        taken: Taken,
        what: str,
        fetch: Callable[..., Awaitable[_PageT]],
        take: Callable[[_PageT], Any],
    ) -> None:
        """Of what can be done without: a server that cannot list it is used for the rest."""
        try:
            await self._pages(taken, what, fetch, take)
        except (MCPError, ValidationError) as error:
            if self.ended:
                raise
            taken.leave(f"{what}: {said(error)}")

    async def _pages(
        self,
        taken: Taken,
        what: str,
        fetch: Callable[..., Awaitable[_PageT]],
        take: Callable[[_PageT], Any],
    ) -> None:
        cursor: str | None = None
        for _ in range(MCP_PAGES):
            page = await fetch(cursor=cursor)
            if not all(take(page)):
                return
            if (cursor := page.next_cursor) is None:
                return
            if taken.full:
                break
        taken.leave(f"{what} that come after the first, as there are too many or too large ones")

    async def call(self, tool: str, arguments: dict[str, Any], call: Running) -> types.CallToolResult:
        """The result as the server gives it. It is not held against the tool's output schema: a hostile one
        can take any time, and nothing here relies on it."""
        responses: dict[str, Any] | None = None
        state: str | None = None
        for _ in range(MCP_QUESTIONS + 1):
            params = types.CallToolRequestParams(
                name=tool, arguments=arguments, input_responses=responses, request_state=state
            )
            result = await self._send_call(params, call)
            if isinstance(result, types.CallToolResult):
                return result
            responses = {
                key: await self._input(each, call) for key, each in (result.input_requests or {}).items()
            }
            state = result.request_state
            if not responses:
                await anyio.sleep(MCP_RELIST_SECONDS)
        raise ValueError(f"asked for more input {MCP_QUESTIONS} times")

    async def _send_call(
        self, params: types.CallToolRequestParams, call: Running
    ) -> types.CallToolResult | types.InputRequiredResult:
        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            share = f"{progress:g}/{total:g}" if total else f"{progress:g}"
            call.progress(one_line(f"{share} {message or ''}", MCP_NAME_CHARS))

        send = partial(
            self._client.session.send_request,
            types.CallToolRequest(params=params),
            _RESULT,
            progress_callback=on_progress,
        )
        try:
            return await send()
        except MCPError as error:
            if error.code != types.HEADER_MISMATCH:
                raise
            await self.listing()  # from which the SDK knows the headers that the tool wants
            return await send()

    async def _input(self, request: types.InputRequest, call: Running) -> types.InputResponse:
        if isinstance(request, types.ElicitRequest):
            return await call.elicit(request.params)
        session = self._client.session
        context = ClientRequestContext(session=session, request_id="input")
        response = await session.dispatch_input_request(context, request)
        if isinstance(response, types.ErrorData):
            raise MCPError.from_error_data(response)
        return response

    async def read(self, uri: str) -> types.ReadResourceResult:
        return await self._client.read_resource(uri)

    async def prompt(self, name: str, arguments: dict[str, str]) -> types.GetPromptResult:
        return await self._client.get_prompt(name, arguments)

    async def listen(self) -> None:
        """Hears of changes from a server of the newer generation, for as long as it tells of them."""
        has = self._client.server_capabilities
        tools = bool(has.tools and has.tools.list_changed)
        prompts = bool(has.prompts and has.prompts.list_changed)
        resources = bool(has.resources and has.resources.list_changed)
        modern = self._client.protocol_version in MODERN_PROTOCOL_VERSIONS
        while modern and (tools or prompts or resources) and not self.ended:
            try:
                async with self._client.listen(
                    tools_list_changed=tools, prompts_list_changed=prompts, resources_list_changed=resources
                ) as changes:
                    async for _ in changes:
                        self._wire.change()
            except SubscriptionLost:
                self._wire.change()  # nobody knows what was missed
            except MCPError:
                return  # it cannot, though it says so
            await anyio.sleep(MCP_RELIST_SECONDS)


@asynccontextmanager
async def open_client(
    server: Server, surroundings: Surroundings, log: ServerLog, elicit: Elicit, wake: Callable[[], None]
) -> AsyncIterator[Talk]:
    """Connects, and is left when the connection is let go of.

    ``elicit`` answers what a server asks without saying for which call; ``wake`` is called when ``ended`` or
    ``stale`` of the ``Talk`` have become true. Raises ``ToolError`` if the server cannot be started, and what
    the SDK raises.
    """
    async with AsyncExitStack() as stack:
        try:
            talk = await _open(stack, server, surroundings, log, elicit, wake, "auto")
        except (Ended, MCPError, ValidationError, RuntimeError):
            # Some servers of the handshake's time end or answer nonsense when anything else comes first.
            talk = await _open(stack, server, surroundings, log, elicit, wake, "legacy")
        yield talk


async def _open(
    stack: AsyncExitStack,
    server: Server,
    surroundings: Surroundings,
    log: ServerLog,
    elicit: Elicit,
    wake: Callable[[], None],
    mode: str,
) -> Talk:
    wire = Wire(_transport(server, surroundings, log), wake)
    answers = _Answers(surroundings, elicit, wire)
    client = Client(
        wire,
        mode=mode,
        client_info=types.Implementation(name="akmon", version=__version__),
        list_roots_callback=answers.roots,
        elicitation_callback=answers.elicit,
        message_handler=answers.hear,
        cache=None,
    )
    try:
        return Talk(await stack.enter_async_context(client), wire)
    except (MCPError, ExceptionGroup) as error:
        first = plainly(error)
        raise Ended(wire.why) if wire.why and closed(first) else first from None


class _Answers:
    """What a server is told when it asks by itself. That there is none for sampling refuses it."""

    def __init__(self, surroundings: Surroundings, elicit: Elicit, wire: Wire) -> None:
        self._roots = surroundings.roots
        self._elicit = elicit
        self._wire = wire

    async def roots(self, context: ClientRequestContext) -> types.ListRootsResult:
        found = [types.Root(uri=FileUrl(root.as_uri()), name=root.name) for root in self._roots]
        return types.ListRootsResult(roots=found)

    async def elicit(
        self, context: ClientRequestContext, params: types.ElicitRequestParams
    ) -> types.ElicitResult:
        return await self._elicit(params)

    async def hear(self, message: IncomingMessage) -> None:
        if isinstance(message, _CHANGES):
            self._wire.change()


def _transport(server: Server, surroundings: Surroundings, log: ServerLog) -> Transport:
    if server.transport == "stdio":
        return StdioTransport(server, surroundings, log)
    from akmon_tools.mcp.http import http_transport

    return http_transport(server, surroundings)
