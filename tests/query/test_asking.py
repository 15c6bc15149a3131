"""Questions to the person, and instructions of folders that work comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable

from akmon_core.commands import Answer, Command, Interrupt, Prompt, Respond
from akmon_core.errors import ToolError
from akmon_core.events import (
    Envelope,
    Noticed,
    PermissionAsked,
    Pinned,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    TurnEnded,
)
from akmon_core.messages import Pin, ToolResult, User
from akmon_core.permissions import Policy
from akmon_core.tools import Delegation, Effect, FileSeen, ToolContext, ToolOutput
from akmon_query.journal import MemoryJournal
from akmon_query.project import Project
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.query.fakes import Provider, Tool, asks, in_order, of, open_with, until, watch

ASK = Effect("ask", "?")


async def put(text: str, context: ToolContext) -> str:
    return f"answer: {await context.ask(text, ('red', 'blue'))}"


def ask() -> Tool:
    return Tool("ask", ASK, talks=put)


def responding(*texts: str) -> Callable[[Envelope], Iterable[Command]]:
    left = iter(texts)

    def react(envelope: Envelope) -> Iterable[Command]:
        match envelope.event:
            case QuestionAsked(call_id=call_id):
                return [Respond(call_id, next(left), envelope.agent)]
            case _:
                return []

    return react


def results(history: Iterable[object]) -> list[str]:
    return [each.text for each in history if isinstance(each, ToolResult)]


# --- questions --------------------------------------------------------------------------------------


def test_a_question_waits_for_the_person_and_the_answer_is_the_calls_result() -> None:
    async def run() -> None:
        model = FakeModel([asks(("ask", "which colour?")), "fine"])
        session = open_with(model, ask())
        events = session.events()
        prompt = await session.send(Prompt("go"))
        causes: dict[type[object], str] = {}
        respond = ""
        async for envelope in events:
            causes[type(envelope.event)] = envelope.cause
            if isinstance(envelope.event, QuestionAsked):
                assert envelope.event == QuestionAsked("1", "which colour?", ("red", "blue"))
                respond = await session.send(Respond("1", "green"))
            if isinstance(envelope.event, TurnEnded):
                break
        assert causes[QuestionAnswered] == respond
        assert causes[QuestionAsked] == prompt
        assert results(model.requests[1].messages) == ["answer: green"]
        await session.close()

    asyncio.run(run())


def test_asking_needs_no_permission_also_in_plan_mode() -> None:
    async def run() -> None:
        session = open_with(FakeModel([asks(("ask", "?")), "fine"]), ask(), mode="plan")
        seen = await watch(session, responding("yes"))
        assert of(seen, PermissionAsked) == []
        assert results(session.state.history) == ["answer: yes"]
        await session.close()

    asyncio.run(run())


def test_a_permission_and_a_question_of_one_call_are_told_apart() -> None:
    async def run() -> None:
        tool = Tool("run", Effect("run", "make"), talks=put)
        session = open_with(FakeModel([asks(("run", "?")), "fine"]), tool)

        def react(envelope: Envelope) -> Iterable[Command]:
            match envelope.event:
                case PermissionAsked(call=call):
                    return [Respond(call.id, "not an answer to this"), Answer(call.id, "once")]
                case QuestionAsked(call_id=call_id):
                    return [Answer(call_id, "deny"), Respond(call_id, "yes"), Respond(call_id, "no")]
                case _:
                    return []

        seen = await watch(session, react)
        assert len(of(seen, Noticed)) == 3
        assert results(session.state.history) == ["answer: yes"]
        assert of(seen, QuestionAnswered) == [QuestionAnswered("1", "yes")]
        await session.close()

    asyncio.run(run())


def test_two_questions_of_one_reply_are_both_answered() -> None:
    async def run() -> None:
        session = open_with(FakeModel([asks(("ask", "a"), ("ask", "b")), "fine"]), ask())
        seen = await watch(session, responding("one", "two"))
        assert len(of(seen, QuestionAsked)) == 2
        assert results(session.state.history) == ["answer: one", "answer: two"]
        await session.close()

    asyncio.run(run())


def test_where_nobody_is_there_a_question_has_no_answer_and_is_not_put() -> None:
    async def run() -> None:
        session = open_with(FakeModel([asks(("ask", "?")), "fine"]), ask(), policy=Policy(unattended=True))
        seen = await run_turn(session, Prompt("go"))
        assert of(seen, QuestionAsked) == []
        assert results(session.state.history) == ["answer: "]
        await session.close()

    asyncio.run(run())


def test_an_interrupt_while_a_question_waits_ends_the_turn_and_a_late_answer_is_noticed() -> None:
    async def run() -> None:
        session = open_with(FakeModel([asks(("ask", "?")), "fine"]), ask())

        def react(envelope: Envelope) -> Iterable[Command]:
            return [Interrupt()] if isinstance(envelope.event, QuestionAsked) else []

        seen = await watch(session, react)
        assert [end.outcome for end in of(seen, TurnEnded)] == ["interrupted"]
        check_well_formed(session.state.history)
        assert len(of(await until(session, Noticed, Respond("1", "late")), Noticed)) == 1
        await session.close()

    asyncio.run(run())


def test_a_tool_context_of_its_own_can_neither_ask_nor_delegate_nor_recall() -> None:
    context = ToolContext(call_id="1", files={}, progress=lambda _: None)
    assert context.recall(1) is None

    async def run() -> list[str]:
        told = []
        for attempt in (context.ask("?", ()), context.delegate(Delegation(task="t", title="t"))):
            try:
                await attempt
            except ToolError as error:
                told.append(str(error))
        return told

    assert asyncio.run(run()) == ["nobody can be asked here", "there are no sub-agents here"]


# --- instructions of folders ------------------------------------------------------------------------


class Folders:
    """Instruction files by folder. ``looked`` lists what was asked for."""

    def __init__(self, **folders: str) -> None:
        self._folders = folders
        self.looked: list[str] = []

    def near(self, path: str, known: Collection[str]) -> tuple[Pin, ...]:
        self.looked.append(path)
        folder = path.rsplit("/", 1)[0].strip("/")
        name = f"instructions of {folder}"
        return (Pin(name, self._folders[folder]),) if folder in self._folders and name not in known else ()


async def open_file(text: str, context: ToolContext) -> ToolOutput:
    return ToolOutput(text, files=(FileSeen(text, "0"),))


def reader() -> Tool:
    return Tool("read", Effect("read", "a"), talks=open_file)


def said(messages: Iterable[object]) -> list[str]:
    return [each.text for each in messages if isinstance(each, User) and each.by == "akmon"]


def test_the_instructions_of_a_folder_are_read_once_and_before_the_next_model_call() -> None:
    async def run() -> None:
        folders = Folders(web="Use TypeScript.", api="Use Go.")
        files = ("/web/a", "/web/b", "/other/c", "/api/d", "/web/a")
        model = FakeModel([*(asks(("read", path)) for path in files), "done"])
        session = open_with(model, reader(), project=Project(instructions=folders))
        seen = await run_turn(session, Prompt("go"))
        assert of(seen, Pinned) == [
            Pinned(Pin("instructions of web", "Use TypeScript.")),
            Pinned(Pin("instructions of api", "Use Go.")),
        ]
        assert [each.kind for each in of(seen, Reminded)] == ["instructions", "instructions"]
        assert said(model.requests[0].messages) == []
        (first,) = said(model.requests[1].messages)
        assert first.endswith("\n\nUse TypeScript.")
        assert len(said(model.requests[3].messages)) == 1
        assert len(said(model.requests[4].messages)) == 2
        assert len(folders.looked) == len(set(folders.looked)) == 4
        check_well_formed(session.state.history)
        await session.close()

    asyncio.run(run())


def test_they_are_not_said_again_in_a_session_that_goes_on_later() -> None:
    async def run() -> None:
        journal = MemoryJournal()
        for pins in (1, 0):
            model = FakeModel([asks(("read", "/web/a")), "done"])
            project = Project(instructions=Folders(web="Use TypeScript."))
            session = open_with(model, reader(), journal=journal, project=project)
            seen = await run_turn(session, Prompt("go"))
            assert len(of(seen, Pinned)) == pins
            assert session.state.pins == {"instructions of web": "Use TypeScript."}
            await session.close()

    asyncio.run(run())


def test_a_sub_agent_is_told_them_itself() -> None:
    async def delegate(text: str, context: ToolContext) -> ToolOutput:
        return await context.delegate(Delegation(task=text, title="t"))

    async def run() -> None:
        model = Provider(in_order(asks(("task", "x")), asks(("read", "/web/a")), "found", "done"))
        project = Project(instructions=Folders(web="Use TypeScript."))
        session = open_with(model, reader(), Tool("task", talks=delegate), project=project)
        await run_turn(session, Prompt("go"))
        (told,) = said(model.requests[2].messages)
        assert told.endswith("Use TypeScript.")
        assert session.state.pins == {}
        await session.close()

    asyncio.run(run())
