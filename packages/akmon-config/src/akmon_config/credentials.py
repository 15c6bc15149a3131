"""Where logins to servers of others are kept: in the system's keyring, else in a file for its owner only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

import msgspec

from akmon_config.privatefile import locked, read_private, write_private
from akmon_core.errors import SettingsError
from akmon_core.limits import MCP_CREDENTIALS_BYTES
from akmon_core.secret import Secret
from akmon_core.text import one_line

_SERVICE = "akmon-mcp"
_WINDOWS_CHARS = 1_200
"""What the keyring of Windows takes is 2,560 bytes, of two to a character."""


class Ring(Protocol):
    """A keyring, as the library ``keyring`` has them. Raises whatever its system does."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


class KeptCredentials:
    """Implements ``akmon_core.ports.Credentials``.

    With a keyring all is kept there, under the service ``akmon-mcp``, but for what is too long for that of
    Windows; the rest, and all where there is no keyring, is in the file at ``path``. Nothing is ever in both:
    what is saved in one is taken out of the other. A keyring that is locked is an error, and no reason to
    write a secret into a file.
    """

    def __init__(self, path: Path, ring: Ring | None) -> None:
        """``ring`` is what ``system_keyring`` gives."""
        self.path = path
        self._ring = ring

    def load(self, server: str) -> Secret:
        if found := self._from_ring(server):
            return Secret(found)
        return Secret(self._read().get(server, ""))

    def save(self, server: str, text: Secret) -> None:
        in_ring = bool(text) and self._ring is not None and not self._too_long(text)
        self._into_ring(server, text if in_ring else Secret())
        self._into_file(server, Secret() if in_ring else text)

    @staticmethod
    def _too_long(text: Secret) -> bool:
        return sys.platform == "win32" and len(text.reveal()) > _WINDOWS_CHARS

    def _from_ring(self, server: str) -> str:
        if self._ring is None:
            return ""
        try:
            return self._ring.get_password(_SERVICE, server) or ""
        except Exception as error:  # noqa: BLE001 - whatever a back end of others raises
            raise _refused("read", error) from None

    def _into_ring(self, server: str, text: Secret) -> None:
        if self._ring is None:
            return
        try:
            if text:
                self._ring.set_password(_SERVICE, server, text.reveal())
            elif self._ring.get_password(_SERVICE, server) is not None:
                self._ring.delete_password(_SERVICE, server)
        except Exception as error:  # noqa: BLE001 - whatever a back end of others raises
            raise _refused("changed", error) from None

    def _into_file(self, server: str, text: Secret) -> None:
        if not text and not self.path.exists():
            return
        with locked(self.path):
            kept = self._read()
            if kept.get(server, "") == text.reveal():
                return
            kept.pop(server, None)
            if text:
                kept[server] = text.reveal()
            data = msgspec.json.encode(kept)
            if len(data) > MCP_CREDENTIALS_BYTES:
                raise SettingsError(f"{self._shown} would get too large. Log out of a server first.")
            write_private(self.path, data)

    def _read(self) -> dict[str, str]:
        data = read_private(self.path, MCP_CREDENTIALS_BYTES)
        try:
            return msgspec.json.decode(data or b"{}", type=dict[str, str])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise SettingsError(
                f"{self._shown} is not as akmon writes it. Remove it, and log in to your servers again."
            ) from None

    @property
    def _shown(self) -> str:
        return one_line(str(self.path), 300)


def system_keyring() -> Ring | None:
    """The system's keyring; None if there is none, or none that keeps secrets.

    Takes some milliseconds, and more where a service has to be started.
    """
    try:
        import keyring
    except ImportError:
        return None
    try:
        ring: Ring = keyring.get_keyring()
        # 1 and above are those that the library recommends; the others keep nothing, or plain text.
        return ring if getattr(ring, "priority", 0) >= 1 else None
    except Exception:  # noqa: BLE001 - whatever a back end of others raises, it is of no use
        return None


def _refused(done: str, error: Exception) -> SettingsError:
    """Without the words of ``error``, which may quote what it was to keep."""
    return SettingsError(
        f"the keyring cannot be {done} ({type(error).__name__}). Unlock it: logins to servers are kept there."
    )
