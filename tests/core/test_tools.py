"""What a model is told of a tool, and how its arguments are checked."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from akmon_core.errors import ArgumentsError
from akmon_core.messages import ToolCall
from akmon_core.tools import Effect, Tool, ToolContext, ToolOutput, parse_arguments, tool_spec


class Change(msgspec.Struct, frozen=True):
    """One replacement."""

    old: Annotated[str, Meta(min_length=1, description="What is there.")]
    new: str = ""


class Arguments(msgspec.Struct, frozen=True):
    """Not for the model."""

    path: Annotated[str, Meta(description="The file.")]
    first: Annotated[Change, Meta(description="Done before all others.")]
    more: tuple[Change, ...] = ()
    last: Change | None = None
    kind: Literal["text", "binary"] = "text"
    count: Annotated[int, Meta(ge=1)] = 1


class EditTool:
    name = "edit"
    description = "Changes a file."
    arguments = Arguments

    def effects(self, arguments: Arguments) -> tuple[Effect, ...]:
        return (Effect("write", arguments.path),)

    async def run(self, arguments: Arguments, context: ToolContext) -> ToolOutput:
        return ToolOutput(arguments.path)


TOOL: Tool[Arguments] = EditTool()


def call(arguments: str) -> ToolCall:
    return ToolCall("1", "edit", arguments)


def test_the_schema_of_the_arguments_has_no_references_titles_at_the_top_or_docstring() -> None:
    spec = tool_spec(TOOL)
    assert (spec.name, spec.description) == ("edit", "Changes a file.")
    assert "$ref" not in json.dumps(spec.parameters)
    assert spec.parameters["type"] == "object"
    assert spec.parameters["required"] == ["path", "first"]
    assert "Not for the model" not in json.dumps(spec.parameters)


def test_nested_structs_are_inlined_everywhere_with_the_description_of_their_place() -> None:
    properties: dict[str, Any] = tool_spec(TOOL).parameters["properties"]
    fields = {"old": {"description": "What is there.", "type": "string", "minLength": 1}}
    for schema in (properties["first"], properties["more"]["items"], properties["last"]["anyOf"][0]):
        assert schema["type"] == "object"
        assert schema["properties"]["old"] == fields["old"]
    assert properties["first"]["description"] == "Done before all others."
    assert properties["path"]["description"] == "The file."


def test_arguments_become_the_struct_of_the_tool() -> None:
    parsed = parse_arguments(TOOL, call('{"path": "a", "first": {"old": "x"}, "more": [{"old": "y"}]}'))
    assert parsed == Arguments("a", Change("x"), (Change("y"),))


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ("", "path"),
        ("{}", "path"),
        ('{"path": 3, "first": {"old": "x"}}', r"\$\.path"),
        ('{"path": "a"}', "first"),
        ('{"path": "a", "first": {"old": ""}}', r"\$\.first\.old"),
        ('{"path": "a", "first": {"old": "x"}, "more": [{"old": "x"}, {}]}', r"\$\.more\[1\]"),
        ('{"path": "a", "first": {"old": "x"}, "kind": "tar"}', r"\$\.kind"),
        ('{"path": "a", "first": {"old": "x"}, "count": 0}', r"\$\.count"),
        ("[]", "object"),
        ("null", "object"),
    ],
)
def test_arguments_that_do_not_fit_name_the_field_and_all_fields(arguments: str, wrong: str) -> None:
    with pytest.raises(ArgumentsError, match=wrong) as caught:
        parse_arguments(TOOL, call(arguments))
    assert "path, first, more, last, kind, count" in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    ["{", '{"path": "a"', "not json", '{"path": "\\ud800x"}', '{"path": "\ud800"}', '{"x": ' + "[" * 100_000],
)
def test_arguments_that_are_no_json_ask_for_the_whole_call_again(arguments: str) -> None:
    with pytest.raises(ArgumentsError, match=r"not valid JSON.*Nothing was done"):
        parse_arguments(TOOL, call(arguments))


@given(st.text(st.characters(), max_size=30))
def test_any_arguments_are_taken_or_refused_as_arguments(arguments: str) -> None:
    try:
        parsed = parse_arguments(TOOL, call(arguments))
    except ArgumentsError:
        return
    assert isinstance(parsed, Arguments)
