"""Runs commands through the shell tool in a process of its own, so that this may be another user's.

``python play.py ORDER`` (JSON): ``choice``, ``roots``, ``unreadable``, ``aside``, ``commands``. Prints one
JSON object: the ``level`` and the ``texts`` of the results.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from akmon_core.tools import ToolContext
from akmon_tools.jobs import Jobs
from akmon_tools.outputs import Outputs
from akmon_tools.sandbox.ladder import open_sandbox
from akmon_tools.shell import ShellArguments, ShellTool
from akmon_tools.workspace import Workspace


async def play(order: dict[str, Any]) -> dict[str, Any]:
    roots = [Path(root) for root in order["roots"]]
    sandbox = open_sandbox(
        order["choice"],
        roots,
        unreadable=[Path(place) for place in order["unreadable"]],
        aside=Path(order["aside"]),
    )
    tool = ShellTool(Workspace(roots), Jobs(), Outputs(), sandbox=sandbox)
    context = ToolContext(call_id="c1", files={}, progress=lambda _: None)
    texts = [(await tool.run(ShellArguments(command), context)).text for command in order["commands"]]
    await tool.close()
    return {"level": sandbox.level, "texts": texts}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(play(json.loads(sys.argv[1])))))
