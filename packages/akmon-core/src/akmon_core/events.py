"""What happened in a session. Durable events rebuild it; ephemeral ones only animate a screen."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from akmon_core.files import FileChange
from akmon_core.messages import Assistant, Pin, ToolCall, ToolResult, User
from akmon_core.models import Effort
from akmon_core.permissions import Decision, Mode, Scope
from akmon_core.stream import CallDelta, Retrying, TextDelta, ThinkingDelta, Usage
from akmon_core.tools import Effect, FileSeen, View

Outcome: TypeAlias = Literal[
    "completed", "interrupted", "failed", "max_turns", "budget_limit", "token_limit", "time_limit", "stuck"
]
Reminder: TypeAlias = Literal[
    "mode", "repetition", "failures", "unverified", "plan", "instructions", "rewound"
]
Decider: TypeAlias = Literal["policy", "person"]

# --- durable ----------------------------------------------------------------------------------------


class SessionStarted(msgspec.Struct, frozen=True, tag="session_started", omit_defaults=True):
    """The first event of every journal."""

    schema: int
    akmon: str
    """The version that wrote it."""
    cwd: str
    roots: tuple[str, ...]
    facts: str = ""
    """What the model is told of its surroundings; recorded so that it stays the same on resume."""
    name: str = ""


class ModelChosen(msgspec.Struct, frozen=True, tag="model_chosen", omit_defaults=True):
    """Who answers from now on."""

    provider: str
    model: str
    window: int = 0
    """Tokens that a prompt may have, next to a reply of full length; 0 is unknown."""
    effort: Effort | None = None
    """How much it is asked to think; None is what it does by itself."""


class Instructed(msgspec.Struct, frozen=True, tag="instructed"):
    """What the instruction files of the user and the project say from now on."""

    text: str


class ModeChanged(msgspec.Struct, frozen=True, tag="mode_changed", omit_defaults=True):
    mode: Mode
    revoked: bool = False
    """What a person had allowed for the session holds no longer."""


class Prompted(msgspec.Struct, frozen=True, tag="prompted", omit_defaults=True):
    """A turn begins."""

    message: User
    plan_first: bool = False
    """The planner model is to make a plan before the work begins."""


class Steered(msgspec.Struct, frozen=True, tag="steered"):
    """Something was said while the turn runs; the model reads it after the running tools."""

    message: User


class Continued(msgspec.Struct, frozen=True, tag="continued"):
    """A reply that the output limit cut is asked to go on."""

    message: User


class Reminded(msgspec.Struct, frozen=True, tag="reminded"):
    """akmon itself says something to the model, at the place where a steering word would stand."""

    kind: Reminder
    message: User


class Pinned(msgspec.Struct, frozen=True, tag="pinned"):
    """A text stays in the conversation verbatim from now on, or no longer does."""

    pin: Pin


class Attached(msgspec.Struct, frozen=True, tag="attached", omit_defaults=True):
    """Something was added to the prompt that names it: a resource or a prompt of a server."""

    name: str
    """As the prompt names it, such as ``docs:file:///notes.md``."""
    message: User
    untrusted: str = ""
    """Where the text came from, as anybody may have written it, such as ``docs``."""


class PlanSaved(msgspec.Struct, frozen=True, tag="plan_saved"):
    """A plan was made and kept in a file."""

    path: str
    text: str


class Replied(msgspec.Struct, frozen=True, tag="replied", omit_defaults=True):
    """A model call ended with this message. Its usage and cost count once, here."""

    message: Assistant
    usage: Usage = Usage()
    """Of all requests that it took, broken ones included."""
    cost: float | None = None
    """US dollars; None is unpriced."""
    attempts: int = 1
    """Requests that it took."""
    model: str = ""
    """``provider/id`` of the model that answered, if it was not the session's."""
    response_id: str = ""
    prompt_tokens: int = 0
    """Of the request that was answered, as the provider counted it; 0 if it did not say."""
    prompt_weight: int = 0
    """What that request was estimated to be, before any calibration."""


class ModelFailed(msgspec.Struct, frozen=True, tag="model_failed", omit_defaults=True):
    """A model call failed for good. What it used counts once, here."""

    kind: str
    message: str
    usage: Usage = Usage()
    cost: float | None = 0.0
    """US dollars; None is unpriced. A call that was refused before it used anything cost nothing."""
    attempts: int = 1
    """Requests that it took."""
    model: str = ""
    """``provider/id`` of the model that was asked last, if it was not the session's."""
    said: str = ""
    """The text of the reply as far as it came, which stays in the conversation."""
    prompt_weight: int = 0
    """What the prompt was estimated to be, before any calibration."""


class Cleared(msgspec.Struct, frozen=True, tag="cleared"):
    """Old results became placeholders, which say how to read them again."""

    results: tuple[int, ...]
    """The numbers of their records."""
    tokens: int
    """Estimated tokens that this saves in each prompt."""


class Compacted(msgspec.Struct, frozen=True, tag="compacted", omit_defaults=True, kw_only=True):
    """The conversation was shortened: a summary stands for all but what the user said and its end."""

    summary: str
    kept: int
    """Messages at the end of the conversation that stay."""
    said: int
    """Characters that the user's own messages before those may have, which stay as well."""
    cap: int = 0
    """Characters of a text in the messages that stay, if that was still too much; 0 is no cap."""
    by: Literal["model", "trim"] = "model"
    """Whether the model wrote the summary, or the oldest was left out and listed."""
    before: int = 0
    """Estimated tokens of the prompt."""
    after: int = 0
    usage: Usage = Usage()
    cost: float | None = 0.0
    """US dollars; None is unpriced."""
    attempts: int = 1
    model: str = ""
    """``provider/id`` of the model that wrote it, if it was not the session's."""


class SummaryFailed(msgspec.Struct, frozen=True, tag="summary_failed", omit_defaults=True, kw_only=True):
    """The model was asked for a summary, and nothing came of it. What that used counts once, here."""

    message: str
    usage: Usage = Usage()
    cost: float | None = 0.0
    """US dollars; None is unpriced."""
    attempts: int = 1
    model: str = ""
    """``provider/id`` of the model that was asked last, if it was not the session's."""


class CacheBroken(msgspec.Struct, frozen=True, tag="cache_broken", omit_defaults=True):
    """A prompt's known prefix had to be read anew by the provider."""

    cause: str
    """What changed, such as ``the tools changed``."""
    tokens: int = 0
    """Prompt tokens of the call before, which the cache may have held."""


class PermissionAsked(msgspec.Struct, frozen=True, tag="permission_asked", omit_defaults=True):
    """A call waits for a person's answer."""

    call: ToolCall
    effects: tuple[Effect, ...]
    reason: str
    view: View | None = None
    """What it would change."""
    rule: str = ""
    """A narrow rule that would allow such calls from now on; empty if there is none that is narrow enough."""
    paths: dict[str, str] = {}
    """Where paths that the call names lead, canonical, by how it names them."""


class PermissionDecided(msgspec.Struct, frozen=True, tag="permission_decided", omit_defaults=True):
    """Whether a call may run, who decided it, why, and for how long."""

    call_id: str
    decision: Decision
    by: Decider
    reason: str
    scope: Scope = "once"
    tool: str = ""
    effects: tuple[Effect, ...] = ()
    rule: str = ""
    """The rule that decided, or that the person saved; empty if there is none."""
    mode: Mode = "default"
    proposed: str = ""
    """Of a denial: a narrow rule that would allow such calls, if there is one."""
    networked: bool = False
    """The call uses the network."""
    changing: bool = False
    """The call writes, runs or remembers something."""


class QuestionAsked(msgspec.Struct, frozen=True, tag="question_asked", omit_defaults=True):
    """The model asks the person something, or a server that it has called; its call waits for the answer."""

    call_id: str
    question: str
    options: tuple[str, ...] = ()
    """Answers to choose from; any other is as good."""
    server: str = ""
    """Who asks, if it is a server of others."""


class QuestionAnswered(msgspec.Struct, frozen=True, tag="question_answered"):
    call_id: str
    text: str
    """Empty: the person leaves it to the model."""


class ToolStarted(msgspec.Struct, frozen=True, tag="tool_started", omit_defaults=True):
    """A call begins to run; ``mutating`` if it may do more than read."""

    call_id: str
    tool: str
    mutating: bool = False
    watched: bool = False
    """Whether it may change files without saying which: what has changed is looked for when it has ended."""
    sandbox: str = ""
    """What holds its commands in (see ``akmon_core.permissions.Sandboxing``); empty if it runs none."""
    server: str = ""
    """Who carries it out, if that is a server of others."""


class ToolFinished(msgspec.Struct, frozen=True, tag="tool_finished", omit_defaults=True):
    """A call has its result, whether it ran, failed, was refused or was cut off."""

    result: ToolResult
    tool: str
    summary: str = ""
    view: View | None = None
    files: tuple[FileSeen, ...] = ()
    seconds: float = 0.0
    pins: tuple[Pin, ...] = ()
    untrusted: str = ""
    """Where its text came from, if anybody may have written that, such as ``web``."""


class FilesChanged(msgspec.Struct, frozen=True, tag="files_changed", omit_defaults=True):
    """Files of the project change by a call. Of a tool's own change this is said before it happens."""

    changes: tuple[FileChange, ...]
    call_id: str = ""


class Rewound(msgspec.Struct, frozen=True, tag="rewound", omit_defaults=True, kw_only=True):
    """The user took back what happened from a record on; said before the files are restored."""

    record: int
    """The number of this record, to which a later rewind can go back."""
    to: int
    """The record before which the session stands now: a prompt, or an earlier rewind."""
    conversation: bool
    """Whether the conversation goes back as well."""
    changes: tuple[FileChange, ...] = ()
    """What becomes of the files."""
    left: tuple[str, ...] = ()
    """Paths that stay as they are, as someone else has changed them."""


class Committed(msgspec.Struct, frozen=True, tag="committed", omit_defaults=True):
    """What a turn changed went into the project's git history."""

    commit: str
    """Its full id."""
    subject: str
    files: tuple[str, ...]
    """Paths from the root of the repository."""


class CommandRan(msgspec.Struct, frozen=True, tag="command_ran", omit_defaults=True):
    """A command line of the person's own has ended, or was stopped."""

    command: str
    output: str
    """Both its outputs, shortened in the middle like those of calls."""
    exit_code: int | None = None
    """None if it was stopped, or could not begin."""
    message: User | None = None
    """What the model is told of it; None if that is nothing."""


class Renamed(msgspec.Struct, frozen=True, tag="renamed"):
    """The session has another name."""

    name: str


class TurnEnded(msgspec.Struct, frozen=True, tag="turn_ended", omit_defaults=True):
    """The last event of its turn, always."""

    outcome: Outcome
    reason: str = ""


class UnknownEvent(msgspec.Struct, frozen=True, tag="unknown"):
    """A record of a kind that this version does not know: kept as it was, and without effect."""

    kind: str
    raw: msgspec.Raw


# --- ephemeral --------------------------------------------------------------------------------------


class ToolProgress(msgspec.Struct, frozen=True, tag="tool_progress"):
    """Output of a call that still runs."""

    call_id: str
    text: str


class Compacting(msgspec.Struct, frozen=True, tag="compacting"):
    """The model is asked for a summary of the conversation."""

    tokens: int
    """Estimated tokens of the prompt."""


class ServerChanged(msgspec.Struct, frozen=True, tag="server_changed"):
    """Something is new of a server: ask the session for its ``servers``. What a person should know of it is
    said by a ``Noticed``."""

    server: str


class Noticed(msgspec.Struct, frozen=True, tag="noticed"):
    """Something a person should know, without effect on the session."""

    text: str


DurableEvent: TypeAlias = (
    SessionStarted
    | ModelChosen
    | Instructed
    | ModeChanged
    | Prompted
    | Steered
    | Continued
    | Reminded
    | Pinned
    | Attached
    | PlanSaved
    | Replied
    | ModelFailed
    | Cleared
    | Compacted
    | SummaryFailed
    | CacheBroken
    | PermissionAsked
    | PermissionDecided
    | QuestionAsked
    | QuestionAnswered
    | ToolStarted
    | ToolFinished
    | FilesChanged
    | Rewound
    | Committed
    | CommandRan
    | Renamed
    | TurnEnded
    | UnknownEvent
)
EphemeralEvent: TypeAlias = (
    TextDelta | ThinkingDelta | CallDelta | Retrying | ToolProgress | Compacting | ServerChanged | Noticed
)
Event: TypeAlias = DurableEvent | EphemeralEvent

EPHEMERAL = (
    TextDelta,
    ThinkingDelta,
    CallDelta,
    Retrying,
    ToolProgress,
    Compacting,
    ServerChanged,
    Noticed,
)


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event and where it belongs."""

    seq: int
    """Counts the durable events of a session from 1. An ephemeral event carries the last durable one's."""
    at: float
    """Seconds since 1970-01-01 UTC."""
    session: str
    turn: int
    """0 before the first turn."""
    cause: str
    """The id of the command that led to it."""
    event: Event
    agent: str = ""
    """The path of the sub-agent that it belongs to; empty is the main agent."""
