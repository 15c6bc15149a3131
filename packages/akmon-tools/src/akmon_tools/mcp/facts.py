"""What a connection needs of its surroundings, and what it learns of a server: plain values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from akmon_core.ports import Credentials, Redactor
from akmon_core.servers import ServerPrompt, ServerResource

Ask: TypeAlias = Callable[[str, tuple[str, ...]], Awaitable[str]]
"""``ToolContext.ask``: puts a question to the person, with answers to choose from; empty is no answer."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What all servers of a session have in common."""

    roots: tuple[Path, ...]
    """The folders of the workspace, the project's first: all that a server is told of."""
    environ: Mapping[str, str]
    """Of this process; a server gets of it what programs need, and no secrets."""
    redactor: Redactor
    logs: Path | None = None
    """The folder for what servers print on standard error; None keeps none of it."""
    credentials: Credentials | None = None
    ca_file: str = ""
    """PEM: whom to trust besides what the system trusts; empty is the system alone."""


class ToolFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as its server describes it: text of strangers, bounded and without control characters."""

    name: str
    title: str = ""
    description: str = ""
    schema: dict[str, Any] = {}
    """Of the arguments, as the server gave it."""
    output_schema: dict[str, Any] | None = None
    reads_only: bool = False
    """It says so itself."""
    annotations: dict[str, Any] = {}


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What a server offers."""

    tools: tuple[ToolFacts, ...] = ()
    prompts: tuple[ServerPrompt, ...] = ()
    resources: tuple[ServerResource, ...] = ()
    left_out: tuple[str, ...] = ()
    """What was not taken, in words, such as tools beyond the limit."""
