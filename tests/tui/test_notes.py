"""What stands beside the conversation: shortening, plans, reminders, sub-agents, and their commands."""

from __future__ import annotations

import pytest

from akmon_core.commands import Command, Compact, Implement, Prompt, SetMode
from akmon_core.events import (
    Cleared,
    Compacted,
    Compacting,
    Event,
    Instructed,
    ModelChosen,
    Outcome,
    Pinned,
    PlanSaved,
    Prompted,
    Reminded,
    Replied,
    Steered,
    SummaryFailed,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from akmon_core.messages import Assistant, Pin, Text, ToolResult, User, note
from akmon_core.permissions import Mode
from akmon_core.spending import Spent
from akmon_core.stream import Retrying, TextDelta, Usage
from akmon_tui.plain.render import render
from akmon_tui.slash import run_slash
from akmon_tui.slash.replies import Say, Send
from akmon_tui.standing import context_text
from akmon_tui.view import View, show
from tests.tui.fake import FakeClient, Step
from tests.tui.scenes import HELLO, call, finished, said
from tests.tui.terminal import Terminal, talk
from tests.tui.test_conversation import leave


def lines(event: Event, view: View | None = None, agent: str = "") -> list[str]:
    return [span.text for span in render(view or View(), event, 80, agent)]


USED = Usage(input_tokens=100, output_tokens=50)
SHORTER = Compacted(summary="s", kept=2, said=9, before=150_000, after=40_000, usage=USED, cost=0.5)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Compacting(150_000), ["shortening", "150,000"]),
        (SHORTER, ["from about 150,000 to 40,000 tokens", "by a summary"]),
        (
            Compacted(summary="s", kept=2, said=9, by="trim", before=9, after=3),
            ["leaving out the oldest"],
        ),
        (SummaryFailed(message="it is down."), ["no summary", "it is down."]),
        (Cleared((3, 5), 1_234), ["2 old results", "1,234"]),
        (Cleared((3,), 10), ["1 old result left"]),
        (Reminded("unverified", note("Run the check.\nNow.")), ["akmon to the model: Run the check."]),
        (PlanSaved(".akmon/plans/a.md", "the plan"), [".akmon/plans/a.md"]),
        (Steered(User((Text("use a set"),))), ["▸ said while it works: use a set"]),
    ],
)
def test_what_happens_beside_the_conversation_is_said_in_lines_that_do_not_wrap(
    event: Event, told: list[str]
) -> None:
    first, *more = render(View(), event, 80)
    assert len(more) <= 1
    assert all(len(span.text) <= 80 for span in (first, *more))
    assert all(text in first.text for text in told)


@pytest.mark.parametrize(
    "event", [Instructed("rules"), Pinned(Pin("plan", "p")), Reminded("mode", note("x")), PlanSaved("", "p")]
)
def test_what_is_said_elsewhere_or_nobody_needs_is_not_shown(event: Event) -> None:
    assert lines(event) == []


@pytest.mark.parametrize("outcome", ["max_turns", "time_limit", "stuck"])
def test_a_turn_that_stopped_by_itself_says_why_and_that_it_can_go_on(outcome: Outcome) -> None:
    shown = lines(TurnEnded(outcome, "the reason"))
    assert f"Stopped ({outcome}): the reason." in shown
    assert shown[-1] == "What you say next goes on from here."


@pytest.mark.parametrize(("mode", "told"), [("plan", True), ("default", False)])
def test_after_a_turn_in_plan_mode_it_is_said_how_to_go_on(mode: Mode, told: bool) -> None:
    assert any("/implement" in line for line in lines(TurnEnded("completed"), View(mode=mode))) == told


def test_a_plan_that_is_carried_out_is_not_shown_again() -> None:
    view = show(View(), PlanSaved("p.md", "1. one\n2. two"))
    assert lines(Prompted(User((Text("Carry it out:\n\n1. one\n2. two"),))), view) == [
        "> Carry it out: (2 lines)"
    ]
    assert lines(Prompted(User((Text("Go.\n1. one"),))), view) == ["> Go.", "> 1. one"]


def test_every_event_that_has_a_cost_counts_once() -> None:
    view = View()
    for agent in ("", "task-1"):
        for event in (SHORTER, SummaryFailed(message="", usage=USED, cost=None), said("x")):
            view = show(view, event, agent)
    one = Spent().and_also(SHORTER).and_also(said("x"))
    assert view.total.priced == pytest.approx(2 * one.priced)
    assert view.total.unpriced == 2
    assert view.total.usage == one.usage + one.usage + USED + USED
    assert view.turn == view.total


# --- sub-agents ---------------------------------------------------------------------------------------


def test_a_sub_agent_has_a_line_for_each_call_and_its_end() -> None:
    view = show(View(), said("", call(1, "read", '{"path": "a.py"}')), "task-57")
    started = ToolStarted("call-1", "read")
    assert lines(started, view, "task-57") == ["task-57 · read a.py"]
    assert lines(finished(1, "40 lines", "read"), view, "task-57") == []
    failed = finished(1, "there is no a.py", "read", error=True)
    assert lines(failed, view, "task-57") == ["task-57 · read: there is no a.py"]
    assert lines(TurnEnded("completed"), view, "task-57") == ["task-57 · done"]
    assert lines(TurnEnded("stuck", "round and round"), view, "task-57") == [
        "task-57 · stopped (stuck): round and round"
    ]
    begins = Prompted(User((Text("Find all\ncallers"),), by="akmon"))
    assert lines(begins, view, "task-57") == ["task-57 · begins: Find all callers"]
    wait = Retrying(2, 5, 3.0, "busy")
    assert lines(wait, view, "task-57") == ["task-57 · attempt 2 of 5 in 3 s: busy"]
    assert lines(Retrying(2, 5, 3.0, "busy", passed=1.0), view, "task-57") == []


def test_what_a_sub_agent_does_leaves_the_main_conversation_as_it_was() -> None:
    view = show(show(View(mode="plan", window=9), said("", call(1))), TextDelta("half a"))
    for event in (
        Prompted(User((Text("x"),))),
        TextDelta("no"),
        Retrying(2, 5, 3.0, "busy"),
        said("no", call(1, "read")),
        ToolStarted("call-1", "read"),
        ModelChosen("p", "m", 5),
        SHORTER,
        ToolFinished(ToolResult("call-1", "x"), "read", pins=(Pin("todos", "x"),)),
        TurnEnded("interrupted"),
    ):
        view = show(view, event, "task-1")
    assert (view.mode, view.window, view.speaking, view.streamed) == ("plan", 9, "text", "half a")
    assert (view.retrying, view.pins, view.calls["call-1"].name) == (None, {}, "shell")


def test_the_result_of_a_call_names_it_again_below_the_lines_of_its_sub_agent() -> None:
    steps: list[Step] = [
        said("", call(1, "task", '{"title": "find it"}')),
        ToolStarted("call-1", "task"),
        ("task-3", Prompted(User((Text("Find it."),)))),
        ("task-3", TextDelta("I look.")),
        ("task-3", said("I look.", call(1, "read", '{"path": "a.py"}'))),
        ("task-3", ToolStarted("call-1", "read")),
        ("task-3", finished(1, "40 lines", "read")),
        ("task-3", said("Found.")),
        ("task-3", TurnEnded("completed")),
        finished(1, "task-3: 2 model calls", "task"),
        said("There."),
    ]
    terminal = talk(FakeClient(steps), leave, first_prompt="find it")
    assert (
        "> find it\n* task find it\ntask-3 · begins: Find it.\ntask-3 · read a.py\ntask-3 · done\n"
        "* task find it\n  task-3: 2 model calls\n\nThere.\n\n[8,000 in" in terminal.text
    )


# --- commands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "mode", "commands"),
    [
        ("/plan", "default", [SetMode("plan")]),
        ("/plan a cache", "default", [SetMode("plan"), Prompt("a cache")]),
        ("/plan a\ncache", "plan", [Prompt("a\ncache")]),
        ("/implement", "plan", [Implement("", "default")]),
        ("/implement", None, [Implement("", "default")]),
        ("/implement a.md", "accept-edits", [Implement("a.md", "accept-edits")]),
        ("/architect a cache", "default", [Prompt("a cache", plan_first=True)]),
        ("/compact", "default", [Compact("")]),
        ("/compact the API names", "default", [Compact("the API names")]),
    ],
)
def test_a_command_sends_what_it_stands_for(line: str, mode: Mode | None, commands: list[Command]) -> None:
    assert run_slash(line, View(mode=mode)) == Send(tuple(commands))


@pytest.mark.parametrize(("line", "mode"), [("/plan", "plan"), ("/architect", "default")])
def test_a_command_that_lacks_its_words_asks_for_them(line: str, mode: Mode) -> None:
    assert isinstance(run_slash(line, View(mode=mode)), Say)


def replied(tokens: int) -> Replied:
    return Replied(Assistant((Text("x"),)), prompt_tokens=tokens)


def test_the_context_is_told_as_the_provider_counted_it_or_not_at_all() -> None:
    view = show(View(), ModelChosen("p", "m", 200_000))
    assert context_text(view) == (
        "There is room for 200,000 tokens; the next reply shows how many are taken."
    )
    view = show(view, replied(50_000))
    assert "50,000 of 200,000 tokens (25%)" in context_text(view)
    for event in (SHORTER, replied(0), ModelChosen("p", "other", 9)):
        assert "the next reply shows" in context_text(show(view, event))
    assert show(show(view, Prompted(User(()))), said("x"), "task-1").context == 50_000
    assert "%" not in context_text(show(View(), replied(5)))


def test_the_todos_are_those_that_were_kept_last() -> None:
    view = View(pins={"todos": "[ ] one"})
    assert run_slash("/todos", view) == Say("[ ] one")
    view = show(view, ToolFinished(ToolResult("c", "ok"), "todo", pins=(Pin("todos", "[x] one"),)))
    assert run_slash("/todos", show(view, Prompted(User(())))) == Say("[x] one")
    assert run_slash("/todos", show(view, Pinned(Pin("todos", "")))) == Say("There is no to-do list.")


def test_commands_that_run_are_followed_to_their_end() -> None:
    client = FakeClient(HELLO, HELLO)

    async def person(terminal: Terminal) -> None:
        for line, shown in [
            ("/compact names", "Shortened from about 9,000 to 1,000 tokens"),
            ("/plan a cache", "mode: plan\n> a cache\n\nHello there."),
            ("/implement a.md", "> Carry out a.md\n\nHello there."),
            ("/context", "the next reply shows"),
        ]:
            await terminal.until_prompt()
            terminal.press(f"{line}\r")
            await terminal.until(shown)
        await leave(terminal)

    talk(client, person)
    assert client.commands == [
        Compact("names"),
        SetMode("plan"),
        Prompt("a cache"),
        Implement("a.md", "default"),
    ]


def test_a_command_may_be_what_a_conversation_begins_with() -> None:
    client = FakeClient(HELLO)
    talk(client, leave, first_prompt=Implement("a.md"))
    assert client.commands == [Implement("a.md")]
