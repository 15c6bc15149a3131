"""A loopback server that speaks Messages: plays a script, counts tokens, accounts for a prompt cache."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.cache import BadRequest, Cache, Counted, tokens
from benchmarks.webapp import Reply, Turn, written

_SUMMARY = re.compile("summar", re.IGNORECASE)
_SUMMARY_WORDS = (
    "What was asked, decided and changed so far, file by file, and what is still to be done. " * 40
)
_SECONDS_BEFORE = 2.0
_TOKENS_PER_SECOND = 60.0


class Clock:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Asked:
    """One request, as it is billed."""

    turn: int
    at: float
    counted: Counted
    output: int
    messages: int
    """How many messages of ``Play.history`` it stands for; 0 for a request that is not of the script."""


@dataclass
class Play:
    """A script, as far as it has been played."""

    cache: Cache
    clock: Clock
    turn: int = 0
    asked: list[Asked] = field(default_factory=list)
    head: dict[str, Any] = field(default_factory=dict)
    """The first request without its messages."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """The conversation as it was said, whatever the client made of it since, as messages of the protocol."""
    failed: list[str] = field(default_factory=list)
    """Results that were errors."""
    _prompt: str = ""
    _left: list[Reply] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, turn: Turn) -> None:
        self.clock.now += turn.pause
        self.turn += 1
        self._prompt = turn.prompt
        self._left = list(turn.replies)
        self.history.append({"role": "user", "content": [{"type": "text", "text": turn.prompt}]})

    def answer(self, body: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The blocks and the usage of the reply to ``body``. Raises ``BadRequest``."""
        with self._lock:
            counted = self.cache.take(body, self.clock.now)
            self.head = self.head or {name: value for name, value in body.items() if name != "messages"}
            reply = self._next(body["messages"])
            blocks = _blocks(reply, len(self.asked))
            output = sum(tokens(text) for text in written(reply))
            known = len(self.history) if self._left and reply is self._left[0] else 0
            self.asked.append(Asked(self.turn, self.clock.now, counted, output, known))
            if known:
                del self._left[0]
                self.history.append({"role": "assistant", "content": blocks})
            self.clock.now += _SECONDS_BEFORE + output / _TOKENS_PER_SECOND + reply.seconds
        usage = {
            "input_tokens": counted.input,
            "cache_creation_input_tokens": counted.write,
            "cache_read_input_tokens": counted.read,
            "output_tokens": output,
        }
        return blocks, usage

    def _next(self, messages: list[dict[str, Any]]) -> Reply:
        """What the script says next, or something short where the client asks for more than is in it."""
        last = messages[-1]["content"]
        said = [{"type": "text", "text": last}] if isinstance(last, str) else last
        asked = said[-1].get("text", "")
        if self._prompt not in asked and _SUMMARY.search(asked):
            return Reply(_SUMMARY_WORDS)
        results = [block for block in said if block["type"] == "tool_result"]
        if results and self.history[-1]["role"] == "assistant":
            self.failed += [str(block["content"]) for block in results if block.get("is_error")]
            self.history.append({"role": "user", "content": [_plain(block) for block in results]})
        return self._left[0] if self._left else Reply("That was all.")


@contextmanager
def serving(play: Play) -> Iterator[str]:
    """The address of a server that plays."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            try:
                blocks, usage = play.answer(body)
            except BadRequest as error:
                said = {"type": "error", "error": {"type": "invalid_request_error", "message": str(error)}}
                self._send(400, "application/json", json.dumps(said).encode())
            else:
                self._send(200, "text/event-stream", b"".join(_events(blocks, usage)))

        def log_request(self, *_: Any) -> None:
            pass

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def as_json(play: Play) -> dict[str, Any]:
    """What was played, for another process."""
    return {"head": play.head, "history": play.history, "asked": [asdict(each) for each in play.asked]}


def _blocks(reply: Reply, number: int) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = [{"type": "text", "text": reply.text}]
    for at, call in enumerate(reply.calls):
        id_ = f"toolu_{number:04}_{at}"
        said.append({"type": "tool_use", "id": id_, "name": call.tool, "input": call.arguments})
    return said


def _plain(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "cache_control"}


def _events(blocks: list[dict[str, Any]], usage: dict[str, Any]) -> Iterator[bytes]:
    message = {"id": "msg", "type": "message", "role": "assistant", "content": [], "usage": usage}
    yield _event("message_start", message=message)
    for index, block in enumerate(blocks):
        calls = block["type"] == "tool_use"
        empty = {**block, "input": {}} if calls else {**block, "text": ""}
        delta = (
            {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            if calls
            else {"type": "text_delta", "text": block["text"]}
        )
        yield _event("content_block_start", index=index, content_block=empty)
        yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    stop = "tool_use" if blocks[-1]["type"] == "tool_use" else "end_turn"
    yield _event(
        "message_delta", delta={"stop_reason": stop}, usage={"output_tokens": usage["output_tokens"]}
    )
    yield _event("message_stop")


def _event(kind: str, **content: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **content})}\n\n".encode()
