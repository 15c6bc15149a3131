"""A server that wants more rights for one of its tools than a login has: the others go on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from akmon_core.errors import ToolError
from akmon_core.redact import Redactor
from akmon_tools.mcp.connection import Connection
from akmon_tools.mcp.facts import Surroundings
from akmon_tools.mcp.oauth import login
from tests.tools.mcp.authority import Asked, Authority, Browser, Kept, Reply, authority, spoken


def guard(place: Authority, first: str) -> None:
    """The server's answers from here on: whoever comes with the ``first`` login may not write."""

    def answer(asked: Asked) -> Reply:
        message = json.loads(asked.body or b"{}")
        name = message.get("params", {}).get("name")
        if name == "write" and asked.headers["authorization"] == first:
            return 403, {"www-authenticate": 'Bearer error="insufficient_scope", scope="tools:write"'}, b""
        if message.get("method") != "tools/call":
            return spoken(message)
        result = {"content": [{"type": "text", "text": f"did {name}"}]}
        reply = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return 200, {"content-type": "application/json"}, json.dumps(reply).encode()

    place.pages["/mcp"] = answer


def test_only_the_call_that_wants_more_rights_fails_until_there_is_a_login_that_has_them() -> None:
    kept, browser = Kept(), Browser()
    around = Surroundings(roots=(Path("/"),), environ={}, redactor=Redactor(), credentials=kept)

    async def session(place: Authority) -> None:
        await login(place.server(), around, lambda _: None, browse=browser)
        first = place.asked[-1].headers["authorization"]
        guard(place, first)
        connection = Connection(place.server(), around, lambda: None, lambda _: None)

        async def call(name: str) -> str:
            result = await connection.call(name, {}, lambda _: None, None)
            return str(result.content)

        try:
            connection.begin()
            with pytest.raises(ToolError, match="log in again, with more rights: akmon mcp login locked"):
                await call("write")
            assert "did look" in await call("look")
            assert connection.state == "ready"
            place.pages.clear()
            await login(place.server(), around, lambda _: None, browse=browser)
            guard(place, first)
            assert "did write" in await call("write")
        finally:
            await connection.close()

    with authority() as place:
        asyncio.run(session(place))
    assert "scope=tools%3Awrite" in browser.seen[1]
