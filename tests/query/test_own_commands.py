"""Commands that the person runs: with all rights, told to the model, and never taken for the agent's."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from akmon_core.commands import Interrupt, Prompt, Rewind, RunCommand, Steer
from akmon_core.events import (
    CommandRan,
    Compacted,
    FilesChanged,
    Noticed,
    PermissionAsked,
    Rewound,
    ToolProgress,
    TurnEnded,
)
from akmon_core.limits import SHELL_OUTPUT_BYTES
from akmon_core.messages import Assistant, ToolCall, User
from akmon_core.permissions import Policy, Rule
from akmon_core.redact import Redactor
from akmon_query import Session, find_session, open_session
from akmon_query.audit import AgentStep, audit_records
from akmon_query.handoff import handoff_note
from akmon_query.journal import FileJournal, read_records
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.query.fakes import FakeShell, FullJournal, Provider, Tool, in_order, of, open_with, until


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def opened(project: Path, *replies: Assistant | str, **options: object) -> Session:
    return open_session(
        FakeModel(replies),
        cwd=project,
        policy=Policy(rules=(Rule("shell"),)),
        sessions=project.parent / "sessions",
        checkpoints=project.parent / "files.db",
        sandbox="off",
        **options,  # type: ignore[arg-type]
    )


def call(tool: str, **arguments: object) -> Assistant:
    return Assistant((ToolCall("1", tool, json.dumps(arguments)),), "tools")


async def ran(session: Session, command: str, *, hidden: bool = False) -> CommandRan:
    (event,) = of(await until(session, CommandRan, RunCommand(command, hidden)), CommandRan)
    return event


def test_a_command_runs_in_the_sessions_folder_with_the_persons_environment_and_no_input(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMETHING_OF_MINE", "my own")
    monkeypatch.setenv("MY_LITTLE_TOKEN", "a-secret-word-of-mine")

    async def run() -> None:
        async with opened(project) as session:
            event = await ran(
                session, 'pwd; echo "$SOMETHING_OF_MINE, $AKMON"; echo ${#MY_LITTLE_TOKEN}; cat; (exit 3)'
            )
            assert event.output == f"{project}\nmy own, 1\n21"
            assert event.exit_code == 3

    asyncio.run(run())


def test_nobody_is_asked_and_the_model_is_told_what_ran_and_what_it_printed(project: Path) -> None:
    async def run() -> None:
        model = FakeModel(["fine"])
        async with open_session(model, cwd=project, mode="deny-all", sandbox="off") as session:
            seen = await until(session, CommandRan, RunCommand("echo one > f; cat f >&2"))
            assert not of(seen, PermissionAsked)
            assert (project / "f").read_text() == "one\n"
            assert not session.state.running
            assert session.state.turn == 0
            await run_turn(session, Prompt("go"))
            told, asked = model.requests[0].messages
            assert isinstance(told, User)
            assert told.by == "akmon"
            assert "echo one > f; cat f >&2" in told.text
            assert "exit code 0" in told.text
            assert told.text.endswith("one")
            assert asked.text == "go"

    asyncio.run(run())


def test_the_model_knows_nothing_of_a_hidden_one(project: Path) -> None:
    async def run() -> None:
        async with opened(project, "fine") as session:
            event = await ran(session, "echo hidden words", hidden=True)
            assert event.output == "hidden words"
            assert event.message is None
            assert session.state.history == ()

    asyncio.run(run())


def test_output_is_shown_as_it_comes_and_begins_with_a_word_of_the_beginning(project: Path) -> None:
    async def run() -> None:
        async with opened(project) as session:
            events = session.events()
            await session.send(RunCommand("echo first; until [ -e go ]; do sleep 0.01; done; echo second"))
            shown: list[ToolProgress] = []
            async for envelope in events:
                match envelope.event:
                    case ToolProgress():
                        shown.append(envelope.event)
                        if envelope.event.text == "first\n":
                            (project / "go").touch()
                    case CommandRan():
                        break
            assert [each.text for each in shown] == ["", "first\n", "second\n"]
            assert len({each.call_id for each in shown}) == 1
            assert shown[0].call_id.startswith("command-")

    asyncio.run(run())


def test_an_interrupt_ends_it_with_all_that_it_has_started_and_keeps_what_it_printed(project: Path) -> None:
    async def run() -> None:
        async with opened(project) as session:
            events = session.events()
            await session.send(RunCommand("sleep 1000 & echo $!; trap '' INT; wait"))
            pid, event = 0, CommandRan("", "")
            async for envelope in events:
                match envelope.event:
                    case ToolProgress(text=text) if text:
                        pid = int(text)
                        await session.send(Interrupt())
                    case CommandRan():
                        event = envelope.event
                        break
            assert event.output
            assert event.exit_code is None
            assert event.output == str(pid)
            assert event.message
            assert "was stopped" in event.message.text
            assert not alive(pid)

    asyncio.run(run())


def test_what_it_leaves_running_goes_on_until_the_session_is_closed(project: Path) -> None:
    async def run() -> int:
        async with opened(project) as session:
            event = await ran(session, "sleep 1000 & echo $!")
            first, note = event.output.split("\n")
            assert "still running until the session ends: 1 process, such as `sleep 1000`" in note
            assert event.exit_code == 0
            assert alive(int(first))
            return int(first)

    assert not alive(asyncio.run(run()))


def alive(pid: int) -> bool:
    """Whether the process is there, and no corpse that nobody has collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_long_output_is_shortened_like_that_of_calls_and_the_model_can_read_all_of_it(project: Path) -> None:
    async def run() -> None:
        async with opened(project, call("read", path="output:1", offset=4_000, limit=1), "fine") as session:
            event = await ran(session, "seq 100000")
            assert len(event.output) <= SHELL_OUTPUT_BYTES
            assert "left out; all of it is in output:1" in event.output
            await run_turn(session, Prompt("go"))
            assert "4000" in session.state.history[-2].text

    asyncio.run(run())


def test_in_a_small_window_the_model_gets_its_share_and_reads_the_rest_by_the_record(project: Path) -> None:
    async def run() -> None:
        model = Provider(in_order(call("read", path="record:3"), "fine"), window=12_000)
        async with open_session(model, cwd=project, sandbox="off") as session:
            event = await ran(session, "seq 3000")
            assert event.message
            assert "3000" in event.output
            assert 'path "record:3"' in event.message.text
            assert len(event.message.text) < len(event.output) / 1.5
            await run_turn(session, Prompt("go"))
            assert "$ seq 3000" in session.state.history[-2].text
            assert not model.faults

    asyncio.run(run())


def test_secrets_are_taken_out_of_what_is_shown_kept_and_sent(project: Path) -> None:
    key = "sk-ant-api03-" + "Ab1_" * 24

    async def run() -> None:
        async with opened(project, redactor=Redactor(["zT9q-X17pLw0-aV3n"])) as session:
            seen = await until(session, CommandRan, RunCommand(f"echo {key}; echo zT9q-X17pLw0-aV3n"))
            assert key[:20] not in str(
                [envelope.event for envelope in seen if isinstance(envelope.event, ToolProgress)]
            )
            (event,) = of(seen, CommandRan)
            assert event.message
            for text in (event.output, event.message.text):
                assert key[20:] not in text
                assert "zT9q-X17pLw0-aV3n" not in text
            assert "zT9q-X17pLw0-aV3n" not in event.command

    asyncio.run(run())


@pytest.mark.parametrize(
    ("command", "why"), [("", "empty"), (" \n", "empty"), ("x" * 1_000_001, "longer than")]
)
def test_what_is_no_command_is_not_run(project: Path, command: str, why: str) -> None:
    async def run() -> None:
        async with opened(project) as session:
            (notice,) = of(await until(session, Noticed, RunCommand(command)), Noticed)
            assert notice.text.startswith("the command was not run: ")
            assert why in notice.text

    asyncio.run(run())


def test_one_that_cannot_begin_says_why(project: Path) -> None:
    async def run() -> None:
        async with opened(project) as session:
            await asyncio.to_thread(project.rmdir)
            event = await ran(session, "true")
            assert event.exit_code is None
            assert str(project) in event.output

    asyncio.run(run())


def test_one_with_a_nul_character_says_why(project: Path) -> None:
    async def run() -> None:
        async with opened(project) as session:
            event = await ran(session, "echo \0")
            assert "NUL" in event.output

    asyncio.run(run())


# --- in its turn ------------------------------------------------------------------------------------


def test_it_waits_for_the_turn_to_end_and_a_prompt_waits_for_it() -> None:
    async def run() -> None:
        session = open_with(FakeModel(["one", "two"]), shell=FakeShell())
        events = session.events()
        for command in (Prompt("a"), RunCommand("make"), Prompt("b")):
            await session.send(command)
        order = []
        async for envelope in events:
            if isinstance(envelope.event, CommandRan | TurnEnded):
                order.append(type(envelope.event))
            if len(order) == 3:
                break
        assert order == [TurnEnded, CommandRan, TurnEnded]
        assert [type(each).__name__ for each in session.state.history] == [
            *("User", "Assistant", "User", "User", "Assistant")
        ]
        check_well_formed(session.state.history)
        await session.close()

    asyncio.run(run())


def test_words_said_while_it_runs_become_a_prompt_behind_it() -> None:
    async def run() -> None:
        session = open_with(FakeModel(["one"]), shell=FakeShell(steps=20))
        events = session.events()
        await session.send(RunCommand("make"))
        await asyncio.sleep(0)
        await session.send(Steer("and go"))
        kinds = []
        async for envelope in events:
            kinds.append(type(envelope.event))
            if isinstance(envelope.event, TurnEnded):
                break
        assert kinds.index(CommandRan) < kinds.index(TurnEnded)
        await session.close()

    asyncio.run(run())


def test_one_that_was_interrupted_before_it_began_says_so_and_does_nothing() -> None:
    async def run() -> None:
        shell = FakeShell()
        session = open_with(FakeModel(["one"]), shell=shell)
        events = session.events()
        await session.send(RunCommand("first"))  # its task has not begun yet
        await session.send(RunCommand("second"))
        await session.send(Interrupt())
        await session.close()
        notices = of([envelope async for envelope in events], Noticed)
        assert [notice.text for notice in notices] == [
            "the command was not run: interrupted before it began",
            "the command was not run: interrupted before it began",
        ]
        assert shell.ran == []

    asyncio.run(run())


def test_a_session_that_cannot_keep_anything_any_more_runs_nothing() -> None:
    async def run() -> None:
        shell, journal = FakeShell(), FullJournal(4)
        session = open_with(FakeModel(["one"]), journal=journal, shell=shell)
        await run_turn(session, Prompt("go"))
        assert journal.refused
        (notice,) = of(await until(session, Noticed, RunCommand("make")), Noticed)
        assert "the disk is full" in notice.text
        assert shell.ran == []
        await session.close()

    asyncio.run(run())


def test_one_whose_end_cannot_be_kept_says_so() -> None:
    async def run() -> None:
        session = open_with(FakeModel([]), journal=FullJournal(2), shell=FakeShell())
        (notice,) = of(await until(session, Noticed, RunCommand("make")), Noticed)
        assert "the disk is full" in notice.text
        assert session.state.history == ()
        await session.close()

    asyncio.run(run())


def test_a_session_without_a_shell_says_so() -> None:
    async def run() -> None:
        session = open_with(FakeModel([]))
        (notice,) = of(await until(session, Noticed, RunCommand("make")), Noticed)
        assert "has no shell" in notice.text
        await session.close()

    asyncio.run(run())


# --- what was done to files -------------------------------------------------------------------------


async def rewound(session: Session, to: int) -> Rewound:
    seen = await until(session, Rewound, Rewind(to, conflicts="keep"))
    await until(session, Noticed, RunCommand(""))
    (event,) = of(seen, Rewound)
    return event


def test_a_rewind_keeps_what_the_person_has_changed_and_takes_back_what_the_agent_did(project: Path) -> None:
    (project / "both").write_text("old\n")

    async def run() -> None:
        async with opened(
            project,
            call("shell", command="echo agent > own; echo agent > both"),
            "done",
            call("shell", command="echo agent > later"),
            "done",
        ) as session:
            await run_turn(session, Prompt("go"))
            event = await ran(session, "echo person > mine; echo person > both")
            assert event.exit_code == 0
            await run_turn(session, Prompt("go on"))
            event = await ran(session, "echo person > last")
            back = await rewound(session, session.state.marks[0].record)
            assert back.left == (str(project / "both"),)

    asyncio.run(run())
    assert {path.name: path.read_text() for path in project.iterdir()} == {
        "mine": "person\n",
        "both": "person\n",
        "last": "person\n",
    }


def test_what_the_person_changed_is_no_change_of_the_agents_on_record(project: Path) -> None:
    async def run() -> None:
        async with opened(
            project,
            call("shell", command="true"),
            "done",
            call("shell", command="echo agent > own"),
            "done",
        ) as session:
            await run_turn(session, Prompt("go"))
            await ran(session, "echo person > mine")
            await run_turn(session, Prompt("go on"))
            envelopes = [envelope async for envelope in until_now(session)]
            changed = {change.path for each in of(envelopes, FilesChanged) for change in each.changes}
            assert changed == {str(project / "own")}

    asyncio.run(run())


async def until_now(session: Session):  # type: ignore[no-untyped-def]
    events = session.events(after=0)
    await session.send(RunCommand(""))
    async for envelope in events:
        yield envelope
        if isinstance(envelope.event, Noticed):
            events.close()
            return


def test_with_a_job_of_the_agent_at_work_nobody_can_tell_so_the_persons_file_is_kept(project: Path) -> None:
    async def run() -> None:
        async with opened(
            project,
            call("shell", command="sleep 1000", background=True),
            "done",
            call("shell", command="true"),
            "done",
        ) as session:
            await run_turn(session, Prompt("go"))
            await ran(session, "echo person > mine")
            await run_turn(session, Prompt("go on"))
            await rewound(session, session.state.marks[0].record)
        assert (project / "mine").read_text() == "person\n"

    asyncio.run(run())


# --- afterwards -------------------------------------------------------------------------------------


def test_a_rewind_of_the_conversation_takes_it_out_and_one_to_a_later_prompt_leaves_it() -> None:
    async def run() -> None:
        session = open_with(FakeModel(["a", "b"]), shell=FakeShell())
        await run_turn(session, Prompt("one"))
        await ran(session, "make")
        await run_turn(session, Prompt("two"))
        first, second = session.state.marks
        assert "$ make" in str(second.history)
        await until(session, Rewound, Rewind(second.record, "conversation"))
        assert session.state.history == second.history
        await until(session, Rewound, Rewind(first.record, "conversation"))
        assert session.state.history == ()
        await session.close()

    asyncio.run(run())


def test_it_is_in_the_audit_log_in_a_resumed_session_and_not_in_the_handoff_as_what_was_asked(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.jsonl"

    async def run() -> None:
        session = open_with(FakeModel(["a", "b"]), journal=FileJournal(path), shell=FakeShell())
        await run_turn(session, Prompt("one"))
        await run_turn(session, Prompt("two"))
        await ran(session, "make it")
        assert "Asked last: two" in handoff_note("s", session.state)
        before = session.state
        await session.close()
        again = open_with(FakeModel([]), journal=FileJournal(path))
        assert again.state == before
        await again.close()

    asyncio.run(run())
    (step,) = [
        record
        for record in audit_records(read_records(path))
        if isinstance(record, AgentStep) and record.step == "command_ran"
    ]
    assert step.description == "command of the person (exit 0): make it"
    assert find_session(tmp_path).prompt == "one"


def test_what_it_printed_goes_when_room_is_needed_and_what_the_person_said_stays() -> None:
    async def run() -> None:
        model = Provider(lambda request: "short" if request.purpose == "summary" else "fine", window=40_000)
        session = open_with(model, Tool("look"), shell=FakeShell())
        seen = []
        for number in range(15):
            seen += await run_turn(session, Prompt(f"prompt {number}"))
            await ran(session, f"command {number} " + "word " * 2_000)
        assert of(seen, Compacted)
        assert not model.faults
        texts = [each.text for each in session.state.history if isinstance(each, User)]
        assert "prompt 0" in texts
        assert not any("output of command 0 " in text for text in texts)
        check_well_formed(session.state.history)
        await session.close()

    asyncio.run(run())
