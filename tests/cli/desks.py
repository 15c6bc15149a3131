"""A desk for a real session in a scratch project, with a model that plays a script."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from akmon_cli.args import parse_run
from akmon_cli.compose import compose
from akmon_cli.desk.desk import Desk
from akmon_core.commands import Prompt
from akmon_core.events import TurnEnded
from akmon_query.session import Session

T = TypeVar("T")

SCRIPT = """\
say I will look.
call read {"path": "a.txt"}
usage input=1200 output=45 cache_read=300
---
say # All is **well**.
usage input=200 output=20 cache_read=1500
---
repeat forever
say More.
"""


class Office:
    """A home and a project; the process works in it, with nothing else in its environment."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = folder / "home"
        self.project = folder / "project"
        self.home.mkdir()
        self.project.mkdir()
        (self.project / "a.txt").write_text("one\ntwo\n")
        self.model = folder / "model.script"
        self.model.write_text(SCRIPT)
        for name in [*os.environ]:
            monkeypatch.delenv(name)
        variables = {"HOME": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(self.project)
        self.config = self.home / ".config" / "akmon"

    def user(self, text: str) -> None:
        self.config.mkdir(parents=True, exist_ok=True)
        (self.config / "config.toml").write_text(text)
        (self.config / "config.toml").chmod(0o600)

    @asynccontextmanager
    async def open(
        self, *arguments: str, prompts: tuple[str, ...] = ()
    ) -> AsyncIterator[tuple[Desk, Session]]:
        """A session that has been asked ``prompts``, and its desk."""
        options = parse_run(["-m", f"scripted:{self.model}", "--sandbox", "off", *arguments])
        composed = compose(options, unattended=True)
        async with composed.session as session:
            for prompt in prompts:
                await ask(session, prompt)
            yield Desk(session, options), session

    def with_desk(
        self, what: Callable[[Desk], Awaitable[T]], *arguments: str, prompts: tuple[str, ...] = ()
    ) -> T:
        async def done() -> T:
            async with self.open(*arguments, prompts=prompts) as (desk, _):
                return await what(desk)

        return asyncio.run(done())


async def ask(session: Session, text: str) -> None:
    """Has a whole turn done."""
    events = session.events()
    await session.send(Prompt(text))
    async for envelope in events:
        if isinstance(envelope.event, TurnEnded):
            events.close()
            return
