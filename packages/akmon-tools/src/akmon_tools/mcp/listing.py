"""Takes over what a server says it offers: bounded, harmless to show, and with words for what is left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from akmon_core.limits import (
    MCP_DESCRIPTION_CHARS,
    MCP_LEFT_OUT,
    MCP_LISTED,
    MCP_MESSAGE_BYTES,
    MCP_NAME_CHARS,
    MCP_SAID_CHARS,
    MCP_SCHEMA_CHARS,
    MCP_TOOLS,
    MCP_URI_CHARS,
)
from akmon_core.servers import PromptArgument, ServerPrompt, ServerResource
from akmon_core.text import neutralise, one_line
from akmon_tools.mcp.facts import Listing, ToolFacts

if TYPE_CHECKING:
    import mcp_types as types

_ABOUT_CHARS = 500
_ARGUMENTS = 50
_ANY: dict[str, Any] = {"type": "object"}


class Taken:
    """What was taken so far. ``full`` says that no more pages are wanted."""

    def __init__(self) -> None:
        self._tools: dict[str, ToolFacts] = {}
        self._prompts: dict[str, ServerPrompt] = {}
        self._resources: dict[str, ServerResource] = {}
        self._left: list[str] = []
        self._size = 0

    def listing(self) -> Listing:
        left = self._left[:MCP_LEFT_OUT]
        if more := len(self._left) - len(left):
            left.append(f"and {more} more things")
        return Listing(
            tools=tuple(self._tools.values()),
            prompts=tuple(self._prompts.values()),
            resources=tuple(self._resources.values()),
            left_out=tuple(left),
        )

    def leave(self, what: str) -> None:
        """Says that something was not taken."""
        self._left.append(what)

    @property
    def full(self) -> bool:
        """So much has come that nothing more is taken."""
        return self._size > MCP_MESSAGE_BYTES

    def tool(self, tool: types.Tool) -> bool:
        """False if there are too many."""
        if len(self._tools) >= MCP_TOOLS:
            self.leave(f"tools beyond the first {MCP_TOOLS}")
            return False
        if self._size > MCP_SAID_CHARS:
            self.leave(f"tools beyond {MCP_SAID_CHARS} characters of what they say")
            return False
        if self._is_named("tool", tool.name, self._tools):
            self._tools[tool.name] = self._facts(tool)
        return True

    def prompt(self, prompt: types.Prompt) -> bool:
        if len(self._prompts) >= MCP_LISTED:
            self.leave(f"prompts beyond the first {MCP_LISTED}")
            return False
        arguments = prompt.arguments or []
        if len(arguments) > _ARGUMENTS or any(not _is_name(each.name) for each in arguments):
            self.leave(
                f"prompt {one_line(prompt.name, 60)}: its arguments are too many, or have no proper names"
            )
        elif self._is_named("prompt", prompt.name, self._prompts):
            self._prompts[prompt.name] = ServerPrompt(
                name=prompt.name,
                about=self._about(prompt.description or prompt.title),
                arguments=tuple(
                    PromptArgument(
                        name=each.name, about=self._about(each.description), required=bool(each.required)
                    )
                    for each in arguments
                ),
            )
        return True

    def resource(
        self, uri: str, resource: types.Resource | types.ResourceTemplate, *, template: bool
    ) -> bool:
        if len(self._resources) >= MCP_LISTED:
            self.leave(f"resources beyond the first {MCP_LISTED}")
            return False
        if not _is_name(uri, MCP_URI_CHARS):
            self.leave(
                f"resource {one_line(uri, 60)}: its address is too long, or has characters that none has"
            )
            return True
        self._size += len(uri)
        self._resources.setdefault(
            uri,
            ServerResource(
                uri=uri,
                name=one_line(resource.title or resource.name, MCP_NAME_CHARS),
                about=self._about(resource.description),
                template=template,
            ),
        )
        return True

    def _is_named(self, kind: str, name: str, known: dict[str, Any]) -> bool:
        if name in known:
            self.leave(f"{kind} {name}: there is another one of this name")
        elif not _is_name(name):
            self.leave(f"{kind} {one_line(name, 60)}: its name is too long, or has characters that none has")
        else:
            return True
        return False

    def _facts(self, tool: types.Tool) -> ToolFacts:
        annotations = (
            tool.annotations.model_dump(by_alias=True, exclude_none=True) if tool.annotations else {}
        )
        if isinstance(title := annotations.get("title"), str):
            annotations["title"] = one_line(title, MCP_NAME_CHARS)
        title = tool.title or (tool.annotations and tool.annotations.title) or ""
        described = neutralise(tool.description or "")
        self._size += len(described)
        if len(described) > MCP_DESCRIPTION_CHARS:
            self.leave(f"tool {tool.name}: its description beyond {MCP_DESCRIPTION_CHARS} characters")
            described = described[: MCP_DESCRIPTION_CHARS - 1] + "…"
        schema = self._bounded(tool.name, "schema", tool.input_schema)
        output = tool.output_schema and self._bounded(tool.name, "output schema", tool.output_schema)
        return ToolFacts(
            name=tool.name,
            title=one_line(title, MCP_NAME_CHARS),
            description=described,
            schema=_ANY if schema is None else schema,
            output_schema=output,
            reads_only=bool(tool.annotations and tool.annotations.read_only_hint),
            annotations=self._bounded(tool.name, "annotations", annotations) or {},
        )

    def _bounded(self, tool: str, what: str, value: dict[str, Any]) -> dict[str, Any] | None:
        size = len(json.dumps(value))
        self._size += size
        if size <= MCP_SCHEMA_CHARS:
            return value
        self.leave(f"tool {tool}: its {what} of {size} characters, more than {MCP_SCHEMA_CHARS}")
        return None

    def _about(self, text: str | None) -> str:
        self._size += len(text or "")
        return one_line(text or "", _ABOUT_CHARS)


def _is_name(name: str, width: int = MCP_NAME_CHARS) -> bool:
    """Whether it can be shown as it is: it has to be said to the server to the letter."""
    return bool(name) and one_line(name, width) == name
