"""Nothing that a model, a tool or a file says steers the terminal, or hides on it."""

from __future__ import annotations

import pytest

from akmon_core.events import (
    Attached,
    Committed,
    Event,
    ModelFailed,
    Noticed,
    PermissionAsked,
    PlanSaved,
    Prompted,
    QuestionAsked,
    Reminded,
    Steered,
    SummaryFailed,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from akmon_core.messages import Text, ToolCall, ToolResult, User, note
from akmon_core.stream import Retrying, TextDelta, ThinkingDelta
from akmon_core.tools import DiffView, Effect, TextView
from akmon_tui.plain.render import render
from akmon_tui.view import View, show

HOSTILE = (
    "\x1b]52;c;cHduZWQ=\x07\x1b[2J\x1b[H\x1b[8mhid\x1b[1A\x1b[6n\x9b2J\x1b]1337;File=inline=1:AAAA\x07\x1b[?1049h"
    "\x1b[?2004l\x1b_Gf=100;AAAA\x1b\\\x07\x08\x7f\x85\u202e\u2066\u200b\ufeff\U000e0041\u2028\ud800 end"
)
STEERING = frozenset("\x1b\x07\x08\x7f\r\u202e\u2066\u200b\ufeff\u2028\ud800\U000e0041") | frozenset(
    map(chr, range(0x80, 0xA0))
)

EVENTS: dict[str, Event] = {
    "text": TextDelta(HOSTILE),
    "thinking": ThinkingDelta(HOSTILE),
    "prompt": Prompted(User((Text(HOSTILE),))),
    "steering": Steered(User((Text(HOSTILE),))),
    "failure": ModelFailed("server", HOSTILE, said=HOSTILE),
    "retry": Retrying(1, 5, 1.0, HOSTILE, model=HOSTILE),
    "notice": Noticed(HOSTILE),
    "reminder": Reminded("failures", note(HOSTILE)),
    "plan": PlanSaved(HOSTILE, HOSTILE),
    "commit": Committed("abcdef0", HOSTILE, (HOSTILE,)),
    "no summary": SummaryFailed(message=HOSTILE),
    "tool name": ToolStarted("1", HOSTILE),
    "result": ToolFinished(ToolResult("1", HOSTILE, error=True), HOSTILE, HOSTILE),
    "diff": ToolFinished(ToolResult("1", ""), "edit", view=DiffView(HOSTILE, f"+{HOSTILE}", 1, 0)),
    "view": ToolFinished(ToolResult("1", ""), "edit", view=TextView(HOSTILE)),
    "attached": Attached(HOSTILE, note(HOSTILE), HOSTILE),
    "tool of a server": ToolStarted("1", f"mcp__{HOSTILE}__{HOSTILE}", server=HOSTILE),
    "call of a server": PermissionAsked(
        ToolCall("1", f"mcp__a__{HOSTILE}", HOSTILE), (Effect("call", HOSTILE),), HOSTILE
    ),
    "end": TurnEnded("failed", HOSTILE),
    "question": QuestionAsked("1", HOSTILE, (HOSTILE,)),
    "permission": PermissionAsked(
        ToolCall("1", HOSTILE, "{}"),
        (Effect("run", HOSTILE), Effect("write", HOSTILE), Effect("fetch", f"https://{HOSTILE}")),
        HOSTILE,
        DiffView(HOSTILE, f"+{HOSTILE}", 1, 0),
    ),
}


@pytest.mark.parametrize("agent", ["", "task-1"])
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())
def test_no_event_steers_the_terminal_or_hides_text(event: Event, agent: str) -> None:
    view = show(View(), event, agent) if isinstance(event, ToolStarted) else View()
    shown = "".join(span.text for span in render(view, event, 80, agent))
    assert not set(shown) & STEERING


@pytest.mark.parametrize("cut", range(1, 12))
def test_an_escape_sequence_that_is_split_over_two_pieces_of_text_does_nothing(cut: int) -> None:
    whole = "\x1b]52;c;aGk=\x07x\x1b[2J"
    view, shown = View(), ""
    for piece in (whole[:cut], whole[cut:]):
        event = TextDelta(piece)
        shown += "".join(span.text for span in render(view, event, 80))
        view = show(view, event)
    assert not set(shown) & STEERING


def permission(command: str) -> str:
    asked = PermissionAsked(ToolCall("1", "shell", "{}"), (Effect("run", command),), "default mode asks")
    return "\n".join(span.text for span in render(View(), asked, 80))


def test_a_long_command_is_shown_to_its_end_and_its_length_is_told() -> None:
    text = permission("true " + "a" * 200_000 + "; rm -rf ~")
    assert "a" * 200_000 + "; rm -rf ~" in text
    assert "These are 200,021 characters." in text


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ls" + "\u3000" * 94 + "; rm -rf ~", "run ls<U+3000 x 94>; rm -rf ~"),
        ("ls" + " " * 2_000 + "; rm -rf ~", "run ls<2000 spaces>; rm -rf ~"),
        ("ls" + "\n" * 500 + "rm -rf ~", "<499 empty lines>"),
        ("curl https://\u0430pple.com", "https://<U+0430>pple.com<xn--pple-43d.com>"),
        ("ls \u202e~ fr- mr", "ls <U+202E>~ fr- mr"),
        ("printf '\x1b[2J'", "printf '<U+001B>[2J'"),
    ],
)
def test_what_pushes_a_command_out_of_sight_is_counted_and_what_hides_it_is_named(
    command: str, expected: str
) -> None:
    text = permission(command)
    assert expected in text
    assert len(text.splitlines()) < 20
