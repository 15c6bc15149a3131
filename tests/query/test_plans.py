"""Plan mode, plans in files, carrying them out, and planner models."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from akmon_core.commands import Command, Implement, Interrupt, Prompt, SetMode, Steer
from akmon_core.errors import ProviderError
from akmon_core.events import (
    Envelope,
    Noticed,
    PlanSaved,
    Reminded,
    Replied,
    ToolStarted,
    TurnEnded,
)
from akmon_core.limits import PROMPT_FILE_BYTES, Limits
from akmon_core.messages import Assistant, ToolResult, User
from akmon_core.models import ModelRequest, Prices
from akmon_core.prompt import PLAN_MODE, carry_out
from akmon_core.tools import Effect
from akmon_query.journal import MemoryJournal
from akmon_query.project import Project
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from akmon_query.workflows.plans import FilePlans
from tests.query.fakes import FullJournal, Provider, Tool, asks, in_order, of, open_with, sized, until, watch

PLAN = "# Make the tests pass\n\n1. Read `a.py`.\n2. Change it."
WRITE, READ = Effect("write", "a.py"), Effect("read", "a.py")


def project(root: Path) -> Project:
    return Project(plans=FilePlans(root))


def saved(root: Path) -> list[str]:
    return [path.read_text() for path in sorted((root / ".akmon" / "plans").glob("*.md"))]


def said(request: ModelRequest, by: str) -> list[str]:
    return [each.text for each in request.messages if isinstance(each, User) and each.by == by]


# --- plan mode --------------------------------------------------------------------------------------


def test_the_answer_in_plan_mode_is_kept_in_a_file_and_pinned(tmp_path: Path) -> None:
    async def run() -> None:
        write = Tool("write", WRITE)
        model = FakeModel([asks(("write", "x")), PLAN])
        async with open_with(model, write, mode="plan", project=project(tmp_path)) as session:
            seen = await run_turn(session, Prompt("fix it"))
            (plan,) = of(seen, PlanSaved)
            assert plan.text == PLAN
            assert re.fullmatch(r"\.akmon/plans/[0-9]{8}-[0-9]{6}-make-the-tests-pass\.md", plan.path)
            assert (tmp_path / plan.path).read_text() == PLAN + "\n"
            assert session.state.pins == {"plan": PLAN}
            assert session.state.plan == plan.path
            assert isinstance(seen[-1].event, TurnEnded)
            assert write.log == []
            assert said(model.requests[0], "akmon") == [PLAN_MODE]

    asyncio.run(run())


@pytest.mark.parametrize("answer", ["", " \n", Assistant((), "refused"), ProviderError("server", "broke")])
def test_no_plan_is_kept_where_none_was_made(tmp_path: Path, answer: Assistant | str | Exception) -> None:
    async def run() -> None:
        async with open_with(FakeModel([answer]), mode="plan", project=project(tmp_path)) as session:
            assert of(await run_turn(session, Prompt("fix it")), PlanSaved) == []
        assert saved(tmp_path) == []

    asyncio.run(run())


def test_an_answer_in_another_mode_is_no_plan(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_with(FakeModel(["a", "b"]), mode="plan", project=project(tmp_path)) as session:
            await session.send(SetMode("default"))
            assert of(await run_turn(session, Prompt("go")), PlanSaved) == []

    asyncio.run(run())


def test_plans_of_one_second_do_not_replace_each_other(tmp_path: Path) -> None:
    plans = FilePlans(tmp_path)
    paths = [plans.save(f"# Plan\n\n{at}") for at in range(5)]
    assert len(set(paths)) == 5
    assert [plans.read(path) for path in paths] == [f"# Plan\n\n{at}\n" for at in range(5)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("some words\n# The Title: now!", "the-title-now"),
        ("first line\nsecond", "first-line"),
        ("## " + "long " * 50, "long-long-long-long-long-long-long-long-long-long-long-long"),
        ("計画", "plan"),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_a_plan_is_named_by_its_heading_or_its_first_words(tmp_path: Path, text: str, name: str) -> None:
    assert Path(FilePlans(tmp_path).save(text)).stem.split("-", 2)[2] == name


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_plan_is_not_written_through_a_link_that_leaves_the_project(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / ".akmon").symlink_to(elsewhere)

    async def run() -> None:
        async with open_with(FakeModel([PLAN]), mode="plan", project=project(root)) as session:
            seen = await run_turn(session, Prompt("fix it"))
            assert of(seen, PlanSaved) == [PlanSaved("", PLAN)]
            (noticed,) = of(seen, Noticed)
            assert "leads out of the project" in noticed.text
            assert of(seen, TurnEnded) == [TurnEnded("completed")]

    asyncio.run(run())
    assert list(elsewhere.iterdir()) == []


# --- carrying out -----------------------------------------------------------------------------------


def test_a_plan_is_carried_out_in_the_next_mode(tmp_path: Path) -> None:
    async def run() -> None:
        write = Tool("write", WRITE)
        model = FakeModel([PLAN, asks(("write", "x")), "done"])
        async with open_with(model, write, mode="plan", project=project(tmp_path)) as session:
            await run_turn(session, Prompt("fix it"))
            seen = await run_turn(session, Implement(mode="accept-edits"))
            assert of(seen, TurnEnded) == [TurnEnded("completed")]
            assert session.state.mode == "accept-edits"
            assert write.log == ["start x", "end x"]
            assert said(model.requests[1], "person")[-1] == carry_out(PLAN)
            assert "plan mode is off" in said(model.requests[1], "akmon")[-1]
            assert session.state.pins == {"plan": PLAN}
            check_well_formed(session.state.history)

    asyncio.run(run())


def test_the_plan_in_a_file_is_carried_out_as_it_is_now(tmp_path: Path) -> None:
    async def run() -> None:
        model = FakeModel([PLAN, "done", "done"])
        async with open_with(model, mode="plan", project=project(tmp_path)) as session:
            (plan,) = of(await run_turn(session, Prompt("fix it")), PlanSaved)
            (tmp_path / plan.path).write_text("# Another way\n")
            await run_turn(session, Implement(plan.path))
            assert session.state.pins["plan"] == "# Another way\n"
            assert said(model.requests[1], "person")[-1] == carry_out("# Another way\n")

    asyncio.run(run())


def test_a_new_session_carries_out_the_newest_plan_of_the_project(tmp_path: Path) -> None:
    folder = tmp_path / ".akmon" / "plans"
    folder.mkdir(parents=True)
    (folder / "20260101-000000-old.md").write_text("old")
    (folder / "20260102-000000-new.md").write_text("new")

    async def run() -> None:
        model = FakeModel(["done"])
        async with open_with(model, project=project(tmp_path)) as session:
            await run_turn(session, Implement())
            assert said(model.requests[0], "person") == [carry_out("new")]

    asyncio.run(run())


def test_the_newest_plan_is_no_link_that_a_repository_brought(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a key\n")
    root = tmp_path / "project"
    plans = FilePlans(root)
    plans.save("# The plan")
    (root / ".akmon" / "plans" / "99999999-newest.md").symlink_to(secret)
    assert plans.read("") == "# The plan\n"


@pytest.mark.parametrize("path", ["", "nothing.md", ".", "large.md"])
def test_a_plan_that_cannot_be_read_is_a_notice_and_changes_nothing(tmp_path: Path, path: str) -> None:
    with (tmp_path / "large.md").open("wb") as file:
        file.truncate(PROMPT_FILE_BYTES + 1)

    async def run() -> None:
        async with open_with(FakeModel(["hello"]), mode="plan", project=project(tmp_path)) as session:
            before = session.state
            (noticed,) = of(await until(session, Noticed, Implement(path)), Noticed)
            assert noticed.text.startswith("no plan to carry out: ")
            assert session.state == before
            await run_turn(session, Prompt("hi"))

    asyncio.run(run())


@pytest.mark.parametrize("room", range(2, 7))
def test_a_plan_whose_begin_cannot_be_recorded_is_a_notice_or_a_failed_turn(
    tmp_path: Path, room: int
) -> None:
    (tmp_path / "plan.md").write_text("the plan")

    async def run() -> None:
        model = FakeModel(["never"])
        journal = FullJournal(room)
        session = open_with(model, journal=journal, project=project(tmp_path))
        events = session.events()
        await session.send(Implement("plan.md", "plan"))
        await session.close()
        seen = [each async for each in events]
        told = [each.text for each in of(seen, Noticed)] + [each.reason for each in of(seen, TurnEnded)]
        assert any("the disk is full" in text for text in told)
        assert model.requests == []

    asyncio.run(run())


# --- a planner model first --------------------------------------------------------------------------


def test_a_planner_makes_the_plan_that_the_model_then_carries_out(tmp_path: Path) -> None:
    async def run() -> None:
        prices = Prices(input=1.0, output=1.0, cache_read=1.0, cache_write=1.0)
        calls = asks(("look", "a"), ("write", "x"))
        planner = Provider(in_order(calls, PLAN), id="planner", prices=prices)
        model = Provider(in_order(asks(("write", "y")), "done"), id="worker", prices=prices)
        write = Tool("write", WRITE)
        session = open_with(
            model,
            Tool("look", READ),
            write,
            mode="accept-edits",
            project=project(tmp_path),
            planner=planner,
        )
        seen = await run_turn(session, Prompt("fix it", plan_first=True))
        assert [each.text for each in of(seen, PlanSaved)] == [PLAN]
        assert saved(tmp_path) == [PLAN + "\n"]
        assert write.log == ["start y", "end y"]
        (asked,) = said(planner.requests[0], "person")
        assert PLAN_MODE in asked
        assert asked.endswith("fix it")
        results = [each.text for each in planner.requests[1].messages if isinstance(each, ToolResult)]
        assert results[0] == "a"
        assert "plan mode only reads" in results[1]
        assert said(model.requests[0], "person") == ["fix it"]
        assert said(model.requests[0], "akmon") == [carry_out(PLAN)]
        assert session.state.usage == planner.usage + model.usage
        assert session.state.mode == "accept-edits"
        assert (session.state.provider, session.state.model) == ("fake", "worker")
        assert len(of(seen, TurnEnded)) == 1
        await session.close()

    asyncio.run(run())


def test_without_a_planner_of_its_own_the_model_plans() -> None:
    async def run() -> None:
        model = FakeModel([PLAN, "done"])
        async with open_with(model) as session:
            seen = await run_turn(session, Prompt("fix it", plan_first=True))
            assert [each.text for each in of(seen, PlanSaved)] == [PLAN]
            assert [bool(request.agent) for request in model.requests] == [True, False]

    asyncio.run(run())


def test_a_planner_that_fails_ends_the_turn_and_the_next_one_needs_no_plan() -> None:
    async def run() -> None:
        planner = FakeModel([ProviderError("server", "it broke")])
        model = FakeModel(["hello"])
        async with open_with(model, planner=planner) as session:
            seen = await run_turn(session, Prompt("fix it", plan_first=True))
            (end,) = of(seen, TurnEnded)
            assert end.outcome == "failed"
            assert end.reason.startswith("no plan was made: ")
            assert "it broke" in end.reason
            assert of(seen, PlanSaved) == []
            assert model.requests == []
            check_well_formed(session.state.history)
            again = await run_turn(session, Prompt("then without"))
            assert of(again, TurnEnded) == [TurnEnded("completed")]

    asyncio.run(run())


def test_the_budget_holds_while_planning() -> None:
    async def run() -> None:
        planner = sized(FakeModel([asks(("look", "a")), PLAN]))
        model = FakeModel(["never"])
        session = open_with(model, Tool("look", READ), planner=planner, limits=Limits(max_tokens=10))
        (end,) = of(await run_turn(session, Prompt("fix it", plan_first=True)), TurnEnded)
        assert "token_limit" in end.reason
        assert len(planner.requests) == 1
        assert model.requests == []
        await session.close()

    asyncio.run(run())


def test_an_interrupt_while_the_plan_is_made_ends_the_turn_without_one() -> None:
    async def run() -> None:
        hold = asyncio.Event()
        journal = MemoryJournal()
        model = FakeModel([asks(("slow", "a")), "hello"])
        session = open_with(model, Tool("slow", READ, hold=hold), journal=journal)
        events = session.events(agents=True)
        await session.send(Prompt("fix it", plan_first=True))
        async for envelope in events:
            if isinstance(envelope.event, ToolStarted):
                await session.send(Interrupt())
            if isinstance(envelope.event, TurnEnded) and not envelope.agent:
                break
        assert session.state.outcome == "interrupted"
        assert not session.state.planning
        assert session.state.pins == {}
        again = await run_turn(session, Prompt("hi"))
        assert of(again, TurnEnded) == [TurnEnded("completed")]
        await session.close()

    asyncio.run(run())


def test_what_is_said_while_the_plan_is_made_is_read_before_the_work_begins() -> None:
    async def run() -> None:
        model = FakeModel([PLAN, "done"])
        session = open_with(model)
        first: list[Command] = [Steer("in Rust")]

        def react(envelope: Envelope) -> Iterable[Command]:
            return [first.pop()] if envelope.turn and first else []

        seen = await watch(session, react, Prompt("fix it", plan_first=True))
        assert said(model.requests[1], "person") == ["fix it", "in Rust"]
        assert len(of(seen, Replied)) == 1
        assert [each.kind for each in of(seen, Reminded)] == ["plan"]
        await session.close()

    asyncio.run(run())
