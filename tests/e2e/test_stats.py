"""``akmon stats`` after real runs."""

from __future__ import annotations

import pytest

from tests.e2e.program import Place, sound

SCRIPT = """\
price input=3 output=15 cache_read=0.3 cache_write=3.75
---
say Let me
usage input=1000 output=10
error 529 retry_after=0.1 busy
say  see.
call list {}
usage cache_write=9000 output=50
---
say Done.
usage input=9200 output=40
---
say Again.
usage input=100 cache_read=9200 output=5
"""


@pytest.fixture
def played(place: Place) -> Place:
    model = place.script(SCRIPT)
    assert place.akmon("-m", model, "-p", "go", "-n", "nice").code == 0
    assert place.akmon("-m", model, "-c", "-p", "once more").code == 0
    return place


def test_the_sums_are_those_of_the_session_and_a_cache_break_is_named_with_its_step(played: Place) -> None:
    stats = played.akmon("stats", "nice", "--json").json
    state = sound(played.journal())
    total = stats["total"]
    assert (total["calls"], total["retries"]) == (3, 1)
    assert (total["input_tokens"], total["output_tokens"]) == (10_300, 105)
    assert (total["cache_read_tokens"], total["cache_write_tokens"]) == (9_200, 9_000)
    assert total["cost_usd"] == state.cost
    assert total["cached_share"] == round(9_200 / 28_500, 4)
    assert [(turn["turn"], turn["calls"]) for turn in stats["turns"]] == [(1, 2), (2, 1)]
    assert [model["calls"] for model in stats["models"]] == [3]
    (broken,) = stats["cache_breaks"]
    assert (broken["turn"], broken["step"], broken["tokens"]) == (1, 2, 9_000)
    assert broken["cause"].startswith("the provider no longer had it")


def test_as_a_table_for_people(played: Place) -> None:
    ran = played.akmon("stats")
    assert ran.code == 0
    session, _, head, *rows = ran.out.splitlines()
    assert session.endswith("[nice]")
    assert head.split() == [
        "calls",
        "retries",
        "input",
        "output",
        "cache",
        "read",
        "cache",
        "write",
        "cached",
        "cost",
    ]
    assert rows[0].split() == ["turn", "1", "2", "1", "10,200", "100", "0", "9,000", "0%", "$0.0659"]
    assert rows[3].split()[:3] == ["total", "3", "1"]
    assert rows[4].startswith("cache broken in turn 1, step 2: the provider no longer had it (less than")


def test_without_a_price_or_tokens_it_says_so(place: Place) -> None:
    place.play("say hi", "go")
    total = place.akmon("stats", "--json").json["total"]
    assert (total["cost_usd"], total["cached_share"]) == (None, None)
    assert "unpriced" in place.akmon("stats").out


def test_a_session_that_there_is_not_is_told(place: Place) -> None:
    assert "no session" in place.akmon("stats").err
    place.play("say hi", "go")
    assert "no session of this project is called 'x'" in place.akmon("stats", "x").err
