"""Chat of Ollama: a JSON object per line; calls arrive whole and have no ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from akmon_core.stream import Usage
from tests.models.matrix.formats.base import Event, Format, StreamError, dump
from tests.models.matrix.replies import Call, Indexes, Reply

NONE = "Ollama knows no refusals: a model that refuses says so in its text"


class Ollama(Format):
    content_type = "application/x-ndjson"
    origin = "ollama"
    has_ids = False
    streams_arguments = False
    exempt: Mapping[str, str] = MappingProxyType({"refusal": NONE, "refusal with a call": NONE})

    def events(self, reply: Reply, indexes: Indexes = "right") -> list[Event]:
        done = {
            "done": True,
            "done_reason": "length" if reply.stop == "length" else "stop",
            "total_duration": 7,
            "load_duration": 1,
            "prompt_eval_count": reply.usage.prompt_tokens,
            "eval_count": reply.usage.output_tokens,
        }
        return [
            *(self._line({"content": "", "thinking": piece}) for piece in reply.thinking),
            *(self._line({"content": piece}, piece) for piece in reply.text),
            *(self._line({"content": "", "tool_calls": [self._call(call)]}) for call in reply.calls),
            Event({**self._line({"content": ""}).data, **done}),
        ]

    def frame(self, event: Event) -> bytes:
        return dump(event.data) + b"\n"

    def framings(self, events: Sequence[Event]) -> dict[str, bytes]:
        lines = [dump(event.data) for event in events]
        return {
            "crlf": b"".join(line + b"\r\n" for line in lines),
            "blank lines": b"".join(b"\n" + line + b"\n \n" for line in lines),
            "spaces": b"".join(b"  " + line + b" \t\n" for line in lines),
            "byte-order mark": b"\xef\xbb\xbf" + b"".join(line + b"\n" for line in lines),
            "no last line end": b"\n".join(lines),
        }

    def errors(self) -> list[StreamError]:
        return [
            StreamError("text", b'{"error":"an error was encountered while running the model"}\n', "server"),
            StreamError("status", b'{"error":"unexpected EOF","status_code":500}\n', "server"),
        ]

    def body(self, kind: str, message: str) -> dict[str, Any]:
        return {"error": message}

    def unknown(self) -> Event:
        return Event({"brand_new": 1, "model": "m", "created_at": "2026-01-01T00:00:00Z"})

    def alive(self) -> bytes:
        return b"\n"

    def ends(self, event: Event) -> bool:
        return bool(event.data.get("done"))

    def garbage(self) -> bytes:
        return b"{oops\n"

    def counted(self, usage: Usage) -> Usage:
        return Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.output_tokens)

    def _line(self, message: dict[str, Any], says: str = "") -> Event:
        head = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
        return Event({**head, "message": {"role": "assistant", **message}, "done": False}, says=says)

    def _call(self, call: Call) -> dict[str, Any]:
        """What a server cannot parse it would not send as a call; one that follows it may send a text."""
        try:
            arguments: Any = json.loads(call.arguments)
        except ValueError:
            arguments = call.arguments
        return {"function": {"name": call.name, "arguments": arguments}}
