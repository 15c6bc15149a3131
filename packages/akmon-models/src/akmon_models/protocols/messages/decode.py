"""Folds the events of Messages into stream events. Pure."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

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
from akmon_models.failures import Server, broken_off, is_something, stream_failure, unreadable
from akmon_models.ids import fresh_id

_STOPS: dict[str, StopReason] = {
    "tool_use": "tools",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    # The server paused a loop of its own tools. akmon offers none, so this is not expected; what the
    # protocol asks for is that the model be made to go on, as after a cut.
    "pause_turn": "length",
    "refusal": "refused",
}
"""A reason that is not listed is an end like ``end_turn`` and ``stop_sequence``."""


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _MessageHead(msgspec.Struct):
    id: str | None = None
    usage: _Usage | None = None


class _ContentBlock(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"")


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int | None = None
    message: _MessageHead | None = None
    content_block: _ContentBlock | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None
    error: msgspec.Raw = msgspec.Raw(b"")


class _Tagged(msgspec.Struct):
    type: str = "error"


_decoder = msgspec.json.Decoder(_Event)
_tag_decoder = msgspec.json.Decoder(_Tagged)
_KNOWN = frozenset(
    (
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "error",
    )
)


class _Block:
    """A content block as far as it has come. ``call`` is its place among the calls."""

    def __init__(self, start: _ContentBlock, call: int) -> None:
        self.type = start.type
        self.pieces = [start.text or start.thinking or ""]
        self.signature = start.data or start.signature or ""
        self.id = start.id or ""
        self.name = start.name or ""
        self.input = bytes(start.input).decode()
        self.call = call

    @property
    def arguments(self) -> str:
        """What was streamed, or else what some servers put whole into the block's start."""
        return "".join(self.pieces) or (self.input if self.input not in ("", "null") else "{}")


class MessagesDecoder:
    """The state of one reply. ``fresh`` gives ids for calls that come without one."""

    def __init__(self, server: Server, *, fresh: Callable[[], str] = fresh_id) -> None:
        self._server = server
        self._fresh = fresh
        self._blocks: dict[int, _Block] = {}
        self._last = -1
        """The index of the block that began last; pieces without an index belong to it."""
        self._usage = Usage()
        self._stop_reason = ""
        self._id = ""
        self.done = False

    def feed(self, event: str, data: bytes) -> list[StreamEvent]:
        """The events of one event. Raises ``ProviderError`` for an error or for what cannot be read."""
        try:
            said = _decoder.decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            if _unknown(data):
                return []
            raise unreadable(self._server, data, error) from error
        match said.type or event:
            case "content_block_delta":
                return self._more(said)
            case "content_block_start":
                return self._begin(said)
            case "message_start":
                head = said.message or _MessageHead()
                self._id = head.id or self._id
                return self._take_usage(head.usage)
            case "message_delta":
                self._stop_reason = (said.delta and said.delta.stop_reason) or self._stop_reason
                return self._take_usage(said.usage)
            case "message_stop":
                self.done = True
            case "error":
                raise stream_failure(self._server, data)
            case _ if is_something(said.error):
                raise stream_failure(self._server, data)
        return []

    def finish(self) -> ReplyDone:
        """The whole reply. Raises ``ProviderError`` if it ended without both signs of its end."""
        if not self._stop_reason or not self.done:
            missing = "message_stop" if self._stop_reason else "a stop_reason"
            raise broken_off(self._server, "protocol", f"it ended without {missing}")
        stop = _STOPS.get(self._stop_reason, "end")
        ids: set[str] = set()
        parts = tuple(part for block in self._kept(stop) if (part := self._part(block, ids)))
        if stop in ("end", "tools"):
            stop = "tools" if ids else "end"
        return ReplyDone(Assistant(parts, stop), self._usage, id=self._id)

    def _kept(self, stop: StopReason) -> list[_Block]:
        """Without calls that must not be run: those of a refused reply, and one that the output limit cut
        before its arguments began, as it looks like one that takes none."""
        blocks = list(self._blocks.values())
        if stop == "refused":
            return [block for block in blocks if block.type != "tool_use"]
        cut = stop == "length" and blocks and blocks[-1].type == "tool_use" and blocks[-1].arguments == "{}"
        return blocks[:-1] if cut else blocks

    def _begin(self, said: _Event) -> list[StreamEvent]:
        index = self._last + 1 if said.index is None else said.index
        start = said.content_block
        if start is None or index in self._blocks:
            return []
        self._last = index
        calls = sum(block.type == "tool_use" for block in self._blocks.values())
        block = self._blocks[index] = _Block(start, calls)
        if block.type == "tool_use":
            return [CallDelta(calls, block.name, "")]
        return self._shown(block, block.pieces[0])

    def _more(self, said: _Event) -> list[StreamEvent]:
        block = self._blocks.get(self._last if said.index is None else said.index)
        if block is None or said.delta is None:
            return []
        delta = said.delta
        match delta.type:
            case "text_delta" | "thinking_delta":
                piece = delta.text or delta.thinking or ""
                block.pieces.append(piece)
                return self._shown(block, piece)
            case "input_json_delta":
                block.pieces.append(delta.partial_json or "")
                return [CallDelta(block.call, "", delta.partial_json)] if delta.partial_json else []
            case "signature_delta":
                block.signature = delta.signature or ""
        return []

    def _shown(self, block: _Block, piece: str) -> list[StreamEvent]:
        if not piece:
            return []
        if block.type == "text":
            return [TextDelta(piece)]
        return [ThinkingDelta(piece)] if block.type == "thinking" else []

    def _take_usage(self, usage: _Usage | None) -> list[StreamEvent]:
        """Counts are cumulative: the highest of each is what was used. The event at the end may repeat
        those of the start, leave them out, or give null or 0 in their place."""
        if usage is None:
            return []
        known = self._usage
        seen = Usage(
            input_tokens=max(usage.input_tokens or 0, known.input_tokens),
            output_tokens=max(usage.output_tokens or 0, known.output_tokens),
            cache_read_tokens=max(usage.cache_read_input_tokens or 0, known.cache_read_tokens),
            cache_write_tokens=max(usage.cache_creation_input_tokens or 0, known.cache_write_tokens),
        )
        if seen == self._usage:
            return []
        self._usage = seen
        return [UsageSeen(seen)]

    def _part(self, block: _Block, ids: set[str]) -> Text | Thinking | ToolCall | None:
        match block.type:
            case "text":
                text = "".join(block.pieces)
                return Text(text) if text else None
            case "thinking":
                thought = "".join(block.pieces)
                return (
                    Thinking(thought, block.signature, origin="messages")
                    if thought or block.signature
                    else None
                )
            case "redacted_thinking":
                return Thinking("", block.signature, redacted=True, origin="messages")
            case "tool_use":
                call_id = block.id if block.id and block.id not in ids else self._fresh()
                ids.add(call_id)
                return ToolCall(call_id, block.name, block.arguments)
        return None


def _unknown(data: bytes) -> bool:
    """Whether an event is of a kind that came into the protocol later: its fields may be of any shape."""
    try:
        return _tag_decoder.decode(data).type not in _KNOWN
    except (msgspec.DecodeError, RecursionError):
        return False
