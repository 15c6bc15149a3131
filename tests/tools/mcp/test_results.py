"""What comes back from servers."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest

from akmon_core.limits import IMAGE_BYTES, MCP_IMAGES, MCP_RESULT_CHARS
from akmon_core.messages import Image, Text
from akmon_core.tools import TextView, ToolOutput
from akmon_tools.mcp.results import output_of, output_of_resource, parts_of_prompt, parts_of_resource
from akmon_tools.outputs import Outputs

PNG = b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\x0d\xefF\xb8\x00\x00\x00\x00IEND\xaeB`\x82"
).decode()


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path / "outputs")


def text(value: str) -> types.TextContent:
    return types.TextContent(text=value)


def image(data: str = PNG) -> types.ImageContent:
    return types.ImageContent(data=data, mime_type="image/png")


def output(outputs: Outputs, *content: Any, structured: Any = None, error: bool = False) -> ToolOutput:
    result = types.CallToolResult(content=[*content], structured_content=structured, is_error=error)
    return output_of(result, "docs", outputs)


def test_text_is_given_as_it_is_and_marked_as_the_servers(outputs: Outputs) -> None:
    assert output(outputs, text("one\ntwo"), text("three")) == ToolOutput(
        "one\ntwo\nthree", view=TextView("one\ntwo\nthree"), summary="3 lines", untrusted="docs"
    )


def test_nothing_is_said_to_be_nothing(outputs: Outputs) -> None:
    got = output(outputs)
    assert (got.text, got.summary, got.view) == ("[The tool gave nothing back.]", "nothing", None)


def test_pictures_are_shown_and_the_rest_is_named(outputs: Outputs) -> None:
    got = output(outputs, text("Look:"), image(), types.AudioContent(data="AAAA", mime_type="audio/wav"))
    assert got.images == (Image("image/png", PNG),)
    assert "[image 1: image (image/png): PNG image, 1x1 pixels, " in got.text
    assert "[audio, audio/wav, 3 bytes: it cannot be played here]" in got.text
    assert got.summary == "3 lines, 1 image"


@pytest.mark.parametrize("data", ["!!!", "AAAA", "", PNG[:40], "A" * (IMAGE_BYTES + 4)])
def test_a_picture_that_no_model_takes_is_only_named(outputs: Outputs, data: str) -> None:
    got = output(outputs, image(data))
    assert got.images == ()
    assert got.text.startswith("[image (image/png), ")
    assert "; not shown: " in got.text


def test_only_so_many_pictures_are_shown(outputs: Outputs) -> None:
    got = output(outputs, *[image()] * (MCP_IMAGES + 2))
    assert len(got.images) == MCP_IMAGES
    assert got.text.count("not shown: only") == 2


def test_resources_are_put_in_place_and_links_say_how_to_read_them(outputs: Outputs) -> None:
    got = output(
        outputs,
        types.EmbeddedResource(
            resource=types.TextResourceContents(uri="file:///a.md", mime_type="text/markdown", text="# A")
        ),
        types.EmbeddedResource(resource=types.BlobResourceContents(uri="file:///b.bin", blob="AAAA")),
        types.EmbeddedResource(resource=types.BlobResourceContents(uri="file:///c.png", blob=PNG)),
        types.ResourceLink(
            uri="file:///d.md", name="d", size=1_200, mime_type="text/markdown", description="The D."
        ),
    )
    assert got.text.split("\n")[:2] == ["[file:///a.md, text/markdown]", "# A"]
    assert "[file:///b.bin, 3 bytes; not shown: " in got.text
    assert len(got.images) == 1
    link = (
        "[resource file:///d.md (d, text/markdown, 1,200 bytes): The D.; `mcp_resource` reads it from docs]"
    )
    assert got.text.endswith(link)


@pytest.mark.parametrize(
    ("texts", "structured"),
    [
        (['{"b": 2, "a": 1}'], {"a": 1, "b": 2}),
        (["3"], {"result": 3}),
        (["three"], {"result": "three"}),
        (["1", "2"], {"result": [1, 2]}),
        (["a", "b"], {"result": ["a", "b"]}),
        (["Here:", '{"a": 1}'], {"a": 1}),
    ],
)
def test_structured_content_is_left_out_if_the_text_says_the_same(
    outputs: Outputs, texts: list[str], structured: Any
) -> None:
    assert output(outputs, *map(text, texts), structured=structured).text == "\n".join(texts)


@pytest.mark.parametrize("structured", [{"a": 2}, {"result": []}, [1], 0, "x", {"a": {"b": [None, True]}}])
def test_structured_content_is_given_as_json_otherwise(outputs: Outputs, structured: Any) -> None:
    assert json.loads(output(outputs, structured=structured).text) == structured
    assert output(outputs, text("Done."), structured=structured).text.startswith("Done.\n")


def test_an_error_is_one_and_always_says_something(outputs: Outputs) -> None:
    got = output(outputs, text("no such\nissue"), error=True)
    assert (got.error, got.summary, got.untrusted) == (True, "failed: no such issue", "docs")
    assert output(outputs, error=True).text == "The tool failed, and its server did not say why."


def test_what_steers_terminals_or_hides_is_made_visible(outputs: Outputs) -> None:
    got = output(outputs, text("\x1b]0;pwned\x07a\u202eb"), structured={"a": "\x9b2J"}, error=True)
    link = types.ResourceLink(uri="x:\x1b[2J", name="\x07n", mime_type="\u200bm")
    for said in (got, output(outputs, link), output(outputs, types.AudioContent(data="", mime_type="\x1b"))):
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u200b"} & set(said.text + said.summary)
    assert "a<U+202E>b" in got.text


@pytest.mark.parametrize("char", ["x", "漢", "\x00"])
def test_of_a_long_text_the_ends_are_shown_and_the_whole_is_kept(outputs: Outputs, char: str) -> None:
    whole = "START " + (char * 99 + "\n") * 10_000 + " END"
    got = output(outputs, text(whole))
    assert got.text.startswith("START ")
    assert got.text.endswith(" END")
    assert len(got.text) <= 4 * MCP_RESULT_CHARS
    assert "the whole is in output:1, a path that `read` and `search` take" in got.text
    assert outputs.path(1).read_text("utf-8") == whole
    assert outputs.untrusted(1) == "docs"


def test_of_a_result_that_cannot_be_kept_the_ends_are_shown(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    got = output(Outputs(tmp_path / "file"), text("x" * 2 * MCP_RESULT_CHARS))
    assert "the whole could not be kept" in got.text
    assert not got.error


def test_a_resource_is_text_and_pictures(outputs: Outputs) -> None:
    result = types.ReadResourceResult(
        contents=[
            types.TextResourceContents(uri="x://a", text="hello\x1b[2J"),
            types.BlobResourceContents(uri="x://b", blob=PNG, mime_type="image/png"),
        ]
    )
    said, picture = parts_of_resource(result, outputs)
    assert isinstance(said, Text)
    assert said.text.startswith("[x://a]\nhello\n[image 1: x://b, image/png: PNG")
    assert picture == Image("image/png", PNG)
    got = output_of_resource(result, "docs", outputs)
    assert (got.text, got.images, got.untrusted) == (said.text, (picture,), "docs")
    assert parts_of_resource(types.ReadResourceResult(contents=[]), outputs) == (Text("[nothing]"),)


def test_a_prompt_of_one_is_what_it_says_and_of_several_says_who(outputs: Outputs) -> None:
    def said(*messages: tuple[Any, str]) -> tuple[Any, ...]:
        result = types.GetPromptResult(
            messages=[types.PromptMessage(role=role, content=text(words)) for role, words in messages]
        )
        return parts_of_prompt(result, outputs)

    assert said(("user", "Review it."), ("user", "Well.")) == (Text("Review it.\nWell."),)
    assert said(("user", "Hi."), ("assistant", "Yes?")) == (Text("user:\nHi.\nassistant:\nYes?"),)
