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
from akmon_models.protocols.responses.shapes import (
    DELTAS,
    ENDS,
    ITEMS,
    Event,
    InputDetails,
    Output,
    Response,
    TokenUsage,
    event_decoder,
    is_unknown,
    output_decoder,
    reasoning_decoder,
    response_decoder,
    tag_of,
)

BETWEEN = "\n\n"
"""What stands between two parts of a reply's text or reasoning."""


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
        self._next = 0
        """Above all indexes so far."""
        self._calls = 0
        self._spoken: set[str] = set()
        """The kinds of items that have said something."""
        self._numbers: dict[str, int] = {}
        """By type of event, its highest number: some servers count from anew for their last events."""
        self._highest: int | None = None
        self._lost = False
        self._usage = Usage()
        self._end: Response | None = None
        self._failed: bytes | None = None
        self.done = False

    def feed(self, event: str, data: bytes) -> list[StreamEvent]:
        """The events of one event. Raises ``ProviderError`` for an error or for what cannot be read."""
        try:
            said = event_decoder.decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            if data == b"[DONE]" or is_unknown(data):
                return []
            raise unreadable(self._server, data, error) from error
        kind = said.type or event
        number = said.sequence_number
        if number is not None and self._repeated(kind, number):
            return []
        if (about := DELTAS.get(kind)) is not None:
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
                return self._ended(ENDS[kind], said)
            case "error":
                raise stream_failure(self._server, data)
            case _ if not kind.startswith("response.") and is_something(said.error):
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
        at = self._next if index is None or index in self._items else index
        item = self._items[at] = _Item(kind, self._calls)
        self._last, self._next = at, max(self._next, at + 1)
        self._calls += kind == "function_call"
        if item_id:
            self._by_id[item_id] = at
        return item

    def _begin(self, said: Event) -> list[StreamEvent]:
        output = self._output(said.item)
        if output is None or (output.id or "") in self._by_id:
            return []
        if not output.id and said.output_index in self._items:
            return []
        item = self._new_item(said.output_index, output.id, output.type)
        item.call_id, item.name = output.call_id or "", output.name or ""
        return self._show(item, output.arguments or "")

    def _more(self, said: Event, kind: str, about: str) -> list[StreamEvent]:
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
        if first and item.kind in self._spoken:
            item.before = BETWEEN
            piece = BETWEEN + piece
        self._spoken.add(item.kind)
        return [TextDelta(piece) if item.kind == "message" else ThinkingDelta(piece)]

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

    def _output(self, raw: msgspec.Raw) -> Output | None:
        """None if it is of another kind: its fields may be of any shape."""
        if not is_something(raw) or tag_of(bytes(raw)) not in ITEMS:
            return None
        try:
            return output_decoder.decode(raw)
        except msgspec.DecodeError as error:
            raise unreadable(self._server, bytes(raw), error) from error

    def _signature(self, raw: msgspec.Raw) -> str:
        item = reasoning_decoder.decode(raw)
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

    def _ended(self, status: str, said: Event) -> list[StreamEvent]:
        self.done = True
        try:
            response = response_decoder.decode(said.response) if is_something(said.response) else Response()
        except msgspec.DecodeError as error:
            raise unreadable(self._server, bytes(said.response), error) from error
        if response.status not in ("completed", "incomplete", "failed", "cancelled"):
            response.status = status
        events = self._take_usage(response.usage)
        if response.status in ("failed", "cancelled"):
            self._failed = bytes(said.response) if is_something(said.response) else b"{}"
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

    def _take_usage(self, usage: TokenUsage | None) -> list[StreamEvent]:
        if usage is None:
            return []
        details = usage.input_tokens_details or InputDetails()
        read, written = details.cached_tokens or 0, details.cache_write_tokens or 0
        self._usage = Usage(
            input_tokens=max(0, (usage.input_tokens or 0) - read - written),
            output_tokens=usage.output_tokens or 0,
            cache_read_tokens=read,
            cache_write_tokens=written,
        )
        return [UsageSeen(self._usage)]

    def _parts(self, end: Response) -> Iterator[Text | Thinking | ToolCall]:
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

    def _call(self, item: _Item, end: Response, ids: set[str]) -> ToolCall | None:
        """None for one that was cut off before its arguments, as it would be another call without any, and
        for one of a reply that a filter cut."""
        arguments = item.said if item.closed else item.arguments or item.said
        if end.status != "completed" and (not arguments.strip() or _filtered(end)):
            return None
        call_id = item.call_id if item.call_id and item.call_id not in ids else self._fresh()
        ids.add(call_id)
        return ToolCall(call_id, item.name, arguments)

    def _stop(self, end: Response, calls: bool) -> StopReason:
        if end.status == "completed":
            refused = any(item.refused for item in self._items.values())
            return "tools" if calls else "refused" if refused else "end"
        return "refused" if _filtered(end) else "length"


def _filtered(end: Response) -> bool:
    return end.incomplete_details is not None and end.incomplete_details.reason == "content_filter"


def _whole(output: Output) -> str:
    if output.type == "function_call":
        return output.arguments or ""
    parts = [*(output.summary or ()), *(output.content or ())]
    return BETWEEN.join(text for part in parts if (text := part.text or part.refusal))
