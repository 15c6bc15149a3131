"""What servers ask of the person."""

from __future__ import annotations

import asyncio
from typing import Any

import mcp_types as types
import pytest

from akmon_core.errors import ToolError
from akmon_tools.mcp.asking import answer


class Person:
    """Gives answers in turn, and remembers what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = [*answers]
        self.asked: list[str] = []
        self.options: list[tuple[str, ...]] = []

    async def __call__(self, question: str, options: tuple[str, ...]) -> str:
        self.asked.append(question)
        self.options.append(options)
        return self.answers.pop(0) if self.answers else ""


def form(person: Person | None, message: str = "Please.", /, **properties: Any) -> types.ElicitResult:
    """All of ``properties`` are required but for those that have a default."""
    required = [name for name, each in properties.items() if "default" not in each]
    schema = {"type": "object", "properties": properties, "required": required}
    params = types.ElicitRequestFormParams(message=message, requested_schema=schema)
    return asyncio.run(answer(params, "github", person))


def url(person: Person | None, address: str) -> types.ElicitResult:
    params = types.ElicitRequestURLParams(message="Log in.", url=address, elicitation_id="1")
    return asyncio.run(answer(params, "github", person))


TEXT = {"type": "string"}


def test_without_a_person_it_is_declined() -> None:
    assert form(None, x=TEXT).action == "decline"
    assert url(None, "https://example.com/").action == "decline"


def test_a_person_who_says_nothing_declines_even_where_there_are_defaults() -> None:
    several: tuple[dict[str, Any], ...] = (
        {"x": TEXT},
        {"x": {**TEXT, "default": "d"}},
        {"x": TEXT, "y": TEXT},
        {},
    )
    for fields in several:
        result = form(Person(), **fields)
        assert result.action == "decline"
        assert result.content is None


def test_every_question_names_the_server() -> None:
    person = Person("answer", "a", "no number", "2")
    result = form(person, "Your API key?", key=TEXT, n={"type": "integer"})
    assert result.content == {"key": "a", "n": 2}
    assert len(person.asked) == 4
    assert all(question.startswith("github asks") for question in person.asked)
    assert "Your API key?" in person.asked[0]
    assert "What you answer is sent to github." in person.asked[0]
    assert "no number" in person.asked[3]


def test_one_field_is_asked_for_at_once() -> None:
    person = Person("yes")
    assert form(person, "Delete it?", ok={"type": "boolean"}).content == {"ok": True}
    assert person.options == [("yes", "no", "decline")]
    assert "Delete it?" in person.asked[0]
    person = Person("blue")
    colour = {"type": "string", "default": "green"}
    assert form(person, "Which colour?", colour=colour).content == {"colour": "blue"}
    assert person.options == [("green", "decline")]
    assert "leave it empty to decline" in person.asked[0]


@pytest.mark.parametrize("said", ["", "decline"])
def test_a_default_holds_only_where_somebody_says_so(said: str) -> None:
    colour = {"type": "string", "default": "green"}
    assert form(Person(said), "Which colour?", colour=colour).action == "decline"


def test_defaults_are_offered_and_hold_for_what_is_left_empty() -> None:
    defaults: dict[str, Any] = {
        "name": {"type": "string", "default": "John"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "gone"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
        "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "default": ["b"]},
    }
    person = Person("answer")
    result = form(person, **defaults)
    assert result.action == "accept"
    assert result.content == {name: each["default"] for name, each in defaults.items()}
    for shown, question in zip(("John", "30", "95.5", "active", "yes", "b"), person.asked[1:], strict=True):
        assert f"leave it empty for {shown})" in question


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "string", "format": "email"}, "a@b.c", "a@b.c"),
        ({"type": "string", "format": "date"}, "2026-11-22", "2026-11-22"),
        ({"type": "number"}, "2.5", 2.5),
        ({"type": "integer"}, "7", 7),
        ({"type": "boolean"}, "No", False),
        ({"type": "string", "enum": ["a", "b"], "enumNames": ["Ay", "Bee"]}, "bee", "b"),
        ({"type": "string", "enum": ["a", "b"]}, "b", "b"),
        ({"type": "string", "oneOf": [{"const": "#f00", "title": "Red"}]}, "Red", "#f00"),
        ({"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}}, "a, c", ["a", "c"]),
        (
            {
                "type": "array",
                "items": {"anyOf": [{"const": "x", "title": "X, or so"}, {"const": "y", "title": "Y"}]},
            },
            "X, or so",
            ["x"],
        ),
    ],
)
def test_an_answer_becomes_a_value_of_its_kind(schema: dict[str, Any], text: str, value: Any) -> None:
    assert form(Person(text), x=schema).content == {"x": value}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string", "format": "email"}, "nobody"),
        ({"type": "string", "format": "date-time"}, "soon"),
        ({"type": "string", "format": "uri"}, "nowhere"),
        ({"type": "string", "minLength": 3}, "ab"),
        ({"type": "string", "maxLength": 3}, "abcd"),
        ({"type": "integer"}, "2.5"),
        ({"type": "integer"}, "1e999"),
        ({"type": "integer"}, "true"),
        ({"type": "number", "minimum": 1}, "0"),
        ({"type": "number", "maximum": 1}, "2"),
        ({"type": "number"}, "NaN"),
        ({"type": "boolean"}, "perhaps"),
        ({"type": "string", "enum": ["a"]}, "b"),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 1}, "a,b"),
    ],
)
def test_an_answer_that_does_not_fit_is_asked_for_once_more(schema: dict[str, Any], text: str) -> None:
    person = Person(text, text)
    assert form(person, x=schema).action == "cancel"
    assert len(person.asked) == 2
    assert person.asked[1].startswith("github asks again, as ")


def test_an_optional_field_may_be_left_out() -> None:
    schema = {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a"]}
    params = types.ElicitRequestFormParams(message="", requested_schema=schema)
    assert asyncio.run(answer(params, "s", Person("answer", "x", ""))).content == {"a": "x"}


def test_a_question_without_fields_is_yes_or_no() -> None:
    result = form(Person("accept"), "Sure?")
    assert (result.action, result.content) == ("accept", {})
    assert form(Person("decline"), "Sure?").action == "decline"


def test_what_nobody_can_be_asked_is_declined_without_a_question() -> None:
    person = Person("answer")
    for schema in ({"type": "object"}, {"type": "array", "items": {"type": "object"}}):
        assert form(person, x=schema).action == "decline"
    assert form(person, **{f"x{at}": TEXT for at in range(1_000)}).action == "decline"
    assert person.asked == []


def test_where_asking_fails_it_is_declined() -> None:
    async def nobody(_question: str, _options: tuple[str, ...]) -> str:
        raise ToolError("nobody can be asked here")

    params = types.ElicitRequestFormParams(message="m", requested_schema={"properties": {"x": TEXT}})
    assert asyncio.run(answer(params, "s", nobody)).action == "decline"


def test_what_a_server_writes_steers_nothing_and_has_an_end() -> None:
    person = Person("x")
    field = {**TEXT, "title": "\x1b[2J\u202ename" + "t" * 10_000, "description": "\x07" + "d" * 100_000}
    form(person, "\x1b]0;pwned\x07" + "m" * 100_000, x=field)
    assert not {"\x1b", "\x07", "\u202e"} & set(person.asked[0])
    assert len(person.asked[0]) < 10_000


def test_an_address_is_shown_whole_and_never_opened() -> None:
    address = "https://github.com@evil.example/" + "a" * 1_000
    person = Person("I have opened it")
    result = url(person, address)
    assert (result.action, result.content) == ("accept", None)
    assert person.asked[0].endswith(f"\n{address}")
    assert "which is at evil.example." in person.asked[0]
    assert url(Person("decline"), address).action == "decline"
    assert url(Person(), address).action == "decline"


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "a:$(touch x)",
        "http://x/\x1b[2J",
        "https://x/ y",
    ],
)
def test_other_addresses_are_declined_without_a_question(address: str) -> None:
    person = Person("I have opened it")
    assert url(person, address).action == "decline"
    assert person.asked == []
