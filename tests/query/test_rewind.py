"""Taking back what happened: in files, in the conversation, and the taking back itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from akmon_core.commands import Interrupt, Prompt, Respond, Rewind
from akmon_core.events import (
    Envelope,
    FilesChanged,
    Noticed,
    Prompted,
    QuestionAsked,
    Reminded,
    Rewound,
    ToolStarted,
    TurnEnded,
)
from akmon_core.messages import Assistant, ToolCall, User
from akmon_core.models import ModelRequest
from akmon_core.permissions import Policy, Rule, SandboxChoice
from akmon_core.ports import SessionClient
from akmon_query import Session, find_session, open_session
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.query.fakes import Provider, of


def call(tool: str, **arguments: object) -> Assistant:
    return Assistant((ToolCall("1", tool, json.dumps(arguments)),), "tools")


def write(path: str, content: str) -> Assistant:
    return call("write", path=path, content=content)


def edit(path: str, old: str, new: str) -> Assistant:
    return call("edit", path=path, old=old, new=new)


def shell(command: str) -> Assistant:
    return call("shell", command=command)


def tree(root: Path) -> dict[str, object]:
    """Everything below ``root``: content and mode of files, targets of links, and folders."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_dir():
            found[name] = "folder"
        else:
            found[name] = (path.read_bytes(), path.stat().st_mode)
    return found


class Play:
    """One session over a project, whose model says what the test gives it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.root = place / "project"
        self.root.mkdir(exist_ok=True)
        self.sandbox: SandboxChoice = "auto"

    def open(self, *replies: Assistant | str, policy: Policy = Policy()) -> Session:  # noqa: B008
        sessions = self.place / "sessions"
        resumed = find_session(sessions) if sessions.exists() else None
        return open_session(
            FakeModel(replies),
            cwd=self.root,
            mode="full-auto",
            sessions=sessions,
            resumed=resumed,
            policy=policy if self.sandbox == "auto" else Policy(rules=(Rule("shell"),)),
            sandbox=self.sandbox,
            checkpoints=self.place / "cache" / "files.db",
        )

    def run(self, act: Callable[[Session], Awaitable[None]], *replies: Assistant | str) -> None:
        async def main() -> None:
            async with self.open(*replies) as session:
                await act(session)

        asyncio.run(main())


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


async def rewind(session: SessionClient, command: Rewind, answer: str = "") -> list[Envelope]:
    """What happens until a rewind is over. Questions get ``answer``."""
    events = session.events()
    cause = await session.send(command)
    seen: list[Envelope] = []
    async for envelope in events:
        seen.append(envelope)
        if isinstance(envelope.event, QuestionAsked):
            await session.send(Respond(envelope.event.call_id, answer))
        if isinstance(envelope.event, Noticed) and envelope.event.text.startswith("rewind: "):
            assert envelope.cause == cause
            break
    events.close()
    return seen


def said(seen: list[Envelope]) -> str:
    return of(seen, Noticed)[-1].text.removeprefix("rewind: ")


def place(session: Session, number: int) -> int:
    return session.state.marks[number].record


def test_a_rewind_of_both_brings_back_files_and_conversation(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")
    (play.root / "b.txt").write_bytes(b"b\r\n")
    (play.root / "b.txt").chmod(0o600)
    before = tree(play.root)

    async def act(session: Session) -> None:
        await run_turn(session, Prompt("hello"))
        history = session.state.history
        await run_turn(session, Prompt("change it"))
        assert tree(play.root) != before
        seen = await rewind(session, Rewind(place(session, 1)))
        assert tree(play.root) == before
        assert session.state.history == history
        assert said(seen).startswith("the conversation goes on from there, 2 restored, 2 removed")
        await run_turn(session, Prompt("go on"))
        check_well_formed(session.state.history)

    replies = [
        edit("a.txt", "one", "two"),
        write("new/c.txt", "c\n"),
        shell("rm b.txt; mkdir empty; echo x > empty/x; rm empty/x; ln -s a.txt link; rm -r empty link"),
    ]
    play.run(act, "hi", *replies, "done", "fine")


def test_a_rewind_can_itself_be_taken_back_and_that_again(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")

    async def act(session: Session) -> None:
        before = tree(play.root)
        await run_turn(session, Prompt("change it"))
        changed, history = tree(play.root), session.state.history
        await rewind(session, Rewind(place(session, 0)))
        assert (tree(play.root), session.state.history) == (before, ())
        await rewind(session, Rewind(place(session, -1)))
        assert (tree(play.root), session.state.history) == (changed, history)
        await rewind(session, Rewind(place(session, -1)))
        assert (tree(play.root), session.state.history) == (before, ())

    play.run(act, shell("mkdir -p deep/er; mv a.txt deep/er/b.txt; chmod +x deep/er/b.txt"), "done")


def test_files_alone_go_back_and_the_model_is_told(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")

    async def act(session: Session) -> None:
        await run_turn(session, Prompt("change it"))
        history = session.state.history
        seen = await rewind(session, Rewind(place(session, 0), "files"))
        assert (play.root / "a.txt").read_text() == "one\n"
        assert session.state.history[: len(history)] == history
        assert of(seen, Reminded)[0].kind == "rewound"
        told = session.state.history[-1]
        assert isinstance(told, User)
        assert str(play.root / "a.txt") in told.text
        await run_turn(session, Prompt("again"))
        assert "changed since it was read" in str(session.state.history)

    play.run(act, edit("a.txt", "one", "two"), "done", edit("a.txt", "one", "three"), "done")


def test_the_conversation_alone_goes_back_and_files_stay(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")

    async def act(session: Session) -> None:
        await run_turn(session, Prompt("change it"))
        await rewind(session, Rewind(place(session, 0), "conversation"))
        assert (play.root / "a.txt").read_text() == "two\n"
        assert session.state.history == ()

    play.run(act, edit("a.txt", "one", "two"), "done")


@pytest.mark.parametrize(
    ("answer", "left"),
    [("keep them as they are", "mine\n"), ("", "mine\n"), ("overwrite them", "one\n"), ("cancel", "mine\n")],
)
def test_what_someone_else_changed_is_asked_about_and_kept_unless_the_person_says_so(
    play: Play, answer: str, left: str
) -> None:
    (play.root / "a.txt").write_text("one\n")
    (play.root / "b.txt").write_text("b\n")

    async def act(session: Session) -> None:
        await run_turn(session, Prompt("change it"))
        (play.root / "a.txt").write_text("mine\n")
        seen = await rewind(session, Rewind(place(session, 0)), answer)
        question = of(seen, QuestionAsked)[0]
        assert str(play.root / "a.txt") in question.question
        assert "changed since" in question.question
        assert (play.root / "a.txt").read_text() == left
        assert (play.root / "b.txt").read_text() == ("B\n" if answer == "cancel" else "b\n")
        if answer == "cancel":
            assert of(seen, Rewound) == []
            assert said(seen) == "everything stays as it was"
            return
        await rewind(session, Rewind(place(session, -1)))
        assert (play.root / "a.txt").read_text() == "mine\n"
        assert (play.root / "b.txt").read_text() == "B\n"

    play.run(act, edit("a.txt", "one", "two"), shell("echo B > b.txt"), "done")


def test_what_the_user_changes_between_two_calls_is_never_overwritten(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")

    async def act(session: Session) -> None:
        await run_turn(session, Prompt("first"))
        (play.root / "a.txt").write_text("mine\n")
        (play.root / "own.txt").write_text("own\n")
        await run_turn(session, Prompt("second"))
        assert (play.root / "a.txt").read_text() == "mine\nagent\n"
        seen = await rewind(session, Rewind(place(session, 0), conflicts="keep"))
        assert of(seen, Rewound)[0].left == (str(play.root / "a.txt"),)
        assert (play.root / "a.txt").read_text() == "mine\nagent\n"
        assert (play.root / "own.txt").read_text() == "own\n"
        await rewind(session, Rewind(place(session, -1)))
        await rewind(session, Rewind(place(session, 1)))
        assert (play.root / "a.txt").read_text() == "mine\n"

    play.run(act, shell("echo two > a.txt"), "done", shell("echo agent >> a.txt"), "done")


def test_nobody_to_ask_means_that_what_is_someone_elses_is_kept(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")

    async def main() -> None:
        async with play.open(edit("a.txt", "one", "two"), "done", policy=Policy(unattended=True)) as session:
            await run_turn(session, Prompt("change it"))
            (play.root / "a.txt").write_text("mine\n")
            seen = await rewind(session, Rewind(place(session, 0)))
            assert of(seen, QuestionAsked) == []
            assert said(seen).endswith("1 left as it is")
            assert (play.root / "a.txt").read_text() == "mine\n"

    asyncio.run(main())


def test_a_resumed_session_goes_back_to_before_it_was_closed(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")
    before = tree(play.root)

    async def first(session: Session) -> None:
        await run_turn(session, Prompt("change it"))

    async def second(session: Session) -> None:
        await run_turn(session, Prompt("and again"))
        await rewind(session, Rewind(place(session, 0)))
        assert tree(play.root) == before
        assert session.state.history == ()

    play.run(first, edit("a.txt", "one", "two"), shell("echo n > n.txt"), "done")
    play.run(second, shell("echo m >> n.txt; rm a.txt"), "done")


def test_an_interrupted_command_is_taken_back_as_far_as_it_came(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")
    before = tree(play.root)

    async def act(session: Session) -> None:
        events = session.events()
        await session.send(Prompt("change it"))
        async for envelope in events:
            if isinstance(envelope.event, ToolStarted):
                while not (play.root / "b.txt").exists():
                    await asyncio.sleep(0.01)
                await session.send(Interrupt())
            if isinstance(envelope.event, TurnEnded):
                break
        events.close()
        await rewind(session, Rewind(place(session, 0)))
        assert tree(play.root) == before

    play.run(act, shell("rm a.txt; echo b > b.txt; sleep 1000"))


def test_a_place_that_there_is_not_and_a_session_without_checkpoints_are_said(play: Play) -> None:
    async def act(session: Session) -> None:
        await run_turn(session, Prompt("hello"))
        seen = await rewind(session, Rewind(999))
        assert said(seen) == "there is no place 999 in this conversation to go back to"
        assert of(seen, Rewound) == []

    play.run(act, "hi")

    async def main() -> None:
        async with open_session(FakeModel(["hi"]), cwd=play.root) as session:
            await run_turn(session, Prompt("hello"))
            seen = await rewind(session, Rewind(place(session, 0)))
            assert "keeps no checkpoints" in said(seen)
            assert session.state.history != ()
            seen = await rewind(session, Rewind(place(session, 0), "conversation"))
            assert session.state.history == ()

    asyncio.run(main())


def test_a_rewind_waits_for_the_turn_and_a_prompt_for_the_rewind(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")

    async def act(session: Session) -> None:
        await run_turn(session, Prompt("hello"))
        events = session.events()
        await session.send(Prompt("change it"))
        await session.send(Rewind(place(session, 0)))
        await session.send(Prompt("and then"))
        order = []
        async for envelope in events:
            if isinstance(envelope.event, Prompted | Rewound | TurnEnded):
                order.append(type(envelope.event).__name__)
            if order.count("TurnEnded") == 2:
                break
        events.close()
        assert order == ["Prompted", "TurnEnded", "Rewound", "Prompted", "TurnEnded"]
        assert [message.text for message in session.state.history if isinstance(message, User)] == [
            "and then"
        ]
        assert (play.root / "a.txt").read_text() == "one\n"

    play.run(act, "hi", edit("a.txt", "one", "two"), "done", "last")


def test_a_rewind_that_is_interrupted_at_once_or_while_it_asks_changes_nothing_and_says_so(
    play: Play,
) -> None:
    (play.root / "a.txt").write_text("one\n")

    async def act(session: Session) -> None:
        await run_turn(session, Prompt("change it"))
        (play.root / "a.txt").write_text("mine\n")
        for asked in (False, True):
            events = session.events()
            cause = await session.send(Rewind(place(session, 0)))
            if not asked:
                await session.send(Interrupt())
            async for envelope in events:
                assert not isinstance(envelope.event, Rewound)
                if isinstance(envelope.event, QuestionAsked):
                    await session.send(Interrupt())
                if isinstance(envelope.event, Noticed):
                    break
            events.close()
            assert isinstance(envelope.event, Noticed)
            assert envelope.event.text.startswith("rewind: interrupted")
            assert envelope.cause == cause
        assert (play.root / "a.txt").read_text() == "mine\n"

    play.run(act, edit("a.txt", "one", "two"), "done")


def test_what_commands_of_two_agents_do_at_the_same_time_goes_back_all_of_it(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")
    before = tree(play.root)
    works = {
        "first": ["echo a > a.txt; touch started; until [ -e go ]; do sleep 0.01; done"],
        "second": ["until [ -e started ]; do sleep 0.01; done", "echo b > b.txt; touch go"],
    }

    def respond(request: ModelRequest) -> Assistant | str:
        if not request.agent:
            tasks = (ToolCall(name, "task", json.dumps({"task": name, "title": name})) for name in works)
            return Assistant(tuple(tasks), "tools") if request.number == 1 else "done"
        first = request.messages[0]
        assert isinstance(first, User)
        commands = works[first.text]
        return shell(commands[request.number - 1]) if request.number <= len(commands) else "done"

    async def main() -> None:
        checkpoints = play.place / "cache" / "files.db"
        model = Provider(respond)
        async with open_session(model, cwd=play.root, mode="full-auto", checkpoints=checkpoints) as session:
            await run_turn(session, Prompt("go"))
            assert sorted(path.name for path in play.root.iterdir()) == ["a.txt", "b.txt", "go", "started"]
            await rewind(session, Rewind(place(session, 0)))
            assert tree(play.root) == before

    asyncio.run(main())


@pytest.mark.parametrize("asked", [True, False])
def test_what_a_job_changes_between_calls_is_in_doubt_and_asked_about(play: Play, asked: bool) -> None:
    """Whether the model asks for the job when it has ended, or ends its turn while the job runs."""
    play.sandbox = "off"  # the job waits for a file outside of the project
    made, go = play.root / "made.txt", play.place / "go"
    job = f"until [ -e {go} ]; do sleep 0.01; done; echo made > {made}{'' if asked else '; sleep 1000'}"

    async def act(session: Session) -> None:
        await run_turn(session, Prompt("start it"))
        go.touch()
        while not made.exists() or not made.read_text():
            await asyncio.sleep(0.01)
        await run_turn(session, Prompt("and now"))
        seen = await rewind(session, Rewind(place(session, 0)), "overwrite them")
        assert str(made) in of(seen, QuestionAsked)[0].question
        assert not made.exists()

    last = [call("job", id=1, wait=5)] if asked else []
    play.run(act, call("shell", command=job, background=True), "started", *last, "done")


def test_what_tools_write_is_on_record_before_it_is_written(play: Play) -> None:
    (play.root / "a.txt").write_text("one\n")

    async def act(session: Session) -> None:
        events = session.events()
        await session.send(Prompt("change it"))
        async for envelope in events:
            if isinstance(envelope.event, FilesChanged):
                break
        events.close()
        assert isinstance(envelope.event, FilesChanged)
        (change,) = envelope.event.changes
        assert change.path == str(play.root / "a.txt")
        assert change.before
        assert change.after
        assert change.before != change.after

    play.run(act, edit("a.txt", "one", "two"), "done")
