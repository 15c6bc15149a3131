"""The client against servers of both generations of the protocol, over each transport."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import urlopen

import msgspec
import pytest
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from akmon_core.errors import ToolError
from akmon_core.servers import PromptArgument, Server, ServerPrompt, ServerResource, Transport
from tests.tools.mcp.running import listening, started_by_client
from tests.tools.mcp.talks import PATIENCE, Answers, Talk, talking, text_of

NEWER = "2026-07-28"
OLDER = "2025-11-25"


class Kind(msgspec.Struct, frozen=True):
    """A way to be a server."""

    transport: Transport
    protocol: str

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("--old",) if self.protocol == OLDER else ()

    @contextmanager
    def running(self, *more: str) -> Iterator[Server]:
        if self.transport == "stdio":
            yield started_by_client(*self.arguments, *more)
            return
        with listening(self.transport, *self.arguments, *more) as running:
            yield running.server


STDIO = [Kind("stdio", NEWER), Kind("stdio", OLDER)]
HTTP = [Kind("http", NEWER), Kind("http", OLDER)]
KINDS = [*STDIO, *HTTP, Kind("sse", OLDER)]


def name_of(kind: Kind) -> str:
    return f"{kind.transport}-{kind.protocol}"


@pytest.fixture(scope="module", params=KINDS, ids=name_of)
def kind(request: pytest.FixtureRequest) -> Kind:
    assert isinstance(request.param, Kind)
    return request.param


@pytest.fixture(scope="module")
def talk(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    """A connection that several tests use one after the other."""
    with kind.running() as server, talking(server, tmp_path_factory.mktemp("project")) as talk:
        yield talk


Start = Callable[..., Talk]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Connects to servers of a test's own."""
    with ExitStack() as stack:

        def started(kind: Kind, *more: str) -> Talk:
            server = stack.enter_context(kind.running(*more))
            return stack.enter_context(talking(server, tmp_path))

        yield started


def tools_of(talk: Talk) -> set[str]:
    return {tool.name for tool in talk.connection.listing.tools}


def test_the_newest_protocol_that_both_speak_is_used(talk: Talk, kind: Kind) -> None:
    assert talk.connection.protocol == kind.protocol
    assert talk.connection.says == "everything 1.2.3"


def test_tools_are_listed_with_what_they_say(talk: Talk) -> None:
    tools = {tool.name: tool for tool in talk.connection.listing.tools}
    assert tools["weather"].title == "The weather"
    assert tools["weather"].description == "The weather in a city, as data."
    assert tools["weather"].schema["properties"]["city"]["type"] == "string"
    assert tools["weather"].output_schema is not None
    assert tools["weather"].reads_only
    assert not tools["die"].reads_only
    assert tools["die"].annotations["destructiveHint"] is True


def test_prompts_and_resources_are_listed(talk: Talk) -> None:
    assert set(talk.connection.listing.prompts) == {
        ServerPrompt(
            name="review",
            about="A review of a file",
            arguments=(PromptArgument(name="path", required=True), PromptArgument(name="style")),
        ),
        ServerPrompt(name="hello", about="Takes nothing"),
    }
    resources = {resource.uri: resource for resource in talk.connection.listing.resources}
    assert resources["notes://today"] == ServerResource(
        uri="notes://today", name="today", about="What is on today"
    )
    assert resources["greetings://{name}"].template
    assert set(resources) == {"notes://today", "pictures://red", "greetings://{name}"}


def test_a_call_brings_text(talk: Talk) -> None:
    result = talk.call("echo", {"text": "Grüße, 世界"})
    assert result.content == [TextContent(type="text", text="Grüße, 世界")]
    assert not result.is_error


def test_a_call_brings_data(talk: Talk) -> None:
    assert talk.call("weather", {"city": "Ulm"}).structured_content == {"city": "Ulm", "celsius": 21.5}


def test_a_call_brings_a_picture(talk: Talk) -> None:
    (picture,) = talk.call("picture").content
    assert isinstance(picture, ImageContent)
    assert picture.mime_type == "image/png"
    assert base64.b64decode(picture.data).startswith(b"\x89PNG")


def test_a_call_brings_links_resources_and_sounds(talk: Talk) -> None:
    text, link, note, sound = talk.call("mixed").content
    assert isinstance(text, TextContent)
    assert isinstance(link, ResourceLink)
    assert link.uri == "notes://today"
    assert isinstance(note, EmbeddedResource)
    assert isinstance(note.resource, TextResourceContents)
    assert note.resource.text == "A note within."
    assert isinstance(sound, AudioContent)


def test_a_tool_that_fails_says_why(talk: Talk) -> None:
    result = talk.call("fail", {"message": "no such thing"})
    assert result.is_error
    assert "no such thing" in text_of(result)


def test_arguments_that_a_tool_does_not_take_are_an_error(talk: Talk) -> None:
    result = talk.call("add", {"a": "one"})
    assert result.is_error
    assert "b" in text_of(result)


def test_an_error_of_the_protocol_is_one_of_the_call(talk: Talk) -> None:
    with pytest.raises(ToolError, match="not today"):
        talk.call("refuse", {"message": "not today"})
    assert text_of(talk.call("add", {"a": 1, "b": 2})) == "3"


def test_a_call_tells_how_far_it_is(talk: Talk) -> None:
    lines: list[str] = []
    assert text_of(talk.call("count", {"to": 3}, progress=lines.append)) == "counted to 3"
    assert [number for number in (1, 2, 3) if any(f"at {number}" in line for line in lines)] == [1, 2, 3]


def test_calls_at_the_same_time_get_their_own_results(talk: Talk) -> None:
    async def both() -> list[str]:
        calls = (talk.calling("echo", {"text": f"call {number}"}) for number in range(20))
        return [text_of(result) for result in await asyncio.gather(*calls)]

    assert talk.run(both()) == [f"call {number}" for number in range(20)]


def test_resources_are_read(talk: Talk) -> None:
    (today,) = talk.run(talk.connection.read("notes://today")).contents
    assert isinstance(today, TextResourceContents)
    assert today.text == "Nothing is on today."
    (red,) = talk.run(talk.connection.read("pictures://red")).contents
    assert isinstance(red, BlobResourceContents)
    assert base64.b64decode(red.blob).startswith(b"\x89PNG")
    (greeting,) = talk.run(talk.connection.read("greetings://Ann")).contents
    assert isinstance(greeting, TextResourceContents)
    assert greeting.text == "Hello, Ann."


def test_a_resource_that_is_not_there_is_an_error(talk: Talk) -> None:
    with pytest.raises(ToolError, match="nowhere"):
        talk.run(talk.connection.read("nowhere://at/all"))


def test_prompts_are_filled_in(talk: Talk) -> None:
    (message,) = talk.run(talk.connection.prompt("review", {"path": "a.py", "style": "long"})).messages
    assert isinstance(message.content, TextContent)
    assert message.content.text == "Review a.py, long."
    (message,) = talk.run(talk.connection.prompt("review", {"path": "a.py"})).messages
    assert isinstance(message.content, TextContent)
    assert message.content.text == "Review a.py, short."


def test_a_prompt_that_lacks_an_argument_is_an_error(talk: Talk) -> None:
    with pytest.raises(ToolError):
        talk.run(talk.connection.prompt("review", {}))


def test_a_server_learns_the_folders_of_the_workspace(talk: Talk) -> None:
    assert text_of(talk.call("folders")) == talk.root.as_uri()


def test_a_server_may_ask_the_person(talk: Talk) -> None:
    answers = Answers(["red"])
    assert text_of(talk.call("paint", ask=answers)) == "painted red"
    ((question, options),) = answers.asked
    assert "Which colour?" in question
    assert "Any you like" in question
    assert options == ("green", "decline")


def test_a_person_may_decline_what_a_server_asks(talk: Talk) -> None:
    result = talk.call("paint", ask=Answers(["decline"]))
    assert result.is_error
    assert "elicitation was decline" in text_of(result)


def test_a_server_is_not_answered_where_nobody_can_be_asked(talk: Talk) -> None:
    assert talk.call("paint").is_error


def test_a_server_gets_nothing_of_the_model(talk: Talk) -> None:
    with pytest.raises(ToolError, match="sampling"):
        talk.call("think")


def test_tools_that_come_and_go_are_noticed(start: Start, kind: Kind) -> None:
    talk = start(kind)
    assert "grown" not in tools_of(talk)
    talk.call("grow")
    talk.until(lambda: "grown" in tools_of(talk))
    assert text_of(talk.call("grown")) == "grown"
    talk.call("shrink")
    talk.until(lambda: "grown" not in tools_of(talk))


def test_a_call_that_is_cancelled_ends_at_the_server_too(start: Start, kind: Kind, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    talk = start(kind, "--trace", str(trace))

    async def cancelled() -> None:
        began = asyncio.Event()
        call = asyncio.create_task(talk.calling("wait", progress=lambda line: began.set()))
        await began.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        while trace.read_text().split() != ["began", "cancelled"]:
            await asyncio.sleep(0.02)

    talk.run(cancelled())
    assert text_of(talk.call("echo", {"text": "still there"})) == "still there"


@pytest.mark.parametrize("kind", STDIO, ids=name_of)
def test_a_server_that_dies_is_started_again(start: Start, kind: Kind) -> None:
    talk = start(kind)
    with pytest.raises(ToolError):
        talk.call("die")
    talk.until(lambda: talk.connection.state == "ready")
    assert text_of(talk.eventually("echo", {"text": "again"})) == "again"
    assert talk.said


@pytest.mark.parametrize("kind", [*HTTP, Kind("sse", OLDER)], ids=name_of)
def test_a_server_that_dies_under_a_call_is_used_again_when_it_is_back(kind: Kind, tmp_path: Path) -> None:
    with listening(kind.transport, *kind.arguments) as first, talking(first.server, tmp_path) as talk:
        with pytest.raises(ToolError):
            talk.call("die")
        first.process.wait(PATIENCE)
        with listening(kind.transport, *kind.arguments, "--port", str(first.port)):
            assert text_of(talk.eventually("echo", {"text": "again"})) == "again"


def test_a_server_that_forgot_the_session_is_connected_anew(start: Start) -> None:
    talk = start(Kind("http", OLDER))
    url = talk.connection.server.url.removesuffix("/mcp")
    with urlopen(f"{url}/forget") as answer:
        assert int(answer.read()) == 1
    assert text_of(talk.eventually("echo", {"text": "again"})) == "again"
