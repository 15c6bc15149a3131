"""What the tools of servers said of themselves when a person accepted them: a private file for each one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from akmon_config.privatefile import locked, read_private, write_private
from akmon_core.errors import SettingsError
from akmon_core.limits import MCP_APPROVED, MCP_APPROVED_BYTES
from akmon_core.text import one_line

_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1] = 1
    tools: dict[str, str] = {}


class ApprovedTools:
    """``ports.Approvals`` in the folder ``folder``, which need not exist: a file under each digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def approved(self, server: str) -> Mapping[str, str] | None:
        path = self._path(server)
        data = read_private(path, MCP_APPROVED_BYTES)
        if data is None:
            return None
        with suppress(OSError):  # it only tells which ones may go when there are too many
            os.utime(path)
        try:
            return msgspec.json.decode(data, type=_Stored).tools
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise SettingsError(
                f"{one_line(str(path), 300)} is damaged, so no tool of its server counts as approved. "
                "Look at them and approve them anew: akmon mcp approve"
            ) from None

    def approve(self, server: str, tools: Mapping[str, str]) -> None:
        path = self._path(server)
        try:
            data = msgspec.json.encode(_Stored(tools=dict(sorted(tools.items()))))
        except UnicodeEncodeError:
            raise SettingsError("what the tools of this server say is no text, and cannot be kept.") from None
        if len(data) > MCP_APPROVED_BYTES:
            raise SettingsError(
                f"what the tools of this server say is larger than {MCP_APPROVED_BYTES:,} bytes, too "
                "large to be looked at and kept. Nothing of it is offered."
            )
        with locked(self._folder / "approvals"):
            write_private(path, data)
            self._tidy(path)

    def _path(self, server: str) -> Path:
        if not _DIGEST.fullmatch(server):
            raise SettingsError(f"there is no server {one_line(server, 80)!r}.")
        return self._folder / f"{server}.json"

    def _tidy(self, but: Path) -> None:
        """Another process may have removed one meanwhile."""
        ages: list[tuple[float, Path]] = []
        for path in self._folder.glob("*.json"):
            with suppress(OSError):
                ages.append((path.stat().st_mtime, path))
        for _, path in sorted(ages)[: max(0, len(ages) - MCP_APPROVED)]:
            if path != but:
                path.unlink(missing_ok=True)
