"""A session as a document: Markdown and HTML for people, JSON for programs."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from akmon_cli.redaction import redactor
from akmon_core.events import (
    Attached,
    CacheBroken,
    Cleared,
    CommandRan,
    Committed,
    Compacted,
    Envelope,
    Event,
    FilesChanged,
    Instructed,
    ModelFailed,
    PermissionDecided,
    PlanSaved,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    Renamed,
    Replied,
    Rewound,
    Steered,
    SummaryFailed,
    ToolFinished,
    TurnEnded,
)
from akmon_core.files import FileChange, became
from akmon_core.messages import Text, ToolCall, User
from akmon_core.text import attached_note, describe_cache_break, json_escaped, neutralise, one_line
from akmon_query.journal import read_records
from akmon_query.store import SessionInfo

_RESULT_CHARS = 4_000
_FILES = 50
_PATH_CHARS = 500


def markdown(info: SessionInfo) -> Iterator[str]:
    name = f" ({info.name})" if info.name else ""
    head = f"# Session {info.id}{name}\n\n{info.provider}/{info.model} in `{info.cwd}`\n"
    yield redactor()(neutralise(head))
    for _, envelope, _ in read_records(info.path):
        for section in _sections(envelope):
            yield redactor()(neutralise(section))


def as_json(info: SessionInfo) -> Iterator[str]:
    """One object; ``records`` holds every record as it stands in the journal, unknown ones too.

    But for secrets, which the first versions kept where tools had read them.
    """
    head = msgspec.json.encode({"session_id": info.id, "name": info.name, "cwd": info.cwd}).decode()
    yield json_escaped(head[:-1]) + ',"records":['
    for number, (line, _, _) in enumerate(read_records(info.path)):
        yield ("," if number else "") + "\n" + json_escaped(_redacted(line.decode()))
    yield "\n]}\n"


def as_html(info: SessionInfo) -> Iterator[str]:
    yield (
        f'<!doctype html>\n<meta charset="utf-8">\n<title>akmon session {html.escape(info.id)}</title>\n'
        "<style>body{font:15px/1.5 system-ui;max-width:50em;margin:2em auto;padding:0 1em}"
        "pre{white-space:pre-wrap;overflow-wrap:anywhere}</style>\n<pre>\n"
    )
    for piece in markdown(info):
        yield html.escape(piece)
    yield "</pre>\n"


def _redacted(line: str) -> str:
    """A record without secrets; a signature and an image look like none."""
    if redactor()(line) == line:
        return line
    return msgspec.json.encode(_each_redacted(msgspec.json.decode(line))).decode()


def _each_redacted(value: Any) -> Any:
    match value:
        case str():
            return redactor()(value)
        case dict():
            return {key: _each_redacted(item) for key, item in value.items()}
        case list():
            return [_each_redacted(item) for item in value]
        case _:
            return value


TRANSCRIPTS: dict[str, Callable[[SessionInfo], Iterator[str]]] = {
    "markdown": markdown,
    "json": as_json,
    "html": as_html,
}


def _sections(envelope: Envelope) -> Iterator[str]:
    """What is said of an event; a sub-agent and what it was given to do stand under its name."""
    agent = envelope.agent
    person, model = (f"Task of {agent}", agent) if agent else ("User", "akmon")
    match envelope.event:
        case CommandRan(command, output, code):
            ended = "did not end" if code is None else f"exit {code}"
            text = f"$ {command}\n{output[:_RESULT_CHARS]}"
            yield f"\n**command of the user** ({ended})\n\n{_fenced(text)}"
        case Prompted(message) | Steered(message):
            yield f"\n## {person}\n\n{_text(message)}\n"
        case Attached(message=message):
            text = _text(message)[:_RESULT_CHARS]
            yield f"\n**{attached_note(envelope.event)}**\n\n{_fenced(text)}"
        case Replied(message):
            yield f"\n## {model}\n\n{message.text}\n" if message.text else ""
            yield from (_call(call) for call in message.calls)
        case ModelFailed(said=said) if said:
            yield f"\n## {model}\n\n{said}\n"
        case CacheBroken():
            yield f"\n*{describe_cache_break(envelope.event)}*\n"
        case PermissionDecided(decision=decision, by=by, reason=reason, tool=tool):
            yield f"\n*{tool}: {decision} by {by}: {reason}*\n"
        case ToolFinished(result, tool):
            kind = "failed" if result.error else "result"
            yield f"\n**{tool} {kind}**\n\n{_fenced(result.text[:_RESULT_CHARS])}"
        case TurnEnded(outcome, reason) if outcome != "completed":
            yield f"\n*{f'{agent} ended' if agent else 'Turn ended'}: {outcome}: {reason}*\n"
        case FilesChanged() | Rewound() | Committed():
            yield from _about_files(envelope.event)
        case event:
            yield from _about_the_conversation(event)


def _about_files(event: FilesChanged | Rewound | Committed) -> Iterator[str]:
    match event:
        case FilesChanged(changes):
            yield f"\n*Files: {_named(changes)}*\n"
        case Rewound(to=to, conversation=conversation, changes=changes, left=left):
            what = "files and conversation" if conversation else "files"
            yield f"\n*Taken back to before record {to}: {what}*\n"
            if changes:
                yield f"\n*Files: {_named(changes)}*\n"
            if left:
                yield f"\n*Left as they are: {', '.join(one_line(path, _PATH_CHARS) for path in left)}*\n"
        case Committed(commit, subject, files):
            yield f"\n*Committed {commit}: {one_line(subject, 200)} (files: {len(files)})*\n"


def _named(changes: tuple[FileChange, ...]) -> str:
    shown = [f"{one_line(each.path, _PATH_CHARS)} {became(each)}" for each in changes[:_FILES]]
    return ", ".join(shown) + (f" and {len(changes) - _FILES:,} more" if len(changes) > _FILES else "")


def _about_the_conversation(event: Event) -> Iterator[str]:
    match event:
        case Instructed(text) if text:
            yield f"\n**instructions of the user and the project**\n\n{_fenced(text[:_RESULT_CHARS])}"
        case Cleared(results):
            yield f"\n*Old results left the prompt: {len(results)}*\n"
        case Compacted(summary=summary, before=before, after=after):
            sizes = f"about {before:,} tokens, then {after:,}"
            yield f"\n**the conversation was shortened** ({sizes})\n\n{_fenced(summary)}"
        case SummaryFailed(message=message):
            yield f"\n*No summary of the conversation: {message}*\n"
        case Reminded(message=message):
            yield f"\n*akmon to the model: {_text(message)}*\n"
        case Renamed(name):
            yield f"\n*{f'The session is called {name}' if name else 'The session has no name'}*\n"
        case PlanSaved(path) if path:
            yield f"\n*The plan is in {path}*\n"
        case QuestionAsked(question=question, options=options):
            yield f"\n*Question: {question}{''.join(f' / {option}' for option in options)}*\n"
        case QuestionAnswered(text=text):
            yield f"\n*Answer: {text or 'left to the model'}*\n"
        case _:
            return


def _text(message: User) -> str:
    return "\n".join(part.text if isinstance(part, Text) else "[image]" for part in message.parts)


def _call(call: ToolCall) -> str:
    return f"\n**{call.name}**\n\n{_fenced(call.arguments)}"


def _fenced(text: str) -> str:
    """A code block whose fence is longer than any in ``text``."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}\n"
