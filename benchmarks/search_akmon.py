"""Times searches of the tool and of ripgrep by turns: ``search_akmon.py FOLDER ROUNDS QUERIES``.

Prints, by the name of the query, the seconds of both. The tool starts a process for each search, and so does
this; the interpreter that both start from is warm.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

import msgspec

from akmon_core.tools import ToolContext
from akmon_tools.programs import find_ripgrep
from akmon_tools.search import SearchArguments, SearchTool
from akmon_tools.workspace import Workspace

CONTEXT = ToolContext(call_id="c1", files={}, progress=lambda _: None)


async def main() -> None:
    folder, rounds, queries = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    workspace = Workspace([folder])
    tool = SearchTool(workspace)
    program = find_ripgrep(workspace)
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in queries}
    for turn in range(rounds + 1):
        for name, query in queries.items():
            arguments = msgspec.convert(query, SearchArguments)
            ours = await _tool(tool, arguments)
            bare = _ripgrep(program, folder, arguments)
            if turn:  # the first warms the cache of the disk
                times[name][0].append(ours)
                times[name][1].append(bare)
    print(json.dumps(times))


async def _tool(tool: SearchTool, arguments: SearchArguments) -> float:
    began = time.perf_counter()
    await tool.run(arguments, CONTEXT)
    return time.perf_counter() - began


def _ripgrep(program: str, folder: str, arguments: SearchArguments) -> float:
    options = ["--files-with-matches"] if arguments.output == "files" else ["--line-number", "--no-heading"]
    began = time.perf_counter()
    subprocess.run(
        [program, *options, "--regexp", arguments.pattern, "./"],
        cwd=folder,
        stdout=subprocess.PIPE,
        check=False,
    )
    return time.perf_counter() - began


if __name__ == "__main__":
    asyncio.run(main())
