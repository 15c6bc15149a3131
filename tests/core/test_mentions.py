"""What a person names of servers, and how words become the arguments of a prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.mentions import fill_in, mentioned
from akmon_core.servers import PromptArgument, ServerPrompt

REVIEW = ServerPrompt(
    name="review", arguments=(PromptArgument(name="path", required=True), PromptArgument(name="style"))
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see @docs:file:///a.md.", [("docs", "file:///a.md")]),
        ("(@docs:a://b) and @docs:a://b again", [("docs", "a://b")]),
        ("@docs:a://b, @wiki:c://d!", [("docs", "a://b"), ("wiki", "c://d")]),
        ("mail@docs:a://b", []),
        ("@other:a://b", []),
        ("@docs:", []),
        ("@docs:...", []),
    ],
)
def test_resources_are_named_by_their_server(text: str, found: list[tuple[str, str]]) -> None:
    assert mentioned(text, {"docs", "wiki"}) == found


@given(st.text(alphabet=' @:a.("\n'))
def test_whatever_is_typed_each_resource_is_named_once(text: str) -> None:
    found = mentioned(text, {"a"})
    assert len({*found}) == len(found)
    assert all(server == "a" and uri and f"@a:{uri}" in text for server, uri in found)


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("src", {"path": "src"}),
        ("src very short", {"path": "src", "style": "very short"}),
        ("'a b' short", {"path": "a b", "style": "short"}),
        ("style=short src", {"path": "src", "style": "short"}),
        ("it's", {"path": "it's"}),
        ("a=b", {"path": "a=b"}),
    ],
)
def test_arguments_of_a_prompt_are_words_or_named(typed: str, values: dict[str, str]) -> None:
    filled = fill_in(REVIEW, typed)
    assert (filled.values, filled.missing, filled.surplus) == (values, (), "")


@pytest.mark.parametrize(
    ("typed", "missing", "surplus"),
    [("", ("path",), ""), ("style=x", ("path",), ""), ("path=a style=b c", (), "c")],
)
def test_arguments_that_do_not_fit_are_told(typed: str, missing: tuple[str, ...], surplus: str) -> None:
    filled = fill_in(REVIEW, typed)
    assert (filled.missing, filled.surplus) == (missing, surplus)
