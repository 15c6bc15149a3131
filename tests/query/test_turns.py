"""One turn after the other: interrupts, steering, queued prompts, limits, failures, usage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import pytest

from akmon_core.commands import Command, Interrupt, Prompt, SetMode, Steer
from akmon_core.errors import ProviderError
from akmon_core.events import (
    Continued,
    Envelope,
    ModeChanged,
    ModelFailed,
    Noticed,
    Prompted,
    Replied,
    ToolStarted,
    TurnEnded,
)
from akmon_core.limits import INBOX_COMMANDS, Limits
from akmon_core.messages import Assistant, Text, ToolResult, User
from akmon_core.prompt import GO_ON
from akmon_core.stream import Retrying, TextDelta, Usage, UsageSeen
from akmon_core.tools import Effect
from akmon_query.journal import MemoryJournal
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.query.fakes import PRICES, StreamModel, Tool, asks, done, of, open_with, sized, uncounted, watch

TEN = Usage(input_tokens=6, output_tokens=4)


def upon(kind: type[object], *commands: Command) -> Callable[[Envelope], Iterable[Command]]:
    """Sends ``commands`` when the first event of ``kind`` is seen."""
    left = list(commands)

    def react(envelope: Envelope) -> Iterable[Command]:
        if not isinstance(envelope.event, kind):
            return ()
        sent, left[:] = tuple(left), []
        return sent

    return react


def test_an_interrupt_in_mid_stream_keeps_the_text_so_far_and_its_usage() -> None:
    async def run() -> None:
        never = asyncio.Event()
        model = StreamModel([TextDelta("half "), UsageSeen(TEN), TextDelta("a reply"), never], [done("ok")])
        session = open_with(model)

        def react(envelope: Envelope) -> Iterable[Command]:
            text = envelope.event.text if isinstance(envelope.event, TextDelta) else ""
            return [Interrupt()] if text.endswith("a reply") else []

        seen = await watch(session, react)
        assert of(seen, Replied) == [Replied(Assistant((Text("half a reply"),), "interrupted"), TEN)]
        assert of(seen, TurnEnded) == [TurnEnded("interrupted", "interrupted by the user")]
        assert session.state.usage == TEN
        after = await run_turn(session, Prompt("go on"))
        assert of(after, TurnEnded) == [TurnEnded("completed")]
        assert [type(message) for message in model.requests[1].messages] == [User, Assistant, User]
        await session.close()

    asyncio.run(run())


def test_an_interrupt_before_any_text_leaves_no_reply() -> None:
    async def run() -> None:
        session = open_with(StreamModel([asyncio.Event()]))
        await session.send(Prompt("go"))
        for _ in range(3):
            await asyncio.sleep(0)
        await session.send(Interrupt())
        await session.close()
        assert session.state.history == (User((Text("go"),), record=3),)
        assert session.state.outcome == "interrupted"

    asyncio.run(run())


def test_an_interrupt_while_a_complete_reply_is_closed_does_not_count_it_twice() -> None:
    async def run() -> None:
        reply = done("all of it", usage=TEN)
        session = open_with(StreamModel([TextDelta("all of it"), reply]))
        seen = await watch(session, upon(Replied, Interrupt()))
        assert [uncounted(each) for each in of(seen, Replied)] == [Replied(reply.message, TEN)]
        assert session.state.usage == TEN
        await session.close()

    asyncio.run(run())


def test_an_interrupt_while_a_reply_with_calls_is_closed_leaves_a_history_that_providers_accept() -> None:
    async def run() -> None:
        calls = asks(("look", "x")).calls
        session = open_with(StreamModel([TextDelta("I look"), done("I look", *calls)]), Tool("look"))
        await watch(session, upon(Replied, Interrupt()))
        check_well_formed(session.state.history)
        assert isinstance(session.state.history[-1], ToolResult)
        await session.close()

    asyncio.run(run())


def test_an_interrupt_before_the_turn_has_taken_a_step_still_ends_it() -> None:
    async def run() -> None:
        session = open_with(FakeModel(["never said"]))
        events = session.events()
        await session.send(Prompt("go"))
        await session.send(Interrupt())
        seen = [await anext(events), await anext(events)]
        assert [type(envelope.event) for envelope in seen] == [Prompted, TurnEnded]
        assert session.state.outcome == "interrupted"
        await session.close()

    asyncio.run(run())


def test_an_interrupt_without_a_turn_does_nothing() -> None:
    async def run() -> None:
        session = open_with(FakeModel(["fine"]))
        await session.send(Interrupt())
        assert of(await run_turn(session, Prompt("go")), TurnEnded) == [TurnEnded("completed")]
        await session.close()

    asyncio.run(run())


def test_prompts_queue_behind_a_running_turn_and_run_in_order() -> None:
    async def run() -> None:
        model = FakeModel(["one", "two", "three"])
        session = open_with(model)
        events = session.events()
        causes = [await session.send(Prompt(text)) for text in "abc"]
        seen: list[Envelope] = []
        while len(of(seen, TurnEnded)) < 3:
            seen.append(await anext(events))
        assert [envelope.cause for envelope in seen if isinstance(envelope.event, Prompted)] == causes
        assert [envelope.turn for envelope in seen if isinstance(envelope.event, TurnEnded)] == [1, 2, 3]
        assert len(model.requests[2].messages) == 5
        await session.close()

    asyncio.run(run())


def test_an_interrupt_drops_the_prompts_that_wait() -> None:
    async def run() -> None:
        session = open_with(StreamModel([TextDelta("hm"), asyncio.Event()], [done("after")]))
        seen = await watch(session, upon(TextDelta, Prompt("dropped"), Interrupt()))
        after = await run_turn(session, Prompt("kept"))
        assert of([*seen, *after], Prompted) == [
            Prompted(User((Text("go"),), record=3)),
            Prompted(User((Text("kept"),), record=6)),
        ]
        await session.close()

    asyncio.run(run())


def test_more_prompts_than_may_wait_are_dropped_with_a_notice() -> None:
    async def run() -> None:
        session = open_with(StreamModel([asyncio.Event()]))
        events = session.events()
        for _ in range(INBOX_COMMANDS + 2):
            await session.send(Prompt("go"))
        await session.close()
        seen = [envelope async for envelope in events]
        assert len(of(seen, Noticed)) == 1
        assert "dropped" in of(seen, Noticed)[0].text

    asyncio.run(run())


def test_what_is_said_while_tools_run_reaches_the_next_request_behind_their_results() -> None:
    async def run() -> None:
        model = FakeModel([asks(("look", "x")), "fine"])
        session = open_with(model, Tool("look"))
        await watch(session, upon(ToolStarted, Steer("and this")))
        said = [type(message) for message in model.requests[1].messages]
        assert said == [User, Assistant, ToolResult, User]
        assert model.requests[1].messages[-1] == User((Text("and this"),), record=7)
        await session.close()

    asyncio.run(run())


def test_what_is_said_during_the_last_reply_is_still_answered_in_the_turn() -> None:
    async def run() -> None:
        model = FakeModel(["first answer", "second answer"])
        session = open_with(model)
        seen = await watch(session, upon(TextDelta, Steer("and this")))
        assert len(of(seen, Replied)) == 2
        assert [type(message) for message in model.requests[1].messages] == [User, Assistant, User]
        assert len(of(seen, TurnEnded)) == 1
        check_well_formed(session.state.history)
        await session.close()

    asyncio.run(run())


def test_steering_without_a_turn_starts_one() -> None:
    async def run() -> None:
        session = open_with(FakeModel(["hello"]))
        assert of(await run_turn(session, Steer("hi")), TurnEnded) == [TurnEnded("completed")]
        await session.close()

    asyncio.run(run())


def test_the_step_limit_ends_the_turn_with_its_outcome() -> None:
    async def run() -> None:
        replies = [asks(("look", str(at))) for at in range(9)]
        session = open_with(FakeModel(replies), Tool("look"), limits=Limits(max_steps=3))
        seen = await run_turn(session, Prompt("go"))
        assert [end.outcome for end in of(seen, TurnEnded)] == ["max_turns"]
        assert len(of(seen, Replied)) == 3
        check_well_formed(session.state.history)
        await session.close()

    asyncio.run(run())


def test_the_budget_ends_the_turn_with_its_outcome_and_holds_for_the_whole_session() -> None:
    async def run() -> None:
        million = Usage(input_tokens=1_000_000)
        calls = [asks(("look", "a")), asks(("look", "b"))]
        model = sized(FakeModel([*calls, "unreached"], usage=million, prices=PRICES))
        session = open_with(model, Tool("look"), limits=Limits(max_cost_usd=2.0))
        seen = await run_turn(session, Prompt("go"))
        assert [end.outcome for end in of(seen, TurnEnded)] == ["budget_limit"]
        assert session.state.cost == pytest.approx(2.0)
        again = await run_turn(session, Prompt("more"))
        assert [end.outcome for end in of(again, TurnEnded)] == ["budget_limit"]
        assert len(model.requests) == 2
        await session.close()

    asyncio.run(run())


def test_used_up_tokens_end_the_turn_and_a_resumed_session_begins_to_count_anew() -> None:
    async def run() -> None:
        journal, limits = MemoryJournal(), Limits(max_tokens=20)
        for outcome in ("token_limit", "token_limit", "completed"):
            model = FakeModel(
                ["fine"] if outcome == "completed" else [asks(("look", "a")), asks(("look", "b"))], usage=TEN
            )
            session = open_with(model, Tool("look"), journal=journal, limits=limits)
            seen = await run_turn(session, Prompt("go"))
            assert [end.outcome for end in of(seen, TurnEnded)] == [outcome]
            await session.close()

    asyncio.run(run())


def test_a_reply_cut_by_the_output_limit_goes_on_three_times_and_then_fails() -> None:
    async def run() -> None:
        cut = Assistant((Text("and"),), "length")
        model = FakeModel([cut] * 5)
        session = open_with(model)
        seen = await run_turn(session, Prompt("go"))
        assert of(seen, Continued) == [Continued(GO_ON)] * 3
        assert [end.outcome for end in of(seen, TurnEnded)] == ["failed"]
        assert len(model.requests) == 4
        await session.close()

    asyncio.run(run())


def test_a_failed_model_call_is_told_and_the_session_can_be_used_on() -> None:
    async def run() -> None:
        broken = ProviderError("server", "the server broke")
        model = StreamModel(
            [TextDelta("hal"), UsageSeen(TEN), broken], [done("fine", usage=TEN)], prices=PRICES
        )
        session = open_with(model)
        seen = await run_turn(session, Prompt("go"))
        failed = ModelFailed("server", "the server broke", TEN, 10 / 1_000_000, said="hal")
        assert [uncounted(each) for each in of(seen, ModelFailed)] == [failed]
        assert of(seen, TurnEnded) == [TurnEnded("failed", "the server broke")]
        after = await run_turn(session, Prompt("again"))
        assert of(after, TurnEnded) == [TurnEnded("completed")]
        assert session.state.usage == TEN + TEN
        assert [type(message) for message in model.requests[1].messages] == [User, Assistant, User]
        await session.close()

    asyncio.run(run())


def test_a_stream_without_an_end_is_a_failure() -> None:
    async def run() -> None:
        session = open_with(StreamModel([TextDelta("hal")]))
        seen = await run_turn(session, Prompt("go"))
        assert [failed.kind for failed in of(seen, ModelFailed)] == ["protocol"]
        await session.close()

    asyncio.run(run())


def test_a_bug_in_a_model_ends_the_turn_and_is_reported_as_such() -> None:
    async def run() -> list[str]:
        told: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
        session = open_with(StreamModel([TextDelta("x"), ZeroDivisionError("oops")], [done("fine")]))
        seen = await run_turn(session, Prompt("go"))
        (end,) = of(seen, TurnEnded)
        assert end.outcome == "failed"
        assert "ZeroDivisionError: oops" in end.reason
        assert of(await run_turn(session, Prompt("again")), TurnEnded) == [TurnEnded("completed")]
        await session.close()
        return told

    assert asyncio.run(run()) == ["a turn failed"]


@pytest.mark.parametrize("last", ["a second wait", " more"])
def test_an_interrupt_keeps_what_was_said_before_a_retry(last: str) -> None:
    async def run() -> None:
        retry = Retrying(attempt=2, attempts=5, wait=1.0, reason="overloaded")
        end = Retrying(3, 5, 9.0, last) if last == "a second wait" else TextDelta(last)
        session = open_with(StreamModel([TextDelta("kept"), retry, end, asyncio.Event()]))

        def react(envelope: Envelope) -> Iterable[Command]:
            return [Interrupt()] if envelope.event == end else []

        seen = await watch(session, react)
        assert of(seen, Retrying)[0] == retry
        text = "kept" if isinstance(end, Retrying) else f"kept{last}"
        assert [replied.message for replied in of(seen, Replied)] == [Assistant((Text(text),), "interrupted")]
        await session.close()

    asyncio.run(run())


def test_usage_is_counted_once_per_reply_however_often_it_was_seen() -> None:
    async def run() -> None:
        twenty = TEN + TEN
        calls = asks(("look", "x")).calls
        model = StreamModel(
            [UsageSeen(TEN), TextDelta("a"), UsageSeen(twenty), done("a", *calls, usage=twenty)],
            [done("b", usage=TEN)],
        )
        session = open_with(model, Tool("look"))
        seen = await run_turn(session, Prompt("go"))
        assert session.state.usage == twenty + TEN
        assert [replied.usage for replied in of(seen, Replied)] == [twenty, TEN]
        assert of(seen, UsageSeen) == []
        await session.close()

    asyncio.run(run())


def test_a_mode_can_be_changed_while_a_turn_runs_and_holds_for_its_next_call() -> None:
    async def run() -> None:
        write = Tool("write", Effect("write", "a.py"))
        model = FakeModel([asks(("look", "x")), asks(("write", "x")), "fine"])
        session = open_with(model, Tool("look"), write, mode="accept-edits")
        seen = await watch(session, upon(ToolStarted, SetMode("plan")))
        assert of(seen, ModeChanged) == [ModeChanged("plan")]
        assert write.log == []
        await session.close()

    asyncio.run(run())


def test_successive_requests_share_system_tools_and_all_earlier_messages() -> None:
    async def run() -> None:
        model = FakeModel(
            [asks(("look", "x"), ("nothing", "y")), "one", "two", ProviderError("server", "x"), "3"]
        )
        session = open_with(model, Tool("look"), Tool("write"))
        for _ in range(4):
            await run_turn(session, Prompt("go"))
        assert len(model.requests) == 5
        for before, after in zip(model.requests, model.requests[1:], strict=False):
            assert (after.system, after.tools) == (before.system, before.tools)
            assert after.messages[: len(before.messages)] == before.messages
        await session.close()

    asyncio.run(run())
