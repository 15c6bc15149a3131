"""What servers give back, as text and pictures that a model can be shown: bounded, and steering nothing."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import IMAGE_BYTES, MCP_IMAGES, MCP_RESULT_CHARS
from akmon_core.messages import Image, Text
from akmon_core.text import neutralise, one_line
from akmon_core.tools import TextView, ToolOutput
from akmon_tools.images import image_of, picture_of
from akmon_tools.outputs import PREFIX, Outputs
from akmon_tools.truncate import join

if TYPE_CHECKING:
    from mcp_types import (
        BlobResourceContents,
        CallToolResult,
        ContentBlock,
        GetPromptResult,
        ReadResourceResult,
        ResourceLink,
        TextResourceContents,
    )

_LABEL_CHARS = 300
_URI_CHARS = 2_000
_SOURCE = "a server"


def output_of(result: CallToolResult, server: str, outputs: Outputs) -> ToolOutput:
    """What came of a call, marked as from ``server``, which anybody may have told what to say."""
    taken = _Taken(server)
    taken.take(result.content)
    if result.structured_content is not None and not _says(taken.texts, result.structured_content):
        taken.pieces.append(_as_json(result.structured_content))
    text = shown("\n".join(taken.pieces), server, outputs)
    summary = _summary(text, taken.images)
    if result.is_error:
        text = text if text.strip() else "The tool failed, and its server did not say why."
        summary = f"failed: {one_line(text, 100)}"
    return ToolOutput(
        text if text.strip() or taken.images else "[The tool gave nothing back.]",
        error=result.is_error,
        images=tuple(taken.images),
        view=TextView(text) if text.strip() else None,
        summary=summary,
        untrusted=server,
    )


def output_of_resource(result: ReadResourceResult, server: str, outputs: Outputs) -> ToolOutput:
    """The same of a resource that was read."""
    parts = parts_of_resource(result, outputs, server)
    text = "\n".join(part.text for part in parts if isinstance(part, Text))
    images = tuple(part for part in parts if isinstance(part, Image))
    summary = _summary(text, images)
    return ToolOutput(text, images=images, view=TextView(text), summary=summary, untrusted=server)


def parts_of_resource(
    result: ReadResourceResult, outputs: Outputs, server: str = _SOURCE
) -> tuple[Text | Image, ...]:
    taken = _Taken(server)
    for contents in result.contents:
        taken.resource(contents)
    return taken.parts(outputs)


def parts_of_prompt(
    result: GetPromptResult, outputs: Outputs, server: str = _SOURCE
) -> tuple[Text | Image, ...]:
    """Its messages in a row. If they are of several, each is headed by who says it."""
    taken = _Taken(server)
    several = len({message.role for message in result.messages}) > 1
    for message in result.messages:
        if several:
            taken.pieces.append(f"{message.role}:")
        taken.take([message.content])
    return taken.parts(outputs)


class _Taken:
    """What has been taken out of contents of the protocol, in their order."""

    def __init__(self, server: str) -> None:
        self._server = server
        self.pieces: list[str] = []
        """Not neutralised yet."""
        self.texts: list[str] = []
        """Those that were text by themselves."""
        self.images: list[Image] = []

    def parts(self, outputs: Outputs) -> tuple[Text | Image, ...]:
        text = shown("\n".join(self.pieces), self._server, outputs)
        return (Text(text if text.strip() else "[nothing]"), *self.images)

    def take(self, content: Iterable[ContentBlock]) -> None:
        import mcp_types as types

        for block in content:
            match block:
                case types.TextContent(text=text):
                    self.texts.append(text)
                    self.pieces.append(text)
                case types.ImageContent(data=data, mime_type=kind):
                    self._image(data, f"image ({_label(kind)})")
                case types.AudioContent(data=data, mime_type=kind):
                    self.pieces.append(f"[audio, {_label(kind)}, {_size(data)}: it cannot be played here]")
                case types.EmbeddedResource(resource=resource):
                    self.resource(resource)
                case types.ResourceLink():
                    self.pieces.append(self._link(block))

    def resource(self, contents: TextResourceContents | BlobResourceContents) -> None:
        import mcp_types as types

        uri = one_line(contents.uri, _URI_CHARS)
        kind = f", {_label(contents.mime_type)}" if contents.mime_type else ""
        match contents:
            case types.TextResourceContents(text=text):
                self.pieces.append(f"[{uri}{kind}]\n{text}")
            case types.BlobResourceContents(blob=data):
                self._image(data, f"{uri}{kind}")

    def _image(self, data: str, label: str) -> None:
        """A picture if ``data``, in Base64, is one that can be shown; else it is only named."""
        why = "it is too large"
        if len(data) <= IMAGE_BYTES:
            raw = _decoded(data)
            picture = picture_of(raw)
            why = picture.unfit if picture else "it is neither text nor a PNG, JPEG, GIF or WebP image"
            if picture and not why and len(self.images) < MCP_IMAGES:
                self.images.append(image_of(picture, raw))
                self.pieces.append(f"[image {len(self.images)}: {label}: {picture}]")
                return
        why = why or f"only {MCP_IMAGES} images of one result are"
        self.pieces.append(f"[{label}, {_size(data)}; not shown: {why}]")

    def _link(self, link: ResourceLink) -> str:
        name = one_line(link.title or link.name, _LABEL_CHARS)
        kind = f", {_label(link.mime_type)}" if link.mime_type else ""
        size = f", {link.size:,} bytes" if link.size else ""
        about = f": {one_line(link.description, _LABEL_CHARS)}" if link.description else ""
        uri = one_line(link.uri, _URI_CHARS)
        return f"[resource {uri} ({name}{kind}{size}){about}; `mcp_resource` reads it from {self._server}]"


def _label(text: str) -> str:
    return one_line(text, 100)


def _size(data: str) -> str:
    """Of what is in Base64."""
    return f"{len(data) * 3 // 4:,} bytes"


def _decoded(data: str) -> bytes:
    try:
        return b64decode(data)
    except (binascii.Error, ValueError):
        return b""


def _summary(text: str, images: Sequence[Image]) -> str:
    lines = len(text.splitlines())
    counts = ((lines, "line"), (len(images), "image"))
    said = [f"{count:,} {what}{'s' * (count != 1)}" for count, what in counts if count]
    return ", ".join(said) or "nothing"


def shown(text: str, source: str, outputs: Outputs) -> str:
    """``text`` from ``source`` as a model may read it: its ends if it is long, and where all of it is."""
    clean = neutralise(text[: MCP_RESULT_CHARS + 1])
    if len(text) <= MCP_RESULT_CHARS and len(clean) <= 2 * MCP_RESULT_CHARS:
        return clean
    whole = outputs.redactor(text)
    half = MCP_RESULT_CHARS // 2
    head, tail = whole[:half], whole[-half:]
    missing = _bytes(whole[half:-half])
    cap = min(_bytes(head) + _bytes(tail), 4 * MCP_RESULT_CHARS)
    return join(neutralise(head), neutralise(tail), missing, cap, _kept(whole, source, outputs))


def _kept(text: str, source: str, outputs: Outputs) -> str:
    """Where all of it is. The call has done its work even if nothing can be kept."""
    try:
        number, file = outputs.open_new(source)
        with file:
            file.write(text.encode(errors="replace"))
    except (ToolError, OSError):
        return "the whole could not be kept"
    return f"the whole is in {PREFIX}{number}, a path that `read` and `search` take"


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=1)
    except (RecursionError, ValueError):
        return "[structured content that is nested too deeply to be shown]"


def _says(texts: Sequence[str], value: Any) -> bool:
    """Whether ``texts`` say the same as ``value``. Servers wrap what is no object as ``{"result": …}``, and
    give a list as a text for each item."""
    said = [_parsed(text) for text in texts]
    inner = value["result"] if isinstance(value, dict) and [*value] == ["result"] else value
    try:
        return bool(texts) and (value in said or inner in (*said, *texts, said, [*texts]))
    except RecursionError:
        return False


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _Nothing


class _Nothing:
    """No JSON."""
