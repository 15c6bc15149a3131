"""Says in a line what happened in a session besides decisions on calls and the calls themselves."""

from __future__ import annotations

from akmon_core.events import (
    Attached,
    CacheBroken,
    Cleared,
    CommandRan,
    Committed,
    Compacted,
    Continued,
    Event,
    FilesChanged,
    Instructed,
    ModeChanged,
    ModelChosen,
    ModelFailed,
    Pinned,
    PlanSaved,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    Renamed,
    Replied,
    Rewound,
    SessionStarted,
    Steered,
    SummaryFailed,
    TurnEnded,
    UnknownEvent,
)
from akmon_core.files import FileChange, became
from akmon_core.limits import AUDIT_DESCRIPTION_CHARS
from akmon_core.spending import Charged

_FILES = 20


def describe_step(event: Event) -> str:
    """One line, of at most ``AUDIT_DESCRIPTION_CHARS``; not made safe for a terminal."""
    line = " ".join(_said(event).split())
    if len(line) <= AUDIT_DESCRIPTION_CHARS:
        return line
    return f"{line[: AUDIT_DESCRIPTION_CHARS - 1]}…"


def _said(event: Event) -> str:
    match event:
        case SessionStarted():
            return f"session started by akmon {event.akmon} in {event.cwd}, roots: {', '.join(event.roots)}"
        case ModelChosen(provider, model, effort=effort):
            return f"model {provider}/{model}{f', effort {effort}' if effort else ''}"
        case ModeChanged(mode, revoked):
            return f"mode {mode}; what was allowed for the session is revoked" if revoked else f"mode {mode}"
        case Renamed(name):
            return f"named: {name}" if name else "no longer named"
        case CommandRan(command, exit_code=code):
            ended = "did not end" if code is None else f"exit {code}"
            return f"command of the person ({ended}): {command}"
        case Prompted(message):
            return f"prompt: {message.text}"
        case Steered(message):
            return f"said meanwhile: {message.text}"
        case Instructed(text):
            return f"instructions of the user and the project: {len(text):,} characters"
        case Reminded(kind, message):
            return f"akmon to the model ({kind}): {message.text}"
        case QuestionAsked(question=question):
            return f"question to the person: {question}"
        case QuestionAnswered(text=text):
            return f"answer of the person: {text or 'left to the model'}"
        case TurnEnded(outcome, reason):
            return f"turn ended: {outcome}{f': {reason}' if reason else ''}"
        case Replied() | ModelFailed() | Compacted() | SummaryFailed():
            return _called(event)
        case FilesChanged() | Rewound() | Committed():
            return _about_files(event)
        case _:
            return _about_the_conversation(event)


def _called(event: Charged) -> str:
    usage = event.usage
    cost = "unpriced" if event.cost is None else f"${event.cost:.4f}"
    took = (
        f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out, {usage.cache_read_tokens:,} cached, "
        f"{cost}, requests: {event.attempts}{f', by {event.model}' if event.model else ''}"
    )
    match event:
        case Replied(message):
            return f"reply ({took}; calls: {len(message.calls)}): {message.text}"
        case ModelFailed(kind, message):
            return f"model call failed ({took}): {kind}: {message}"
        case Compacted(before=before, after=after):
            return f"conversation shortened from {before:,} to {after:,} tokens ({took})"
        case SummaryFailed(message=message):
            return f"no summary of the conversation ({took}): {message}"


def _about_files(event: FilesChanged | Rewound | Committed) -> str:
    match event:
        case FilesChanged(changes, call_id):
            return f"files change{f' by {call_id}' if call_id else ''}: {_named(changes)}"
        case Rewound(to=to, conversation=conversation, changes=changes):
            what = "files and conversation" if conversation else "files"
            return f"taken back to before record {to}: {what}: {_named(changes)}"
        case Committed(commit, subject, files):
            return f"committed {commit}: {subject} ({', '.join(files[:_FILES])})"


def _named(changes: tuple[FileChange, ...]) -> str:
    names = ", ".join(f"{change.path} {became(change)}" for change in changes[:_FILES])
    return names + (f" and {len(changes) - _FILES:,} more" if len(changes) > _FILES else "")


def _about_the_conversation(event: Event) -> str:
    match event:
        case Continued():
            return "a reply that the output limit cut is asked to go on"
        case Pinned(pin):
            return f"{'pinned' if pin.text else 'no longer pinned'}: {pin.name}"
        case Attached(name, message):
            return f"attached to the prompt: {name} ({len(message.text):,} characters)"
        case PlanSaved(path):
            return f"plan saved in {path}" if path else "plan made"
        case Cleared(results, tokens):
            return f"old results left the prompt: {len(results)}, about {tokens:,} tokens"
        case CacheBroken(cause, tokens):
            return f"prompt cache broken: {cause} ({tokens:,} tokens)"
        case UnknownEvent(kind):
            return f"a record of a later version: {kind}"
        case _:
            return ""
