"""Sub-agents: a context of their own, no more rights than the main agent, and one bill for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import reduce
from typing import cast

import pytest

from akmon_core.commands import Answer, Answered, Command, Interrupt, Prompt, SetMode
from akmon_core.errors import ProviderError
from akmon_core.events import (
    EPHEMERAL,
    DurableEvent,
    Envelope,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    Replied,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from akmon_core.limits import AGENT_ANSWER_CHARS, AGENT_STEPS, Limits
from akmon_core.messages import Assistant, Text, ToolResult, User
from akmon_core.models import ModelRequest, Prices
from akmon_core.permissions import Mode, Policy, Rule
from akmon_core.state import State, apply, fold
from akmon_core.stats import stats_of
from akmon_core.tools import Delegation, Effect, FileSeen, ToolContext, ToolOutput
from akmon_query.assembly import assemble
from akmon_query.journal import MemoryJournal
from akmon_query.session import Session
from akmon_query.testing import check_well_formed, run_turn
from tests.query.fakes import FullJournal, Provider, Reply, Tool, asks, of, open_with, watch

READ, WRITE, RUN = Effect("read", "a"), Effect("write", "a.py"), Effect("run", "make")
PRICES = Prices(input=3.0, output=15.0, cache_read=0.3, cache_write=3.75)


async def delegate(text: str, context: ToolContext) -> ToolOutput:
    return await context.delegate(Delegation(task=text, title="some work", reads_only="only read" in text))


def task() -> Tool:
    return Tool("task", talks=delegate)


def playing(main: list[Reply], **children: list[Reply]) -> Callable[[ModelRequest], Reply]:
    """Replies in order: those of ``main``, and those of the sub-agent whose task has the name as a word."""

    def respond(request: ModelRequest) -> Reply:
        if not request.agent:
            return main.pop(0)
        first = request.messages[0]
        assert isinstance(first, User)
        name = next(name for name in children if name in first.text.split())
        return children[name].pop(0)

    return respond


def results(history: Iterable[object]) -> list[str]:
    return [message.text for message in history if isinstance(message, ToolResult)]


def of_agent(envelopes: Iterable[Envelope], agent: str) -> State:
    """A sub-agent's own state at the end of what happened."""
    own = (each.event for each in envelopes if each.agent == agent and not isinstance(each.event, EPHEMERAL))
    return reduce(apply, cast("Iterable[DurableEvent]", own), State())


def agents_of(envelopes: Iterable[Envelope]) -> list[str]:
    return list(dict.fromkeys(each.agent for each in envelopes if each.agent))


async def everything(session: Session) -> list[Envelope]:
    """All durable events of a session, which is closed."""
    await session.close()
    return [envelope async for envelope in session.events(after=0, agents=True)]


def played(
    model: Provider,
    *tools: Tool,
    react: Callable[[Envelope], Iterable[Command]] = lambda _: (),
    mode: Mode | None = None,
    policy: Policy = Policy(),  # noqa: B008
    limits: Limits = Limits(),  # noqa: B008
) -> tuple[State, list[Envelope]]:
    """The state after one turn, and all that was recorded; ``react`` sees what a plain client sees."""

    async def run() -> tuple[State, list[Envelope]]:
        session = open_with(model, task(), *tools, mode=mode, policy=policy, limits=limits)
        await watch(session, react)
        return session.state, await everything(session)

    return asyncio.run(run())


# --- context and record -----------------------------------------------------------------------------


def test_a_sub_agent_knows_its_task_and_gives_its_last_answer() -> None:
    model = Provider(
        playing([asks(("task", "find it")), "done"], find=[asks(("look", "x")), "it is in a.py:3"])
    )
    state, kept = played(model, Tool("look", READ))
    (agent,) = agents_of(kept)
    requests = [request for request in model.requests if request.agent]
    assert [request.agent for request in requests] == [agent, agent]
    assert [type(each) for each in requests[0].messages] == [User]
    assert requests[0].messages[0] == of_agent(kept, agent).history[0]
    assert results(state.history) == ["it is in a.py:3"]
    check_well_formed(state.history)
    own = of_agent(kept, agent)
    check_well_formed(own.history)
    assert results(own.history) == ["x"]
    assert own.outcome == "completed"
    assert (own.provider, own.model) == (state.provider, state.model)


def test_what_a_sub_agent_does_is_recorded_under_its_path_and_belongs_to_the_turn() -> None:
    model = Provider(playing([asks(("task", "a")), asks(("task", "b")), "done"], a=["x"], b=["y"]))
    _, kept = played(model)
    first, second = agents_of(kept)
    assert first != second
    assert {each.turn for each in kept if each.agent} == {1}
    assert len({each.cause for each in kept if each.agent}) == 1
    assert [each.seq for each in kept] == list(range(1, len(kept) + 1))
    ends = [each.agent for each in kept if isinstance(each.event, TurnEnded)]
    assert ends == [first, second, ""]


def test_the_instructions_and_the_facts_hold_for_sub_agents_too() -> None:
    model = Provider(playing([asks(("task", "a")), "done"], a=["x"]))

    async def run() -> None:
        async with assemble(
            model, {"task": task()}, MemoryJournal(), session="s", instructions="Never use tabs."
        ) as session:
            await run_turn(session, Prompt("go"))

    asyncio.run(run())
    assert all("Never use tabs." in request.system for request in model.requests)


def test_a_client_sees_of_sub_agents_only_what_they_ask_unless_it_wants_all() -> None:
    model = Provider(playing([asks(("task", "a")), "done"], a=[asks(("make", "x")), "made"]))

    async def run() -> None:
        session = open_with(model, task(), Tool("make", RUN))
        plain, full = session.events(), session.events(agents=True)
        await session.send(Prompt("go"))
        async for envelope in plain:
            if isinstance(envelope.event, PermissionAsked):
                await session.send(Answer(envelope.event.call.id, "once", agent=envelope.agent))
            if isinstance(envelope.event, TurnEnded):
                break
        await session.close()
        late = session.events(after=0)
        for events in ([each async for each in late], [each async for each in plain]):
            assert {type(each.event) for each in events if each.agent} <= {PermissionAsked, PermissionDecided}
        (asked, decided) = [each async for each in session.events(after=0) if each.agent]
        assert isinstance(asked.event, PermissionAsked)
        assert isinstance(decided.event, PermissionDecided)
        assert {Replied, ToolStarted, TurnEnded} < {type(each.event) async for each in full if each.agent}

    asyncio.run(run())


# --- the bill ---------------------------------------------------------------------------------------


def test_what_sub_agents_use_counts_once_in_the_state_the_statistics_and_a_replay() -> None:
    model = Provider(
        playing(
            [asks(("task", "a"), ("task", "b")), "done"],
            a=[asks(("look", "x")), "x"],
            b=[asks(("look", "y")), ProviderError("server", "broke")],
        ),
        prices=PRICES,
    )
    state, kept = played(model, Tool("look", READ))
    assert state.usage == model.usage
    assert state.cost == pytest.approx(PRICES.cost(model.usage))
    assert reduce(fold, kept, State()) == state
    stats = stats_of(kept)
    assert stats.total.spent == state.spent
    assert stats.total.calls == len(model.requests)
    assert list(stats.turns) == [1]
    assert stats.turns[1].calls == len(model.requests)


def test_the_budget_is_that_of_the_whole_session() -> None:
    model = Provider(
        playing([asks(("task", "a")), "never"], a=[asks(("look", "x"))] * 9),
        prices=Prices(input=1e6, output=0, cache_read=0, cache_write=0),
    )
    state, kept = played(model, Tool("look", READ), limits=Limits(max_cost_usd=1e-6))
    (agent,) = agents_of(kept)
    assert of_agent(kept, agent).outcome == "budget_limit"
    assert state.outcome == "budget_limit"
    assert "budget_limit" in results(state.history)[0]


def test_a_sub_agent_has_a_number_of_model_calls_of_its_own() -> None:
    looks: list[Reply] = [asks(("look", str(at))) for at in range(100)]
    model = Provider(playing([asks(("task", "a")), "done"], a=looks))
    state, kept = played(model, Tool("look", READ))
    assert len([request for request in model.requests if request.agent]) == AGENT_STEPS
    (result,) = [each for each in state.history if isinstance(each, ToolResult)]
    assert result.error
    assert "did not finish (max_turns" in result.text
    assert state.outcome == "completed"
    assert state.steps == 2
    (finished,) = [each.event for each in kept if isinstance(each.event, ToolFinished) and not each.agent]
    assert f"{AGENT_STEPS} model calls" in finished.summary


def test_the_time_of_a_turn_runs_while_its_sub_agents_work() -> None:
    async def sleep(text: str, context: ToolContext) -> str:
        await asyncio.sleep(0.06)
        return "woke"

    model = Provider(playing([asks(("sleep", ""), ("task", "a"))]))
    state, kept = played(
        model,
        Tool("sleep", RUN, talks=sleep),
        policy=Policy(rules=(Rule("sleep"),)),
        limits=Limits(max_seconds=0.05),
    )
    (agent,) = agents_of(kept)
    assert of_agent(kept, agent).outcome == "time_limit"
    assert state.outcome == "time_limit"
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("replies", "told"),
    [
        ([ProviderError("server", "it broke")], "did not finish (failed: it broke). It said nothing."),
        ([""], "did not finish (completed). It said nothing."),
        ([Assistant((), "refused")], "did not finish (failed"),
    ],
)
def test_a_sub_agent_that_fails_is_a_failed_call_that_says_why(replies: list[Reply], told: str) -> None:
    model = Provider(playing([asks(("task", "a")), "I see"], a=replies))
    state, _ = played(model)
    (result,) = [each for each in state.history if isinstance(each, ToolResult)]
    assert result.error
    assert told in result.text
    assert state.outcome == "completed"


def test_what_a_sub_agent_had_said_before_it_failed_is_not_lost() -> None:
    model = Provider(
        playing(
            [asks(("task", "a")), "I see"],
            a=[Assistant((Text("I look. "), *asks(("look", "x")).parts)), ProviderError("server", "x")],
        )
    )
    state, _ = played(model, Tool("look", READ))
    told = "The sub-agent did not finish (failed: x). The last that it said:\n\nI look. "
    assert results(state.history) == [told]


def test_a_very_long_answer_is_cut() -> None:
    model = Provider(playing([asks(("task", "a")), "I see"], a=["word " * AGENT_ANSWER_CHARS]), window=10**6)
    state, _ = played(model)
    (text,) = results(state.history)
    assert len(text) < AGENT_ANSWER_CHARS + 100
    assert text.endswith("[the rest is cut off]")


# --- rights -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "words", "policy", "told"),
    [
        ("plan", "a", Policy(), "plan mode only reads"),
        ("full-auto", "a only read", Policy(), "plan mode only reads"),
        ("full-auto", "a", Policy(rules=(Rule("write", "", "deny"),)), "the rule write says deny"),
        ("default", "a", Policy(unattended=True), "nobody is there to ask"),
    ],
)
def test_a_sub_agent_may_do_at_most_what_the_main_agent_may(
    mode: Mode, words: str, policy: Policy, told: str
) -> None:
    model = Provider(playing([asks(("task", words)), "done"], a=[asks(("write", "x")), "no"]))
    write = Tool("write", WRITE)
    _, kept = played(model, write, mode=mode, policy=policy)
    (agent,) = agents_of(kept)
    assert write.log == []
    assert told in results(of_agent(kept, agent).history)[0]


def test_a_mode_that_changes_meanwhile_holds_for_sub_agents_from_their_next_call_on() -> None:
    model = Provider(
        playing([asks(("task", "a")), "done"], a=[asks(("look", "x")), asks(("write", "y")), "no"])
    )
    write = Tool("write", WRITE)

    async def run() -> None:
        session = open_with(model, task(), Tool("look", READ), write, mode="full-auto")
        events = session.events(agents=True)
        await session.send(Prompt("go"))
        async for envelope in events:
            if isinstance(envelope.event, ToolStarted) and envelope.event.tool == "look":
                await session.send(SetMode("plan"))
            if isinstance(envelope.event, TurnEnded) and not envelope.agent:
                break
        await session.close()

    asyncio.run(run())
    assert write.log == []


def test_what_a_person_allows_a_sub_agent_for_the_session_holds_for_all() -> None:
    model = Provider(
        playing(
            [asks(("task", "a")), asks(("make", "2")), asks(("task", "b")), "done"],
            a=[asks(("make", "1")), "made"],
            b=[asks(("make", "3")), "made"],
        )
    )
    make = Tool("make", RUN)

    def react(envelope: Envelope) -> Iterable[Command]:
        match envelope.event:
            case PermissionAsked(call=call):
                return [Answer(call.id, "session", agent=envelope.agent)]
            case _:
                return []

    state, kept = played(model, make, react=react)
    assert [line for line in make.log if line.startswith("end")] == ["end 1", "end 2", "end 3"]
    assert len([each for each in kept if isinstance(each.event, PermissionAsked)]) == 1
    assert len(state.grants) == 1


def test_answers_go_to_the_sub_agent_that_they_name_also_where_call_ids_are_the_same() -> None:
    model = Provider(
        playing(
            [asks(("task", "a"), ("task", "b")), "done"],
            a=[asks(("make", "from-a")), "x"],
            b=[asks(("make", "from-b")), "y"],
        )
    )
    make = Tool("make", RUN)
    asked: dict[str, str] = {}

    def react(envelope: Envelope) -> Iterable[Command]:
        if not isinstance(envelope.event, PermissionAsked):
            return []
        assert envelope.event.call.id == "1"
        asked[envelope.agent] = envelope.event.call.arguments
        if len(asked) < 2:
            return []
        answers: dict[str, Answered] = {
            agent: "once" if "from-b" in arguments else "deny" for agent, arguments in asked.items()
        }
        wrong = Answer("1", "once", agent="task-999")
        return [wrong, *(Answer("1", answer, agent=agent) for agent, answer in answers.items())]

    async def run() -> None:
        session = open_with(model, task(), make)
        seen = await watch(session, react)
        assert len(of(seen, Noticed)) == 1
        await session.close()

    asyncio.run(run())
    assert make.log == ["start from-b", "end from-b"]


def test_sub_agents_have_no_sub_agents_and_nobody_to_ask() -> None:
    model = Provider(playing([asks(("task", "a")), "done"], a=[asks(("task", "more"), ("ask", "?")), "no"]))
    _, kept = played(model, Tool("ask", Effect("ask", "?")), Tool("look", READ))
    (agent,) = agents_of(kept)
    offered = {request.agent: [spec.name for spec in request.tools] for request in model.requests}
    assert offered == {"": ["task", "ask", "look"], agent: ["look"]}
    assert all("there is no tool called" in text for text in results(of_agent(kept, agent).history))


# --- side by side, and cut off ----------------------------------------------------------------------


def test_sub_agents_of_one_reply_work_at_the_same_time() -> None:
    both = asyncio.Event()
    running = 0

    async def meet(text: str, context: ToolContext) -> str:
        nonlocal running
        running += 1
        if running == 2:
            both.set()
        await both.wait()
        return "met"

    model = Provider(
        playing(
            [asks(("task", "a"), ("task", "b")), "done"],
            a=[asks(("meet", "")), "first"],
            b=[asks(("meet", "")), "second"],
        )
    )
    state, kept = played(model, Tool("meet", READ, talks=meet))
    assert results(state.history) == ["first", "second"]
    assert len(agents_of(kept)) == 2


@pytest.mark.parametrize("when", [Replied, ToolStarted, PermissionAsked])
def test_an_interrupt_ends_every_sub_agent_and_leaves_whole_histories(when: type[object]) -> None:
    hold = asyncio.Event()
    calls = asks(("look", "x"), ("make", "y"), ("slow", "z"))
    model = Provider(playing([asks(("task", "a"), ("task", "b"))], a=[calls], b=[calls]))

    async def run() -> list[Envelope]:
        tools = Tool("look", READ), Tool("make", RUN), Tool("slow", READ, hold=hold)
        policy = Policy(rules=() if when is PermissionAsked else (Rule("make"),))
        session = open_with(model, task(), *tools, policy=policy)
        events = session.events(agents=True)
        await session.send(Prompt("go"))
        async for envelope in events:
            if envelope.agent and isinstance(envelope.event, when):
                await session.send(Interrupt())
                break
        async for envelope in events:
            if isinstance(envelope.event, TurnEnded) and not envelope.agent:
                break
        assert session.state.outcome == "interrupted"
        check_well_formed(session.state.history)
        return await everything(session)

    kept = asyncio.run(run())
    assert agents_of(kept)
    for agent in agents_of(kept):
        own = of_agent(kept, agent)
        check_well_formed(own.history)
        assert own.outcome == "interrupted"
        assert not own.open_calls
    assert isinstance(kept[-1].event, TurnEnded)
    assert not kept[-1].agent


def test_a_bug_in_a_tool_of_a_sub_agent_is_that_calls_result() -> None:
    def work(text: str) -> object:
        raise ZeroDivisionError("oops")

    model = Provider(playing([asks(("task", "a")), "done"], a=[asks(("look", "x")), "it broke"]))
    state, _ = played(model, Tool("look", READ, work=work))
    assert results(state.history) == ["it broke"]


def test_nothing_goes_on_unrecorded_once_a_sub_agents_record_cannot_be_written() -> None:
    def run(room: int) -> int:
        model = Provider(
            playing(
                [asks(("task", "a"), ("write", "x")), asks(("write", "y")), "done"],
                a=[asks(("write", "z")), "ok"],
            )
        )
        write = Tool("write", WRITE)

        async def turn() -> None:
            journal = FullJournal(room)
            session = open_with(model, task(), write, journal=journal, mode="full-auto")
            await run_turn(session, Prompt("go"))
            kept = list(journal.read())
            started = [each for each in kept if isinstance(each.event, ToolStarted)]
            assert len([line for line in write.log if line.startswith("start")]) <= len(
                [each for each in started if cast("ToolStarted", each.event).tool == "write"]
            )
            if journal.refused:
                assert session.state.outcome == "failed"
                asked = [each for each in kept if isinstance(each.event, Replied)]
                assert len(model.requests) <= len(asked) + 1
            await session.close()

        asyncio.run(turn())
        return len(model.requests)

    assert [run(room) for room in range(3, 60)][-1] == 5


def test_what_a_sub_agent_changed_is_to_be_checked_like_any_change() -> None:
    async def write(text: str, context: ToolContext) -> ToolOutput:
        return ToolOutput("written", files=(FileSeen(f"/{text}", "0", written=True),))

    model = Provider(
        playing([asks(("task", "a")), "done", "checked enough"], a=[asks(("write", "b.py")), "ok"])
    )
    state, kept = played(model, Tool("write", talks=write), limits=Limits(check_command="make test"))
    assert state.changes.files == ("/b.py",)
    assert state.files == {}
    assert state.reminded == ("unverified",)
    assert reduce(fold, kept, State()) == state
