"""Services in memory: what they are asked for is what they hold, and what is saved is held from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from akmon_core.errors import AkmonError
from akmon_core.messages import Image
from akmon_core.servers import ServerStatus
from akmon_tui.services import ModelChoice, Report, SessionChoice, SettingRow, Slice, UserCommand
from tests.tui.dialogscenes import MODELS, SETTINGS

PICTURE = Image("image/png", "iVBORw0KGgo=")


class Office:
    """Implements ``akmon_tui.services.Services``.

    ``troubles`` says by a method's name what it raises, and ``gates`` what it waits for first.
    """

    def __init__(self) -> None:
        self.troubles: dict[str, Exception] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.asked: list[str] = []
        self.model_choices: list[ModelChoice] = [*MODELS]
        self.earlier: list[SessionChoice] = []
        self.previews: dict[str, str] = {}
        self.setting_rows: dict[str, SettingRow] = {row.name: row for row in SETTINGS}
        self.paths = ["README.md", "src/app.py", "src/apple.py", "tests/test_app.py"]
        self.on_branch = "main"
        self.differs = ""
        self.pictures: dict[str, Image] = {}
        self.clipboard: Image | None = None
        self.exported: list[str] = []
        self.own: list[UserCommand] = []
        self.statuses: tuple[ServerStatus, ...] = ()

    async def models(self) -> Sequence[ModelChoice]:
        await self._begin("models")
        return self.model_choices

    async def sessions(self) -> Sequence[SessionChoice]:
        await self._begin("sessions")
        return self.earlier

    async def preview(self, session: str) -> str:
        await self._begin("preview")
        return self.previews.get(session, "")

    async def settings(self) -> Sequence[SettingRow]:
        await self._begin("settings")
        return [*self.setting_rows.values()]

    async def save_setting(self, name: str, value: str) -> str:
        await self._begin("save_setting")
        if name not in self.setting_rows:
            raise AkmonError(f"There is no setting {name!r}. /config lists those there are.")
        row = self.setting_rows[name]
        self.setting_rows[name] = SettingRow(name=name, value=value, origin="user", about=row.about)
        return f"{name} is {value} from now on."

    async def context(self) -> Sequence[Slice]:
        await self._begin("context")
        return [Slice(label="system prompt", tokens=2_000), Slice(label="conversation", tokens=6_000)]

    async def costs(self) -> str:
        await self._begin("costs")
        return "call 1  1,200 tokens  $0.01"

    async def report(self, what: Report) -> str:
        await self._begin("report")
        return f"The report called {what}."

    async def files(self) -> Sequence[str]:
        await self._begin("files")
        return [*self.paths]

    async def branch(self) -> str:
        await self._begin("branch")
        return self.on_branch

    async def diff(self) -> str:
        await self._begin("diff")
        return self.differs

    async def image(self, path: str) -> Image:
        await self._begin("image")
        if path not in self.pictures:
            raise AkmonError(f"{path} is no picture that models take. Name a PNG, JPEG, GIF or WebP file.")
        return self.pictures[path]

    async def clipboard_image(self) -> Image | None:
        await self._begin("clipboard_image")
        return self.clipboard

    async def export(self, path: str) -> str:
        await self._begin("export")
        self.exported.append(path or "conversation.md")
        return self.exported[-1]

    async def commands(self) -> Sequence[UserCommand]:
        await self._begin("commands")
        return self.own

    async def servers(self) -> Sequence[ServerStatus]:
        await self._begin("servers")
        return self.statuses

    async def _begin(self, method: str) -> None:
        self.asked.append(method)
        if gate := self.gates.get(method):
            await gate.wait()
        if trouble := self.troubles.get(method):
            raise trouble
