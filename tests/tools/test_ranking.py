"""Ranking by words: what is found, in which script, in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_tools.ranking import lines_with, query_terms, rank

TEXTS = [
    ("Release", "tag the commit, then deploy the wheels"),
    ("Build", "make build; the build needs node, deployment does not"),
    ("發布流程", "先執行測試，然後部署到伺服器"),
    ("リリース", "テストを実行してからデプロイする"),
    ("배포", "서버에서 테스트를 실행한다"),
    ("Müller’s ＡＰＩ", "the straße has a naïve parser"),
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("release", [0]),
        ("RELEASE tag", [0]),
        ("deploy", [0, 1]),
        ("build", [1]),
        ("部署", [2]),
        ("測試 伺服器", [2]),
        ("布", [2]),
        ("デプロイ", [3]),
        ("테스트", [4]),
        ("api", [5]),
        ("STRASSE", [5]),
        ("nothing", []),
        ("", []),
        ("!?", []),
    ],
)
def test_words_are_found_in_any_script(query: str, found: list[int]) -> None:
    assert sorted(rank(query, TEXTS)) == found


def test_a_short_word_must_occur_as_it_is() -> None:
    texts = [("", "gone"), ("", "go on")]
    assert rank("go", texts) == [1]
    assert rank("gon", texts) == [0]


def test_a_title_counts_more_than_a_body_and_a_rare_word_more_than_a_common_one() -> None:
    assert rank("wheels", [("x", "wheels"), ("wheels", "x"), ("x", "wheels wheels")]) == [1, 2, 0]
    assert rank("the wheels", [("", "the the"), ("", "the"), ("", "the"), ("", "wheels")])[:2] == [3, 0]


def test_the_lines_that_match_are_given_in_order() -> None:
    text = "one\nthe tests\nnone\nTesting 測試"
    assert list(lines_with(query_terms("test"), text)) == ["the tests", "Testing 測試"]
    assert list(lines_with(query_terms("測試"), text)) == ["Testing 測試"]


@given(st.text(max_size=200))
def test_a_text_is_found_by_any_of_its_own_words(text: str) -> None:
    for term in query_terms(text):
        assert rank(term, [("", text), ("", "")]) == [0]


@given(st.text(max_size=50), st.lists(st.tuples(st.text(max_size=20), st.text(max_size=50)), max_size=5))
def test_no_text_is_found_twice(query: str, texts: list[tuple[str, str]]) -> None:
    found = rank(query, texts)
    assert len(set(found)) == len(found)
    assert set(found) <= set(range(len(texts)))
