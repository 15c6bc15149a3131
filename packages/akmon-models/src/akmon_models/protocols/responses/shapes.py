"""The events of Responses as they come: what of them is read, and which are of concern."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct):
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


class Part(msgspec.Struct):
    text: str | None = None
    refusal: str | None = None


class Output(msgspec.Struct):
    """An output item of one of the kinds that are known here."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    content: list[Part] | None = None
    summary: list[Part] | None = None
    encrypted_content: str | None = None


class Reasoning(msgspec.Struct):
    """What of a reasoning item goes back as it came."""

    id: str | None = None
    encrypted_content: str | None = None
    summary: msgspec.Raw = msgspec.Raw()
    content: list[msgspec.Raw] | None = None


class InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class TokenUsage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None


class Incomplete(msgspec.Struct):
    reason: str | None = None


class Response(msgspec.Struct):
    id: str | None = None
    status: str | None = None
    incomplete_details: Incomplete | None = None
    output: list[msgspec.Raw] | None = None
    usage: TokenUsage | None = None


class _Tagged(msgspec.Struct):
    type: str = "error"


event_decoder = msgspec.json.Decoder(Event)
output_decoder = msgspec.json.Decoder(Output)
reasoning_decoder = msgspec.json.Decoder(Reasoning)
response_decoder = msgspec.json.Decoder(Response)
_tag_decoder = msgspec.json.Decoder(_Tagged)

ITEMS = frozenset(("message", "reasoning", "function_call"))
DELTAS = {
    "response.output_text.delta": "message",
    "response.refusal.delta": "message",
    "response.function_call_arguments.delta": "function_call",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
}
"""By event: the kind of item that it says more of."""
ENDS = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
KNOWN = frozenset(
    (
        *DELTAS,
        *ENDS,
        "response.output_item.added",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "error",
    )
)


def tag_of(data: bytes) -> str:
    """The ``type`` of an event or an item; ``error`` if it has none, empty if it cannot be read."""
    try:
        return _tag_decoder.decode(data).type
    except (msgspec.DecodeError, RecursionError):
        return ""


def is_unknown(data: bytes) -> bool:
    """Whether an event is of a kind that is of no concern here: its fields may be of any shape."""
    kind = tag_of(data)
    return bool(kind) and kind not in KNOWN
