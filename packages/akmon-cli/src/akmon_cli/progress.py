"""What happens in a run, one line at a time, for people."""

from __future__ import annotations

from collections.abc import Set

from akmon_core.events import (
    Attached,
    CacheBroken,
    Cleared,
    CommandRan,
    Committed,
    Compacted,
    Compacting,
    Envelope,
    Event,
    FilesChanged,
    Instructed,
    Noticed,
    PermissionDecided,
    Pinned,
    PlanSaved,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    Renamed,
    Replied,
    Rewound,
    SummaryFailed,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from akmon_core.messages import ToolCall
from akmon_core.rewinding import changed_paths
from akmon_core.stream import Retrying
from akmon_core.text import (
    attached_note,
    describe_cache_break,
    describe_call,
    describe_retry,
    from_folder,
    name_files,
    one_line,
    tool_label,
)
from akmon_core.tools import DiffView

CHARS = 110


class Progress:
    """The lines for each event: what the main agent does in full, of a sub-agent one line per call.

    Files below ``folder`` are shown from there.
    """

    def __init__(self, folder: str = "") -> None:
        self._folder = folder
        self._main = _Main()
        self._agents: dict[str, _Agent] = {}
        self._commands: set[tuple[str, str]] = set()
        """Calls that run commands, by agent and id."""

    def lines(self, envelope: Envelope) -> list[str]:
        event, agent = envelope.event, envelope.agent
        match event:
            case FilesChanged() | Rewound() | Committed():
                return [f"[{agent}] {line}" if agent else line for line in self._files(event, agent)]
            case PermissionDecided(call_id=call_id, effects=effects):
                if any(effect.kind == "run" for effect in effects):
                    self._commands.add((agent, call_id))
        if not agent:
            return self._main.lines(event) or _notes(event)
        lines = self._agents.setdefault(agent, _Agent()).lines(event)
        return [f"[{agent}] {line}" for line in lines or _questions(event)]

    def _files(self, event: FilesChanged | Rewound | Committed, agent: str) -> list[str]:
        """What tools write themselves is shown with their calls."""
        match event:
            case FilesChanged(changes, call_id):
                paths = name_files(changed_paths(changes), self._folder)
                if not call_id:
                    return [one_line(f"! changed meanwhile: {paths}", CHARS)]
                indent = "" if agent else "  "
                runs = (agent, call_id) in self._commands
                return [indent + one_line(f"changed: {paths}", CHARS)] if runs else []
            case Rewound():
                return describe_rewind(event, self._folder)
            case Committed(commit, subject, files):
                count = f"({len(files):,} file{'s' * (len(files) != 1)})"
                return [f"! {one_line(f'committed {commit[:7]} {subject}', CHARS)} {count}"]


class _Agent:
    def __init__(self) -> None:
        self._calls: dict[str, ToolCall] = {}
        self._denied: dict[str, str] = {}

    def lines(self, event: Event) -> list[str]:
        match event:
            case Replied(message):
                self._calls = {call.id: call for call in message.calls}
                self._denied.clear()
                return []
            case PermissionDecided(call_id=call_id, decision="deny", reason=reason):
                self._denied[call_id] = reason
                return []
            case ToolFinished(result, tool, summary):
                call = self._calls.get(result.call_id)
                failed = "failed: " if result.error else ""
                denied = self._denied.get(result.call_id)
                came = f"{failed}{summary}" if denied is None else f"denied: {denied}"
                what = describe_call(call, CHARS) if call else tool_label(tool)
                return [one_line(f"{what}: {came}", CHARS)]
            case TurnEnded(outcome, reason) if outcome != "completed":
                return [one_line(f"{outcome}: {reason}", CHARS)]
            case _:
                return []


class _Main:
    def __init__(self) -> None:
        self._calls: dict[str, ToolCall] = {}
        self._reasons: dict[str, str] = {}
        self._denied: set[str] = set()
        self._above = ""
        """The call that the last line is about."""

    def lines(self, event: Event) -> list[str]:
        match event:
            case Replied(message):
                self._calls = {call.id: call for call in message.calls}
                self._denied.clear()
                self._above = ""
                return [message.text] if message.calls and message.text.strip() else []
            case PermissionDecided(call_id=call_id, decision="deny", reason=reason):
                self._denied.add(call_id)
                self._above = ""
                return [f"> {self._call(call_id)}", f"  denied: {reason}"]
            case PermissionDecided(call_id=call_id, reason=reason):
                self._reasons[call_id] = reason
                return []
            case ToolStarted(call_id, mutating=mutating):
                reason = f"  ({self._reasons.get(call_id)})" if mutating else ""
                self._above = call_id
                return [f"> {self._call(call_id)}{reason}"]
            case ToolFinished(result) if result.call_id in self._denied:
                return []
            case ToolFinished(result, summary=summary, view=view):
                diff = view.diff.rstrip("\n").split("\n") if isinstance(view, DiffView) else []
                head = [] if result.call_id == self._above else [f"> {self._call(result.call_id)}"]
                self._above = ""
                failed = "failed: " if result.error else ""
                return [*head, f"  {failed}{one_line(summary, CHARS)}", *(f"  {line}" for line in diff)]
            case _:
                return []

    def _call(self, call_id: str) -> str:
        call = self._calls.get(call_id)
        return describe_call(call, CHARS) if call else call_id


def describe_rewind(event: Rewound, folder: str = "", stayed: Set[str] = frozenset()) -> list[str]:
    """What becomes of each file, a line each; ``stayed`` are paths of which that could not be made."""
    did = [(change.path, "restored" if change.after else "removed") for change in event.changes]
    rows = [
        *(("stays" if path in stayed else what, path) for path, what in did),
        *(("left", path) for path in event.left),
    ]
    return [f"{what:<8}  {one_line(from_folder(path, folder), 1_000)}" for what, path in rows]


def _notes(event: Event) -> list[str]:
    match event:
        case Retrying(passed=0.0):
            return [f"! {describe_retry(event, CHARS)}"]
        case CacheBroken():
            return [f"! {describe_cache_break(event)}"]
        case Attached():
            return [f"! {attached_note(event)}"]
        case Noticed(text):
            return [f"! {text}"]
        case Cleared() | Compacting() | Compacted() | SummaryFailed():
            return [f"! {_shortening(event)}"]
        case Reminded(message=message):
            return [f"! the model is told: {one_line(message.text, CHARS)}"]
        case Instructed(text):
            return [f"! instructions of the user and the project: {len(text):,} characters"]
        case Pinned(pin):
            return [
                f"! {'kept in mind' if pin.text else 'no longer kept in mind'}: {one_line(pin.name, CHARS)}"
            ]
        case CommandRan(command, exit_code=code):
            ended = "did not end" if code is None else f"exit {code}"
            return [f"! a command of your own: {one_line(command, CHARS)} ({ended})"]
        case Renamed(name):
            return [
                f"! the session is called {one_line(name, CHARS)}" if name else "! the session has no name"
            ]
        case PlanSaved(path) if path:
            return [f"! the plan is in {path}"]
        case _:
            return _questions(event)


def _questions(event: Event) -> list[str]:
    match event:
        case QuestionAsked(question=question, options=options):
            return [f"? {question}", *(f"  - {option}" for option in options)]
        case QuestionAnswered(text=text):
            return [f"  answer: {text}" if text else "  left to the model"]
        case _:
            return []


def _shortening(event: Cleared | Compacting | Compacted | SummaryFailed) -> str:
    """What becomes of a conversation that grew too long."""
    match event:
        case Cleared(results, tokens):
            which = "an old result" if len(results) == 1 else f"{len(results)} old results"
            return f"{which} left the prompt (about {tokens:,} tokens); the model can read them again"
        case Compacting(tokens):
            return f"the conversation is being shortened (about {tokens:,} tokens)"
        case Compacted(by=by, before=before, after=after):
            how = "a summary stands for its older part" if by == "model" else "its oldest part is left out"
            return f"the conversation was shortened, {how} (about {before:,} tokens, now {after:,})"
        case SummaryFailed(message=message):
            return one_line(f"there is no summary of the conversation: {message}", CHARS)
