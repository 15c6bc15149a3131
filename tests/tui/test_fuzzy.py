"""Finding paths by a few of their characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.limits import FUZZY_SCORED
from akmon_tui.fuzzy import Finder, best, match_of

FILES = (
    "README.md",
    "src/app.py",
    "src/akmon/application/views.py",
    "src/akmon/tui/fuzzy_matcher.py",
    "src/akmon/tui/view.py",
    "tests/tui/test_view.py",
    "docs/view-of-the-world.md",
    "src/Makefile",
    "src/akmon/İstanbul.py",
)
letters = st.text("abAB/._-é漢İ", max_size=12)


def texts(query: str, count: int = 5) -> list[str]:
    return [match.text for match in best(query, FILES, count)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("view", "src/akmon/tui/view.py"),
        ("app", "src/app.py"),
        ("fm", "src/akmon/tui/fuzzy_matcher.py"),
        ("tuiview", "src/akmon/tui/view.py"),
        ("tests/view", "tests/tui/test_view.py"),
        ("vow", "docs/view-of-the-world.md"),
        ("readme", "README.md"),
        ("Make", "src/Makefile"),
        ("stanbul", "src/akmon/İstanbul.py"),
    ],
)
def test_what_is_meant_stands_first(query: str, first: str) -> None:
    assert texts(query)[0] == first


def test_upper_case_has_to_agree_and_lower_case_finds_both() -> None:
    assert texts("makefile") == ["src/Makefile"]
    assert texts("MAKEFILE") == []


def test_an_empty_query_finds_the_candidates_in_their_own_order() -> None:
    assert texts("", 3) == list(FILES[:3])


def test_a_query_is_found_among_more_paths_than_are_looked_at_closely() -> None:
    many = [f"src/module{number}/part_{number}.py" for number in range(5 * FUZZY_SCORED)]
    found = best("p", [*many, "a/long/way/down/p.py"], 3)
    assert found[0].text == "a/long/way/down/p.py"
    assert best("module77/", many, 1)[0].text == "src/module77/part_77.py"
    assert best("p1234.", many, 1)[0].text == "src/module1234/part_1234.py"


@given(st.lists(letters, max_size=20), letters)
def test_matches_are_candidates_with_the_characters_of_the_query_in_order(
    candidates: list[str], query: str
) -> None:
    for match in best(query, candidates, 20):
        assert match.text in candidates
        assert list(match.positions) == sorted(set(match.positions))
        assert len(match.positions) == len(query)
        seen = "".join(match.text[at] for at in match.positions)
        assert seen == query or seen.lower() == query


@given(
    st.lists(st.text("abAB/._", max_size=8), max_size=20, unique=True),
    st.text("abAB/._", min_size=1, max_size=4),
)
def test_nothing_that_matches_is_missed(candidates: list[str], query: str) -> None:
    def has(text: str) -> bool:
        rest = iter(text if query != query.lower() else text.lower())
        return all(char in rest for char in query)

    assert {match.text for match in best(query, candidates, 20)} == {text for text in candidates if has(text)}
    assert all((match_of(query, text) is not None) == has(text) for text in candidates)


@given(st.lists(letters, max_size=20), st.lists(letters, min_size=1, max_size=8))
def test_what_was_typed_before_changes_nothing(candidates: list[str], queries: list[str]) -> None:
    finder = Finder(candidates)
    for query in queries:
        for size in range(len(query) + 1):
            assert finder.best(query[:size], 9) == best(query[:size], candidates, 9)
