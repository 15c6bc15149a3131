"""Whatever happens, with whatever keys and sizes between: nothing breaks, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akmon_core.events import (
    CacheBroken,
    Cleared,
    CommandRan,
    Committed,
    Compacted,
    Compacting,
    Event,
    FilesChanged,
    ModeChanged,
    ModelChosen,
    ModelFailed,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    Pinned,
    PlanSaved,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Renamed,
    Replied,
    Rewound,
    Steered,
    SummaryFailed,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnEnded,
)
from akmon_core.files import FileChange, FileState
from akmon_core.messages import Assistant, Pin, Text, ToolCall, ToolResult, User
from akmon_core.stream import CallDelta, Retrying, TextDelta, ThinkingDelta
from akmon_core.tools import DiffView, Effect
from akmon_tui.lines import width_of
from akmon_tui.scene import scene
from akmon_tui.status import Facts
from tests.tui.fake import FakeClient
from tests.tui.scenes import DIFF, USAGE
from tests.tui.screenplay import KEYS, Play, act, opened

CALL = ToolCall("1", "shell", '{"command": "make \\u65e5\\u672c"}')
WIDE = "日本語 " * 30
CHANGES = (FileChange("/p/a.py", FileState("file", "1"), FileState("file", "2")),)
EVENTS: tuple[Event, ...] = (
    Prompted(User((Text("Do it."),), record=3)),
    Prompted(User((Text(WIDE),), record=7)),
    Steered(User((Text("Otherwise."),))),
    Replied(Assistant((Text("Yes."), CALL), "tools"), USAGE, 0.01),
    Replied(Assistant((Text(WIDE),), "end"), USAGE, None),
    ModelFailed("network", "it is gone", said="Ye"),
    ModelChosen("openai", "gpt-6", 1_000),
    ModeChanged("plan"),
    ModeChanged("full-auto"),
    PlanSaved("plan.md", f"# Plan\n\n{WIDE}"),
    Pinned(Pin("todos", f"Todos (0 of 2 done):\n[>] one\n[ ] {WIDE}")),
    PermissionAsked(CALL, (Effect("run", "make"),), "it runs", rule="shell(make *)"),
    PermissionAsked(CALL, (Effect("write", WIDE),), "it writes", DIFF),
    PermissionDecided("1", "allow", "person", "yes", "session", "shell"),
    QuestionAsked("1", f"Which {WIDE}?", ("this", WIDE)),
    QuestionAnswered("1", "this"),
    ToolStarted("1", "shell", True),
    ToolProgress("1", f"a\rb\n{WIDE}\n"),
    ToolFinished(ToolResult("1", "3 passed"), "shell", "3 passed"),
    ToolFinished(ToolResult("1", WIDE, True), "shell", view=DiffView("a.py", f"@@ -1 +1 @@\n+{WIDE}", 1, 0)),
    FilesChanged(CHANGES, "1"),
    Rewound(record=11, to=3, conversation=True, changes=CHANGES, left=("b.py",)),
    Rewound(record=12, to=5, conversation=False),
    Committed("0123456789", WIDE, ("a.py",)),
    CommandRan("ls", f"{WIDE}\n", 0),
    Renamed("parser"),
    Cleared((1, 2), 100),
    Compacting(9_000),
    Compacted(summary="s", kept=1, said=1, before=9_000, after=1_000),
    SummaryFailed(message="no"),
    CacheBroken("the tools changed", 100),
    TextDelta("Some *text* and `code`.\n\n"),
    TextDelta(f"```python\nx = '{WIDE}'\n| a | b |\n"),
    ThinkingDelta("Hm. "),
    CallDelta(0, "shell", '{"comm'),
    Retrying(2, 5, 3.0, "busy"),
    Retrying(2, 5, 3.0, "busy", 1.0),
    Noticed(WIDE),
    TurnEnded("completed"),
    TurnEnded("interrupted", "by the user"),
    TurnEnded("failed", "it is gone"),
)
AGENTS = ("", "", "task-1", "task-1/task-2")
PRESSED = (
    *("x", "y", "n", "7", "日", " ", "/", "/mo", "@a", "!", "?", "q", "\x1b[200~two\nlines\x1b[201~"),
    *(name for name in KEYS if name not in ("c-g", "c-x", "c-z", "c-d", "c-c")),
)
SIZES = st.tuples(st.integers(1, 100), st.integers(1, 40))
STEPS = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(EVENTS), st.sampled_from(AGENTS)),
    st.tuples(st.just("key"), st.sampled_from(PRESSED), st.booleans()),
    st.tuples(st.just("size"), SIZES, st.none()),
    st.tuples(st.just("time"), st.floats(0.01, 3), st.none()),
)
LAW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check_scene(play: Play) -> None:
    """All that stands in the live area fits into it."""
    columns, rows = play.app.size()
    play.app.facts = Facts(branch="main", folder="/p")
    frame = scene(play.app, columns, rows - 1)
    assert len(frame.lines) <= rows - 1
    assert all(width_of(each) <= columns for each in frame.lines)
    if frame.cursor:
        row, column = frame.cursor
        assert 0 <= row < len(frame.lines)
        assert 0 <= column < columns


@LAW
@given(SIZES, st.lists(STEPS, max_size=40))
def test_nothing_breaks_and_all_fits(
    size: tuple[int, int], steps: Sequence[tuple[str, object, object]]
) -> None:
    client = FakeClient()

    async def person(play: Play) -> None:
        for step in steps:
            match step:
                case ("event", event, str(agent)):
                    client.publish(event, agent=agent)  # type: ignore[arg-type]
                case ("key", str(key), at_once):
                    play.send(KEYS.get(key, key)) if at_once else await play.press(key)
                case ("size", (int(columns), int(rows)), _):
                    await play.resize(columns, rows)
                case ("time", float(seconds), _):
                    play.now += seconds
                    await play.pass_time(seconds)
            await play.pass_time(0)
            if play.is_over:
                return
            check_scene(play)
        await play.pass_time(2)
        play.hang_up()

    act(person, opened(client), size=size)


class Speaker:
    """Publishes events that have a word of their own each, and knows which."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self.words: dict[str, list[str]] = {"n": [], "w": [], "t": []}
        self._said = ""

    def do(self, deed: str, agent: str) -> None:
        match deed:
            case "notice":
                self._client.publish(Noticed(self._word("n")), agent=agent)
            case "think":
                self._client.publish(ThinkingDelta(f"{self._word('t')} "))
            case "reply":
                self._client.publish(Replied(Assistant((Text(self._said),), "end"), USAGE, None))
                self._said = ""
            case "fail":
                self._client.publish(ModelFailed("network", "gone", said=self._said))
                self._said = ""
            case "end":
                self._client.publish(TurnEnded("completed"))
                self._said = ""
            case "run":
                for event in (ToolStarted("1", "shell"), ToolProgress("1", "a\nb\nc\nd\n")):
                    self._client.publish(event, agent=agent)
            case "done":
                self._client.publish(ToolFinished(ToolResult("1", "fine"), "shell", "fine"), agent=agent)
            case "prompt":
                if not agent:
                    self.do("end", "")
                self._client.publish(Prompted(User((Text("go"),))), agent=agent)
            case between:
                text = f"{self._word('w')}{between}"
                self._said += text
                self._client.publish(TextDelta(text))

    def _word(self, kind: str) -> str:
        word = f"{kind}{len(self.words[kind])}z"
        self.words[kind].append(word)
        return word

    def check(self, play: Play, kinds: str = "nwt") -> None:
        for kind in kinds:
            shown = re.findall(rf"\b{kind}\d+z\b", play.all)
            assert shown == self.words[kind]


BETWEEN = (" ", " ", " ", "\n", "\n\n", "\n- ", "\n```\n", "\n\n# ")
DEEDS = st.tuples(
    st.sampled_from(
        ("notice", "notice", "think", "reply", "fail", "end", "run", "done", "prompt", *BETWEEN, *BETWEEN)
    ),
    st.sampled_from(AGENTS),
    st.sampled_from(("", "", "a", "b c", "é", "日")),
    st.sampled_from((0.0, 0.0, 0.05, 0.3)),
)


@LAW
@given(st.sampled_from(((80, 24), (40, 12), (24, 6), (30, 3))), st.lists(DEEDS, max_size=60))
def test_each_line_is_there_once_in_its_order_and_what_is_typed_stays(
    size: tuple[int, int], deeds: Sequence[tuple[str, str, str, float]]
) -> None:
    client = FakeClient()
    speaker = Speaker(client)

    async def person(play: Play) -> None:
        typed = ""
        for deed, agent, key, seconds in deeds:
            speaker.do(deed, agent)
            if key:
                play.send(key)
                typed += key
            await play.pass_time(seconds)
        speaker.do("reply", "")
        speaker.do("end", "")
        await play.pass_time(2)
        speaker.check(play)
        assert play.app.composer.text == typed
        play.hang_up()

    act(person, opened(client), size=size)


@LAW
@given(
    st.lists(st.tuples(DEEDS, st.none() | st.tuples(st.integers(24, 100), st.integers(2, 30))), max_size=40)
)
def test_each_line_is_there_once_also_when_the_terminal_changes_its_size(
    deeds: Sequence[tuple[tuple[str, str, str, float], tuple[int, int] | None]],
) -> None:
    client = FakeClient()
    speaker = Speaker(client)

    async def person(play: Play) -> None:
        for (deed, agent, _, seconds), size in deeds:
            speaker.do(deed, agent)
            await play.pass_time(seconds)
            if size:
                await play.resize(*size)
        await play.pass_time(2)
        speaker.check(play, "n")
        play.hang_up()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XTERM_VERSION", "XTerm(390)")  # which does not wrap anew, as the emulator
        act(person, opened(client), size=(60, 20))
