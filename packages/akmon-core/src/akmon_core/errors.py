"""The exceptions of akmon. Each message says what happened and what to do next.

AkmonError
├── ProviderError     a model call failed; ``kind`` says how, ``retryable`` whether to try again
├── SettingsError     bad configuration or arguments
├── JournalError      a session cannot be read or recorded
└── ToolError         a tool could not do what it was asked; the model reads the message
    └── ArgumentsError    the model's arguments do not fit the tool
"""

from __future__ import annotations

from typing import Literal, TypeAlias

ProviderErrorKind: TypeAlias = Literal[
    "authentication",
    "bad_request",
    "connection",
    "context_overflow",
    "model_not_found",
    "overloaded",
    "protocol",
    "rate_limit",
    "server",
    "timeout",
]

_RETRYABLE: frozenset[ProviderErrorKind] = frozenset(
    ("connection", "overloaded", "protocol", "rate_limit", "server", "timeout")
)


class AkmonError(Exception):
    """Base of every error that akmon raises on purpose."""


class ProviderError(AkmonError):
    """A model call failed. ``retry_after`` is the server's own wish in seconds, if it had one."""

    def __init__(
        self,
        kind: ProviderErrorKind,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: ProviderErrorKind = kind
        self.status = status
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        return self.kind in _RETRYABLE


class SettingsError(AkmonError):
    """A setting or an argument is missing or wrong."""


class JournalError(AkmonError):
    """A session's journal cannot be found, read, locked or written."""


class ToolError(AkmonError):
    """A tool could not do what it was asked."""


class ArgumentsError(ToolError):
    """The arguments of a call do not fit its tool."""
