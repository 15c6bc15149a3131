"""Implements what the screen needs besides the session, for one session of this program."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from akmon_core.errors import SettingsError
from akmon_core.text import neutralise, one_line

if TYPE_CHECKING:
    from akmon_config.load import Loaded
    from akmon_core.messages import Image
    from akmon_core.servers import ServerStatus
    from akmon_query.session import Session
    from akmon_tui.services import (
        ModelChoice,
        Report,
        SessionChoice,
        SettingRow,
        Slice,
        UserCommand,
    )


class Desk:
    """Implements ``akmon_tui.services.Services``.

    What is slow runs in a thread, and what is heavy is imported when it is first needed.
    """

    def __init__(self, session: Session, options: argparse.Namespace) -> None:
        """``options`` are those that akmon was started with; the folder is the one that it is in now."""
        from akmon_cli.folders import project_sessions, session_folders

        self._session = session
        self._options = options
        self._cwd, self._root = session_folders()
        self._sessions = project_sessions()

    async def models(self) -> Sequence[ModelChoice]:
        from akmon_cli.backends import backends
        from akmon_cli.desk.models import model_choices
        from akmon_cli.redaction import hidden

        settings = (await asyncio.to_thread(self._loaded)).settings
        return await model_choices(hidden(backends(settings)), settings.models)

    async def sessions(self) -> Sequence[SessionChoice]:
        from akmon_cli.desk.earlier import session_choices

        return await asyncio.to_thread(session_choices, self._sessions, self._session.id)

    async def preview(self, session: str) -> str:
        from akmon_cli.desk.earlier import preview_of

        return await asyncio.to_thread(preview_of, self._sessions, session)

    async def settings(self) -> Sequence[SettingRow]:
        return await asyncio.to_thread(self._settings)

    async def save_setting(self, name: str, value: str) -> str:
        return await asyncio.to_thread(self._save, name, value)

    async def context(self) -> Sequence[Slice]:
        from akmon_cli.desk.window import window_slices

        return await asyncio.to_thread(window_slices, self._session.state, self._session.request)

    async def costs(self) -> str:
        return await asyncio.to_thread(self._costs)

    async def report(self, what: Report) -> str:
        from akmon_cli.desk.reports import report_text

        if what == "status":
            return self._status()
        if what in ("stats", "audit"):
            self._require_a_turn()
        return await asyncio.to_thread(report_text, what, self._session.id, self._options)

    async def files(self) -> Sequence[str]:
        from akmon_cli.desk.files import project_files

        return await asyncio.to_thread(project_files, self._root, self._session.policy.rules)

    async def branch(self) -> str:
        from akmon_cli.desk.branches import branch_of

        return await asyncio.to_thread(branch_of, self._root)

    async def diff(self) -> str:
        from akmon_cli.desk.branches import diff_of

        return await asyncio.to_thread(diff_of, self._root)

    async def image(self, path: str) -> Image:
        from akmon_cli.desk.pictures import picture_in

        return await asyncio.to_thread(picture_in, path, self._cwd)

    async def clipboard_image(self) -> Image | None:
        from akmon_cli.desk.pictures import clipboard_picture

        return await clipboard_picture(self._root)

    async def export(self, path: str) -> str:
        self._require_a_turn()
        return await asyncio.to_thread(self._export, path)

    async def commands(self) -> Sequence[UserCommand]:
        from akmon_cli.desk.usercommands import user_commands

        return await asyncio.to_thread(user_commands, self._root)

    async def servers(self) -> Sequence[ServerStatus]:
        return self._session.servers

    def _require_a_turn(self) -> None:
        if not self._session.state.turn:
            raise SettingsError("nothing was said in this session yet, so there is nothing to show of it.")

    def _loaded(self) -> Loaded:
        from akmon_cli.compose import load_settings

        return load_settings(self._options)

    def _settings(self) -> list[SettingRow]:
        from akmon_config.about import ABOUT
        from akmon_config.load import shown
        from akmon_tui.services import SettingRow

        return [
            SettingRow(name=name, value=value, origin=neutralise(origin), about=ABOUT[name])
            for name, value, origin in shown(self._loaded())
        ]

    def _save(self, name: str, value: str) -> str:
        """What is in force afterwards may be something else: other places go before the user's file."""
        import os

        from akmon_config.edit import save_value
        from akmon_config.load import shown
        from akmon_config.paths import config_file

        path = config_file(os.environ)
        save_value(path, name, value)
        key, now, origin = next(row for row in shown(self._loaded()) if row[0] == name)
        said = f"{key} is {'saved' if value else 'no longer set'} in {one_line(str(path), 300)}."
        if not value or origin.startswith("user file"):
            return said
        return f"{said} It has no effect here: {neutralise(now)} is set by {neutralise(origin)}."

    def _costs(self) -> str:
        from akmon_cli.desk.costs import cost_table
        from akmon_query.journal import read_records

        path = self._sessions / f"{self._session.id}.jsonl"
        return cost_table(envelope for _, envelope, _ in read_records(path))

    def _status(self) -> str:
        from akmon_cli import __version__

        state, policy = self._session.state, self._session.policy
        spent = state.spent
        cost = "unpriced" if spent.cost is None else f"${spent.cost:.4f}"
        rows = {
            "akmon": __version__,
            "session": f"{self._session.id}{f' [{state.name}]' if state.name else ''}",
            "model": f"{state.provider}/{state.model}",
            "window": f"{state.window:,} tokens" if state.window else "not known",
            "mode": state.mode,
            "sandbox": policy.sandbox,
            "folder": str(self._cwd),
            "project": str(self._root),
            "journal": str(self._sessions / f"{self._session.id}.jsonl"),
            "turns": f"{state.turn:,}",
            "tokens": f"{spent.usage.prompt_tokens:,} in, {spent.usage.output_tokens:,} out, {cost}",
        }
        return "\n".join(f"{name:<8} {one_line(value, 300)}" for name, value in rows.items())

    def _export(self, path: str) -> str:
        from akmon_cli.transcript import markdown
        from akmon_query.store import find_session

        info = find_session(self._sessions, self._session.id)
        name = path.strip() or f"akmon-{info.id}-{time.strftime('%Y%m%d-%H%M%S')}.md"
        try:
            place = self._cwd / Path(name).expanduser()
            with place.open("x", encoding="utf-8") as file:
                file.writelines(markdown(info))
        except FileExistsError:
            raise SettingsError(f"{one_line(name, 200)} is there already. Give another name.") from None
        except (OSError, ValueError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise SettingsError(f"cannot write {one_line(name, 200)}: {why}. Give another name.") from None
        return str(place)
