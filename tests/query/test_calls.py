"""Permission questions and tool calls: who is asked, what runs beside what, what the model reads of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import pytest

from akmon_core.commands import Answer, Answered, Command, Interrupt, Prompt
from akmon_core.errors import ToolError
from akmon_core.events import (
    Envelope,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnEnded,
)
from akmon_core.limits import PARALLEL_CALLS
from akmon_core.messages import Assistant, Message, ToolCall, ToolResult
from akmon_core.permissions import Policy, Rule
from akmon_core.tools import DiffView, Effect, ToolContext, View
from akmon_query.testing import FakeArguments, FakeModel, FakeTool, check_well_formed, run_turn
from tests.query.fakes import Tool, asks, of, open_with, watch

WRITE, RUN = Effect("write", "a.py"), Effect("run", "make")


def answer(*answers: Answered, message: str = "") -> Callable[[Envelope], Iterable[Command]]:
    """Answers one question after the other."""
    left = iter(answers)

    def react(envelope: Envelope) -> Iterable[Command]:
        match envelope.event:
            case PermissionAsked(call=call):
                return [Answer(call.id, next(left), message)]
            case _:
                return []

    return react


def results(history: Iterable[Message]) -> list[str]:
    return [message.text for message in history if isinstance(message, ToolResult)]


# --- permission -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "effect"), [("session", RUN), ("session", WRITE), ("writes", WRITE)])
def test_an_answer_for_the_session_settles_the_next_call_of_the_same_reply(
    first: Answered, effect: Effect
) -> None:
    async def run() -> None:
        tool = Tool("t", effect)
        session = open_with(FakeModel([asks(("t", "x"), ("t", "y")), "fine"]), tool)
        seen = await watch(session, answer(first))
        assert len(of(seen, PermissionAsked)) == 1
        assert [decided.by for decided in of(seen, PermissionDecided)] == ["person", "policy"]
        assert results(session.state.history) == ["x", "y"]
        await session.close()

    asyncio.run(run())


def test_an_answer_for_once_asks_again() -> None:
    async def run() -> None:
        session = open_with(FakeModel([asks(("t", "x"), ("t", "y")), "fine"]), Tool("t", WRITE))
        seen = await watch(session, answer("once", "deny"))
        assert len(of(seen, PermissionAsked)) == 2
        assert results(session.state.history) == ["x", "Denied: the user said no."]
        await session.close()

    asyncio.run(run())


def test_allowing_all_writes_allows_no_command() -> None:
    async def run() -> None:
        write, run_ = Tool("write", WRITE), Tool("run", RUN)
        session = open_with(FakeModel([asks(("write", "x"), ("run", "y")), "fine"]), write, run_)
        seen = await watch(session, answer("writes", "deny"))
        assert [asked.call.name for asked in of(seen, PermissionAsked)] == ["write", "run"]
        assert run_.log == []
        await session.close()

    asyncio.run(run())


def test_the_message_of_a_denial_reaches_the_model_and_the_record() -> None:
    async def run() -> None:
        model = FakeModel([asks(("t", "x")), "fine"])
        session = open_with(model, Tool("t", RUN))
        seen = await watch(session, answer("deny", message="use make test instead"))
        assert results(model.requests[1].messages) == ["Denied: use make test instead."]
        (decided,) = of(seen, PermissionDecided)
        assert (decided.decision, decided.by, decided.effects) == ("deny", "person", (RUN,))
        (finished,) = of(seen, ToolFinished)
        assert finished.result.error
        assert finished.summary == "denied: use make test instead"
        assert of(seen, ToolStarted) == []
        await session.close()

    asyncio.run(run())


def test_a_denial_by_policy_says_which_rule_and_runs_nothing() -> None:
    async def run() -> None:
        tool = Tool("t", RUN)
        policy = Policy(rules=(Rule("t", "make *", "deny"),))
        session = open_with(FakeModel([asks(("t", "x")), "fine"]), tool, policy=policy)
        seen = await run_turn(session, Prompt("go"))
        assert [decided.by for decided in of(seen, PermissionDecided)] == ["policy"]
        assert "the rule t(make *) says deny" in results(session.state.history)[0]
        assert tool.log == []
        await session.close()

    asyncio.run(run())


def test_an_interrupt_while_a_question_waits_runs_nothing_and_pairs_every_call() -> None:
    async def run() -> None:
        tool = Tool("t", RUN)
        session = open_with(FakeModel([asks(("t", "x"), ("t", "y")), "fine"]), tool)

        def react(envelope: Envelope) -> Iterable[Command]:
            return [Interrupt()] if isinstance(envelope.event, PermissionAsked) else []

        seen = await watch(session, react)
        assert of(seen, TurnEnded) == [TurnEnded("interrupted", "interrupted by the user")]
        assert results(session.state.history) == ["Not run: interrupted by the user."] * 2
        assert tool.log == []
        late = await watch(session, start=Prompt("go on"))
        assert of(late, TurnEnded) == [TurnEnded("completed")]
        await session.close()

    asyncio.run(run())


def test_an_answer_that_nothing_waits_for_is_noticed_and_the_first_answer_counts() -> None:
    async def run() -> None:
        session = open_with(FakeModel([asks(("t", "x")), "fine"]), Tool("t", RUN))

        def react(envelope: Envelope) -> Iterable[Command]:
            if not isinstance(envelope.event, PermissionAsked):
                return []
            return [Answer("other", "once"), Answer("1", "deny"), Answer("1", "once")]

        seen = await watch(session, react)
        assert len(of(seen, Noticed)) == 2
        assert [decided.decision for decided in of(seen, PermissionDecided)] == ["deny"]
        await session.close()

    asyncio.run(run())


def test_the_decision_of_a_person_names_the_answer_as_its_cause() -> None:
    async def run() -> None:
        session = open_with(FakeModel([asks(("t", "x")), "fine"]), Tool("t", RUN))
        events = session.events()
        prompt = await session.send(Prompt("go"))
        causes = {}
        cause = ""
        async for envelope in events:
            causes[type(envelope.event)] = envelope.cause
            if isinstance(envelope.event, PermissionAsked):
                cause = await session.send(Answer("1", "once"))
            if isinstance(envelope.event, TurnEnded):
                break
        assert causes[PermissionDecided] == cause
        assert causes[PermissionAsked] == causes[TurnEnded] == prompt
        await session.close()

    asyncio.run(run())


class PreviewingTool(Tool):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__("t", WRITE)
        self._error = error

    def preview(self, arguments: object, context: ToolContext) -> View | None:
        if self._error:
            raise self._error
        return DiffView("a.py", "+x", 1, 0)


def test_a_question_shows_what_the_call_would_change() -> None:
    async def run() -> None:
        session = open_with(FakeModel([asks(("t", "x")), "fine"]), PreviewingTool())
        seen = await watch(session, answer("once"))
        assert [asked.view for asked in of(seen, PermissionAsked)] == [DiffView("a.py", "+x", 1, 0)]
        await session.close()

    asyncio.run(run())


# --- failures ---------------------------------------------------------------------------------------


def failing(error: BaseException) -> Callable[[str], object]:
    def work(text: str) -> object:
        raise error

    return work


class BrokenEffects(Tool):
    def effects(self, arguments: FakeArguments) -> tuple[Effect, ...]:
        raise LookupError("no effects")


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        (Tool("t", work=failing(ValueError("boom"))), "the tool t failed: ValueError: boom"),
        (Tool("t", work=failing(ToolError("no such file"))), "no such file"),
        (Tool("t", work=failing(RecursionError("deep"))), "the tool t failed: RecursionError: deep"),
        (Tool("t", work=failing(MemoryError())), "the tool t failed: MemoryError: "),
        (Tool("t", work=failing(TimeoutError("slow"))), "the tool t failed: TimeoutError: slow"),
        (Tool("t", work=failing(asyncio.CancelledError())), "the tool t failed: CancelledError: "),
        (Tool("t", RUN, work=failing(asyncio.CancelledError())), "the tool t failed: CancelledError: "),
        (Tool("t", RUN, work=failing(ValueError("boom"))), "the tool t failed: ValueError: boom"),
        (BrokenEffects("t"), "the tool t failed: LookupError: no effects"),
        (PreviewingTool(OSError("disk")), "the tool t failed: OSError: disk"),
        (PreviewingTool(ToolError("the old text is not there")), "the old text is not there"),
    ],
)
def test_whatever_a_tool_raises_is_its_result_and_the_turn_goes_on(tool: Tool, told: str) -> None:
    async def run() -> None:
        model = FakeModel([asks(("t", "x")), "I see"])
        session = open_with(model, tool)
        seen = await watch(session, answer("once"))
        assert of(seen, TurnEnded) == [TurnEnded("completed")]
        (result,) = [message for message in model.requests[1].messages if isinstance(message, ToolResult)]
        assert (result.text, result.error) == (told, True)
        await session.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (ToolCall("1", "rm_rf", "{}"), "no tool called 'rm_rf'. The tools are: look, write."),
        (ToolCall("1", "look", "{broken"), "not valid JSON"),
        (ToolCall("1", "look", '{"text": 3}'), r"$.text"),
        (ToolCall("1", "look", '{"x":' + "[" * 100_000), "not valid JSON"),
        (ToolCall("1", "", "{}"), "The tools are: look, write."),
    ],
)
def test_a_call_that_cannot_be_made_tells_the_model_what_is_wrong(call: ToolCall, told: str) -> None:
    async def run() -> None:
        model = FakeModel([Assistant((call,), "tools"), "I see"])
        session = open_with(model, Tool("look"), Tool("write"))
        seen = await run_turn(session, Prompt("go"))
        assert of(seen, TurnEnded) == [TurnEnded("completed")]
        assert told in results(model.requests[1].messages)[0]
        assert of(seen, PermissionDecided) == []
        await session.close()

    asyncio.run(run())


def test_text_that_no_journal_can_hold_is_replaced_in_what_the_model_reads() -> None:
    async def run() -> None:
        model = FakeModel([asks(("t", "x")), "fine"])
        session = open_with(model, Tool("t", work=lambda _: "name \udcff"))
        seen = await run_turn(session, Prompt("caf\udce9"))
        assert of(seen, TurnEnded) == [TurnEnded("completed")]
        assert results(session.state.history) == ["name ?"]
        await session.close()

    asyncio.run(run())


# --- side by side -----------------------------------------------------------------------------------


def test_reads_overlap_and_everything_else_waits_its_turn_with_results_in_call_order() -> None:
    async def run() -> None:
        log: list[str] = []
        first = asyncio.Event()
        slow, fast = Tool("slow", Effect("read", "a"), hold=first), Tool("fast", Effect("read", "b"))
        write = Tool("write", WRITE)
        slow.log = fast.log = write.log = log
        calls = asks(("slow", "1"), ("fast", "2"), ("write", "3"), ("write", "4"), ("fast", "5"))
        session = open_with(FakeModel([calls, "fine"]), slow, fast, write, mode="accept-edits")

        def react(envelope: Envelope) -> Iterable[Command]:
            match envelope.event:
                case ToolFinished(tool="fast"):
                    first.set()  # the second call ended while the first still ran
                case _:
                    pass
            return []

        seen = await watch(session, react)
        assert log[:2] == ["start 1", "start 2"]
        assert log[4:] == ["start 3", "end 3", "start 4", "end 4", "start 5", "end 5"]
        assert [finished.result.call_id for finished in of(seen, ToolFinished)][:2] == ["2", "1"]
        assert results(session.state.history) == ["1", "2", "3", "4", "5"]
        assert [started.mutating for started in of(seen, ToolStarted)] == [False, False, True, True, False]
        await session.close()

    asyncio.run(run())


def test_no_more_reads_run_at_a_time_than_the_limit() -> None:
    async def run() -> None:
        hold = asyncio.Event()
        tool = Tool("look", Effect("read", "a"), hold=hold)
        count = PARALLEL_CALLS + 3
        session = open_with(FakeModel([asks(*[("look", str(at)) for at in range(count)]), "fine"]), tool)
        turn = asyncio.create_task(run_turn(session, Prompt("go")))
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(tool.log) == PARALLEL_CALLS
        hold.set()
        await turn
        assert len(tool.log) == 2 * count
        await session.close()

    asyncio.run(run())


def test_an_interrupt_in_mid_tool_cancels_it_and_says_that_it_was_cut_off() -> None:
    async def run() -> None:
        tool = Tool("t", RUN, hold=asyncio.Event())
        policy = Policy(rules=(Rule("t"),))
        session = open_with(FakeModel([asks(("t", "x"), ("t", "y"))]), tool, policy=policy)

        def react(envelope: Envelope) -> Iterable[Command]:
            return [Interrupt()] if isinstance(envelope.event, ToolStarted) else []

        await watch(session, react)
        cut, unrun = results(session.state.history)
        assert cut.startswith("Cut off while it ran: interrupted by the user.")
        assert unrun == "Not run: interrupted by the user."
        assert "end x" not in tool.log
        check_well_formed(session.state.history)
        await session.close()

    asyncio.run(run())


def test_progress_is_shown_while_the_call_runs_and_not_kept() -> None:
    async def run() -> None:
        session = open_with(FakeModel([asks(("echo", "hello")), "fine"]), FakeTool())
        seen = await run_turn(session, Prompt("go"))
        assert of(seen, ToolProgress) == [ToolProgress("1", "hello")]
        kept = session.events(after=0)
        await session.close()
        assert of([envelope async for envelope in kept], ToolProgress) == []

    asyncio.run(run())


def test_calls_with_one_id_are_told_apart() -> None:
    async def run() -> None:
        twice = Assistant(
            (ToolCall("a", "look", '{"text": "x"}'), ToolCall("a", "look", '{"text": "y"}')), "tools"
        )
        session = open_with(FakeModel([twice, "fine"]), Tool("look"))
        await run_turn(session, Prompt("go"))
        assert results(session.state.history) == ["x", "y"]
        check_well_formed(session.state.history)
        await session.close()

    asyncio.run(run())
