"""Long conversations through the real engine: shortened in time, by itself or when asked for."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from akmon_core.commands import Command, Compact, Interrupt, Prompt, SetMode, Steer
from akmon_core.errors import ProviderError
from akmon_core.events import (
    Cleared,
    Compacted,
    Compacting,
    Envelope,
    ModelFailed,
    Noticed,
    Replied,
    SummaryFailed,
    TurnEnded,
)
from akmon_core.limits import RESULT_SHARE, Limits
from akmon_core.messages import Assistant, Text, ToolCall, ToolResult, User
from akmon_core.models import ModelRequest, Prices
from akmon_core.prompt import SUMMARISE
from akmon_core.stream import Usage
from akmon_core.tools import Effect, ToolContext
from akmon_query import Session, open_session
from akmon_query.testing import check_well_formed, run_turn
from tests.query.fakes import FullJournal, Provider, Reply, Tool, asks, in_order, of, open_with, until, watch

READ = Effect("read", "a")
MANY = Limits(max_steps=500)
PRICES = Prices(input=3.0, output=15.0, cache_read=0.3, cache_write=3.75)
LONG = "words of a long result, and more; "

Respond = Callable[[ModelRequest], Reply]


def busy(steps: int, tool: str = "edit", *, summary: Respond = lambda _: "SUMMARY") -> Respond:
    """Calls ``tool`` in each step, says done after ``steps`` of them, and writes summaries when asked."""
    made = 0

    def respond(request: ModelRequest) -> Reply:
        nonlocal made
        if request.purpose == "summary":
            return summary(request)
        made += 1
        return asks((tool, f"{made}")) if made <= steps else "done"

    return respond


def tool(name: str = "edit", size: int = 4_000) -> Tool:
    """Its results are of ``size`` characters. Those of a tool called edit are never cleared."""
    return Tool(name, READ, work=lambda text: (f"{text}: " + LONG * (size // len(LONG) + 1))[:size])


def texts(request: ModelRequest, by: str = "person") -> list[str]:
    return [each.text for each in request.messages if isinstance(each, User) and each.by == by]


def talk(
    model: Provider, *commands: Command, tools: tuple[Tool, ...] = (), limits: Limits = MANY
) -> tuple[Session, list[Envelope]]:
    """The session after ``commands``, each sent when the one before has ended its turn."""

    async def run() -> tuple[Session, list[Envelope]]:
        session = open_with(model, *(tools or (tool(),)), limits=limits)
        seen: list[Envelope] = []
        for command in commands:
            end: type[object] = TurnEnded if isinstance(command, Prompt) else Compacted
            seen += await until(session, end, command)
        await session.close()
        return session, seen

    return asyncio.run(run())


# --- by itself --------------------------------------------------------------------------------------


def test_a_long_turn_stays_inside_the_window_by_the_providers_own_count() -> None:
    model = Provider(busy(120))
    session, seen = talk(model, Prompt("the first words"))
    assert of(seen, ModelFailed) == []
    assert of(seen, TurnEnded) == [TurnEnded("completed")]
    assert max(map(model.count, model.requests)) <= model.facts.context_window - model.facts.max_output
    assert len(of(seen, Compacted)) >= 3
    assert {how.by for how in of(seen, Compacted)} == {"model"}
    assert texts(model.requests[-1]) == ["the first words"]
    assert "SUMMARY" in texts(model.requests[-1], "summary")[0]
    check_well_formed(session.state.history)


def test_a_summary_is_asked_for_with_the_beginning_of_the_prompt_that_was_cached() -> None:
    model = Provider(busy(40))
    _, seen = talk(model, Prompt("go"))
    summary = model.summaries[0]
    before = model.requests[model.requests.index(summary) - 1]
    assert (summary.system, summary.tools) == (before.system, before.tools)
    *messages, last = summary.messages
    assert tuple(messages) == before.messages[: len(messages)]
    assert isinstance(last, User)
    assert last.text == SUMMARISE
    assert len(of(seen, Compacting)) == len(model.summaries)


def test_the_second_summary_is_made_from_the_first() -> None:
    numbers = iter(range(1, 100))
    model = Provider(busy(80, summary=lambda _: f"SUMMARY {next(numbers)}"))
    talk(model, Prompt("go"))
    for number, request in enumerate(model.summaries[1:], 1):
        (summary,) = texts(request, "summary")
        assert f"SUMMARY {number}\n" in summary


def test_what_a_summary_used_counts_once() -> None:
    model = Provider(busy(60), prices=PRICES)
    session, seen = talk(model, Prompt("go"))
    assert session.state.usage == model.usage
    assert session.state.cost == pytest.approx(PRICES.cost(model.usage))
    assert sum((how.usage for how in of(seen, Compacted)), Usage()).output_tokens == 10 * len(model.summaries)
    assert len(of(seen, Replied)) + len(model.summaries) == len(model.requests)


@pytest.mark.parametrize(
    ("summary", "why"),
    [
        (ProviderError("server", "it broke"), "it broke"),
        ("", "no whole summary"),
        (" \n", "no whole summary"),
        (asks(("edit", "x")), "no whole summary"),
        (Assistant((Text("half of"),), "length"), "no whole summary"),
        (Assistant((Text("no"),), "refused"), "no whole summary"),
        (LONG * 5_000, "saved nothing"),
    ],
)
def test_a_failed_summary_is_told_tried_once_a_step_and_the_oldest_goes_instead(
    summary: Assistant | str | Exception, why: str
) -> None:
    model = Provider(busy(60, summary=lambda _: summary))
    session, seen = talk(model, Prompt("the first words"))
    assert of(seen, TurnEnded) == [TurnEnded("completed")]
    failed = of(seen, SummaryFailed)
    assert failed
    assert all(why in each.message for each in failed)
    assert {how.by for how in of(seen, Compacted)} == {"trim"}
    assert len(of(seen, Compacting)) == len(failed)
    kinds = [type(each.event) for each in seen if isinstance(each.event, Replied | SummaryFailed)]
    assert (SummaryFailed, SummaryFailed) not in list(itertools.pairwise(kinds))
    assert max(map(model.count, model.requests)) <= model.facts.context_window
    assert texts(model.requests[-1]) == ["the first words"]
    assert session.state.usage == model.usage


def test_old_results_go_before_a_summary_is_made_and_can_be_read_again() -> None:
    shown: list[str | None] = []

    async def recall(text: str, context: ToolContext) -> str:
        shown.append(context.recall(int(text)))
        return "recalled"

    def respond(request: ModelRequest) -> Assistant | str:
        results = [each for each in request.messages if isinstance(each, ToolResult)]
        old = [each for each in results if each.text.startswith("[Old output of look")]
        if shown:
            return "done"
        if old:
            return asks(("recall", str(old[0].record)))
        return asks(("look", str(len(results))))

    model = Provider(respond)
    tools = (tool("look"), Tool("recall", READ, talks=recall))
    _, seen = talk(model, Prompt("go"), tools=tools)
    assert of(seen, Compacted) == []
    assert of(seen, Cleared)
    assert shown == [("0: " + LONG * 200)[:4_000]]


def test_a_record_that_holds_nothing_for_the_model_gives_nothing() -> None:
    got: dict[int, str | None] = {}

    async def recall(text: str, context: ToolContext) -> str:
        got.update({number: context.recall(number) for number in (-1, 0, 1, 2, 3, 5, 10**6)})
        return "ok"

    model = Provider(in_order(asks(("recall", "")), "done"))
    talk(model, Prompt("my words"), tools=(Tool("recall", READ, talks=recall),))
    assert got == {-1: None, 0: None, 1: None, 2: None, 3: "my words", 5: None, 10**6: None}


def test_the_read_tool_shows_a_placeholders_record_whole(tmp_path: Path) -> None:
    """Through the built-in tools, in a project on the disk."""
    (tmp_path / "big.txt").write_text("".join(f"this is line {at} of it\n" for at in range(1_000)))
    for at in range(30):
        (tmp_path / f"{at}.txt").write_text("other words\n" * 300)

    def call(path: str) -> Assistant:
        return Assistant((ToolCall("1", "read", f'{{"path": "{path}"}}'),), "tools")

    def respond(request: ModelRequest) -> Assistant | str:
        results = [each for each in request.messages if isinstance(each, ToolResult)]
        if not results:
            return call("big.txt")
        if "this is line 999 of it" in results[-1].text and len(results) > 1:
            return "done"
        if results[0].text.startswith("[Old output of read big.txt"):
            return call(f"record:{results[0].record}")
        return call(f"{len(results)}.txt")

    async def run() -> None:
        model = Provider(respond, window=100_000, caches=False)
        async with open_session(model, cwd=tmp_path, limits=MANY) as session:
            seen = await run_turn(session, Prompt("go"))
            assert of(seen, TurnEnded) == [TurnEnded("completed")]
            assert of(seen, Cleared)
            last = session.state.history[-2]
            assert isinstance(last, ToolResult)
            assert "this is line 0 of it" in last.text

    asyncio.run(run())


def test_a_huge_result_enters_the_conversation_cut_and_stays_whole_in_the_record() -> None:
    whole: list[str | None] = []

    async def recall(text: str, context: ToolContext) -> str:
        whole.append(context.recall(int(text)))
        return "ok"

    def respond(request: ModelRequest) -> Assistant | str:
        last = request.messages[-1]
        if isinstance(last, User):
            return asks(("look", "a"), ("look", "b"), ("look", "c"), ("look", "d"))
        assert isinstance(last, ToolResult)
        return "done" if whole else asks(("recall", str(last.record)))

    model = Provider(respond, window=100_000)
    tools = (tool("look", 1_000_000), Tool("recall", READ, talks=recall))
    _, seen = talk(model, Prompt("go"), tools=tools)
    assert of(seen, TurnEnded) == [TurnEnded("completed")]
    assert of(seen, Compacted) == []
    assert model.count(model.requests[1]) < 100_000
    for result in model.requests[1].messages[2:]:
        assert isinstance(result, ToolResult)
        assert len(result.text) < 90_000 * RESULT_SHARE * 4
        assert f"record:{result.record}" in result.text
    assert whole == [("d: " + LONG * 40_000)[:1_000_000]]


def test_a_prompt_that_the_provider_refuses_is_made_shorter_until_it_fits_and_the_turn_goes_on() -> None:
    model = Provider(busy(60), window=100_000, takes=30_000)
    session, seen = talk(model, Prompt("the first words"))
    refused = of(seen, ModelFailed)
    assert 1 <= len(refused) <= 3
    assert {each.kind for each in refused} == {"context_overflow"}
    assert of(seen, TurnEnded) == [TurnEnded("completed")]
    assert texts(model.requests[-1]) == ["the first words"]
    assert session.state.ceiling is not None
    check_well_formed(session.state.history)


def test_a_prompt_that_is_refused_however_short_fails_with_the_providers_words() -> None:
    model = Provider(busy(60), window=100_000, takes=1)
    session, seen = talk(model, Prompt("go"))
    (end,) = of(seen, TurnEnded)
    assert end.outcome == "failed"
    assert end.reason
    assert len(model.requests) <= 4
    assert session.state.history == (User((Text("go"),), record=3),)


@pytest.mark.parametrize("window", [8_000, 16_000])
def test_a_small_window_gets_few_tools_and_is_trimmed_not_summarised(window: int) -> None:
    model = Provider(busy(60), window=window)
    tools = (tool(size=1_500), Tool("task", READ), Tool("memory", READ))
    _, seen = talk(model, Prompt("the first words"), tools=tools)
    assert of(seen, TurnEnded) == [TurnEnded("completed")]
    assert of(seen, ModelFailed) == []
    assert {how.by for how in of(seen, Compacted)} == {"trim"}
    assert all(how.kept <= 6 for how in of(seen, Compacted))
    assert model.summaries == []
    assert {tuple(each.name for each in request.tools) for request in model.requests} == {("edit",)}
    assert texts(model.requests[-1]) == ["the first words"]


def test_what_is_switched_off_is_not_done_and_the_person_is_told_what_to_do() -> None:
    model = Provider(busy(60))
    limits = Limits(max_steps=500, auto_compact=False)
    _, seen = talk(model, Prompt("go"), Compact(), Prompt("on"), limits=limits)
    first, _ = of(seen, TurnEnded)
    assert first.outcome == "failed"
    assert "/compact" in first.reason
    assert len(of(seen, Compacted)) == 1
    assert max(map(model.count, model.requests)) <= model.facts.context_window
    assert texts(model.requests[-1]) == ["go", "on"]


def test_what_is_said_while_a_summary_is_made_is_read_in_the_next_call() -> None:
    model = Provider(busy(30))

    async def run() -> None:
        session = open_with(model, tool(), limits=MANY)
        said: list[Steer] = [Steer("and this")]

        def react(envelope: Envelope) -> Iterable[Command]:
            return [said.pop()] if isinstance(envelope.event, Compacting) and said else []

        await watch(session, react)
        after = model.requests[model.requests.index(model.summaries[0]) + 1]
        assert texts(after)[-1] == "and this"
        check_well_formed(session.state.history)
        await session.close()

    asyncio.run(run())


def test_an_interrupt_while_a_summary_is_made_ends_the_turn_and_the_next_one_goes_on() -> None:
    interrupts: list[Command] = [Interrupt()]
    model = Provider(busy(30, summary=lambda _: asyncio.Event() if interrupts else "SUMMARY"))

    async def run() -> None:
        session = open_with(model, tool(), limits=MANY)

        def react(envelope: Envelope) -> Iterable[Command]:
            return [interrupts.pop()] if isinstance(envelope.event, Compacting) else []

        seen = await watch(session, react)
        assert [end.outcome for end in of(seen, TurnEnded)] == ["interrupted"]
        assert of(seen, Compacted) == []
        check_well_formed(session.state.history)
        again = await run_turn(session, Prompt("go on"))
        assert of(again, TurnEnded) == [TurnEnded("completed")]
        assert of(again, Compacted)
        await session.close()

    asyncio.run(run())


# --- because the person asks ------------------------------------------------------------------------


def test_a_summary_can_be_asked_for_with_a_hint() -> None:
    async def run() -> None:
        model = Provider(busy(12))
        session = open_with(model, tool(), limits=MANY)
        await run_turn(session, Prompt("the first words"))
        before = len(session.state.history)
        events = session.events()
        cause = await session.send(Compact("the port number"))
        seen = [await anext(events), await anext(events)]
        assert [type(each.event) for each in seen] == [Compacting, Compacted]
        assert {each.cause for each in seen} == {cause}
        (asked,) = texts(model.summaries[0], "akmon")
        assert asked.endswith("The user asks not to lose this: the port number")
        assert len(session.state.history) < before
        assert not session.state.running
        await run_turn(session, Prompt("and"))
        assert texts(model.requests[-1]) == ["the first words", "and"]
        await session.close()

    asyncio.run(run())


def test_what_can_be_left_out_of_a_short_conversation_is_nothing() -> None:
    async def run() -> None:
        model = Provider(lambda _: "hello")
        session = open_with(model)
        seen = await until(session, Noticed, Compact())
        await run_turn(session, Prompt("hi"))
        seen += await until(session, Noticed, Compact())
        assert len(of(seen, Noticed)) == 2
        for noticed in of(seen, Noticed):
            assert "nothing in the conversation that could be left out" in noticed.text
        assert model.summaries == []
        await session.close()

    asyncio.run(run())


def test_a_summary_waits_for_the_running_turn_and_what_comes_behind_it_waits_too() -> None:
    async def run() -> None:
        model = Provider(busy(12))
        session = open_with(model, tool(), limits=MANY)
        events = session.events()
        for command in (Prompt("go"), Compact(), Prompt("and")):
            await session.send(command)
        seen: list[Envelope] = []
        while len(of(seen, TurnEnded)) < 2:
            seen.append(await anext(events))
        order = [type(each.event) for each in seen if isinstance(each.event, TurnEnded | Compacted)]
        assert order == [TurnEnded, Compacted, TurnEnded]
        await session.close()

    asyncio.run(run())


def test_a_summary_that_was_asked_for_can_be_interrupted_and_leaves_all_as_it_was() -> None:
    async def run() -> None:
        model = Provider(busy(12, summary=lambda _: asyncio.Event()))
        session = open_with(model, tool(), limits=MANY)
        await run_turn(session, Prompt("go"))
        before = session.state
        events = session.events()
        await session.send(Compact())
        assert isinstance((await anext(events)).event, Compacting)
        await session.send(Prompt("dropped"))
        await session.send(Interrupt())
        noticed = (await anext(events)).event
        assert isinstance(noticed, Noticed)
        assert "stays as it was" in noticed.text
        assert session.state == before
        assert of(await run_turn(session, Prompt("on")), TurnEnded) == [TurnEnded("completed")]
        await session.close()

    asyncio.run(run())


def test_a_summary_that_was_asked_for_and_failed_says_so_and_is_paid_once() -> None:
    async def run() -> None:
        model = Provider(busy(12, summary=lambda _: ""))
        session = open_with(model, tool(), limits=MANY)
        await run_turn(session, Prompt("go"))
        history = session.state.history
        (failed,) = of(await until(session, SummaryFailed, Compact()), SummaryFailed)
        assert "no whole summary" in failed.message
        assert session.state.history == history
        assert session.state.usage == model.usage
        await session.close()

    asyncio.run(run())


def test_where_nothing_can_be_kept_any_more_no_summary_is_paid_for() -> None:
    async def run() -> None:
        journal = FullJournal(100)
        model = Provider(busy(12))
        session = open_with(model, tool(), limits=MANY, journal=journal)
        await run_turn(session, Prompt("go"))
        journal.room = 0
        assert [end.outcome for end in of(await run_turn(session, Prompt("on")), TurnEnded)] == ["failed"]
        requests = len(model.requests)
        (noticed,) = of(await until(session, Noticed, Compact()), Noticed)
        assert "the disk is full" in noticed.text
        assert len(model.requests) == requests
        await session.close()

    asyncio.run(run())


def test_a_change_of_mode_while_a_summary_is_made_leaves_a_whole_history() -> None:
    async def run() -> None:
        go = asyncio.Event()
        model = Provider(busy(12, summary=lambda _: go))
        session = open_with(model, tool(), limits=MANY)
        await run_turn(session, Prompt("go"))
        events = session.events()
        await session.send(Compact())
        assert isinstance((await anext(events)).event, Compacting)
        last = session.state.history[-1]
        for mode in ("plan", "default"):
            await session.send(SetMode(mode))
        go.set()
        async for envelope in events:
            if isinstance(envelope.event, Compacted):
                break
        check_well_formed(session.state.history)
        assert last in session.state.history
        notes = [each.text for each in session.state.history[-2:]]
        assert "Plan mode is on" in notes[0]
        assert "plan mode is off" in notes[1]
        await session.close()

    asyncio.run(run())
