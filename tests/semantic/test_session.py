"""The agent looks for places by meaning, and finds what it has itself written a moment ago."""

from __future__ import annotations

from typing import Any

from tests.e2e.program import Place, sound
from tests.semantic.corpus import QUESTIONS, write
from tests.semantic.places import built, needs_model, vectors

pytestmark = needs_model

SESSION = """
call semantic_search {"query": "withdraw money for payment", "limit": 1}
---
call semantic_search {"query": "big cats of Africa", "limit": 1}
---
call read {"path": "docs/holidays.md"}
---
call edit {"path": "docs/holidays.md", "old": "# Vacation", "new": "# Lions\\n\\nThey roar in the savanna.\\n\\n# Vacation"}
---
call semantic_search {"query": "big cats of Africa", "limit": 1}
---
call semantic_search {"query": "big cats of Africa", "limit": 1}
---
call semantic_search {"query": "big cats of Africa", "path": "docs/*.md", "limit": 1}
---
say Done.
"""
"""After the edit it looks more than once, as a search waits only so long for what has changed to be embedded."""


def answers(lines: list[dict[str, Any]]) -> list[str]:
    """The results of ``semantic_search``."""
    results = [line for line in lines if line["type"] == "user" and line["tool"] == "semantic_search"]
    blocks = [line["message"]["content"][0] for line in results]
    assert not [block for block in blocks if block["is_error"]]
    return [str(block["content"]) for block in blocks]


def test_the_agent_finds_by_meaning_also_what_it_has_just_written(place: Place) -> None:
    write(place.project)
    built(place)
    before = vectors(place)
    shown = ["--output-format", "stream-json", "--permission-mode", "accept-edits"]
    ran = place.play(SESSION, "go", *shown)
    assert ran.code == 0, ran.err
    money, cats, *_, last = answers(ran.lines)
    assert f"{QUESTIONS[0].path}:4-6  {QUESTIONS[0].symbol}\n" in money
    assert "def charge_credit_card(card, cents):" in money
    assert "holidays" not in cats
    assert "docs/holidays.md:1-4  Lions\n" in last
    assert "not embedded" not in last
    assert len(vectors(place)) == len(before) + 1
    sound(place.journal())


def test_a_session_without_a_built_index_finds_by_words(place: Place) -> None:
    write(place.project)
    script = 'call semantic_search {"query": "Dijkstra", "limit": 1}\n---\nsay done'
    ran = place.play(script, "go", "--output-format", "stream-json")
    assert ran.code == 0, ran.err
    (found,) = answers(ran.lines)
    assert "geo/route.py:1-" in found
    assert vectors(place) == {}
