"""Another model in the middle of a session, and a session's name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from akmon_core.commands import ChooseModel, Command, Interrupt, Prompt, Rename
from akmon_core.errors import SettingsError
from akmon_core.events import CacheBroken, Event, ModelChosen, Noticed, Renamed, TurnEnded
from akmon_core.limits import Limits
from akmon_core.messages import Assistant, Text, Thinking, ToolCall
from akmon_query import Backend, ModelRow, Session, find_session, list_sessions, open_session
from akmon_query.choosing import Fitted, Wanted
from akmon_query.journal import FileJournal
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.query.fakes import FullJournal, Provider, Tool, asks, in_order, of, open_with, until


class ClosingModel(FakeModel):
    closed = False

    async def close(self) -> None:
        self.closed = True


def named(name: str, *replies: Assistant | str) -> ClosingModel:
    model = ClosingModel(replies)
    model.facts = msgspec.structs.replace(model.facts, id=name)
    return model


class Shelf:
    """Models by name, and what was asked of it."""

    def __init__(self, *models: ClosingModel) -> None:
        self._models = {model.facts.id: model for model in models}
        self.wanted: list[Wanted] = []

    def reopen(self, wanted: Wanted) -> Fitted:
        self.wanted.append(wanted)
        if wanted.model not in self._models:
            raise SettingsError(f"there is no {wanted.model}")
        if wanted.effort == "max":
            raise SettingsError("it does not take the effort max")
        return Fitted(self._models[wanted.model], {"other": Tool("other")})


async def said(session: Session, command: Command) -> Event:
    """What came of ``command``."""
    events = session.events()
    await session.send(command)
    async for envelope in events:
        if isinstance(envelope.event, ModelChosen | Renamed | Noticed):
            events.close()
            return envelope.event
    raise AssertionError


def test_the_chosen_model_answers_with_the_tools_made_for_it_and_the_old_one_is_closed() -> None:
    async def run() -> None:
        first, second = named("first", "a"), named("second", "b")
        session = open_with(first, Tool("look"), wanted=Wanted("first"), reopen=Shelf(second).reopen)
        await run_turn(session, Prompt("one"))
        assert await said(session, ChooseModel("second")) == ModelChosen("fake", "second", 90_000)
        seen = await run_turn(session, Prompt("two"))
        assert first.closed
        assert not second.closed
        assert [tool.name for tool in second.requests[0].tools] == ["other"]
        assert len(second.requests[0].messages) == 3
        assert not of(seen, CacheBroken)  # a cache of the first one's says nothing about the second
        assert session.state.model == "second"
        await session.close()
        assert second.closed

    asyncio.run(run())


def test_a_choice_waits_for_the_turn_to_end() -> None:
    async def run() -> None:
        first, second = named("first", "a"), named("second", "b")
        session = open_with(first, wanted=Wanted("first"), reopen=Shelf(second).reopen)
        events = session.events()
        for command in (Prompt("one"), ChooseModel("second"), Prompt("two")):
            await session.send(command)
        order = []
        async for envelope in events:
            if isinstance(envelope.event, TurnEnded | ModelChosen):
                order.append(type(envelope.event))
            if len(order) == 3:
                break
        assert order == [TurnEnded, ModelChosen, TurnEnded]
        assert len(first.requests) == len(second.requests) == 1
        await session.close()

    asyncio.run(run())


def test_sub_agents_are_asked_of_the_chosen_model_and_plans_still_of_the_planner() -> None:
    async def run() -> None:
        first, planner = named("first"), named("planner", "the plan")
        second = named("second", "done")
        session = open_with(first, planner=planner, wanted=Wanted("first"), reopen=Shelf(second).reopen)
        await said(session, ChooseModel("second"))
        await run_turn(session, Prompt("go", plan_first=True))
        assert len(planner.requests) == len(second.requests) == 1
        assert not planner.closed
        await session.close()
        assert planner.closed

    asyncio.run(run())


def test_what_a_choice_leaves_out_stays_as_it_is_and_an_effort_that_does_not_fit_is_dropped() -> None:
    async def run() -> None:
        shelf = Shelf(named("first"), named("second"))
        session = open_with(named("first"), wanted=Wanted("first", "fake"), reopen=shelf.reopen)
        assert await said(session, ChooseModel("", effort="high")) == ModelChosen(
            "fake", "first", 90_000, "high"
        )
        assert await said(session, ChooseModel("second")) == ModelChosen("fake", "second", 90_000, "high")
        assert await said(session, ChooseModel("second", "other")) == ModelChosen(
            "fake", "second", 90_000, "high"
        )
        assert shelf.wanted == [
            Wanted("first", "fake", "high"),
            Wanted("second", "", "high"),
            Wanted("second", "other", "high"),
        ]
        notice = await said(session, ChooseModel("second", effort="max"))
        assert notice == Noticed("the model stays fake/second: it does not take the effort max")
        assert session.state.effort == "high"
        await session.close()

        session = open_with(named("first"), wanted=Wanted("first", "", "max"), reopen=shelf.reopen)
        seen = await until(session, Noticed, ChooseModel("second"))
        assert of(seen, ModelChosen) == [ModelChosen("fake", "second", 90_000)]
        assert "does not take the effort max" in of(seen, Noticed)[0].text
        await session.close()

    asyncio.run(run())


def test_a_choice_that_comes_to_nothing_says_why_and_keeps_the_model() -> None:
    async def run() -> None:
        first = named("first", "still here")
        session = open_with(first, wanted=Wanted("first"), reopen=Shelf().reopen)
        notice = await said(session, ChooseModel("missing"))
        assert notice == Noticed("the model stays fake/first: there is no missing")
        (end,) = of(await run_turn(session, Prompt("go")), TurnEnded)
        assert end.outcome == "completed"
        await session.close()

        session = open_with(named("first"))
        notice = await said(session, ChooseModel("second"))
        assert isinstance(notice, Noticed)
        assert "as an object" in notice.text
        await session.close()

    asyncio.run(run())


def test_a_choice_that_cannot_be_kept_has_not_happened() -> None:
    async def run() -> None:
        first, second = named("first", "a"), named("second", "b")
        session = open_with(
            first, journal=FullJournal(2), wanted=Wanted("first"), reopen=Shelf(second).reopen
        )
        notice = await said(session, ChooseModel("second"))
        assert notice == Noticed("the model stays fake/first: the disk is full")
        await session.close()
        assert first.closed
        assert second.closed

    asyncio.run(run())


def test_an_interrupt_drops_a_choice_that_waits() -> None:
    async def run() -> None:
        session = open_with(named("first"), wanted=Wanted("first"), reopen=Shelf(named("second")).reopen)
        events = session.events()
        await session.send(ChooseModel("second"))
        await session.send(Interrupt())
        await session.close()
        (notice,) = of([envelope async for envelope in events], Noticed)
        assert notice.text == "the model stays as it is: interrupted before it began"
        assert session.state.model == "first"

    asyncio.run(run())


# --- by ids -----------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


BACKENDS = {"openai": Backend(api_key="k"), "anthropic": Backend(api_key="k")}
ROWS = (
    ModelRow(match="patching", window=100_000, output=1_000, price=(1, 1, 1, 1), edit="patch", images=False),
    ModelRow(match="replacing", window=50_000, output=1_000, price=(1, 1, 1, 1), edit="replace"),
    ModelRow(match="unpriced", window=50_000, output=1_000),
)


def opened(project: Path, model: str, **options: object) -> Session:
    return open_session(
        model,
        cwd=project,
        provider="openai",
        backends=BACKENDS,
        rows=ROWS,
        sandbox="off",
        **options,  # type: ignore[arg-type]
    )


def tools_of(session: Session) -> list[str]:
    return [tool.name for tool in session.request.tools]


def test_the_tools_that_change_files_go_with_the_model_and_stand_in_their_place(project: Path) -> None:
    async def run() -> None:
        fresh = opened(project, "patching")
        async with opened(project, "replacing") as session, fresh:
            before = tools_of(session)
            assert {"edit", "multi_edit"} <= set(before)
            assert await said(session, ChooseModel("patching", "openai")) == ModelChosen(
                "openai", "patching", 99_000
            )
            assert tools_of(session) == tools_of(fresh)
            assert "patch" in tools_of(session)
            await said(session, ChooseModel("replacing", "openai"))
            assert tools_of(session) == before

    asyncio.run(run())


def test_a_budget_refuses_an_unpriced_model_and_the_fallback_itself_goes_without_one(project: Path) -> None:
    async def run() -> None:
        async with opened(
            project, "patching", limits=Limits(max_cost_usd=1.0), fallback_model="openai/replacing"
        ) as session:
            notice = await said(session, ChooseModel("unpriced", "openai"))
            assert isinstance(notice, Noticed)
            assert "a budget needs prices" in notice.text
            assert session.state.model == "patching"
            notice = await said(session, ChooseModel("replacing", "nobody"))
            assert isinstance(notice, Noticed)
            chosen = await said(session, ChooseModel("replacing", "openai"))
            assert chosen == ModelChosen("openai", "replacing", 49_000)

    asyncio.run(run())


def test_a_resumed_session_is_told_of_by_its_last_model_effort_and_name(
    project: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.script", tmp_path / "second.script"
    first.write_text("say one\n---\nrepeat forever\nsay more\n")
    second.write_text("repeat forever\nsay two\n")

    async def run() -> None:
        session = open_session(
            f"scripted:{first}", cwd=project, sessions=tmp_path, name="begun so", sandbox="off"
        )
        async with session:
            await run_turn(session, Prompt("go"))
            assert find_session(tmp_path, "begun so").model == session.state.model
            await said(session, Rename("a better name"))
            await said(session, ChooseModel(f"scripted:{second}", effort="high"))
            await run_turn(session, Prompt("go on"))
            state = session.state
        info = find_session(tmp_path, "a better name")
        assert (info.provider, info.model, info.effort) == (state.provider, state.model, "high")
        assert info.name == state.name == "a better name"
        assert find_session(tmp_path) == info
        resumed = open_session(
            info.model, provider=info.provider, cwd=project, sessions=tmp_path, resumed=info, sandbox="off"
        )
        async with resumed as again:
            assert again.state == state

    asyncio.run(run())


# --- protocols --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("messages", "chat"), ("chat", "messages"), ("responses", "converse")])
def test_a_history_of_two_protocols_is_one_that_every_model_takes(order: Sequence[str]) -> None:
    """Thoughts bound to a protocol stay in the history with their origin, for encoders to leave out."""

    async def run() -> None:
        calls = iter("abcd")

        def replies(origin: str) -> list[Assistant | str]:
            thought = Thinking("hm", "c2ln", origin=origin)
            return [
                Assistant((thought, ToolCall(next(calls), "look", "{}")), "tools"),
                Assistant((thought, Text("so"))),
            ]

        models = [Provider(in_order(*replies(origin)), id=origin) for origin in order]

        def reopen(wanted: Wanted) -> Fitted:
            return Fitted(models[1], {"look": Tool("look")})

        session = open_with(models[0], Tool("look"), wanted=Wanted("a"), reopen=reopen)
        await run_turn(session, Prompt("one"))
        await said(session, ChooseModel("b"))
        await run_turn(session, Prompt("two"))
        assert models[0].faults == models[1].faults == []
        check_well_formed(session.state.history)
        origins = [
            part.origin
            for message in session.state.history
            if isinstance(message, Assistant)
            for part in message.parts
            if isinstance(part, Thinking)
        ]
        assert origins == [order[0]] * 2 + [order[1]] * 2
        await session.close()

    asyncio.run(run())


# --- names ------------------------------------------------------------------------------------------


def test_a_name_holds_from_now_on_also_in_a_turn_and_an_empty_one_is_none() -> None:
    async def run() -> None:
        session = open_with(FakeModel(["fine"]))
        assert await said(session, Rename("  the parser, é 日本 👩‍💻 ")) == Renamed("the parser, é 日本 👩‍💻")
        assert session.state.name == "the parser, é 日本 👩‍💻"
        assert await said(session, Rename(" ")) == Renamed("")
        assert session.state.name == ""
        await session.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "name", ["two\nlines", "a\ttab", "\x1b[31mred", "right\u202eto left", "x" * 101, "a\0b"]
)
def test_a_name_that_people_cannot_read_or_type_is_refused(name: str) -> None:
    async def run() -> None:
        session = open_with(FakeModel([]))
        notice = await said(session, Rename(name))
        assert isinstance(notice, Noticed)
        assert notice.text.startswith("the session keeps its name: a name ")
        assert session.state.name == ""
        await session.close()

    asyncio.run(run())


def test_the_last_name_is_found_wherever_it_stands_and_texts_that_look_like_one_are_none(
    tmp_path: Path,
) -> None:
    bait = '"event":{"type":"renamed","name":"bait"}' + "x" * 700_000

    async def run() -> None:
        model = FakeModel([bait, asks(("look", "x")), "fine"])
        session = open_with(model, Tool("look"), journal=FileJournal(tmp_path / "s.jsonl"))
        await run_turn(session, Prompt(bait))
        for name in ("one", "two", "", "last"):
            await session.send(Rename(name))
            await run_turn(session, Prompt(bait))
        await session.close()

    asyncio.run(run())
    (info,) = list_sessions(tmp_path)
    assert info.name == "last"
    assert (tmp_path / "s.jsonl").stat().st_size > 3_000_000
    assert info.prompt.startswith('"event"')
