"""Conversations: on the screen, which is there before anything else is loaded, or line by line."""

from __future__ import annotations

import argparse
import asyncio
import copy
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from akmon_cli import exitcodes
from akmon_cli.signals import ending_signals
from akmon_core.commands import Implement, Prompt
from akmon_core.errors import AkmonError
from akmon_core.text import neutralise

if TYPE_CHECKING:
    from akmon_cli.compose import Composed
    from akmon_core.state import State
    from akmon_tui.services import Leave
    from akmon_tui.talking import Ask, Opened
    from akmon_tui.view import View

    Begin = Callable[[State], Prompt | Implement | None]


async def converse(options: argparse.Namespace, begin: Begin, composed: Composed | None = None) -> int:
    """Talks with the person until they end it; gives the exit code.

    ``begin`` says what the first session begins with, and ``composed`` is that session, if there is one
    already. Raises ``AkmonError`` if none can be opened.
    """
    talk = Talk(options, begin, composed)
    from akmon_tui.terminal import is_dumb

    plain = options.plain or is_dumb(os.environ) or _is_set_plain()
    talking = asyncio.ensure_future(talk.line_by_line() if plain else talk.on_screen())
    ended_by: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        ended_by.append(number)
        talking.cancel()

    with ending_signals(end):
        await asyncio.wait([talking])
    error = None if talking.cancelled() else talking.exception()
    with suppress(OSError):  # the terminal may be gone
        sys.stderr.write(_last_words(talk, error))
        sys.stderr.flush()
    if ended_by:
        return exitcodes.SIGNALLED + ended_by[0]
    if isinstance(error, AkmonError):
        raise error
    return exitcodes.ERROR if error else exitcodes.OK


def _is_set_plain() -> bool:
    """Whether the person's own settings ask for it: known without a screen that comes up first."""
    import tomllib

    from akmon_config.paths import config_file

    if "AKMON_PLAIN" in os.environ:
        return False
    try:
        return tomllib.loads(config_file().read_text("utf-8")).get("plain") is True
    except (AkmonError, OSError, ValueError):  # which is said when all are loaded
        return False


def _last_words(talk: Talk, error: BaseException | None) -> str:
    """What the person reads when the terminal is the shell's again; mistakes of ours have a traceback."""
    if error is None or isinstance(error, AkmonError):
        return talk.farewell
    import traceback

    what = "".join(traceback.format_exception(error))
    kept = f"akmon: what was said until then is kept in {talk.journal}\n" if talk.farewell else ""
    return f"{what}akmon: an error in akmon itself has ended the conversation\n{kept}{talk.farewell}"


class _PlainWanted(Exception):
    """The settings ask for a conversation line by line."""


class Talk:
    """One session after the other, as the person wants it."""

    def __init__(self, options: argparse.Namespace, begin: Begin, composed: Composed | None) -> None:
        self._options = options
        self._begin = begin
        self._composed = composed
        self._last = ""
        """The id of the session that was talked with last."""
        self.farewell = ""
        """What to say in the end."""

    @property
    def journal(self) -> Path:
        """Where the session is kept that was talked with last."""
        return _kept() / f"{self._last}.jsonl"

    async def on_screen(self) -> None:
        from akmon_tui.app import run

        try:
            await run(self._connect, kept=_kept())
        except _PlainWanted:
            await self.line_by_line()

    async def line_by_line(self) -> None:
        from akmon_cli.desk.desk import Desk
        from akmon_tui.plain.conversation import converse as converse_plainly

        leave: Leave | None = None
        while leave is None or leave.then != "end":
            composed = self._next(leave)
            first = None if leave else self._begin(composed.session.state)
            for warning in composed.warnings:
                print(f"akmon: {neutralise(warning)}", file=sys.stderr)
            try:
                async with composed.session as session:
                    leave = await converse_plainly(
                        session,
                        banner=composed.banner,
                        first_prompt=first or "",
                        view=_view(composed),
                        history=_kept() / "history",
                        services=Desk(session, composed.options),
                    )
            finally:
                self._said_goodbye(composed)

    @asynccontextmanager
    async def _connect(self, leave: Leave | None, ask: Ask) -> AsyncIterator[Opened]:
        """Opens a session while the screen is there already: what takes long is loaded beside it."""
        await asyncio.to_thread(import_module, "akmon_cli.compose")
        if self._composed is None:
            await self._settle_trust(ask)
        composed = self._next(leave)
        if composed.settings.plain and leave is None:
            self._composed = composed
            raise _PlainWanted
        try:
            async with composed.session:
                yield _opened(composed, None if leave else self._begin(composed.session.state))
        finally:  # when the turn that ran has ended, and what it used is counted
            self._said_goodbye(composed)

    async def _settle_trust(self, ask: Ask) -> None:
        from akmon_cli.folders import session_folders
        from akmon_cli.trusting import keep_answer, waiting_for_trust
        from akmon_config.trust import trust_question
        from akmon_tui.dialogs.confirm import trust_dialog

        _, root = session_folders()
        if waiting := waiting_for_trust(root, this_run=self._options.trust):
            found, changes = waiting
            answer = await ask(trust_dialog(found.root, trust_question(found, changes)))
            keep_answer(found, yes=answer is True and not found.problems)

    def _next(self, leave: Leave | None) -> Composed:
        """The session that there is already, or another one."""
        from akmon_cli.compose import compose

        composed, self._composed = self._composed, None
        composed = composed or compose(_options(self._options, leave, self._last), unattended=False)
        self._last = composed.session.id
        return composed

    def _said_goodbye(self, composed: Composed) -> None:
        from akmon_tui.amounts import spent

        state = composed.session.state
        self.farewell = ""
        if state.turn:
            turns = "1 turn" if state.turn == 1 else f"{state.turn:,} turns"
            took = f"akmon: {turns}, {spent(state.spent)}"
            self.farewell = f"{took}\nakmon: go on with: akmon -r {composed.session.id}\n"


def _kept() -> Path:
    """The folder of this project's sessions, prompts and drafts."""
    from akmon_config.paths import project_root, sessions_dir, state_dir

    return sessions_dir(state_dir(os.environ), project_root(Path.cwd()))


def _opened(composed: Composed, first: Prompt | Implement | None) -> Opened:
    from akmon_cli.desk.desk import Desk
    from akmon_tui.screen import Look
    from akmon_tui.talking import Opened

    settings, session = composed.settings, composed.session
    return Opened(
        client=session,
        first=first,
        services=Desk(session, composed.options),
        view=_view(composed),
        history=session.state.history,
        banner=composed.banner,
        warnings=composed.warnings,
        look=Look(
            theme=settings.theme,
            vim=settings.vim,
            status_line=tuple(settings.status_line),
            notify=settings.notify,
        ),
    )


def _view(composed: Composed) -> View:
    from akmon_cli.folders import working_folder
    from akmon_tui.opening import view_of

    return view_of(composed.session.state, str(working_folder()), composed.session.policy)


def _options(options: argparse.Namespace, leave: Leave | None, last: str) -> argparse.Namespace:
    """What is asked for after ``leave``: another session by the same settings, or a copy of the ``last``."""
    if leave is None:
        return options
    following = copy.copy(options)
    following.continue_, following.name, following.implement = False, None, None
    following.fork_session = leave.then == "fork"
    following.fork_record = leave.record
    following.resume = leave.session or (last if leave.then == "fork" else None)
    return following
