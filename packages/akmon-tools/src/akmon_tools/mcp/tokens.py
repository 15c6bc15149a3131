"""What a server has given to log in with: how it is kept, and that nothing prints it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from akmon_core.secret import Secret
from akmon_core.servers import Server
from akmon_tools.mcp.facts import Surroundings

_EARLY_SECONDS = 30.0
"""Before its end a token is renewed, as clocks differ and a request takes a while."""


@dataclass(frozen=True, repr=False)
class Kept:
    """A login; of an empty ``access`` there is none."""

    access: str = ""
    expires: float = 0.0
    """Seconds since 1970; 0 is not known."""
    refresh: str = ""
    scope: str = ""
    wanted: str = ""
    """Rights that the server has asked for since, for the next login."""
    client_id: str = ""
    client_secret: str = ""
    method: str = "none"
    """How the client proves who it is, as OAuth names it."""
    endpoint: str = ""
    """Where tokens are renewed."""
    resource: str = ""
    """What they are for, as OAuth names it; empty is not said."""

    @property
    def expired(self) -> bool:
        return bool(self.expires) and time.time() > self.expires - _EARLY_SECONDS

    @property
    def renewable(self) -> bool:
        return bool(self.refresh and self.endpoint and self.client_id)


def key(server: Server) -> str:
    """Under which a login is kept: another address never gets it, nor one with another query."""
    return f"{server.name} {server.where[:200]} {sha256(server.url.encode()).hexdigest()[:16]}"


async def load(server: Server, surroundings: Surroundings) -> Kept:
    """The login that is kept, which another process may have renewed. Raises ``SettingsError``.

    What cannot be read, or belongs to another client than the one that is configured, is none.
    """
    if surroundings.credentials is None:
        return Kept()
    text = await asyncio.to_thread(surroundings.credentials.load, key(server))
    try:
        kept = msgspec.json.decode(text.reveal() or "{}", type=Kept)
    except (msgspec.DecodeError, RecursionError):
        return Kept()
    return kept if server.client_id in ("", kept.client_id) else Kept()


async def save(server: Server, surroundings: Surroundings, kept: Kept) -> None:
    """Raises ``SettingsError``."""
    if surroundings.credentials is not None:
        text = Secret(msgspec.json.encode(kept).decode())
        await asyncio.to_thread(surroundings.credentials.save, key(server), text)


async def forget(server: Server, surroundings: Surroundings) -> None:
    """Raises ``SettingsError``."""
    if surroundings.credentials is not None:
        await asyncio.to_thread(surroundings.credentials.save, key(server), Secret())
