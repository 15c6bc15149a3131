"""Speaks with a server that is a child process, over its standard input and output, and ends it for sure.

If akmon itself is killed, its end of the pipes closes with it, and a server that keeps to the protocol ends.
One that does not look at its input goes on, as nobody is left to end it.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp_types import (
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)

from akmon_core.errors import ToolError
from akmon_core.limits import MCP_GARBAGE_LINES, MCP_MESSAGE_BYTES, MCP_REQUESTS, MCP_STOP_SECONDS
from akmon_core.servers import Server
from akmon_tools.environment import command_environment
from akmon_tools.mcp.facts import Surroundings
from akmon_tools.mcp.log import ServerLog
from akmon_tools.oserrors import reason
from akmon_tools.processes import GRACE_SECONDS
from akmon_tools.tree import TAG, Tree, tree_of

_GIVEN = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "NO_COLOR",
    "TMPDIR",
    "TMP",
    "TEMP",
    "XDG_*",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    # what package runners need to find and fetch a server
    "NPM_CONFIG_*",
    "NVM*",
    "VOLTA_HOME",
    "FNM_*",
    "UV_*",
    "PIP_*",
    "PYENV*",
    "ASDF_*",
    "MISE_*",
    "*_PROXY",
    "SSL_CERT_*",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    # Windows
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "USERNAME",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES*",
)
"""Names, in upper case, of what a server gets of the environment that commands get. The rest it is given by
name in its configuration."""

_ID = r'"id"\s*:\s*(?P<%s>\d{1,15}|"[^"\\]{1,100}")\s*'
_VERSION = r'"jsonrpc"\s*:\s*"2\.0"\s*'
_ANSWER = re.compile(
    rf"""
    \A\s*\{{\s*(?:{_VERSION},\s*)?{_ID % "first"},\s*"(?:result|error)"\s*:  # as most write it
    | \A\s*\{{\s*(?:{_VERSION},\s*)?"(?:result|error)"\s*:.*,\s*{_ID % "last"}(?:,\s*{_VERSION})?\}}\s*\Z
    """.encode(),
    re.VERBOSE | re.DOTALL,
)
"""The outside of an answer, whatever it holds."""
_EXIT_SECONDS = 1.0
"""That a process which has closed its output has to end, so that it can be said how."""
_LINGER_SECONDS = 0.2
"""That output is still read when the process has ended: what it started may hold it open for ever."""
_REAP_SECONDS = 5.0
_LOOK_SECONDS = 0.02


def server_environment(server: Server, surroundings: Surroundings) -> dict[str, str]:
    """What is in the environment of ``server``: what programs need, and what its configuration names."""
    given = {
        name: value
        for name, value in command_environment(surroundings.environ).items()
        if any(fnmatchcase(name.upper(), pattern) for pattern in _GIVEN)
    }
    return given | {name: secret.reveal() for name, secret in server.env.items()}


class StdioTransport:
    """A server as a child process. Implements the SDK's ``Transport``; entering it raises ``ToolError``."""

    def __init__(self, server: Server, surroundings: Surroundings, log: ServerLog) -> None:
        self._server = server
        self._env = server_environment(server, surroundings)
        self._cwd = surroundings.roots[0] / Path(server.cwd).expanduser()
        self._log = log
        self._why = ""
        self._garbage = 0
        self._asked: set[str | int] = set()
        """Requests of the server that have no answer yet."""

    @property
    def why(self) -> str:
        """Why it has ended, in words; empty if it has not."""
        return self._why

    async def __aenter__(self) -> TransportStreams:
        await self._start()
        self._inward, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write, self._outward = anyio.create_memory_object_stream[SessionMessage](0)
        self._streams: tuple[anyio.abc.AsyncResource, ...] = (self._inward, read, write, self._outward)
        self._pumps = (
            asyncio.create_task(self._read(self._inward)),
            asyncio.create_task(self._write(self._outward)),
        )
        return read, write

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Ends all its processes, also if the task is cancelled meanwhile."""
        ending = asyncio.create_task(self._end())
        cancelled = False
        while not ending.done():
            try:
                await asyncio.wait({ending})
            except asyncio.CancelledError:
                cancelled = True
        ending.result()
        if cancelled:
            raise asyncio.CancelledError

    async def _start(self) -> None:
        tag = f"mcp.{secrets.token_hex(8)}"
        outer = os.environ.get(TAG)
        argv = (_program(self._server.command[0], self._cwd, self._env), *self._server.command[1:])
        self._log.note(f"starts {self._server.where} in {self._cwd}")
        try:
            self._transport, self._pipes = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Pipes(self._log, tag, argv),
                *argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self._cwd,
                env=self._env | {TAG: f"{outer}/{tag}" if outer else tag},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ToolError(f"cannot start {argv[0]} in {self._cwd}: {reason(error)}.") from None

    async def _read(self, stream: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        """Hands messages over one by one: the server waits when they are not taken."""
        with stream, suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            while not self._why and (line := await self._pipes.line()) is not None:
                if message := self._parsed(line):
                    await stream.send(SessionMessage(message))
            await self._explain()

    async def _explain(self) -> None:
        if self._pipes.ended and not self._pipes.trouble:
            with suppress(TimeoutError):
                async with asyncio.timeout(_EXIT_SECONDS):
                    await self._pipes.exited.wait()
        self._why = self._why or self._pipes.trouble or self._exit()
        if last := self._log.last:
            self._why += f"; the last it printed was: {last}"

    def _exit(self) -> str:
        match self._transport.get_returncode():
            case None:
                return "it closed its input or output"
            case code if code < 0:
                return f"it was ended by signal {_signal_name(-code)}"
            case code:
                return f"it ended with exit code {code}"

    def _parsed(self, line: bytes) -> JSONRPCMessage | None:
        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError:
            if found := _ANSWER.match(line):
                return _unreadable(found)
            self._garbage += 1
            if line.strip():
                self._log.feed(b"[no message, on standard output] " + line[:1000] + b"\n")
            if self._garbage >= MCP_GARBAGE_LINES:
                self._why = (
                    f"it printed {MCP_GARBAGE_LINES} lines in a row on its standard output that are no "
                    "messages of the protocol"
                )
            return None
        self._garbage = 0
        self._count(message)
        return message

    def _count(self, message: JSONRPCMessage) -> None:
        match message:
            case JSONRPCRequest(id=request):
                self._asked.add(request)
                if len(self._asked) > MCP_REQUESTS:
                    self._why = f"it sent more than {MCP_REQUESTS} requests without reading the answers"
            case JSONRPCNotification(
                method="notifications/cancelled", params={"requestId": int() | str() as request}
            ):
                self._asked.discard(request)
            case _:
                pass

    async def _write(self, stream: MemoryObjectReceiveStream[SessionMessage]) -> None:
        async with stream:
            async for item in stream:
                message = item.message
                if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id is not None:
                    self._asked.discard(message.id)
                data = message.model_dump_json(by_alias=True, exclude_unset=True).encode()
                if not await self._pipes.write(self._stdin, data + b"\n"):
                    self._pipes.finish()  # the reader says why, and closes the connection

    @property
    def _stdin(self) -> asyncio.WriteTransport:
        return cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))

    async def _end(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        self._pipes.discard()
        try:
            await asyncio.wait(self._pumps)
            await self._pipes.end(self._stdin)
        finally:
            self._pipes.tree.kill()
            self._pipes.abort(self._stdin)
            with suppress(PermissionError):  # of a process that has become another user's
                self._transport.close()
        for stream in self._streams:
            await stream.aclose()
        await self._pipes.within(_REAP_SECONDS, self._pipes.closed)
        self._log.close()


class _Pipes(asyncio.SubprocessProtocol):
    """What the process prints, cut into lines in linear time, and how it ends."""

    tree: Tree

    def __init__(self, log: ServerLog, tag: str, argv: Sequence[str]) -> None:
        self._tag = tag
        self._argv = argv
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()
        self.ended = False
        """There will be no more lines."""
        self.trouble = ""
        """What it did that no server may."""
        self._log = log
        self._lines: deque[bytes] = deque()
        self._parts: list[bytes] = []
        self._size = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._broken = False
        self._discarding = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        process = cast(asyncio.SubprocessTransport, transport)
        self.tree = tree_of(process.get_pid(), self._tag, self._argv, (), 0, portable=False)
        self._stdout = cast(asyncio.ReadTransport, process.get_pipe_transport(1))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self._log.feed(data)
        elif not self._discarding:
            self._take(data)

    def _take(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._lines.append(b"".join((*self._parts, line)))
            self._parts, self._size = [], 0
        self._parts.append(rest)
        self._size += len(rest)
        if self._size > MCP_MESSAGE_BYTES:
            self.trouble = f"it sent a message of more than {MCP_MESSAGE_BYTES} bytes"
            self.finish()
            self.discard()
        if self._lines:
            self._stdout.pause_reading()
        self._changed.set()

    async def line(self) -> bytes | None:
        """The next one; None if there is none any more."""
        while not self._lines and not self.ended:
            self._stdout.resume_reading()
            self._changed.clear()
            await self._changed.wait()
        return self._lines.popleft() if self._lines else None

    def discard(self) -> None:
        """Reads on, so that the process is not held up, and keeps nothing."""
        self._discarding = True
        self._lines.clear()
        self._parts.clear()
        self._stdout.resume_reading()

    def finish(self) -> None:
        self.ended = True
        self._changed.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 0:
            self._broken = True
            self._room.set()
        elif fd == 1:
            self.finish()

    def process_exited(self) -> None:
        self.tree.find()  # what it leaves behind is known from here on
        self.tree.reaped()
        self.exited.set()
        asyncio.get_running_loop().call_later(_LINGER_SECONDS, self.finish)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    async def write(self, stdin: asyncio.WriteTransport, data: bytes) -> bool:
        """Waits while too much has not been read; False if the process does not read any more."""
        await self._room.wait()
        if not self._broken:
            stdin.write(data)
        return not self._broken

    async def end(self, stdin: asyncio.WriteTransport) -> None:
        """Closes its input, waits, asks it to end and waits again. Whatever lives then has to be killed."""
        self.tree.find()
        stdin.close()
        await self.within(MCP_STOP_SECONDS, self.exited)
        if self.tree.find():
            self.tree.ask()
            for _ in range(int(GRACE_SECONDS / _LOOK_SECONDS)):
                if not self.tree.find():
                    return
                await asyncio.sleep(_LOOK_SECONDS)

    def abort(self, stdin: asyncio.WriteTransport) -> None:
        """Closes its input also if it has not read what is on its way."""
        if not self._broken and stdin.get_write_buffer_size():
            stdin.abort()

    @staticmethod
    async def within(seconds: float, event: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


def _unreadable(found: re.Match[bytes]) -> JSONRPCError:
    """In the place of an answer that is none, so that whoever waits for it does not wait in vain."""
    request = (found["first"] or found["last"]).decode(errors="replace")
    error = ErrorData(code=PARSE_ERROR, message="its answer is no message of the protocol")
    return JSONRPCError(
        jsonrpc="2.0", id=request.strip('"') if request[0] == '"' else int(request), error=error
    )


def _program(command: str, cwd: Path, env: Mapping[str, str]) -> str:
    """The program as it is started. Raises ``ToolError`` if there is none, or no folder to start it in."""
    if not cwd.is_dir():
        raise ToolError(f"the folder {cwd} to run it in does not exist. Correct its cwd.")
    if os.path.dirname(command):  # noqa: PTH120  (Path would drop the dot of ./server)
        path = str(cwd / Path(command).expanduser())
        if not Path(path).exists():
            raise ToolError(f"{path} does not exist. Correct its command.")
        return shutil.which(path) or path
    found = shutil.which(command, path=env.get("PATH", os.defpath))
    if not found:
        raise ToolError(
            f"there is no program {command} on the PATH. Install it, or give its whole path as its command."
        )
    return found if os.name == "nt" else command


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
