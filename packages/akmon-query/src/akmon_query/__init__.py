"""akmon as a library: open a session, send it commands, read its events.

Everything a program needs is named here; what is not in ``__all__`` may change at any time.
"""

from __future__ import annotations

from akmon_core.commands import (
    Answer,
    ChooseModel,
    Command,
    Compact,
    Implement,
    Interrupt,
    Prompt,
    Rename,
    Respond,
    Rewind,
    RunCommand,
    SetMode,
    Steer,
)
from akmon_core.errors import AkmonError, JournalError, ProviderError, SettingsError, ToolError
from akmon_core.events import (
    CacheBroken,
    Cleared,
    CommandRan,
    Committed,
    Compacted,
    Envelope,
    Event,
    FilesChanged,
    ModelChosen,
    ModelFailed,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    PlanSaved,
    QuestionAsked,
    Renamed,
    Replied,
    Rewound,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnEnded,
)
from akmon_core.files import FileChange
from akmon_core.limits import Limits
from akmon_core.messages import Assistant, Image, Message, Pin, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import Effort, Model, ModelFacts, ModelRequest, ModelRow, Prices
from akmon_core.permissions import Mode, Policy, Rule, SandboxChoice, Target, parse_rule
from akmon_core.ports import Locator, RuleStore, SessionClient, WebHit, WebSearch
from akmon_core.redact import Redactor
from akmon_core.state import Mark
from akmon_core.stream import ReplyDone, Retrying, TextDelta, ThinkingDelta, Usage
from akmon_core.tools import Delegation, Effect, Tool, ToolContext, ToolOutput
from akmon_query.assembly import Backend, open_session
from akmon_query.session import Session
from akmon_query.store import SessionInfo, find_session, list_sessions

__version__ = "0.1.0"

__all__ = [
    "AkmonError",
    "Answer",
    "Assistant",
    "Backend",
    "CacheBroken",
    "ChooseModel",
    "Cleared",
    "Command",
    "CommandRan",
    "Committed",
    "Compact",
    "Compacted",
    "Delegation",
    "Effect",
    "Effort",
    "Envelope",
    "Event",
    "FileChange",
    "FilesChanged",
    "Image",
    "Implement",
    "Interrupt",
    "JournalError",
    "Limits",
    "Locator",
    "Mark",
    "Message",
    "Mode",
    "Model",
    "ModelChosen",
    "ModelFacts",
    "ModelFailed",
    "ModelRequest",
    "ModelRow",
    "Noticed",
    "PermissionAsked",
    "PermissionDecided",
    "Pin",
    "PlanSaved",
    "Policy",
    "Prices",
    "Prompt",
    "ProviderError",
    "QuestionAsked",
    "Redactor",
    "Rename",
    "Renamed",
    "Replied",
    "ReplyDone",
    "Respond",
    "Retrying",
    "Rewind",
    "Rewound",
    "Rule",
    "RuleStore",
    "RunCommand",
    "SandboxChoice",
    "Session",
    "SessionClient",
    "SessionInfo",
    "SetMode",
    "SettingsError",
    "Steer",
    "Target",
    "Text",
    "TextDelta",
    "Thinking",
    "ThinkingDelta",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolError",
    "ToolFinished",
    "ToolOutput",
    "ToolProgress",
    "ToolResult",
    "ToolStarted",
    "TurnEnded",
    "Usage",
    "User",
    "WebHit",
    "WebSearch",
    "__version__",
    "find_session",
    "list_sessions",
    "open_session",
    "parse_rule",
]
