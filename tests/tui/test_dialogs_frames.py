"""What every dialog looks like, and that none breaks or leaves its bounds, whatever is pressed.

The texts in ``snapshots/dialogs`` are written anew with ``AKMON_SNAPSHOTS=write`` in the environment.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.events import PermissionAsked, Prompted, QuestionAsked
from akmon_core.messages import Text, ToolCall, User
from akmon_core.servers import PromptArgument, ServerPrompt, ServerResource, ServerStatus, ServerTool
from akmon_core.tools import DiffView, Effect, TextView
from akmon_tui.dialogs.base import Dialog, Press
from akmon_tui.dialogs.confirm import Confirm
from akmon_tui.dialogs.models import model_picker
from akmon_tui.dialogs.pager import Pager
from akmon_tui.dialogs.questions import question_dialog
from akmon_tui.dialogs.rewinding import rewind_picker
from akmon_tui.dialogs.servers import ServersDialog
from akmon_tui.dialogs.sessions import SessionPicker
from akmon_tui.dialogs.tables import settings_view
from akmon_tui.lines import Frame, line, text_of, width_of
from akmon_tui.services import ModelChoice, SessionChoice, SettingRow
from akmon_tui.view import View, Waiting, show
from tests.tui.dialogscenes import SCENES
from tests.tui.test_hostile_text import HOSTILE, STEERING

SNAPSHOTS = Path(__file__).parent / "snapshots" / "dialogs"
SIZES = ((80, 24), (120, 40), (40, 12))
LONG = "w" * 300 + " 日本" * 40


def text(frame: Frame) -> str:
    return "\n".join(text_of(each).rstrip() for each in frame.lines) + "\n"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCENES)
def test_a_dialog_looks_as_it_did(name: str, size: tuple[int, int]) -> None:
    width, height = size
    shown = text(SCENES[name]().frame(width, height - 1))
    path = SNAPSHOTS / f"{name}_{width}x{height}.txt"
    if os.environ.get("AKMON_SNAPSHOTS") == "write":
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def hostile_server(bad: str) -> ServerStatus:
    """A server that puts ``bad`` wherever it can say something, and where its configuration can."""
    return ServerStatus(
        name=bad,
        where=bad,
        state="failed",
        detail=bad,
        says=bad,
        protocol=bad,
        tools=(
            ServerTool(name=bad, about=bad),
            ServerTool(name=f"mcp__{bad}__{bad}", about=bad, state="changed", change=f"+{bad}\n-{bad}"),
        ),
        prompts=(ServerPrompt(name=bad, about=bad, arguments=(PromptArgument(name=bad, about=bad),)),),
        resources=(ServerResource(uri=bad, name=bad, about=bad),),
        origin=bad,
        log=bad,
    )


def hostile(bad: str) -> list[Dialog]:
    """Dialogs with ``bad`` in every field."""
    effects = (Effect("run", bad), Effect("write", bad))
    diff, note = DiffView(bad, f"+{bad}", 1, 0), TextView(bad)
    call = ToolCall("1", bad, bad)
    prompted = show(View(), Prompted(User((Text(bad),), record=3)))
    session = SessionChoice(id="s", name=bad, prompt=bad, model=bad, changed=0.0)
    sessions = SessionPicker([session], 5.0)
    sessions.set_preview("s", bad)
    model = ModelChoice(provider=bad, id=bad, price=bad, abilities=(bad,), detail=bad)
    server = hostile_server(bad)
    return [
        question_dialog(
            Waiting(PermissionAsked(call, effects, bad, diff, bad, {bad: f"x{bad}"}), bad), View()
        ),
        question_dialog(Waiting(PermissionAsked(call, (), bad, note)), View()),
        question_dialog(Waiting(PermissionAsked(call, (), bad)), View()),
        question_dialog(Waiting(QuestionAsked("1", bad, (bad, bad)), bad), View()),
        model_picker([model]),
        model_picker([msgspec.structs.replace(model, missing=bad)]),
        sessions,
        rewind_picker(prompted.places, prompted.changed),
        settings_view([SettingRow(name=bad, value=bad, origin=bad, about=bad)]),
        Confirm(bad, [bad], bad, bad),
        question_dialog(Waiting(PermissionAsked(call, (Effect("call", bad),), bad)), View()),
        ServersDialog(lambda: (server,)),
        ServersDialog(lambda: (server,), bad),
        Pager(bad, [line("ok")]),
    ]


@pytest.mark.parametrize(
    "bad", [HOSTILE, LONG, "a\tb\r\nc\x00", ""], ids=["steers", "long", "blanks", "empty"]
)
@pytest.mark.parametrize("size", [*SIZES, (9, 4), (200, 50)], ids=str)
def test_nothing_that_is_shown_steers_the_terminal_or_leaves_the_frame(
    bad: str, size: tuple[int, int]
) -> None:
    for dialog in hostile(bad):
        for key in ("f12", "r", "enter", "down", "enter"):
            dialog.press(Press(key))
            frame = dialog.frame(*size)
            within(frame, *size)
            shown = "".join(text_of(each) for each in frame.lines)
            assert not set(shown) & STEERING


def within(frame: Frame, width: int, height: int) -> None:
    assert len(frame.lines) <= height
    for each in frame.lines:
        assert width_of(each) <= width, text_of(each)
        assert not any(char in piece.text for piece in each for char in "\n\t\r")
    if frame.cursor is not None:
        row, column = frame.cursor
        assert 0 <= row < len(frame.lines)
        assert 0 <= column < width


KEYS = st.sampled_from(
    [
        *"ysarmnNeqgG/ 12x?",
        *("up", "down", "pageup", "pagedown", "home", "end", "left", "right", "delete", "c-u", "c-k", "c-w"),
        *("enter", "c-m", "escape", "tab", "c-i", "backspace", "c-h", "c-n", "c-p", "f5", "日", "<any>"),
    ]
).map(Press) | st.text(max_size=20).map(lambda pasted: Press("<bracketed-paste>", pasted))
STEPS = st.lists(st.tuples(KEYS, st.integers(1, 130), st.integers(1, 40)), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SCENES)), STEPS)
def test_no_key_and_no_size_breaks_a_dialog(name: str, steps: list[tuple[Press, int, int]]) -> None:
    dialog = SCENES[name]()
    for press, width, height in steps:
        within(dialog.frame(width, height), width, height)
        if dialog.press(press) is not None:
            return


@pytest.mark.parametrize("name", SCENES)
def test_a_dialog_of_four_lines_has_its_title_and_its_keys(name: str) -> None:
    large, small = (SCENES[name]().frame(80, height) for height in (60, 4))
    assert len(small.lines) == 4 or len(small.lines) == len(large.lines)
    assert text_of(small.lines[0])[:8] == text_of(large.lines[0])[:8]
    assert text_of(small.lines[-1]).strip()


@pytest.mark.parametrize("name", SCENES)
def test_ctrl_c_leaves_every_dialog_without_a_choice(name: str) -> None:
    done = SCENES[name]().press(Press("c-c"))
    assert done is not None
    assert done.value is None
