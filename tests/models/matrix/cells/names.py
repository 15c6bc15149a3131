"""What every provider is tested for: the names of all cells, and the tests that fill them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from tests.models.matrix.bench import Bench

Test: TypeAlias = Callable[[Bench], None]

NAMES = (
    # what it says
    "text",
    "thinking",
    "thinking goes back",
    "thinking of another protocol does not go back",
    "thinking cut before its proof does not go back",
    "one call",
    "parallel calls",
    "empty reply",
    "refusal",
    "refusal with a call",
    "length",
    "length in mid-arguments",
    "usage",
    "usage told again and again",
    "invalid arguments",
    "missing ids",
    "duplicate ids",
    "missing indexes",
    "duplicate indexes",
    # how it is written
    "framings",
    "byte by byte",
    "split at every byte",
    "unknown events",
    "unknown fields",
    "duplicated events",
    "line separators of unicode",
    "invalid utf-8",
    "huge event",
    "empty deltas",
    "garbage",
    "wrong content type",
    # where it breaks off
    "cut at every byte",
    "cut on a socket",
    "no end",
    "errors in mid-stream",
    "damaged compression",
    # how it refuses
    "rate limit",
    "overloaded",
    "html error page",
    "html instead of a stream",
    "json error instead of a stream",
    "empty 200",
    "endless error body",
    "bad request",
    "too long",
    "redirect",
    "connection refused",
    "connection reset",
    "tls reset",
    # when it comes, and when it is not wanted any more
    "silence before headers",
    "silence before the first byte",
    "silence between chunks",
    "signs of life only",
    "cancel in mid-stream",
    "cancel while waiting",
    # when it is asked again
    "countdown",
    "cancel in a countdown",
    "goes on after a cut",
    # what it is sent
    "address and key",
    "nothing from the environment",
    "no key",
    "one connection",
    "two at once",
    "no retries of its own",
)

CELLS: dict[str, Test] = {}


def cell(name: str) -> Callable[[Test], Test]:
    def fill(test: Test) -> Test:
        assert name in NAMES, name
        assert name not in CELLS, name
        CELLS[name] = test
        return test

    return fill
