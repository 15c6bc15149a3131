"""A session's part with servers of others: begins them, gets what a prompt names, and tells the clients."""

from __future__ import annotations

import asyncio

from akmon_core.commands import ManageServer, UsePrompt
from akmon_core.errors import ToolError
from akmon_core.events import Attached, Event, Noticed, ServerChanged
from akmon_core.limits import ATTACHED_RESOURCES
from akmon_core.mentions import mentioned
from akmon_core.messages import Image, Text, User
from akmon_core.ports import Servers
from akmon_core.servers import ServerStatus
from akmon_query.framing import framed
from akmon_query.ledger import Ledger


class Serving:
    """The servers of one session; without any, everything is quick and nothing happens."""

    def __init__(self, ledger: Ledger, servers: Servers | None = None) -> None:
        self._ledger = ledger
        self._servers = servers
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready: set[str] = set()

    @property
    def statuses(self) -> tuple[ServerStatus, ...]:
        return self._servers.statuses if self._servers else ()

    def begin(self) -> None:
        """Has them connect in the background; needs a running event loop. Nothing happens the second time."""
        if self._servers:
            self._servers.begin(self._report)

    async def settled(self) -> None:
        if self._servers:
            self.begin()
            await self._servers.settled()

    def manage(self, command: ManageServer, cause: str) -> None:
        task = asyncio.get_running_loop().create_task(self._manage(command, cause))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def attach(self, text: str) -> None:
        """Reports an ``Attached`` for each resource that ``text`` names as ``@server:uri``."""
        named = mentioned(text, {status.name for status in self.statuses})
        for server, uri in named[:ATTACHED_RESOURCES]:
            name = f"{server}:{uri}"
            try:
                assert self._servers
                parts = await self._servers.resource(server, uri)
            except ToolError as error:
                self._ledger.report(Noticed(f"{name} is not attached: {error}"))
            else:
                self._attach(name, server, tuple(_framed(part, server) for part in parts))
        if (more := len(named) - ATTACHED_RESOURCES) > 0:
            what = "1 more resource is" if more == 1 else f"{more:,} more resources are"
            can = f"one prompt can name {ATTACHED_RESOURCES} of them"
            self._ledger.report(Noticed(f"{what} not attached: {can}"))

    async def use_prompt(self, command: UsePrompt) -> None:
        """Reports the prompt as an ``Attached``. Raises ``ToolError``."""
        if self._servers is None:
            raise ToolError("there are no servers in this session.")
        parts = await self._servers.prompt(command.server, command.name, command.arguments)
        said = f"The user chose the prompt {command.name} of the server {command.server}, which reads:\n"
        self._attach(f"{command.server}:{command.name}", command.server, (Text(said), *parts))

    async def close(self) -> None:
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._servers:
            await self._servers.close()

    def _attach(self, name: str, server: str, parts: tuple[Text | Image, ...]) -> None:
        message = User(parts, by="akmon", record=self._ledger.seq + 1)
        self._ledger.report(Attached(name, message, untrusted=server))

    async def _manage(self, command: ManageServer, cause: str) -> None:
        try:
            if self._servers is None:
                raise ToolError("there are no servers in this session.")
            said = await self._servers.manage(command.server, command.what, command.seen)
        except ToolError as error:
            said = str(error)
        self._ledger.report(Noticed(said), cause)

    def _report(self, event: Event) -> None:
        self._ledger.report(event)
        if isinstance(event, ServerChanged):
            self._tell_if_late(event.server)

    def _tell_if_late(self, server: str) -> None:
        """Of a server that is ready in the middle of a turn, which goes on without its tools. Those that one
        had stay while it is started again."""
        status = next((each for each in self.statuses if each.name == server), None)
        offered = [tool for tool in status.tools if tool.state == "offered"] if status else []
        if status is None or status.state in ("failed", "stopped"):
            self._ready.discard(server)
        elif status.state == "ready" and server not in self._ready:
            self._ready.add(server)
            if offered and self._ledger.state.running:
                tools = "1 tool" if len(offered) == 1 else f"{len(offered):,} tools"
                self._ledger.report(
                    Noticed(f"{server} is ready: its {tools} can be used from the next prompt on")
                )


def _framed(part: Text | Image, server: str) -> Text | Image:
    return Text(framed(part.text, server)) if isinstance(part, Text) else part
