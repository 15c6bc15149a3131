"""What the whole screen looks like in each of its states, at three sizes.

The texts in ``snapshots/screen`` are written anew with ``AKMON_SNAPSHOTS=write`` in the environment.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from akmon_core.events import (
    Attached,
    CacheBroken,
    Compacting,
    Event,
    FilesChanged,
    Noticed,
    Pinned,
    PlanSaved,
    Prompted,
    QuestionAsked,
    ToolProgress,
    ToolStarted,
    TurnEnded,
)
from akmon_core.files import FileChange, FileState
from akmon_core.messages import Pin, Text, ToolCall, User, note
from akmon_core.servers import ServerStatus
from akmon_core.stream import Retrying, TextDelta, ThinkingDelta
from akmon_tui.services import SessionChoice
from tests.tui.fake import WAIT, FakeClient, Step
from tests.tui.office import Office
from tests.tui.scenes import (
    DIFF,
    ENDLESS,
    HELLO,
    TOOL,
    asks_for_tests,
    asks_to_write,
    call,
    finished,
    said,
)
from tests.tui.screenplay import Play, act, opened
from tests.tui.serverscenes import ARGUMENTS, SERVERS, asks_a_server

SNAPSHOTS = Path(__file__).parent / "snapshots" / "screen"
SIZES = ((80, 24), (120, 40), (40, 12))
BEGUN, NOW = 1_800_000_000.0, 1_800_000_012.0

ANSWER = """\
## What is wrong

The loop in `total.py` ends **one step too early**:

```python
for at in range(len(rows) - 1):
    total += rows[at]
```

1. Count to the end.
2. Add a test for a list of one."""
TODOS = "Todos (1 of 3 done):\n[x] Read the code\n[>] Write the test\n[ ] Run it"
TASK = ToolCall("call-9", "task", '{"title": "look", "task": "Find where totals are made"}')
LONG_OUTPUT = "\n".join(f"tests/test_{at}.py ....... [{at * 2}%]" for at in range(1, 41))


class Scene(NamedTuple):
    person: Callable[[Play], Awaitable[None]]
    """Brings the screen there."""
    turns: Sequence[Sequence[Step]] = ()
    served: tuple[ServerStatus, ...] = ()
    """MCP servers of the session."""


def keys(*pressed: str) -> Callable[[Play], Awaitable[None]]:
    async def person(play: Play) -> None:
        await play.press(*pressed)
        await play.pass_time(1)

    return person


def prompted(*pressed: str) -> Callable[[Play], Awaitable[None]]:
    return keys("Please fix the totals.", "enter", *pressed)


def answered(*pressed: str) -> Callable[[Play], Awaitable[None]]:
    async def person(play: Play) -> None:
        await prompted()(play)
        await keys(*pressed)(play)

    return person


def agent(event: Event) -> Step:
    return ("agent-1", event)


def office() -> Office:
    held = Office()
    held.earlier = [
        SessionChoice(id="s1", name="parser", prompt="Fix the parser", model="gpt-6", changed=NOW - 120),
        SessionChoice(id="s2", name="", prompt="What does this do?", model="qwen4:8b", changed=NOW - 9_000),
    ]
    held.previews = {"s1": "> Fix the parser\n\nIt is fixed: the loop ended too early."}
    held.differs = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-old\n+new"
    return held


CHANGED = FilesChanged((FileChange("/p/src/a.py", FileState("file", "1"), FileState("file", "2")),), "call-1")
AGENTS: list[Step] = [
    said("Two of them look.", TASK),
    ToolStarted("call-9", "task"),
    agent(Prompted(User((Text("Find where totals are made"),)))),
    agent(said("", ToolCall("a", "search", '{"pattern": "total"}'))),
    agent(ToolStarted("a", "search")),
    WAIT,
]
CALLED = ToolCall("call-1", "mcp__github__create_issue", ARGUMENTS)
ATTACHED = Attached("docs:file:///guide.md", note("Begin here.\nThen go on."), "docs")
SCENES: dict[str, Scene] = {
    "empty": Scene(keys()),
    "streaming": Scene(prompted(), [[TextDelta(ANSWER[:-4]), WAIT]]),
    "answered": Scene(prompted(), [[TextDelta(ANSWER), said(ANSWER)]]),
    "thinking": Scene(prompted(), [[ThinkingDelta("The totals differ by one.\nSo the end is wrong."), WAIT]]),
    "thought": Scene(
        prompted(),
        [
            [
                ThinkingDelta("The totals differ by one."),
                TextDelta("They differ."),
                said("They differ."),
            ]
        ],
    ),
    "tool": Scene(prompted(), [TOOL]),
    "edit": Scene(
        prompted(),
        [[said("", call(1, "edit", '{"path": "src/a.py"}')), finished(1, "edited", "edit", view=DIFF)]],
    ),
    "failed_tool": Scene(
        prompted(), [[said("", call()), finished(1, "exit 1\nE   assert 1 == 2\nE   no", error=True)]]
    ),
    "running": Scene(
        prompted(),
        [
            [
                said("I run them.", call()),
                ToolStarted("call-1", "shell"),
                ToolProgress("call-1", LONG_OUTPUT),
                WAIT,
            ]
        ],
    ),
    "permission": Scene(prompted(), [[said("", call()), asks_for_tests()]]),
    "permission_write": Scene(
        prompted(), [[said("I change it.", call(1, "edit", '{"path": "src/a.py"}')), asks_to_write()]]
    ),
    "question": Scene(
        prompted(),
        [[said("", call(1, "ask")), QuestionAsked("call-1", "Which one?", ("SQLite", "Postgres"))]],
    ),
    "question_answered": Scene(
        answered("down", "down", "enter"),
        [[said("", call(1, "ask")), QuestionAsked("call-1", "Which one?", ("SQLite", "Postgres"))]],
    ),
    "queue": Scene(prompted("And then tell me.", "tab", "At last, run all tests.", "tab"), [ENDLESS]),
    "steer": Scene(prompted("Use a set for it.", "enter"), [ENDLESS]),
    "todos": Scene(prompted("c-t"), [[Pinned(Pin("todos", TODOS)), *ENDLESS]]),
    "agents": Scene(prompted(), [AGENTS]),
    "agent_done": Scene(
        prompted(), [[*AGENTS[:-1], agent(said("In total.py.")), agent(TurnEnded("completed"))]]
    ),
    "servers": Scene(keys("/mcp", "enter"), served=SERVERS),
    "server": Scene(keys("/mcp github", "enter"), served=SERVERS),
    "server_asked": Scene(prompted(), [[ATTACHED, said("", CALLED), asks_a_server().event]]),
    "server_called": Scene(
        prompted(),
        [
            [
                ATTACHED,
                said("", CALLED),
                ToolStarted("call-1", CALLED.name, server="github (https://api.example.com/mcp)"),
                finished(1, "created issue 7", CALLED.name),
                said("", ToolCall("call-2", "mcp__docs__lookup", '{"words": "totals"}')),
                ToolStarted("call-2", "mcp__docs__lookup", server="docs"),
                ToolProgress("call-2", "page 3 of 9"),
                WAIT,
            ]
        ],
    ),
    "server_offers": Scene(keys("look at @docs:"), served=SERVERS),
    "server_prompts": Scene(keys("/github"), served=SERVERS),
    "retry": Scene(
        prompted(),
        [[TextDelta("Half a "), Retrying(2, 5, 8.0, "the server is overloaded"), WAIT]],
    ),
    "compaction": Scene(prompted(), [[Compacting(120_000), WAIT]]),
    "compacted": Scene(keys("/compact", "enter")),
    "notices": Scene(
        prompted(),
        [
            [
                Noticed("The hook after edits failed: make is missing."),
                CacheBroken("the tools changed", 12_000),
                CHANGED,
                *HELLO,
            ]
        ],
    ),
    "interrupted": Scene(prompted("esc"), [ENDLESS]),
    "stopped": Scene(prompted(), [[*HELLO, TurnEnded("failed", "the server refused the key")]]),
    "own_command": Scene(keys("!ls", "enter")),
    "own_command_typed": Scene(keys("!!ls")),
    "plan_mode": Scene(
        keys("/plan fix the totals", "enter"),
        [
            [
                TextDelta("1. Look.\n2. Fix."),
                said("1. Look.\n2. Fix."),
                PlanSaved(".akmon/plan.md", "1. Look."),
            ]
        ],
    ),
    "model": Scene(keys("/model", "enter")),
    "session": Scene(keys("/resume", "enter")),
    "rewind": Scene(prompted("esc", "esc"), [HELLO]),
    "settings": Scene(keys("/config", "enter")),
    "theme": Scene(keys("/theme", "enter")),
    "mode": Scene(keys("/mode", "enter")),
    "pager": Scene(prompted("c-o"), [[said("", call()), finished(1, LONG_OUTPUT)]]),
    "diff": Scene(keys("/diff", "enter")),
    "keys": Scene(keys("?")),
    "help": Scene(keys("/help compact", "enter")),
    "context": Scene(keys("/context", "enter")),
    "commands": Scene(keys("/co")),
    "files": Scene(keys("look at @app")),
    "history": Scene(prompted("c-r", "tot"), [HELLO]),
    "multiline": Scene(keys("first\x1b\rsecond\x1b\rthird")),
    "unknown_command": Scene(keys("/modle", "enter")),
    "quit_warning": Scene(keys("c-c")),
}


def picture(scene: Scene, size: tuple[int, int]) -> str:
    client = FakeClient(*scene.turns)
    client.at = BEGUN
    seen: list[str] = []

    async def person(play: Play) -> None:
        play.now = NOW
        await scene.person(play)
        seen.append(play.text)
        rows = [row.rstrip() for row in play.screen.display]
        assert len(rows) == size[1]
        play.hang_up()

    services = office()
    services.statuses = scene.served
    act(person, opened(client, services), size=size)
    return f"{seen[0]}\n"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCENES)
def test_the_screen_looks_as_it_did(name: str, size: tuple[int, int]) -> None:
    shown = picture(SCENES[name], size)
    path = SNAPSHOTS / f"{name}_{size[0]}x{size[1]}.txt"
    if os.environ.get("AKMON_SNAPSHOTS") == "write":
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def test_each_picture_is_one_of_a_scene() -> None:
    names = {f"{name}_{width}x{height}.txt" for name in SCENES for width, height in SIZES}
    assert {path.name for path in SNAPSHOTS.iterdir()} == names
