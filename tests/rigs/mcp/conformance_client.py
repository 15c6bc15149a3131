"""What the conformance checks run as the client: it connects to the address that it is given.

It is thin, as the client's own layer is what is checked: it logs in when that is wanted, and calls each tool
once. The person who would be asked takes what is proposed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from akmon_core.errors import ToolError
from akmon_core.redact import Redactor
from akmon_core.secret import Secret
from akmon_core.servers import Server
from akmon_tools.mcp.connection import Connection, Times
from akmon_tools.mcp.facts import Surroundings
from akmon_tools.mcp.oauth import login

PATIENCE = 120.0
"""Seconds, as many of these run at the same time."""
LOGINS = 3
"""Times that a person would go along."""
SAMPLES: dict[str, Any] = {"number": 5, "integer": 5, "boolean": True, "string": "text"}


class Kept:
    """Credentials for as long as it runs."""

    def __init__(self) -> None:
        self._kept: dict[str, Secret] = {}

    def load(self, server: str) -> Secret:
        return self._kept.get(server, Secret())

    def save(self, server: str, text: Secret) -> None:
        self._kept[server] = text


class Client:
    def __init__(self, url: str, context: dict[str, Any]) -> None:
        self.server = Server(
            name="conformance",
            transport="http",
            url=url,
            client_id=context.get("client_id", ""),
            client_secret=Secret(context.get("client_secret", "")),
        )
        self.around = Surroundings(
            roots=(Path.cwd(),), environ=os.environ, redactor=Redactor(), credentials=Kept()
        )
        self.calls: list[dict[str, Any]] = context.get("toolCalls", [])
        self.connection = Connection(self.server, self.around, lambda: None, say, Times(connect=PATIENCE))
        self.logins = LOGINS

    async def run(self) -> None:
        try:
            await self._connect()
            for tool, arguments in self._wanted():
                await self._call(tool, arguments)
        finally:
            await self.connection.close()

    async def _connect(self) -> None:
        self.connection.begin()
        await self.connection.settled()
        say(f"{self.connection.state}: {self.connection.detail} {self.connection.protocol}")
        if self.connection.state != "ready" and "log" in self.connection.detail and await self._logged_in():
            await self._connect()

    def _wanted(self) -> list[tuple[str, dict[str, Any]]]:
        if self.calls:
            return [(call["name"], call["arguments"]) for call in self.calls]
        tools = self.connection.listing.tools
        return [(tool.name, arguments_of(tool.schema, tools[0].schema)) for tool in tools]

    async def _call(self, tool: str, arguments: dict[str, Any]) -> None:
        try:
            result = await self.connection.call(tool, arguments, say, take_what_is_proposed)
        except ToolError as error:
            say(f"{tool}: {error}")
            if "log in" in str(error) and await self._logged_in():
                await self._connect()
                await self._call(tool, arguments)
        else:
            say(f"{tool}: {result}")

    async def _logged_in(self) -> bool:
        if not self.logins:
            return False
        self.logins -= 1
        try:
            await login(self.server, self.around, say, browse=browse)
        except ToolError as error:
            say(f"login: {error}")
            return False
        return True


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def arguments_of(schema: dict[str, Any], thing: dict[str, Any]) -> dict[str, Any]:
    """A value for each argument: ``thing`` where it is an object."""
    properties: dict[str, Any] = schema.get("properties", {})
    samples = SAMPLES | {"object": thing}
    return {name: samples.get(about.get("type"), "text") for name, about in properties.items()}


async def take_what_is_proposed(question: str, options: tuple[str, ...]) -> str:
    """Agrees to answer, and leaves each field as it is."""
    say(f"asked: {question} {options}")
    return "answer" if "answer" in options else ""


def browse(url: str) -> bool:
    """The authorization server redirects at once, so that it takes no more than following it."""

    def follow() -> None:
        with urlopen(url) as page:
            page.read()

    threading.Thread(target=follow, daemon=True).start()
    return True


def main() -> None:
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    asyncio.run(Client(sys.argv[-1], context).run())


if __name__ == "__main__":
    main()
