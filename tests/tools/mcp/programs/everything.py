"""A server with one of each: run with ``stdio``, ``http`` or ``sse``, of the newer generation or ``--old``.

``http`` and ``sse`` print their address in one line when they listen. The newer generation is 2026-07-28
(each request by itself); the older shakes hands, up to 2025-11-25, and knows nothing of the newer. ``sse`` is
older only. ``--trace FILE`` gets a line for each thing that happens to a slow call.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import socket
import struct
import sys
import zlib
from pathlib import Path
from typing import Annotated, Any

import anyio
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve, Sample
from mcp.server.runner import serve_loop
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    AudioContent,
    CallToolResult,
    CreateMessageResult,
    EmbeddedResource,
    ImageContent,
    ListRootsResult,
    ResourceLink,
    SamplingMessage,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

NEWER = "2026-07-28"
READS = ToolAnnotations(read_only_hint=True)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
    + _chunk(b"IEND", b"")
)
"""One red pixel."""


class Weather(BaseModel):
    city: str
    celsius: float


class Colour(BaseModel):
    colour: str = Field(description="Any you like", default="green")


async def _ask_colour() -> Elicit[Colour]:
    return Elicit("Which colour?", Colour)


async def _ask_roots() -> ListRoots:
    return ListRoots()


async def _ask_model() -> Sample:
    said = SamplingMessage(role="user", content=TextContent(type="text", text="Say something."))
    return Sample([said], max_tokens=10)


def plain_tools(server: MCPServer) -> None:
    @server.tool(annotations=READS, structured_output=False)
    def echo(text: str) -> str:
        """Says what it is told."""
        return text

    @server.tool(annotations=READS)
    def add(a: int, b: int) -> int:
        """The sum of two numbers."""
        return a + b

    @server.tool(title="The weather", annotations=READS)
    def weather(city: str) -> Weather:
        """The weather in a city, as data."""
        return Weather(city=city, celsius=21.5)

    @server.tool()
    def fail(message: str) -> str:
        """Fails, and says why."""
        raise ToolError(message)

    @server.tool()
    def refuse(message: str) -> str:
        """Answers with an error of the protocol."""
        raise MCPError(code=-32050, message=message)

    @server.tool(structured_output=False)
    def picture() -> CallToolResult:
        """A picture."""
        data = base64.b64encode(PNG).decode()
        return CallToolResult(content=[ImageContent(type="image", data=data, mime_type="image/png")])

    @server.tool(structured_output=False)
    def mixed() -> CallToolResult:
        """A text, a link to a resource, a resource and a sound."""
        link = ResourceLink(type="resource_link", uri="notes://today", name="today", description="What is on")
        note = TextResourceContents(uri="notes://within", text="A note within.", mime_type="text/plain")
        return CallToolResult(
            content=[
                TextContent(type="text", text="First."),
                link,
                EmbeddedResource(type="resource", resource=note),
                AudioContent(type="audio", data=base64.b64encode(b"RIFF").decode(), mime_type="audio/wav"),
            ]
        )

    @server.tool(annotations=READS, structured_output=False)
    def surroundings() -> str:
        """Its process, its folder and the names in its environment, as JSON."""
        return json.dumps({"pid": os.getpid(), "cwd": str(Path.cwd()), "environ": sorted(os.environ)})

    @server.tool(structured_output=False)
    def complain(text: str) -> str:
        """Prints to standard error."""
        print(text, file=sys.stderr, flush=True)
        return "complained"

    @server.tool(annotations=ToolAnnotations(destructive_hint=True))
    def die() -> str:
        """Ends the server at once."""
        os._exit(7)


def slow_tools(server: MCPServer, trace: Path | None) -> None:
    def note(line: str) -> None:
        if trace is not None:
            with trace.open("a") as file:
                file.write(f"{line}\n")

    @server.tool(structured_output=False)
    async def count(to: int, context: Context[Any, Any]) -> str:
        """Counts, and says where it is."""
        for number in range(1, to + 1):
            await context.report_progress(number, to, f"at {number}")
        return f"counted to {to}"

    @server.tool(structured_output=False)
    async def wait(context: Context[Any, Any]) -> str:
        """Never ends by itself. The trace says when it began, and that it was cancelled."""
        note("began")
        await context.report_progress(0, 1, "waiting")
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            note("cancelled")
            raise
        return ""


def changing_tools(server: MCPServer) -> None:
    async def changed(context: Context[Any, Any]) -> None:
        if context.protocol_version == NEWER:
            await context.notify_tools_changed()
        else:
            await context.session.send_tool_list_changed()

    def grown() -> str:
        """Was not there before."""
        return "grown"

    @server.tool(structured_output=False)
    async def grow(context: Context[Any, Any]) -> str:
        """Adds the tool `grown`."""
        server.add_tool(grown, structured_output=False)
        await changed(context)
        return "grew"

    @server.tool(structured_output=False)
    async def shrink(context: Context[Any, Any]) -> str:
        """Removes the tool `grown`."""
        server.remove_tool("grown")
        await changed(context)
        return "shrank"


def asking_tools(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    async def paint(answer: Annotated[Colour, Resolve(_ask_colour)]) -> str:
        """Asks the person for a colour."""
        return f"painted {answer.colour}"

    @server.tool(structured_output=False)
    async def folders(roots: Annotated[ListRootsResult, Resolve(_ask_roots)]) -> str:
        """The folders that the client names."""
        return "\n".join(str(root.uri) for root in roots.roots)

    @server.tool(structured_output=False)
    async def think(reply: Annotated[CreateMessageResult, Resolve(_ask_model)]) -> str:
        """Wants to use the client's model."""
        return f"thought {reply.content}"


def texts(server: MCPServer) -> None:
    @server.resource("notes://today", name="today", description="What is on today", mime_type="text/plain")
    def today() -> str:
        return "Nothing is on today."

    @server.resource("pictures://red", name="red", mime_type="image/png")
    def red() -> bytes:
        return PNG

    @server.resource("greetings://{name}", name="greeting", description="A greeting")
    def greeting(name: str) -> str:
        return f"Hello, {name}."

    @server.prompt(description="A review of a file")
    def review(path: str, style: str = "short") -> str:
        return f"Review {path}, {style}."

    @server.prompt(description="Takes nothing")
    def hello() -> str:
        return "Say hello."


def everything(trace: Path | None) -> MCPServer:
    server = MCPServer("everything", version="1.2.3", instructions="Use me well.", log_level="CRITICAL")
    plain_tools(server)
    slow_tools(server, trace)
    changing_tools(server)
    asking_tools(server)
    texts(server)
    return server


async def serve_old(server: MCPServer, streams: contextlib.AbstractAsyncContextManager[Any]) -> None:
    """One connection that shakes hands first, over ``streams``."""
    within = server._lowlevel_server
    async with streams as (read, write), within.lifespan(within) as state:
        await serve_loop(within, read, write, lifespan_state=state)


class Older:
    """Serves over HTTP as servers did that have never heard of the newer generation."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if headers.get(b"mcp-protocol-version") != NEWER.encode():
            await self._app(scope, receive, send)
            return
        error = {"code": -32600, "message": "Bad Request: Unsupported protocol version"}
        await JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 400)(scope, receive, send)


class Forgetful:
    """Forgets all sessions when ``/forget`` is asked for: who comes with one of them gets a 404."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._seen: set[bytes] = set()
        self._forgotten: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = dict(scope.get("headers", ())).get(b"mcp-session-id", b"")
        if scope.get("path") == "/forget":
            self._forgotten |= self._seen
            await JSONResponse(len(self._forgotten))(scope, receive, send)
        elif session in self._forgotten:
            error = {"code": -32600, "message": "Session not found"}
            await JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 404)(scope, receive, send)
        else:
            self._seen |= {session} - {b""}
            await self._app(scope, receive, send)


def sse_app(server: MCPServer) -> ASGIApp:
    transport = SseServerTransport("/messages/")

    class Stream:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await serve_old(server, transport.connect_sse(scope, receive, send))

    stream = Route("/sse", Stream(), methods=["GET"])
    return Starlette(routes=[stream, Mount("/messages/", transport.handle_post_message)])


def http_app(server: MCPServer, old: bool) -> ASGIApp:
    app: ASGIApp = server.streamable_http_app()
    return Forgetful(Older(app) if old else app)


def listen(app: ASGIApp, port: int, path: str) -> None:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()
        print(f"http://127.0.0.1:{listening.getsockname()[1]}{path}", flush=True)
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("transport", choices=["stdio", "http", "sse"])
    parser.add_argument("--old", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--trace", type=Path)
    options = parser.parse_args()
    server = everything(options.trace)
    match options.transport:
        case "stdio" if options.old:
            anyio.run(serve_old, server, stdio_server())
        case "stdio":
            server.run("stdio")
        case "http":
            listen(http_app(server, options.old), options.port, "/mcp")
        case _:
            listen(sse_app(server), options.port, "/sse")


if __name__ == "__main__":
    main()
