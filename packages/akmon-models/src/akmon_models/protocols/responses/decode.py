"""Folds the events of Responses into stream events. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
from akmon_models.protocols.responses.reasoning import NOTHING, ORIGIN, ReasoningItem, server_of, signature

BETWEEN = "\n\n"
"""What stands between two parts of a reply's text or reasoning."""


class _Event(msgspec.Struct):
    type: str = ""
    sequence_number: int | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    item_id: str | None = None
    delta: str | None = None
    arguments: str | None = None
    item: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _Part(msgspec.Struct):
    text: str | None = None
    refusal: str | None = None


class _Output(msgspec.Struct):
    """An output item of one of the kinds that are known here."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    content: list[_Part] | None = None
    summary: list[_Part] | None = None
    encrypted_content: str | None = None


class _Reasoning(msgspec.Struct):
    """What of a reasoning item goes back as it came."""

    id: str | None = None
    encrypted_content: str | None = None
    summary: msgspec.Raw = msgspec.Raw()
    content: list[msgspec.Raw] | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class _Response(msgspec.Struct):
    id: str | None = None
    status: str | None = None
    incomplete_details: _Incomplete | None = None
    output: list[msgspec.Raw] | None = None
    usage: _Usage | None = None


class _Tagged(msgspec.Struct):
    type: str = "error"


_decoder = msgspec.json.Decoder(_Event)
_output_decoder = msgspec.json.Decoder(_Output)
_reasoning_decoder = msgspec.json.Decoder(_Reasoning)
_response_decoder = msgspec.json.Decoder(_Response)
_tag_decoder = msgspec.json.Decoder(_Tagged)

_ITEMS = frozenset(("message", "reasoning", "function_call"))
_DELTAS = {
    "response.output_text.delta": "message",
    "response.refusal.delta": "message",
    "response.function_call_arguments.delta": "function_call",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
}
"""By event: the kind of item that it says more of."""
_ENDS = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
_KNOWN = frozenset(
    (
        *_DELTAS,
        *_ENDS,
        "response.output_item.added",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "error",
    )
)


class _Item:
    """An output item as far as it has come."""

    def __init__(self, kind: str, call: int) -> None:
        self.kind = kind
        self.call = call
        """Its place among the calls."""
        self.call_id = ""
        self.name = ""
        self.before = ""
        """What separates its text from that of the item before."""
        self.pieces: list[str] = []
        self.part: object = None
        """Where its last piece stood."""
        self.arguments: str | None = None
        """The whole arguments, as said before the item itself was."""
        self.signature = ""
        self.announced = False
        self.refused = False
        self.closed = False

    @property
    def said(self) -> str:
        return "".join(self.pieces)


class ResponsesDecoder:
    """The state of one reply. ``fresh`` gives ids for calls that come without one.

    What an item says when it is done counts more than its deltas, and the end of the response more than
    nothing: so neither a repeated event nor a lost one can damage a reply.
    """

    def __init__(self, server: Server, *, fresh: Callable[[], str] = fresh_id) -> None:
        self._server = server
        self._fresh = fresh
        self._items: dict[int, _Item] = {}
        self._by_id: dict[str, int] = {}
        self._last = -1
        """The index of the item that began last."""
        self._numbers: dict[str, int] = {}
        """By type of event, its highest number: some servers count from anew for their last events."""
        self._highest: int | None = None
        self._lost = False
        self._usage = Usage()
        self._end: _Response | None = None
        self._failed: bytes | None = None
        self.done = False

    def feed(self, event: str, data: bytes) -> list[StreamEvent]:
        """The events of one event. Raises ``ProviderError`` for an error or for what cannot be read."""
        try:
            said = _decoder.decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            if data == b"[DONE]" or _unknown(data):
                return []
            raise unreadable(self._server, data, error) from error
        kind = said.type or event
        number = said.sequence_number
        if number is not None and self._repeated(kind, number):
            return []
        if (about := _DELTAS.get(kind)) is not None:
            return self._more(said, kind, about)
        match kind:
            case "response.output_item.added":
                return self._begin(said)
            case "response.output_item.done":
                return self._item_done(said.output_index, said.item)
            case "response.function_call_arguments.done":
                self._item(said.output_index, said.item_id, "function_call").arguments = said.arguments
                return []
            case "response.completed" | "response.incomplete" | "response.failed":
                return self._ended(_ENDS[kind], said)
            case "error":
                raise stream_failure(self._server, data)
            case _ if kind not in _KNOWN and not kind.startswith("response.") and is_something(said.error):
                raise stream_failure(self._server, data)
        return []

    def finish(self) -> ReplyDone:
        """The whole reply. Raises ``ProviderError`` if it failed or did not end as it must."""
        if self._failed is not None:
            raise stream_failure(self._server, self._failed)
        if self._end is None:
            raise broken_off(self._server, "protocol", "it ended without response.completed")
        if self._lost and not all(item.closed for item in self._items.values()):
            raise broken_off(self._server, "protocol", "some of its events are missing")
        parts = tuple(self._parts(self._end))
        stop = self._stop(self._end, any(isinstance(part, ToolCall) for part in parts))
        return ReplyDone(Assistant(parts, stop), self._usage, id=self._end.id or "")

    def _repeated(self, kind: str, number: int) -> bool:
        if number <= self._numbers.get(kind, -1):
            return True
        self._numbers[kind] = number
        if self._highest is not None and number > self._highest + 1:
            self._lost = True
        self._highest = number if self._highest is None else max(number, self._highest)
        return False

    def _find(self, index: int | None, item_id: str | None, kind: str) -> _Item | None:
        """The item that an event is about.

        Ids come first, as some servers give every item the same index, or none; then indexes, as others
        give an item a new id in each event; then the order of events.
        """
        at = self._by_id.get(item_id or "", self._last if index is None else index)
        item = self._items.get(at)
        return item if item is not None and item.kind == kind else None

    def _item(self, index: int | None, item_id: str | None, kind: str) -> _Item:
        """The same; the item begins here if its first event is missing."""
        return self._find(index, item_id, kind) or self._new_item(index, item_id, kind)

    def _new_item(self, index: int | None, item_id: str | None, kind: str) -> _Item:
        at = max(self._items, default=-1) + 1 if index is None or index in self._items else index
        calls = sum(each.kind == "function_call" for each in self._items.values())
        item = self._items[at] = _Item(kind, calls)
        self._last = at
        if item_id:
            self._by_id[item_id] = at
        return item

    def _begin(self, said: _Event) -> list[StreamEvent]:
        output = self._output(said.item)
        if output is None or (output.id or "") in self._by_id:
            return []
        if not output.id and said.output_index in self._items:
            return []
        item = self._new_item(said.output_index, output.id, output.type)
        item.call_id, item.name = output.call_id or "", output.name or ""
        return self._show(item, output.arguments or "")

    def _more(self, said: _Event, kind: str, about: str) -> list[StreamEvent]:
        item = self._item(said.output_index, said.item_id, about)
        piece = said.delta
        if item.closed or not piece:
            return []
        if about != "function_call":
            part = (said.summary_index, said.content_index)
            if item.part != part:
                piece = BETWEEN + piece if item.pieces else piece
                item.part = part
            item.refused = item.refused or kind == "response.refusal.delta"
        return self._show(item, piece)

    def _show(self, item: _Item, piece: str) -> list[StreamEvent]:
        """Adds to what ``item`` says. A call is shown when its name is known."""
        first = not item.pieces
        if piece:
            item.pieces.append(piece)
        match item.kind:
            case "function_call" if item.announced:
                return [CallDelta(item.call, "", piece)] if piece else []
            case "function_call":
                item.announced = bool(item.name)
                return [CallDelta(item.call, item.name, item.said)] if item.name else []
            case _ if not piece:
                return []
        if first and any(each.pieces and each is not item for each in self._of(item.kind)):
            item.before = BETWEEN
            piece = BETWEEN + piece
        return [TextDelta(piece) if item.kind == "message" else ThinkingDelta(piece)]

    def _of(self, kind: str) -> Iterator[_Item]:
        return (item for item in self._items.values() if item.kind == kind)

    def _item_done(self, index: int | None, raw: msgspec.Raw) -> list[StreamEvent]:
        """The whole item replaces what was heard of it. What of it was not heard before is shown."""
        output = self._output(raw)
        if output is None:
            return []
        item = self._item(index, output.id, output.type)
        if item.closed:
            return []
        item.call_id = output.call_id or item.call_id
        item.name = output.name or item.name
        item.refused = any(part.refusal for part in output.content or ())
        if output.type == "reasoning":
            item.signature = self._signature(raw)
        heard = item.said
        whole = _whole(output) or item.arguments or heard
        events = self._show(item, whole.removeprefix(heard)) if whole.startswith(heard) else []
        item.pieces, item.closed = [whole] if whole else [], True
        return events

    def _output(self, raw: msgspec.Raw) -> _Output | None:
        """None if it is of another kind: its fields may be of any shape."""
        if not is_something(raw) or _tag(bytes(raw)) not in _ITEMS:
            return None
        try:
            return _output_decoder.decode(raw)
        except msgspec.DecodeError as error:
            raise unreadable(self._server, bytes(raw), error) from error

    def _signature(self, raw: msgspec.Raw) -> str:
        item = _reasoning_decoder.decode(raw)
        content = msgspec.Raw(msgspec.json.encode(item.content)) if item.content else NOTHING
        return signature(
            ReasoningItem(
                summary=item.summary if is_something(item.summary) else msgspec.Raw(b"[]"),
                id=item.id or "",
                encrypted_content=item.encrypted_content or "",
                content=NOTHING if item.encrypted_content else content,
                server=server_of(self._server.url),
            )
        )

    def _ended(self, status: str, said: _Event) -> list[StreamEvent]:
        self.done = True
        try:
            response = _response_decoder.decode(said.response) if is_something(said.response) else _Response()
        except msgspec.DecodeError as error:
            raise unreadable(self._server, bytes(said.response), error) from error
        if response.status not in ("completed", "incomplete", "failed", "cancelled"):
            response.status = status
        events = self._take_usage(response.usage)
        if response.status in ("failed", "cancelled"):
            self._failed = bytes(said.response) or b'{"error": {"message": "no reason was given"}}'
            return events
        self._end = response
        return [*self._fill(response.output or []), *events]

    def _fill(self, raws: list[msgspec.Raw]) -> Iterator[StreamEvent]:
        """What the end of the response tells of items whose own end was not heard."""
        outputs = [(at, raw, output) for at, raw in enumerate(raws) if (output := self._output(raw))]
        more = len(outputs) > len(self._items)
        for at, raw, output in outputs:
            if more or self._find(at, output.id, output.type):
                yield from self._item_done(at, raw)

    def _take_usage(self, usage: _Usage | None) -> list[StreamEvent]:
        if usage is None:
            return []
        details = usage.input_tokens_details or _InputDetails()
        read, written = details.cached_tokens or 0, details.cache_write_tokens or 0
        self._usage = Usage(
            input_tokens=max(0, (usage.input_tokens or 0) - read - written),
            output_tokens=usage.output_tokens or 0,
            cache_read_tokens=read,
            cache_write_tokens=written,
        )
        return [UsageSeen(self._usage)]

    def _parts(self, end: _Response) -> Iterator[Text | Thinking | ToolCall]:
        ids: set[str] = set()
        for _, item in sorted(self._items.items()):
            said = item.said
            match item.kind:
                case "message" if said:
                    yield Text(item.before + said)
                case "reasoning" if said or item.signature:
                    yield Thinking(said, item.signature, redacted=not said, origin=ORIGIN)
                case "function_call" if (call := self._call(item, end, ids)) is not None:
                    yield call

    def _call(self, item: _Item, end: _Response, ids: set[str]) -> ToolCall | None:
        """None for one that was cut off before its arguments, as it would be another call without any, and
        for one of a reply that a filter cut."""
        arguments = item.said if item.closed else item.arguments or item.said
        if end.status != "completed" and (not arguments.strip() or _filtered(end)):
            return None
        call_id = item.call_id if item.call_id and item.call_id not in ids else self._fresh()
        ids.add(call_id)
        return ToolCall(call_id, item.name, arguments)

    def _stop(self, end: _Response, calls: bool) -> StopReason:
        if end.status == "completed":
            refused = any(item.refused for item in self._of("message"))
            return "tools" if calls else "refused" if refused else "end"
        return "refused" if _filtered(end) else "length"


def _filtered(end: _Response) -> bool:
    return end.incomplete_details is not None and end.incomplete_details.reason == "content_filter"


def _whole(output: _Output) -> str:
    if output.type == "function_call":
        return output.arguments or ""
    parts = [*(output.summary or ()), *(output.content or ())]
    return BETWEEN.join(text for part in parts if (text := part.text or part.refusal))


def _tag(data: bytes) -> str:
    try:
        return _tag_decoder.decode(data).type
    except (msgspec.DecodeError, RecursionError):
        return ""


def _unknown(data: bytes) -> bool:
    """Whether an event is of a kind that is of no concern here: its fields may be of any shape."""
    kind = _tag(data)
    return bool(kind) and kind not in _KNOWN
