"""The tool that puts a question to the person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.limits import OPTIONS, QUESTION_CHARS, TITLE_CHARS
from akmon_core.text import one_line
from akmon_core.tools import Effect, ToolContext, ToolOutput

_DECIDE = "The person gave no answer: decide yourself, and say in the end what you assumed."


class AskArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    question: Annotated[str, Meta(min_length=1, max_length=QUESTION_CHARS)]
    options: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=2 * TITLE_CHARS)], ...],
        Meta(max_length=OPTIONS, description="Likely answers; any other may come."),
    ] = ()

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise ValueError("the question is blank")


class AskTool:
    name = "ask"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = AskArguments

    def effects(self, arguments: AskArguments) -> tuple[Effect, ...]:
        return (Effect("ask", arguments.question),)

    async def run(self, arguments: AskArguments, context: ToolContext) -> ToolOutput:
        options = dict.fromkeys(option.strip() for option in arguments.options if option.strip())
        answer = (await context.ask(arguments.question, tuple(options))).strip()
        return ToolOutput(answer or _DECIDE, summary=one_line(answer, 100) or "no answer")
