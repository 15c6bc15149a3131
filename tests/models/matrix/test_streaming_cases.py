"""Faults of streams that were met in practice (``cases/streaming.jsonl``): each is covered by cells."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.models.matrix.cells.names import NAMES
from tests.models.matrix.table import TABLE

CASES = Path(__file__).parents[1] / "cases" / "streaming.jsonl"

COVERED_BY: dict[str, tuple[str, ...]] = {
    "ST-001": ("cut on a socket", "no end", "cut at every byte", "goes on after a cut"),
    "ST-002": ("cut on a socket", "cut at every byte"),
    "ST-003": ("cut on a socket",),
    "ST-006": ("json error instead of a stream",),
    "ST-009": ("errors in mid-stream",),
    "ST-013": ("rate limit", "no retries of its own", "countdown", "cancel in a countdown"),
    "ST-015": ("rate limit",),
    "ST-017": ("silence before headers",),
    "ST-018": ("silence between chunks",),
    "ST-021": ("split at every byte", "byte by byte"),
    "ST-022": ("framings", "split at every byte"),
    "ST-023": ("line separators of unicode",),
    "ST-024": ("huge event",),
    "ST-025": ("garbage",),
    "ST-027": ("missing indexes",),
    "ST-028": ("missing ids",),
    "ST-029": ("duplicate ids",),
    "ST-031": ("length in mid-arguments",),
    "ST-032": ("refusal with a call",),
    "ST-033": ("unknown events", "unknown fields"),
    "ST-034": ("empty deltas",),
    "ST-039": ("wrong content type",),
    "ST-046": ("tls reset",),
    "ST-047": ("thinking cut before its proof does not go back", "cut at every byte"),
}


class Case(msgspec.Struct, frozen=True):
    id: str
    fault: str
    required: str


def cases() -> list[Case]:
    return [msgspec.json.decode(line, type=Case) for line in CASES.read_bytes().splitlines()]


def test_there_are_cases_and_no_other_claims() -> None:
    assert len(cases()) == 24
    assert set(COVERED_BY) == {case.id for case in cases()}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_each_case_is_tested_with_every_provider_that_can_have_it(case: Case) -> None:
    names = COVERED_BY[case.id]
    assert names
    assert set(names) <= set(NAMES)
    for row in TABLE:
        assert set(names) - set(row.format.exempt) or row.format.origin == "ollama"
