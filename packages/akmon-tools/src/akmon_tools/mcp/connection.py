"""The life of one server: it is connected, listed, called, started again when it ends, and let go of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import (
    MCP_CALL_SECONDS,
    MCP_CONNECT_SECONDS,
    MCP_RELIST_SECONDS,
    MCP_RELIST_SHARE,
    MCP_RESTARTS,
    MCP_STEADY_SECONDS,
    MCP_TOTAL_SECONDS,
)
from akmon_core.servers import Server, ServerState
from akmon_core.text import one_line
from akmon_tools.mcp.facts import Ask, Listing, Surroundings
from akmon_tools.mcp.failures import Ended, closed, forgotten, plainly, said
from akmon_tools.mcp.log import ServerLog
from akmon_tools.mcp.running import Call

if TYPE_CHECKING:
    from types import ModuleType

    import mcp_types as types

    from akmon_tools.mcp.client import Talk

_ResultT = TypeVar("_ResultT")
_WHERE_CHARS = 200


class Times(msgspec.Struct, frozen=True):
    """How long a server has for what it does, in seconds."""

    connect: float = MCP_CONNECT_SECONDS
    call: float = MCP_CALL_SECONDS
    total: float = MCP_TOTAL_SECONDS
    steady: float = MCP_STEADY_SECONDS
    restart: float = 1.0
    """Before a server that ended is started again; twice as long each time after."""


class _Forgotten(Exception):
    """A server over HTTP does not know our session any more: it is begun anew."""


class Connection:
    """One server. Nothing happens before ``begin``, and nothing of it is left after ``close``."""

    def __init__(
        self,
        server: Server,
        surroundings: Surroundings,
        changed: Callable[[], None],
        say: Callable[[str], None],
        times: Times | None = None,
    ) -> None:
        """``changed`` is told when state, detail or listing are others; ``say`` gets words for a person."""
        self.server = server
        self.state: ServerState = "stopped"
        self.detail = ""
        self.says = ""
        self.protocol = ""
        self.listing = Listing()
        self._surroundings = surroundings
        self._changed = changed
        self._say = say
        self._times = times or Times()
        self._log = ServerLog(surroundings.logs, server.name, surroundings.redactor)
        self._life: asyncio.Task[None] | None = None
        self._talk: Talk | None = None
        self._since = 0.0
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._renew = False
        self._closed = False
        self._calls: dict[asyncio.Task[Any], Call] = {}

    @property
    def log(self) -> str:
        """The file that holds what it has printed on standard error; empty if there is none."""
        return self._log.path if self.server.transport == "stdio" else ""

    @property
    def identity(self) -> str:
        """For the record, such as ``github (https://api.x/mcp), everything 2.0.0``."""
        known = (
            f"{self.server.name} ({one_line(self._surroundings.redactor(self.server.where), _WHERE_CHARS)})"
        )
        return f"{known}, {self.says}" if self.says else known

    def begin(self) -> None:
        """Starts to connect in the background. Nothing happens if it is connected, or closed."""
        if not self._closed and (self._life is None or self._life.done()):
            self._become("starting")
            self._life = asyncio.create_task(self._live())

    async def settled(self) -> None:
        """Waits until it is known whether it can be used, for as long as connecting may take."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._times.connect):
                await self._settled.wait()

    async def stop(self) -> None:
        """Lets go of it. ``begin`` connects it anew."""
        if self._life and not self._life.done():
            self._life.cancel()
            await asyncio.wait({self._life})
        if self.state != "stopped":
            self._become("stopped")

    async def close(self) -> None:
        self._closed = True
        await self.stop()

    async def call(
        self, tool: str, arguments: dict[str, Any], progress: Callable[[str], None], ask: Ask | None
    ) -> types.CallToolResult:
        """The result of a tool, which may say that it has failed. Raises ``ToolError``."""
        return await self._do(lambda talk, call: talk.call(tool, arguments, call), progress, ask)

    async def read(self, uri: str) -> types.ReadResourceResult:
        """A resource. Raises ``ToolError``."""
        return await self._do(lambda talk, _: talk.read(uri))

    async def prompt(self, name: str, arguments: dict[str, str]) -> types.GetPromptResult:
        """A prompt with its arguments filled in. Raises ``ToolError``."""
        return await self._do(lambda talk, _: talk.prompt(name, arguments))

    # Its life, in a task of its own

    async def _live(self) -> None:
        restarts = 0
        known = False  # that it can work
        while True:
            self._since = 0.0
            error = await self._once(again=restarts > 0)
            if self._life and self._life.cancelling():  # a task group that fails already hides it
                return
            if isinstance(error, _Forgotten):
                self._become("starting", str(error))
                continue
            known = known or self._since > 0
            now = asyncio.get_running_loop().time()
            if self._since and now - self._since >= self._times.steady:
                restarts = 0
            why = self._why(error)
            if not known or restarts == MCP_RESTARTS or self._wants_login(error):
                self._fail(why, restarts)
                return
            wait = self._times.restart * 2**restarts
            restarts += 1
            what = f"{why}. It is started again in {wait:g} s"
            self._say(f"{what}.")
            self._become("starting", what)
            await asyncio.sleep(wait)

    async def _once(self, *, again: bool) -> Exception:
        """From connecting to the end: what that came from."""
        self._wake.clear()
        self._renew = False
        try:
            async with AsyncExitStack() as stack:
                talk = await self._connect(stack)
                self._since = asyncio.get_running_loop().time()
                self._talk = talk
                self._become("ready")
                if again:
                    self._say("it works again.")
                try:
                    await self._attend(talk)
                finally:
                    self._talk = None
                    self._settled.clear()
                    for task in self._calls:
                        task.cancel()
        except Exception as error:  # noqa: BLE001  (what the SDK makes of a hostile server)
            return plainly(error)
        finally:
            if self._calls:
                await asyncio.wait(self._calls)
        return Ended("the connection was closed")

    async def _connect(self, stack: AsyncExitStack) -> Talk:
        async with asyncio.timeout(self._times.connect):
            client = await asyncio.to_thread(_client)
            opened = client.open_client(
                self.server, self._surroundings, self._log, self._elicit, self._wake.set
            )
            talk: Talk = await stack.enter_async_context(opened)
            self.listing = await talk.listing()
        self.says, self.protocol = talk.says, talk.protocol
        return talk

    async def _attend(self, talk: Talk) -> None:
        listener = asyncio.create_task(talk.listen())
        listener.add_done_callback(_retrieve)
        try:
            await self._watch(talk)
        finally:
            listener.cancel()
            await asyncio.wait({listener})

    async def _watch(self, talk: Talk) -> None:
        """Lists again what has changed, however often it does, until the end."""
        free = 0.0
        while True:
            if talk.ended:
                raise Ended(talk.why or "the connection was closed")
            if self._renew:
                raise _Forgotten("it has forgotten the session, which is begun anew")
            wait = max(0.0, free - asyncio.get_running_loop().time()) if talk.stale else None
            if wait == 0:
                began = time.thread_time()
                await self._relist(talk)
                pause = max(MCP_RELIST_SECONDS, (time.thread_time() - began) / MCP_RELIST_SHARE)
                free = asyncio.get_running_loop().time() + pause
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            self._wake.clear()

    async def _relist(self, talk: Talk) -> None:
        try:
            talk.heard()
            async with asyncio.timeout(self._times.connect):
                listing = await talk.listing()
        except Exception as error:  # noqa: BLE001  (as in _once; what there was still holds)
            if not talk.ended:
                why = self._why(plainly(error))
                self._say(f"it said that it offers other things, and did not list them: {why}.")
            return
        if listing != self.listing:
            self.listing = listing
            self._changed()

    def _become(self, state: ServerState, detail: str = "") -> None:
        self.state, self.detail = state, detail
        if state == "starting":
            self._settled.clear()
        else:
            self._settled.set()
        self._changed()

    def _fail(self, why: str, restarts: int) -> None:
        often = f" It was started again {restarts} times in a row." if restarts else ""
        log = f" What it printed is in {self.log}." if self.log else ""
        detail = f"{why}.{often}{log}"
        self._say(detail)
        self._become("failed", detail)

    def _why(self, error: Exception) -> str:
        """In words, without a full stop."""
        match error:
            case Ended() | ToolError():
                words = str(error).rstrip(".")
            case TimeoutError():
                words = f"it did not answer within {self._times.connect:g} s"
            case ImportError():
                words = f"the package mcp is missing, install akmon-tools[mcp]: {error}"
            case _:
                words = said(error)
        return self._surroundings.redactor(words)

    def _wants_login(self, error: Exception) -> bool:
        """Whether a person has to do something first, so that it is no use to try again."""
        if self.server.transport == "stdio":
            return False
        from akmon_tools.mcp.oauth import NeedsLogin

        return isinstance(error, NeedsLogin)

    # Its calls, in the tasks of those who make them

    async def _do(
        self,
        work: Callable[[Talk, Call], Awaitable[_ResultT]],
        progress: Callable[[str], None] = lambda _: None,
        ask: Ask | None = None,
    ) -> _ResultT:
        talk = await self._ready()
        try:
            return await self._bounded(talk, work, progress, ask)
        except _Forgotten:
            talk = await self._ready()
        try:
            return await self._bounded(talk, work, progress, ask)
        except _Forgotten:
            raise ToolError(f"the server {self.server.name} forgets its sessions at once.") from None

    async def _ready(self) -> Talk:
        """Waits while it is being started. Raises ``ToolError`` if it cannot be used then."""
        if self._talk and self._talk.ended:
            self._settled.clear()
        await self.settled()
        if self._talk is None:
            detail = f": {self.detail}" if self.detail else ""
            raise ToolError(f"the server {self.server.name} is {self.state}{detail}".rstrip(".") + ".")
        return self._talk

    async def _bounded(
        self,
        talk: Talk,
        work: Callable[[Talk, Call], Awaitable[_ResultT]],
        progress: Callable[[str], None],
        ask: Ask | None,
    ) -> _ResultT:
        """The work runs in a task of its own: taking leave of a server that does not read takes seconds."""
        seconds = self.server.seconds or self._times.call
        call = Call(self.server.name, seconds, max(seconds, self._times.total), progress, ask)

        async def run() -> _ResultT:
            return await work(talk, call)

        task = asyncio.create_task(run())
        self._calls[task] = call
        task.add_done_callback(self._over)
        try:
            while not task.done() and (left := call.left) > 0:
                await asyncio.wait({task}, timeout=left)
            if not task.done():
                raise ToolError(
                    f"the server {self.server.name} took too long, and was told to stop: "
                    f"there was no result, and no progress for {seconds:g} s or no end of it."
                )
        finally:
            task.cancel()
            call.over()
        return self._result(talk, task)

    def _over(self, task: asyncio.Task[Any]) -> None:
        del self._calls[task]
        _retrieve(task)

    def _result(self, talk: Talk, task: asyncio.Task[_ResultT]) -> _ResultT:
        name = self.server.name
        if task.cancelled():
            why = talk.why or "it was stopped"
            raise ToolError(f"the server {name} is gone, and gave no result: {why}.")
        error = task.exception()
        if error is None:
            return task.result()
        if not isinstance(error, Exception):
            raise error
        error = plainly(error)
        if self.server.transport == "http" and forgotten(error):
            self._renew = True
            self._settled.clear()
            self._wake.set()
            raise _Forgotten
        if closed(error) and talk.ended:
            raise ToolError(f"the server {name} ended before it gave a result: {talk.why}.")
        raise ToolError(f"no result from the server {name}: {self._why(error)}.")

    async def _elicit(self, params: types.ElicitRequestParams) -> types.ElicitResult:
        """Asked by a server that does not say for which call: if one alone can ask, it is that."""
        from mcp_types import ElicitResult

        asking = [call for call in self._calls.values() if call.ask]
        if len(asking) != 1:
            return ElicitResult(action="decline")
        return await asking[0].elicit(params)


def _client() -> ModuleType:
    """Takes half a second the first time, so that it is called off the event loop."""
    from akmon_tools.mcp import client

    return client


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Looks at how a task ended, so that asyncio does not complain that nobody does."""
    if not task.cancelled():
        task.exception()
