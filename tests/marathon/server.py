"""The marathon's model server: real sockets, a strict check of every request, usage by its own count."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.marathon.author import Author, agent_of, asks_for_summary
from tests.marathon.counting import Cache, tokens
from tests.marathon.prompts import Prompt, Refused, check
from tests.marathon.wires import Reply, Usage, Wire


@dataclass(frozen=True)
class Asked:
    """A request that was answered."""

    agent: str
    summary: bool
    usage: Usage


@dataclass
class Provider:
    """Plays ``author`` in a protocol. ``now`` is the time, in seconds."""

    wire: Wire
    author: Author
    window: int
    now: float = 1_800_000_000.0
    asked: list[Asked] = field(default_factory=list)
    largest: int = 0
    """Tokens of the largest prompt with its reply."""
    violations: list[str] = field(default_factory=list)
    last: Prompt | None = None
    """The main agent's last one, and no request for a summary."""
    hold: str = ""
    """What kind of request is kept waiting: ``summary`` or ``agent``."""
    held: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released once for each request that is kept waiting."""
    let_go: threading.Event = field(default_factory=threading.Event)
    """Ends all waiting, without an answer."""
    _cache: Cache = field(default_factory=Cache)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """The status and the body of what is answered."""
        try:
            prompt = self.wire.read(json.loads(body))
            check(prompt)
            with self._lock:
                return 200, self._reply(prompt)
        except Refused as refused:
            self.violations.append(str(refused))
            return 400, json.dumps(self.wire.refusal(str(refused))).encode()

    def _reply(self, prompt: Prompt) -> bytes:
        summary, agent = asks_for_summary(prompt), agent_of(prompt)
        read, new = self._cache.take(prompt, self.now)
        self.largest = max(self.largest, read + new + prompt.max_tokens)
        if read + new + prompt.max_tokens > self.window:
            sizes = {"tokens": read + new, "output": prompt.max_tokens, "window": self.window}
            raise Refused(self.wire.overflow.format(**sizes))
        if self.hold and self.hold == self._kind(summary, agent):
            self._wait()
        reply = self.author.reply(prompt)
        usage = self._usage(read, new, reply)
        if not (summary or agent):
            self.last = prompt
        self.asked.append(Asked(agent, summary, usage))
        return b"".join(self.wire.write(reply, len(self.asked), usage))

    @property
    def used(self) -> Usage:
        """By all requests that were answered."""
        each = [asked.usage for asked in self.asked]
        return Usage(
            input=sum(usage.input for usage in each),
            read=sum(usage.read for usage in each),
            write=sum(usage.write for usage in each),
            output=sum(usage.output for usage in each),
        )

    def _usage(self, read: int, new: int, reply: Reply) -> Usage:
        output = 5 + tokens(reply.text) + sum(10 + tokens(name + args) for name, args in reply.calls)
        if not self.wire.caches:
            return Usage(read + new, 0, 0, output)
        if self.wire.path == "/v1/messages":
            return Usage(0, read, new, output)
        return Usage(new, read, 0, output)

    def _kind(self, summary: bool, agent: str) -> str:
        """Of sub-agents only what they ask after their first reply."""
        if summary:
            return "summary"
        return "agent" if agent and any(asked.agent == agent for asked in self.asked) else ""

    def _wait(self) -> None:
        self.held.release()
        self._lock.release()
        self.let_go.wait()
        self._lock.acquire()
        raise ConnectionAbortedError


@contextmanager
def serving(provider: Provider) -> Iterator[str]:
    """The address of a server that answers for ``provider``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer = 404, b"{}"
            with suppress(OSError):  # the client may have been killed meanwhile
                if self.path == provider.wire.path:
                    status, answer = provider.answer(body)
                self.send_response(status)
                self.send_header("content-type", provider.wire.kind if status == 200 else "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_request(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        provider.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
