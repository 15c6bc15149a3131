"""server-everything, the protocol's own example, through the client: over each transport."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp_types import (
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from akmon_core.errors import ToolError
from akmon_core.servers import Transport
from tests.rigs.mcp import npm
from tests.tools.mcp.talks import Answers, Talk, talking, text_of

pytestmark = pytest.mark.skipif(bool(npm.missing()), reason=npm.missing())

CONDITIONAL = {"get-roots-list", "trigger-elicitation-request"}
"""Tools that it adds once it knows what the client can do."""
IMAGE = "data:text/plain;base64,aGVsbG8="


@pytest.fixture(scope="module", params=["stdio", "http", "sse"])
def talk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    transport: Transport = request.param
    root = tmp_path_factory.mktemp("project")
    if transport == "stdio":
        with talking(npm.everything(), root) as talk:
            yield talk
        return
    with npm.everything_at(transport) as server, talking(server, root) as talk:
        yield talk


def tools_of(talk: Talk) -> set[str]:
    return {tool.name for tool in talk.connection.listing.tools}


def test_it_says_who_it_is(talk: Talk) -> None:
    assert talk.connection.says == "mcp-servers/everything 2.0.0"
    assert talk.connection.protocol == "2025-11-25"


def test_tools_that_it_adds_later_are_listed(talk: Talk) -> None:
    talk.until(lambda: tools_of(talk) >= CONDITIONAL)
    assert {"echo", "get-sum", "get-tiny-image"} <= tools_of(talk)
    assert not any("sampling" in name for name in tools_of(talk)), "it was told that it may use the model"


def test_calls_bring_text(talk: Talk) -> None:
    assert text_of(talk.call("echo", {"message": "hi"})) == "Echo: hi"
    assert text_of(talk.call("get-sum", {"a": 1, "b": 2})) == "The sum of 1 and 2 is 3."


def test_calls_bring_data(talk: Talk) -> None:
    result = talk.call("get-structured-content", {"location": "Chicago"})
    assert result.structured_content == {
        "temperature": 36,
        "conditions": "Light rain / drizzle",
        "humidity": 82,
    }


def test_calls_bring_pictures_links_and_resources(talk: Talk) -> None:
    picture = talk.call("get-tiny-image").content[1]
    assert isinstance(picture, ImageContent)
    links = talk.call("get-resource-links", {"count": 2}).content[1:]
    assert [link.uri for link in links if isinstance(link, ResourceLink)] == [
        "demo://resource/dynamic/blob/1",
        "demo://resource/dynamic/text/2",
    ]
    held = talk.call("get-resource-reference", {"resourceType": "Text", "resourceId": 1}).content[1]
    assert isinstance(held, EmbeddedResource)


def test_a_wrong_argument_is_an_error_that_says_what_is_wrong(talk: Talk) -> None:
    result = talk.call("get-sum", {"a": "one", "b": 2})
    assert result.is_error
    assert "expected number" in text_of(result)


def test_a_tool_that_only_runs_as_a_task_is_an_error(talk: Talk) -> None:
    result = talk.call("simulate-research-query", {"topic": "tea"})
    assert result.is_error


def test_a_long_call_tells_how_far_it_is(talk: Talk) -> None:
    lines: list[str] = []
    arguments = {"duration": 0.2, "steps": 4}
    result = talk.call("trigger-long-running-operation", arguments, progress=lines.append)
    assert text_of(result).startswith("Long running operation completed")
    assert len(lines) == 4


def test_after_a_call_was_cancelled_the_next_is_answered(talk: Talk) -> None:
    async def cancelled() -> None:
        began = asyncio.Event()
        arguments = {"duration": 1_000, "steps": 100_000}
        doing = talk.calling("trigger-long-running-operation", arguments, progress=lambda line: began.set())
        call = asyncio.create_task(doing)
        await began.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    talk.run(cancelled())
    assert text_of(talk.call("echo", {"message": "hi"})) == "Echo: hi"


def test_it_learns_the_folders_of_the_workspace(talk: Talk) -> None:
    talk.until(lambda: tools_of(talk) >= CONDITIONAL)
    assert talk.root.as_uri() in text_of(talk.call("get-roots-list"))


def test_its_form_reaches_the_person(talk: Talk) -> None:
    talk.until(lambda: tools_of(talk) >= CONDITIONAL)
    fields = 13
    answers = Answers(["answer", "Ann", *[""] * (fields - 1)])
    said = text_of(talk.call("trigger-elicitation-request", ask=answers))
    assert "Please provide inputs" in answers.asked[0][0]
    assert len(answers.asked) == 1 + fields
    assert "- Name: Ann" in said
    assert "- Favorite Integer: 42" in said
    assert '"untitledMultipleSelectEnum": [\n      "Guitar"' in said


def test_resources_that_come_while_it_runs_are_listed_and_read(talk: Talk) -> None:
    def listed() -> set[str]:
        return {resource.uri for resource in talk.connection.listing.resources}

    assert "demo://resource/dynamic/text/{resourceId}" in listed()
    talk.call("gzip-file-as-resource", {"name": "x.gz", "data": IMAGE})
    talk.until(lambda: "demo://resource/session/x.gz" in listed())
    (text,) = talk.run(talk.connection.read("demo://resource/dynamic/text/1")).contents
    assert isinstance(text, TextResourceContents)
    assert text.text.startswith("Resource 1: ")


def test_prompts_are_listed_and_filled_in(talk: Talk) -> None:
    prompts = {prompt.name: prompt for prompt in talk.connection.listing.prompts}
    assert [(argument.name, argument.required) for argument in prompts["args-prompt"].arguments] == [
        ("city", True),
        ("state", False),
    ]
    (message,) = talk.run(talk.connection.prompt("args-prompt", {"city": "Ulm"})).messages
    assert isinstance(message.content, TextContent)
    assert message.content.text == "What's weather in Ulm?"
    with pytest.raises(ToolError):
        talk.run(talk.connection.prompt("no-such-prompt", {}))


def test_its_environment_holds_no_secrets(tmp_path: Path) -> None:
    with talking(npm.everything(), tmp_path) as talk:
        environment = text_of(talk.call("get-env"))
    assert "PATH" in environment
    assert "SECRET_TOKEN" not in environment
