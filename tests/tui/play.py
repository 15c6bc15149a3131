"""Plays two turns on the terminal that it is started in, for the tests with a real one."""

from __future__ import annotations

import asyncio

from akmon_tui.plain.conversation import converse
from tests.tui.fake import FakeClient
from tests.tui.scenes import ENDLESS, asks_to_write, call, finished, said


async def play() -> None:
    edit = call(1, "edit", '{"path": "src/a.py"}')
    client = FakeClient(
        [said("On it.", edit), asks_to_write(), finished(1, "1 line changed", "edit")], ENDLESS
    )
    await converse(client, banner="akmon plays")
    print("commands:", *(type(command).__name__ for command in client.commands))


if __name__ == "__main__":
    asyncio.run(play())
