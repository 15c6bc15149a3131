"""Servers of others whose tools an agent may use (MCP): how one is configured, and what is known of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from akmon_core.secret import Secret

Transport: TypeAlias = Literal["stdio", "http", "sse"]
ServerState: TypeAlias = Literal["starting", "ready", "failed", "stopped"]


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server as it was configured, with its variables filled in."""

    name: str
    """Letters, digits, ``-`` and ``_``; no two have the same."""
    transport: Transport
    command: tuple[str, ...] = ()
    """Of ``stdio``: the program and its arguments."""
    cwd: str = ""
    """Of ``stdio``: where it runs; empty is the project's root."""
    env: Mapping[str, Secret] = {}
    """Of ``stdio``: what is in its environment besides the usual."""
    url: str = ""
    """Of the others."""
    shown: str = ""
    """What people see of the command line or the address, if values in it may be secret."""
    headers: Mapping[str, Secret] = {}
    client_id: str = ""
    """Of an OAuth client that is registered already; empty registers one."""
    client_secret: Secret = Secret()
    seconds: float = 0.0
    """How long a call may take without a sign of life; 0 is the usual."""
    origin: str = ""
    """Where it is configured, in words, such as ``user file /home/me/.config/akmon/mcp.json``."""
    digest: str = ""
    """SHA-256 of its configuration before variables were filled in: what was approved is about this one."""

    @property
    def where(self) -> str:
        """Its command line or its address, without what may be secret."""
        if self.shown:
            return self.shown
        if self.transport == "stdio":
            return " ".join(self.command)
        return re.sub(r"^(\w+://)[^/]*@", r"\1", re.split("[?#]", self.url, maxsplit=1)[0])


class ServerTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool of a server, as it is shown to people."""

    name: str
    """As the model calls it, such as ``mcp__github__create_issue``."""
    about: str
    state: Literal["offered", "changed", "new"] = "offered"
    """Whether the model may use it; one that is not as it was approved waits until a person has seen it."""
    change: str = ""
    """Of one that waits: what is new of it, as the lines of a unified diff."""


class PromptArgument(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    about: str = ""
    required: bool = False


class ServerPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt that a server offers."""

    name: str
    about: str = ""
    arguments: tuple[PromptArgument, ...] = ()


class ServerResource(msgspec.Struct, frozen=True, kw_only=True):
    """Something to read that a server offers."""

    uri: str
    name: str
    about: str = ""
    template: bool = False
    """Whether ``uri`` holds variables to fill in, such as ``file:///{path}``."""


class ServerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A server as it is now. All text that comes from it is without control characters, and bounded."""

    name: str
    where: str
    state: ServerState
    detail: str = ""
    """Why it is not ready and what can be done, in words; empty if all is well."""
    says: str = ""
    """What it calls itself, such as ``everything 2.0.0``."""
    protocol: str = ""
    """The revision that is spoken with it, such as ``2025-11-25``."""
    tools: tuple[ServerTool, ...] = ()
    unapproved: str = ""
    """Stands for what all tools say that wait (see ``ManageServer.seen``); empty if none does."""
    prompts: tuple[ServerPrompt, ...] = ()
    resources: tuple[ServerResource, ...] = ()
    origin: str = ""
    log: str = ""
    """The file that holds what it has printed on standard error; empty if there is none."""
