"""Questions that people ask about akmon's own code and documents, each with the places that answer it.

They were written by reading the code, before any search was asked for them, and are neither dropped nor
reworded because a search finds them badly or well. About a third share most of their words with what answers
them, a third some, a third hardly any. Paths count from the root of the repository.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

_FILE = Path(__file__).with_suffix(".jsonl")


class Answer(msgspec.Struct, frozen=True):
    """A place that answers a question."""

    path: str
    symbol: str
    """In Python the qualified name of a function, method or class; empty where a module that has none is the
    answer. In Markdown the text of a heading."""


class Question(msgspec.Struct, frozen=True):
    """A question, and its answers: each of them by itself is one."""

    question: str
    answers: tuple[Answer, ...]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    question: str
    answers: tuple[str, ...]
    """``path::symbol``."""


def questions() -> list[Question]:
    """All questions. Raises ``msgspec.ValidationError`` for a line that is none."""
    rows = msgspec.json.Decoder(_Row).decode_lines(_FILE.read_bytes())
    return [Question(row.question, tuple(map(_answer, row.answers))) for row in rows]


def _answer(text: str) -> Answer:
    path, _, symbol = text.partition("::")
    return Answer(path, symbol)
