"""The agent looks for places by meaning, and finds what it has itself written a moment ago."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.e2e.program import Place, sound
from tests.semantic.corpus import QUESTIONS, write
from tests.semantic.places import built, needs_model, vectors

pytestmark = needs_model

EDIT = """
call semantic_search {"query": "big cats of Africa", "limit": 1}
---
call read {"path": "docs/holidays.md"}
---
call edit <<JSON
{"path": "docs/holidays.md", "old": "# Vacation", "new": "# Lions\\n\\nThey roar in Kenya.\\n\\n# Vacation"}
JSON
---
call semantic_search {"query": "big cats of Africa", "limit": 1}
---
call semantic_search {"query": "big cats of Africa", "limit": 1}
---
call semantic_search {"query": "big cats of Africa", "path": "docs/*.md", "limit": 1}
---
say Done.
"""
"""After the edit it looks more than once: a search waits only so long for what has changed to be embedded."""


def answers(lines: list[dict[str, Any]]) -> list[str]:
    """The results of ``semantic_search``."""
    results = [line for line in lines if line["type"] == "user" and line["tool"] == "semantic_search"]
    blocks = [line["message"]["content"][0] for line in results]
    assert not [block for block in blocks if block["is_error"]]
    return [str(block["content"]) for block in blocks]


def asked(place: Place, *questions: str) -> list[str]:
    """What one session finds, first of all."""
    calls = [f"call semantic_search {json.dumps({'query': question, 'limit': 1})}" for question in questions]
    ran = place.play("\n---\n".join([*calls, "say done"]), "go", "--output-format", "stream-json")
    assert ran.code == 0, ran.err
    return answers(ran.lines)


def test_the_agent_finds_by_meaning_what_words_alone_do_not(place: Place) -> None:
    write(place.project)
    questions = [question.text for question in QUESTIONS]
    assert asked(place, *questions) == ["Nothing was found."] * len(questions)
    assert "geo/route.py:1-" in asked(place, "Dijkstra")[0]
    assert vectors(place) == {}
    built(place)
    first = [re.fullmatch(r"(.+):\d+-\d+  (.+)\n[\s\S]+", found) for found in asked(place, *questions)]
    assert [found and found.groups() for found in first] == [
        (question.path, question.symbol) for question in QUESTIONS
    ]


def test_the_agent_finds_by_meaning_what_it_has_just_written(place: Place) -> None:
    write(place.project)
    built(place)
    before = vectors(place)
    ran = place.play(EDIT, "go", "--output-format", "stream-json", "--permission-mode", "accept-edits")
    assert ran.code == 0, ran.err
    first, *_, last = answers(ran.lines)
    assert "holidays" not in first
    assert last == "docs/holidays.md:1-3  Lions\n# Lions\n\nThey roar in Kenya."
    assert len(vectors(place)) == len(before) + 1
    sound(place.journal())
