"""The loop watches itself: circles, failures, unchecked changes, replies that were cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import pytest

from akmon_core.commands import Command, Steer
from akmon_core.events import Continued, Envelope, Reminded, Replied, ToolStarted, TurnEnded
from akmon_core.limits import FAILURES_STOPPED, REPEATS_STOPPED, Limits
from akmon_core.messages import Assistant, Text, ToolCall, ToolResult, User
from akmon_core.models import ModelRequest
from akmon_core.permissions import Mode, Policy, Rule
from akmon_core.prompt import FAILING, REPEATING
from akmon_core.state import State
from akmon_core.tools import Effect, FileSeen, ToolContext, ToolOutput
from akmon_query.testing import check_well_formed
from tests.query.fakes import Provider, Reply, Tool, asks, in_order, of, open_with, watch

READ, RUN, WRITE = Effect("read", "a"), Effect("run", "make"), Effect("write", "a.py")
MANY = Limits(max_steps=300)


def turn(
    model: Provider,
    *tools: Tool,
    react: Callable[[Envelope], Iterable[Command]] = lambda _: (),
    limits: Limits = MANY,
    mode: Mode | None = None,
    policy: Policy = Policy(rules=(Rule("shell"), Rule("edit"))),  # noqa: B008
) -> tuple[State, list[Envelope]]:
    async def run() -> tuple[State, list[Envelope]]:
        session = open_with(model, *tools, limits=limits, mode=mode, policy=policy)
        seen = await watch(session, react)
        await session.close()
        check_well_formed(session.state.history)
        return session.state, seen

    return asyncio.run(run())


def reminders(seen: Iterable[Envelope]) -> list[str]:
    return [each.kind for each in of(seen, Reminded)]


# --- circles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("circle", ["a", "ab", "abc"])
def test_a_model_in_a_circle_is_told_so_and_then_stopped(circle: str) -> None:
    replies = [asks(("look", name)) for name in circle * 30]
    model = Provider(in_order(*replies), window=10**6)
    _, seen = turn(model, Tool("look", READ))
    assert reminders(seen) == ["repetition"]
    assert [end.outcome for end in of(seen, TurnEnded)] == ["stuck"]
    assert len(of(seen, Replied)) == REPEATS_STOPPED * len(circle)
    told = next(
        request for request in model.requests if request.messages[-1] == User((Text(REPEATING),), "akmon")
    )
    assert model.requests.index(told) == 3 * len(circle)


def test_a_model_that_listens_goes_on() -> None:
    def respond(request: ModelRequest) -> Reply:
        return "I see" if request.messages[-1] == told else asks(("look", "a"))

    told = User((Text(REPEATING),), "akmon")
    _, seen = turn(Provider(respond), Tool("look", READ))
    assert of(seen, TurnEnded) == [TurnEnded("completed")]
    assert len(of(seen, Replied)) == 4


def test_a_word_of_the_person_begins_to_count_anew() -> None:
    model = Provider(in_order(*[asks(("look", "a"))] * 7, "done"))
    looks = 0

    def react(envelope: Envelope) -> Iterable[Command]:
        nonlocal looks
        looks += isinstance(envelope.event, ToolStarted)
        return [Steer("again, please")] if isinstance(envelope.event, ToolStarted) and looks == 4 else []

    _, seen = turn(model, Tool("look", READ), react=react)
    assert of(seen, TurnEnded) == [TurnEnded("completed")]


@pytest.mark.parametrize("name", ["reads", "polling", "tests", "reads around edits"])
def test_honest_work_is_not_stopped(name: str) -> None:
    calls = {
        "reads": [asks(("look", f"{at}")) for at in range(100)],
        "polling": [asks(("log", "")) for _ in range(60)],
        "tests": [one for at in range(40) for one in (asks(("edit", f"{at}")), asks(("log", "")))],
        "reads around edits": [asks((tool, "a")) for _ in range(30) for tool in ("count", "edit")],
    }[name]
    numbers = iter(range(1_000))
    tools = (
        Tool("look", READ),
        Tool("log", READ, work=lambda _: f"line {next(numbers)}"),
        Tool("count", READ, work=lambda _: next(numbers)),
        Tool("edit", WRITE, work=lambda _: "edited"),
    )
    _, seen = turn(Provider(in_order(*calls, "done"), window=10**6), *tools)
    assert of(seen, TurnEnded) == [TurnEnded("completed")]
    assert reminders(seen) == []


def test_failures_of_one_kind_are_told_and_then_stop_the_turn() -> None:
    def work(text: str) -> object:
        raise FileNotFoundError(f"no such file: {text}")

    calls = [asks(("look", f"src/{at}.py")) for at in range(30)]
    model = Provider(in_order(*calls))
    _, seen = turn(model, Tool("look", READ, work=work))
    assert reminders(seen) == ["failures"]
    assert [end.outcome for end in of(seen, TurnEnded)] == ["stuck"]
    assert len(of(seen, Replied)) == FAILURES_STOPPED
    assert any(request.messages[-1] == User((Text(FAILING),), "akmon") for request in model.requests)


def test_denials_in_a_row_are_failures_too() -> None:
    calls = [asks(("run", f"{at}")) for at in range(30)]
    _, seen = turn(Provider(in_order(*calls)), Tool("run", RUN), mode="plan")
    assert [end.outcome for end in of(seen, TurnEnded)] == ["stuck"]


# --- unchecked changes ------------------------------------------------------------------------------


async def write(text: str, context: ToolContext) -> ToolOutput:
    return ToolOutput("ok", files=(FileSeen(f"/p/{text}", "0", written=True),))


def shell(command: str) -> Assistant:
    return Assistant((ToolCall("1", "shell", f'{{"command": "{command}"}}'),), "tools")


CHECKED = Limits(max_steps=300, check_command="make test")


def editing() -> tuple[Tool, Tool]:
    return Tool("edit", WRITE, talks=write), Tool("shell", RUN)


@pytest.mark.parametrize(
    ("replies", "told"),
    [
        ([asks(("edit", "a")), "done", "really"], ["unverified"]),
        ([asks(("edit", "a")), "done", shell("make test"), "done"], ["unverified"]),
        ([asks(("edit", "a")), shell("ls"), "done", "really"], ["unverified"]),
        ([shell("make test"), asks(("edit", "a")), "done", "really"], ["unverified"]),
        ([asks(("edit", "a")), "done", asks(("edit", "b")), "done"], ["unverified"]),
        ([asks(("edit", "a")), shell("cd x && make test"), "done"], []),
        ([asks(("edit", "a"), ("edit", "b")), shell("pytest -x"), "done"], []),
        ([shell("make"), "done"], []),
        (["done"], []),
    ],
)
def test_a_turn_that_changed_files_and_checked_nothing_is_reminded_once(
    replies: list[Reply], told: list[str]
) -> None:
    model = Provider(in_order(*replies))
    _, seen = turn(model, *editing(), limits=CHECKED)
    assert of(seen, TurnEnded) == [TurnEnded("completed")]
    assert reminders(seen) == told
    assert len(model.requests) == len(replies)
    notes = {each.text for request in model.requests for each in request.messages if isinstance(each, User)}
    assert any("make test" in text for text in notes) == bool(told)


def test_changes_that_were_denied_and_unknown_checks_remind_of_nothing() -> None:
    model = Provider(in_order(asks(("edit", "a")), "done"))
    _, seen = turn(model, *editing(), limits=CHECKED, policy=Policy(unattended=True))
    assert reminders(seen) == []
    model = Provider(in_order(asks(("edit", "a")), "done"))
    _, seen = turn(model, *editing())
    assert reminders(seen) == []


# --- replies that the output limit cut --------------------------------------------------------------


def cut(*calls: ToolCall) -> Assistant:
    return Assistant((Text("and then"), *calls), "length")


def test_calls_of_a_cut_reply_run_if_their_arguments_arrived_whole() -> None:
    whole, torn = ToolCall("1", "look", '{"text": "x"}'), ToolCall("2", "look", '{"text": "y')
    nothing = ToolCall("3", "look", "")
    look = Tool("look", READ)
    state, seen = turn(Provider(in_order(cut(whole, torn), cut(whole, nothing), "done")), look)
    assert of(seen, TurnEnded) == [TurnEnded("completed")]
    assert of(seen, Continued) == []
    assert look.log == ["start x", "end x"] * 2
    results = [each for each in state.history if isinstance(each, ToolResult)]
    assert [each.error for each in results] == [False, True, False, True]
    assert "not valid JSON" in results[1].text
    assert "reached its output limit within this call" in results[3].text


def test_a_call_without_arguments_in_a_whole_reply_or_before_others_is_one_of_none() -> None:
    nothing, whole = ToolCall("1", "look", ""), ToolCall("2", "look", '{"text": "x"}')
    look = Tool("look", READ)
    turn(Provider(in_order(Assistant((nothing,), "tools"), cut(nothing, whole), "done")), look)
    assert look.log.count("start ") == 2


def test_continuations_begin_anew_once_a_cut_reply_made_progress() -> None:
    replies: list[Reply] = [*[cut()] * 3, asks(("look", "x")), *[cut()] * 3, "done"]
    _, seen = turn(Provider(in_order(*replies)), Tool("look", READ))
    assert of(seen, TurnEnded) == [TurnEnded("completed")]
    assert len(of(seen, Continued)) == 6


def test_a_reply_that_is_cut_four_times_fails_and_keeps_what_was_said() -> None:
    state, seen = turn(Provider(in_order(*[cut()] * 4)))
    (end,) = of(seen, TurnEnded)
    assert (end.outcome, end.reason) == ("failed", "the reply was cut by the output limit 4 times")
    assert sum(isinstance(each, Assistant) for each in state.history) == 4
