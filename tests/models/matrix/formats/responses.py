"""Responses of OpenAI: server-sent events with numbered items."""

from __future__ import annotations

from typing import Any

from akmon_core.stream import Usage
from tests.models.matrix.formats.base import Event, Sse, StreamError, without
from tests.models.matrix.replies import Call, Indexes, Reply

NAMES = {
    "rate_limit": ("rate_limit_error", "rate_limit_exceeded"),
    "overloaded": ("server_error", "server_is_overloaded"),
    "bad_request": ("invalid_request_error", "bad"),
}
REASONS = {"length": "max_output_tokens", "refused": "content_filter"}

Told = tuple[str, dict[str, Any], str]
"""The type of an event, its fields, and the text that it carries."""


class Responses(Sse):
    origin = "responses"
    signs = True
    reply_id = "resp_1"

    def events(self, reply: Reply, indexes: Indexes = "right") -> list[Event]:
        items = self._items(reply)
        told: list[Told] = [
            ("response.created", {"response": self._response("in_progress")}, ""),
            ("response.in_progress", {"response": self._response("in_progress")}, ""),
        ]
        for at, (_, pieces) in enumerate(items):
            index = {"right": {"output_index": at}, "none": {}, "same": {"output_index": 0}}[indexes]
            told += [(kind, {**index, **fields}, says) for kind, fields, says in pieces]
        told.append(self._end(reply, [item for item, _ in items]))
        return [
            Event({"type": kind, "sequence_number": number, **fields}, kind, says)
            for number, (kind, fields, says) in enumerate(told)
        ]

    def errors(self) -> list[StreamError]:
        def failed(code: str, message: str) -> bytes:
            response = {**self._response("failed"), "error": {"code": code, "message": message}}
            data = {"type": "response.failed", "sequence_number": 90, "response": response}
            return self.frame(Event(data, "response.failed"))

        flat = {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None}
        nested = {"type": "error", "error": {"type": "server_error", "code": "server_error", "message": "x"}}
        return [
            StreamError("failed", failed("server_error", "boom"), "server"),
            StreamError("rate limit", failed("rate_limit_exceeded", "slow down"), "rate_limit"),
            StreamError("error", self.frame(Event({**flat, "sequence_number": 90}, "error")), "rate_limit"),
            StreamError("nested", self.frame(Event({**nested, "sequence_number": 90}, "error")), "server"),
        ]

    def body(self, kind: str, message: str) -> dict[str, Any]:
        name, code = NAMES[kind]
        return {"error": {"message": message, "type": name, "code": code, "param": None}}

    def unknown(self) -> Event:
        return Event(
            {"type": "response.brand_new", "delta": 7, "item": "x", "response": []}, "response.brand_new"
        )

    def ends(self, event: Event) -> bool:
        return event.name in ("response.completed", "response.incomplete")

    def _response(self, status: str) -> dict[str, Any]:
        return {"id": "resp_1", "object": "response", "created_at": 1, "status": status} | {
            "model": "m",
            "output": [],
            "usage": None,
            "error": None,
            "incomplete_details": None,
        }

    def _items(self, reply: Reply) -> list[tuple[dict[str, Any], list[Told]]]:
        """Of each item: how it ends, and its events."""
        items = []
        if reply.thinking:
            items.append(self._reasoning(reply))
        if reply.text:
            items.append(self._message(reply))
        return [*items, *(self._call(at, call, reply) for at, call in enumerate(reply.calls))]

    def _reasoning(self, reply: Reply) -> tuple[dict[str, Any], list[Told]]:
        text = "".join(reply.thinking)
        summary = [{"type": "summary_text", "text": text}]
        item: dict[str, Any] = {"id": "rs_1", "type": "reasoning", "summary": []}
        ended = without(
            {**item, "summary": summary, "encrypted_content": reply.signature}, "encrypted_content"
        )
        where = {"item_id": "rs_1", "summary_index": 0}
        part = {"type": "summary_text", "text": ""}
        done: list[Told] = [
            ("response.reasoning_summary_text.done", {**where, "text": text}, ""),
            ("response.reasoning_summary_part.done", {**where, "part": summary[0]}, ""),
            ("response.output_item.done", {"item": ended}, ""),
        ]
        return ended, [
            ("response.output_item.added", {"item": item}, ""),
            ("response.reasoning_summary_part.added", {**where, "part": part}, ""),
            *(
                ("response.reasoning_summary_text.delta", {**where, "delta": piece}, "")
                for piece in reply.thinking
            ),
            *(done if reply.signature else []),
        ]

    def _message(self, reply: Reply) -> tuple[dict[str, Any], list[Told]]:
        text = "".join(reply.text)
        whole = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        item = {"id": "m_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        ended = {**item, "status": "completed", "content": [whole]}
        where = {"item_id": "m_1", "content_index": 0}
        return ended, [
            ("response.output_item.added", {"item": item}, ""),
            ("response.content_part.added", {**where, "part": {**whole, "text": ""}}, ""),
            *(
                ("response.output_text.delta", {**where, "delta": piece, "logprobs": []}, piece)
                for piece in reply.text
            ),
            ("response.output_text.done", {**where, "text": text, "logprobs": []}, ""),
            ("response.content_part.done", {**where, "part": whole}, ""),
            ("response.output_item.done", {"item": ended}, ""),
        ]

    def _call(self, at: int, call: Call, reply: Reply) -> tuple[dict[str, Any], list[Told]]:
        item_id = f"fc_{at}"
        item = {"id": item_id, "type": "function_call", "call_id": call.id, "name": call.name}
        begun = without({**item, "arguments": "", "status": "in_progress"}, "call_id")
        cut = reply.stop == "length" and call is reply.calls[-1]
        status = "incomplete" if cut else "completed"
        ended = without({**item, "arguments": call.arguments, "status": status}, "call_id")
        where = {"item_id": item_id}
        return ended, [
            ("response.output_item.added", {"item": begun}, ""),
            *(("response.function_call_arguments.delta", {**where, "delta": p}, "") for p in call.pieces),
            ("response.function_call_arguments.done", {**where, "arguments": call.arguments}, ""),
            ("response.output_item.done", {"item": ended}, ""),
        ]

    def _end(self, reply: Reply, output: list[dict[str, Any]]) -> Told:
        whole = {"output": output, "usage": self._usage(reply.usage)}
        if reply.stop in REASONS:
            details = {"incomplete_details": {"reason": REASONS[reply.stop]}}
            response = {**self._response("incomplete"), **whole, **details}
            return "response.incomplete", {"response": response}, ""
        return "response.completed", {"response": {**self._response("completed"), **whole}}, ""

    def _usage(self, usage: Usage) -> dict[str, Any]:
        prompt = usage.prompt_tokens
        return {
            "input_tokens": prompt,
            "input_tokens_details": {
                "cached_tokens": usage.cache_read_tokens,
                "cache_write_tokens": usage.cache_write_tokens,
            },
            "output_tokens": usage.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": prompt + usage.output_tokens,
        }

    def garbage(self) -> bytes:
        return b"event: response.output_text.delta\n" + super().garbage()
