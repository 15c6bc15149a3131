"""Sessions as a whole: opening, resuming, finding, closing."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest

from akmon_core.commands import Answer, Interrupt, Prompt, SetMode
from akmon_core.errors import JournalError, SettingsError
from akmon_core.events import ModeChanged, ModelChosen, PermissionAsked, SessionStarted, TurnEnded
from akmon_core.limits import Limits
from akmon_core.permissions import Grant
from akmon_core.state import State
from akmon_core.stream import TextDelta
from akmon_core.tools import Effect
from akmon_query import Backend, ModelRow, Session, SessionInfo, find_session, list_sessions, open_session
from akmon_query.ids import new_session_id
from akmon_query.journal import FileJournal
from akmon_query.testing import FakeModel, FakeTool, check_well_formed, run_turn
from tests.query.fakes import PRICES, WINDOW, StreamModel, Tool, asks, of, open_with, watch


class ClosingModel(FakeModel):
    closed = False

    async def close(self) -> None:
        self.closed = True
        raise ConnectionError("the connection was gone already")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


async def one_turn(session: Session, text: str = "go") -> str:
    await run_turn(session, Prompt(text))
    await session.close()
    return session.id


# --- resuming ---------------------------------------------------------------------------------------


def test_a_resumed_session_keeps_facts_mode_grants_usage_and_name(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    tool = Tool("make", Effect("run", "make"))

    async def first() -> None:
        model = FakeModel([asks(("make", "x")), "fine"], prices=PRICES)
        session = open_session(
            model, cwd=project, sessions=folder, tools=[tool], name="mine", mode="accept-edits"
        )
        await watch(
            session, lambda e: [Answer("1", "session")] if isinstance(e.event, PermissionAsked) else []
        )
        before.append(session.state)
        await session.close()

    async def second() -> None:
        model = FakeModel([asks(("make", "x")), "fine"], prices=PRICES)
        session = open_session(
            model, cwd=project, sessions=folder, tools=[tool], resumed=find_session(folder)
        )
        assert session.state == before[0]
        seen = await run_turn(session, Prompt("again"))
        assert of(seen, PermissionAsked) == []
        assert of(seen, SessionStarted) == []
        system = model.requests[0].system
        assert session.state.facts in system
        await session.close()

    before: list[State] = []
    asyncio.run(first())
    asyncio.run(second())
    (state,) = before
    assert (state.name, state.mode) == ("mine", "accept-edits")
    assert str(project) in state.facts
    assert state.grants == (Grant(tool="make", targets=(Effect("run", "make", str(project)),)),)
    assert state.usage.input_tokens == 20


def test_what_changed_on_resuming_is_recorded_and_nothing_else(project: Path, tmp_path: Path) -> None:
    async def run() -> None:
        await one_turn(open_session(FakeModel(["fine"]), cwd=project, sessions=tmp_path))
        session = open_session(StreamModel(), cwd=project, sessions=tmp_path, resumed=find_session(tmp_path))
        events = session.events(after=0)
        await session.close()
        before = len([envelope async for envelope in events])
        session = open_session(
            StreamModel(), cwd=project, sessions=tmp_path, resumed=find_session(tmp_path), mode="accept-edits"
        )
        await session.close()
        seen = [envelope async for envelope in session.events(after=0)]
        assert len(seen) == before + 1
        assert of(seen, ModelChosen) == [
            ModelChosen("fake", "fake", 90_000),
            ModelChosen("fake", "stream", WINDOW - 100),
        ]
        assert of(seen, ModeChanged) == [ModeChanged("accept-edits")]
        assert len(of(seen, SessionStarted)) == 1

    asyncio.run(run())


def test_a_budget_is_what_may_be_spent_from_now_on(tmp_path: Path) -> None:
    async def run() -> None:
        outcomes = []
        for _ in range(2):
            session = open_with(
                FakeModel(["fine", "fine"], prices=PRICES),
                journal=FileJournal(tmp_path / "s.jsonl"),
                limits=Limits(max_cost_usd=15 / 1_000_000),
            )
            for _ in range(2):
                outcomes += [end.outcome for end in of(await run_turn(session, Prompt("go")), TurnEnded)]
            await session.close()
        assert outcomes == ["completed", "budget_limit"] * 2

    asyncio.run(run())


# --- finding ----------------------------------------------------------------------------------------


def make(folder: Path, id: str, name: str = "", *, prompt: str = "go") -> None:
    async def run() -> None:
        session = open_with(FakeModel(["fine"]), journal=FileJournal(folder / f"{id}.jsonl"))
        if prompt:
            await run_turn(session, Prompt(prompt))
        await session.close()

    asyncio.run(run())
    if name:
        path = folder / f"{id}.jsonl"
        path.write_bytes(path.read_bytes().replace(b'"akmon":', b'"name":"%s","akmon":' % name.encode(), 1))


def test_a_session_is_found_by_id_by_the_start_of_it_by_name_or_as_the_last_used(tmp_path: Path) -> None:
    make(tmp_path, "20260101-100000-aaaa", "alpha")
    make(tmp_path, "20260101-110000-bbbb", "beta", prompt="the first thing")
    make(tmp_path, "20260102-100000-cccc", "beta")
    make(tmp_path, "20260103-100000-dddd", prompt="")
    assert find_session(tmp_path, "20260101-100000-aaaa").name == "alpha"
    assert find_session(tmp_path, "20260102").id == "20260102-100000-cccc"
    assert find_session(tmp_path, "alpha").id == "20260101-100000-aaaa"
    assert find_session(tmp_path, "20260101-11").prompt == "the first thing"
    for wanted in ("20260101", "beta"):
        with pytest.raises(JournalError, match=r"more than one session: 2026.*, 2026.*Give more of the id"):
            find_session(tmp_path, wanted)
    for wanted in ("gamma", "20260103", "00000"):
        with pytest.raises(
            JournalError, match=r"no session of this project is called .* akmon sessions list"
        ):
            find_session(tmp_path, wanted)
    with pytest.raises(JournalError, match="no session of this project yet"):
        find_session(tmp_path / "nowhere")


def test_sessions_are_listed_by_last_use_and_damaged_ones_do_not_hide_the_others(tmp_path: Path) -> None:
    make(tmp_path, "a")
    make(tmp_path, "b")
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "garbage.jsonl").write_bytes(b"\0\xffgarbage\n{}\n")
    (tmp_path / "folder.jsonl").mkdir()
    newest = (tmp_path / "a.jsonl").stat().st_mtime + 1_000
    assert {info.id for info in list_sessions(tmp_path)} == {"a", "b"}
    os.utime(tmp_path / "a.jsonl", (newest, newest))
    assert [info.id for info in list_sessions(tmp_path)] == ["a", "b"]
    assert find_session(tmp_path).id == "a"


def test_a_session_is_found_however_much_was_set_before_the_first_prompt(tmp_path: Path) -> None:
    async def run() -> None:
        session = open_with(FakeModel(["fine"]), journal=FileJournal(tmp_path / "s.jsonl"))
        for mode in ("plan", "default") * 10:
            await session.send(SetMode("plan" if mode == "plan" else "default"))
        await one_turn(session, "the prompt")

    asyncio.run(run())
    assert find_session(tmp_path).prompt == "the prompt"


def test_ids_sort_by_time_and_differ() -> None:
    ids = {new_session_id(1_800_000_000.0) for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(re.fullmatch(r"20270115-080000-[0-9a-f]{8}", id) for id in ids)
    assert new_session_id(1_800_000_001.0) > max(ids)


# --- opening ----------------------------------------------------------------------------------------


def test_a_budget_on_an_unpriced_model_is_refused_with_what_to_do(project: Path) -> None:
    remedies = r"Choose a priced model.*\[\[models\]\] row.*--max-tokens-total"
    with pytest.raises(SettingsError, match=rf"fake/fake is unpriced.*{remedies}"):
        open_session(FakeModel([]), cwd=project, limits=Limits(max_cost_usd=1.0))


KEYS = {"anthropic": Backend("k"), "openai-compatible": Backend("", "http://localhost:1")}


def test_a_budget_needs_a_price_for_the_fallback_model_too(project: Path) -> None:
    def opened(limits: Limits, rows: tuple[ModelRow, ...] = ()) -> None:
        session = open_session(
            "claude-sonnet-5-5",
            cwd=project,
            backends=KEYS,
            fallback_model="openai-compatible/mine",
            limits=limits,
            rows=rows,
        )
        asyncio.run(session.close())

    with pytest.raises(SettingsError, match="openai-compatible/mine is unpriced"):
        opened(Limits(max_cost_usd=1.0))
    opened(Limits(max_tokens=1_000))
    opened(Limits(max_cost_usd=1.0), (ModelRow(match="mine", price=(1.0, 1.0, 1.0, 1.0)),))


def test_a_fallback_that_is_the_model_itself_or_cannot_be_had_is_refused(project: Path) -> None:
    for fallback, told in [
        ("anthropic/claude-sonnet-5-5", "is the model itself"),
        ("gpt-5", "OPENAI_API_KEY|no configured provider"),
        ("scripted:missing.script", "missing.script cannot be read"),
    ]:
        keys = {"anthropic": Backend("k")}
        with pytest.raises(SettingsError, match=told):
            open_session("claude-sonnet-5-5", cwd=project, backends=keys, fallback_model=fallback)


def test_what_belongs_to_an_id_is_refused_for_an_object_of_one_s_own(project: Path) -> None:
    with pytest.raises(SettingsError, match="object of your own"):
        open_session(FakeModel([]), cwd=project, fallback_model="claude-sonnet-5-5")
    with pytest.raises(SettingsError, match="object of your own"):
        open_session(FakeModel([]), cwd=project, effort="low")


def test_a_folder_that_is_not_there_is_refused(project: Path) -> None:
    with pytest.raises(SettingsError, match="missing"):
        open_session(FakeModel([]), cwd=project / "missing")
    with pytest.raises(SettingsError, match="missing"):
        open_session(FakeModel([]), cwd=project, add_dirs=[project / "missing"])


def test_a_model_that_no_provider_offers_is_refused(project: Path) -> None:
    with pytest.raises(SettingsError):
        open_session("claude-of-nowhere", cwd=project, backends={})


def test_a_session_in_use_is_refused_and_an_opening_that_fails_lets_go_of_the_journal(
    project: Path, tmp_path: Path
) -> None:
    async def run() -> None:
        session = open_session(FakeModel(["fine"]), cwd=project, sessions=tmp_path)
        await run_turn(session, Prompt("go"))
        info = find_session(tmp_path)
        with pytest.raises(JournalError, match="in use"):
            open_session(FakeModel([]), cwd=project, sessions=tmp_path, resumed=info)
        await session.close()
        with pytest.raises(SettingsError):
            open_session(
                FakeModel([]), cwd=project, sessions=tmp_path, resumed=info, limits=Limits(max_cost_usd=1.0)
            )
        again = open_session(FakeModel([]), cwd=project, sessions=tmp_path, resumed=info)
        await again.close()

    asyncio.run(run())


def test_a_tool_of_ones_own_takes_the_place_of_a_built_in_one_of_its_name(project: Path) -> None:
    async def run() -> None:
        model = FakeModel([asks(("read", "mine")), "fine"])
        session = open_session(model, cwd=project, tools=[FakeTool("read")])
        await one_turn(session)
        names = [tool.name for tool in model.requests[0].tools]
        assert len(set(names)) == len(names)
        assert "shell" in names
        assert model.requests[1].messages[-1] == session.state.history[-2]

    asyncio.run(run())


def test_a_session_without_a_folder_for_journals_leaves_nothing_on_the_disk(project: Path) -> None:
    asyncio.run(one_turn(open_session(FakeModel(["fine"]), cwd=project)))
    assert list(project.parent.rglob("*")) == [project]


def test_a_journal_is_named_by_the_id_of_its_session(project: Path, tmp_path: Path) -> None:
    id = asyncio.run(one_turn(open_session(FakeModel(["fine"]), cwd=project, sessions=tmp_path), "hello"))
    (info,) = list_sessions(tmp_path)
    assert isinstance(info, SessionInfo)
    assert (info.id, info.path, info.prompt) == (id, tmp_path / f"{id}.jsonl", "hello")
    assert (info.provider, info.model, info.cwd) == ("fake", "fake", str(project))


# --- closing ----------------------------------------------------------------------------------------


def test_closing_during_a_turn_interrupts_it_and_ends_every_reader_after_its_end() -> None:
    async def run() -> None:
        model = StreamModel([TextDelta("half"), asyncio.Event()])
        session = open_with(model)
        events = session.events()
        await session.send(Prompt("go"))
        await session.send(Prompt("never begun"))
        async for envelope in events:
            if isinstance(envelope.event, TextDelta):
                break
        await session.close()
        await session.close()
        seen = [envelope async for envelope in events]
        assert of(seen, TurnEnded) == [TurnEnded("interrupted", "interrupted by the user")]
        assert isinstance(seen[-1].event, TurnEnded)
        assert session.state.turn == 1
        assert model.closed
        check_well_formed(session.state.history)

    asyncio.run(run())


def test_closing_right_after_a_prompt_still_ends_its_turn(tmp_path: Path) -> None:
    async def run() -> None:
        session = open_with(FakeModel(["never said"]), journal=FileJournal(tmp_path / "s.jsonl"))
        await session.send(Prompt("go"))
        await session.send(Interrupt())
        await session.close()
        assert (session.state.turn, session.state.outcome) == (1, "interrupted")

    asyncio.run(run())


def test_a_model_that_fails_to_close_does_not_keep_the_journal_locked(tmp_path: Path) -> None:
    async def run() -> None:
        model = ClosingModel(["fine"])
        session = open_with(model, journal=FileJournal(tmp_path / "s.jsonl"))
        events = session.events()
        with pytest.raises(ConnectionError):
            await session.close()
        assert model.closed
        assert await anext(events, None) is None
        FileJournal(tmp_path / "s.jsonl").close()

    asyncio.run(run())


def test_a_session_closes_itself_at_the_end_of_its_block(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_with(FakeModel(["fine"]), journal=FileJournal(tmp_path / "s.jsonl")) as session:
            await run_turn(session, Prompt("go"))
        FileJournal(tmp_path / "s.jsonl").close()

    asyncio.run(run())
