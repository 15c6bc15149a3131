"""Folds the events of ConverseStream into stream events. Pure."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, TypeAlias

import msgspec

from akmon_core.errors import ProviderErrorKind
from akmon_core.messages import Assistant, StopReason, Text, Thinking, ToolCall
from akmon_core.stream import (
    CallDelta,
    ReplyDone,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    Usage,
    UsageSeen,
)
from akmon_models.failures import Server, broken_off, failure, kind_of, read_error, unreadable
from akmon_models.ids import fresh_id
from akmon_models.providers.bedrock.frames import EXCEPTION

_STOPS: dict[str, StopReason] = {
    "tool_use": "tools",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "refused",
    "content_filtered": "refused",
}
"""A reason that is not listed is an end like ``end_turn`` and ``stop_sequence``."""
_GIVEN_UP = frozenset(("malformed_model_output", "malformed_tool_use"))
"""The model wrote what the server could not read: another attempt may go well."""

_EXCEPTIONS: dict[str, ProviderErrorKind] = {
    "throttlingException": "rate_limit",
    "modelNotReadyException": "overloaded",
    "serviceUnavailableException": "overloaded",
    "modelTimeoutException": "timeout",
    "accessDeniedException": "authentication",
    "resourceNotFoundException": "model_not_found",
}
"""A ``validationException`` is told by its text, any other one is a failure of the server."""


class _ToolStart(msgspec.Struct, rename="camel"):
    tool_use_id: str | None = None
    name: str | None = None


class _Start(msgspec.Struct, rename="camel"):
    tool_use: _ToolStart | None = None


class _ToolDelta(msgspec.Struct, rename="camel"):
    input: str | None = None


class _Reasoning(msgspec.Struct, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class _Delta(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _ToolDelta | None = None
    reasoning_content: _Reasoning | None = None


class _Usage(msgspec.Struct, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class _Event(msgspec.Struct, rename="camel"):
    content_block_index: int | None = None
    start: _Start | None = None
    delta: _Delta | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None


class _Failure(msgspec.Struct, rename="camel"):
    original_message: str | None = None


_decoder = msgspec.json.Decoder(_Event)
_KNOWN = frozenset(
    ("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata")
)

_Kind: TypeAlias = Literal["text", "thinking", "call"]


class _Block:
    """A content block as far as it has come. ``call`` is its place among the calls."""

    def __init__(self, kind: _Kind, call: int = 0, start: _ToolStart | None = None) -> None:
        self.kind = kind
        self.call = call
        self.id = (start and start.tool_use_id) or ""
        self.name = (start and start.name) or ""
        self.pieces: list[str] = []
        self.signature = ""
        self.redacted = b""


class ConverseDecoder:
    """The state of one reply. ``fresh`` gives ids for calls that come without one."""

    def __init__(self, server: Server, *, fresh: Callable[[], str] = fresh_id) -> None:
        self._server = server
        self._fresh = fresh
        self._blocks: list[_Block] = []
        self._open: dict[int, _Block] = {}
        self._last = 0
        """The index that was named last; events without an index belong to it."""
        self._usage = Usage()
        self._metered = False
        self._stop_reason = ""

    @property
    def done(self) -> bool:
        return bool(self._stop_reason) and self._metered

    def feed(self, event: str, data: bytes) -> list[StreamEvent]:
        """The events of one event. Raises ``ProviderError`` for an exception or for what cannot be read."""
        if event not in _KNOWN:
            self._raise_exception(event, data)
            return []
        try:
            said = _decoder.decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise unreadable(self._server, data, error) from error
        index = self._last = self._last if said.content_block_index is None else said.content_block_index
        match event:
            case "contentBlockDelta" if said.delta is not None:
                return self._more(index, said.delta)
            case "contentBlockStart" if said.start is not None and said.start.tool_use is not None:
                return self._begin_call(index, said.start.tool_use)
            case "contentBlockStop":
                self._open.pop(index, None)
            case "messageStop":
                self._stop_reason = said.stop_reason or self._stop_reason
            case "metadata":
                self._metered = True
                return self._take_usage(said.usage)
        return []

    def finish(self) -> ReplyDone:
        """The whole reply. Raises ``ProviderError`` if it ended without the sign of its end."""
        if not self._stop_reason:
            raise broken_off(self._server, "protocol", "it ended without messageStop")
        if self._stop_reason in _GIVEN_UP:
            raise broken_off(self._server, "server", f"its stopReason is {self._stop_reason}")
        stop = _STOPS.get(self._stop_reason, "end")
        ids: set[str] = set()
        parts = tuple(part for block in self._kept(stop) if (part := self._part(block, ids)))
        if stop in ("end", "tools"):
            stop = "tools" if ids else "end"
        return ReplyDone(Assistant(parts, stop), self._usage)

    def _kept(self, stop: StopReason) -> list[_Block]:
        """Without calls that must not be run: those of a refused reply, and one that the output limit cut
        before its arguments began, as it looks like one that takes none."""
        blocks = self._blocks
        if stop == "refused":
            return [block for block in blocks if block.kind != "call"]
        cut = stop == "length" and blocks and blocks[-1].kind == "call" and not any(blocks[-1].pieces)
        return blocks[:-1] if cut else blocks

    def _begin_call(self, index: int, start: _ToolStart) -> list[StreamEvent]:
        known = self._open.get(index)
        if known is not None and known.kind == "call" and known.id == (start.tool_use_id or ""):
            return []
        block = self._begin(index, "call", start)
        return [CallDelta(block.call, block.name, "")]

    def _begin(self, index: int, kind: _Kind, start: _ToolStart | None = None) -> _Block:
        calls = sum(block.kind == "call" for block in self._blocks)
        block = self._open[index] = _Block(kind, calls, start)
        self._blocks.append(block)
        return block

    def _more(self, index: int, delta: _Delta) -> list[StreamEvent]:
        if delta.text is not None:
            self._block(index, "text").pieces.append(delta.text)
            return [TextDelta(delta.text)] if delta.text else []
        if delta.tool_use is not None:
            block, piece = self._block(index, "call"), delta.tool_use.input or ""
            block.pieces.append(piece)
            return [CallDelta(block.call, "", piece)] if piece else []
        if delta.reasoning_content is not None:
            return self._reasoning(self._block(index, "thinking"), delta.reasoning_content)
        return []

    def _block(self, index: int, kind: _Kind) -> _Block:
        """The open block at ``index``, or a new one: only calls have a start of their own."""
        block = self._open.get(index)
        return block if block is not None and block.kind == kind else self._begin(index, kind)

    def _reasoning(self, block: _Block, said: _Reasoning) -> list[StreamEvent]:
        block.signature += said.signature or ""
        block.redacted += self._bytes(said.redacted_content or "")
        if not said.text:
            return []
        block.pieces.append(said.text)
        return [ThinkingDelta(said.text)]

    def _bytes(self, text: str) -> bytes:
        try:
            return b64decode(text)
        except Base64Error as error:
            raise unreadable(self._server, text.encode(), error) from error

    def _take_usage(self, usage: _Usage | None) -> list[StreamEvent]:
        """Counts are cumulative; the highest of each is what was used."""
        if usage is None:
            return []
        known = self._usage
        seen = Usage(
            input_tokens=max(usage.input_tokens or 0, known.input_tokens),
            output_tokens=max(usage.output_tokens or 0, known.output_tokens),
            cache_read_tokens=max(usage.cache_read_input_tokens or 0, known.cache_read_tokens),
            cache_write_tokens=max(usage.cache_write_input_tokens or 0, known.cache_write_tokens),
        )
        if seen == known:
            return []
        self._usage = seen
        return [UsageSeen(seen)]

    def _part(self, block: _Block, ids: set[str]) -> Text | Thinking | ToolCall | None:
        said = "".join(block.pieces)
        match block.kind:
            case "text":
                return Text(said) if said else None
            case "thinking" if block.redacted:
                return Thinking("", b64encode(block.redacted).decode(), redacted=True, origin="converse")
            case "thinking":
                known = said or block.signature
                return Thinking(said, block.signature, origin="converse") if known else None
            case "call":
                call_id = block.id if block.id and block.id not in ids else self._fresh()
                ids.add(call_id)
                return ToolCall(call_id, block.name, said or "{}")

    def _raise_exception(self, event: str, data: bytes) -> None:
        """Raises for an exception; an event that came into the protocol later is none."""
        name = event.removeprefix(EXCEPTION)
        if not event.startswith(EXCEPTION) and not name.endswith("Exception"):
            return
        _, said = read_error(data)
        with suppress(msgspec.DecodeError, RecursionError):
            said = msgspec.json.decode(data, type=_Failure).original_message or said
        kind = _EXCEPTIONS.get(name, "server")
        if name == "validationException":
            kind = kind_of(400, name, said)
        raise failure(self._server, kind, said or name)
