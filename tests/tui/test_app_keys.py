"""Keys on the whole screen: what is sent, stopped, cleared, queued, taken back, and what ends all."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from akmon_core.commands import (
    ChooseModel,
    Command,
    Compact,
    Interrupt,
    Prompt,
    Rename,
    Rewind,
    RunCommand,
    SetMode,
    Steer,
)
from akmon_core.events import CommandRan, Noticed, Rewound, TurnEnded
from akmon_core.messages import Image
from akmon_tui.services import Leave
from akmon_tui.talking import Ask
from tests.tui.fake import WAIT, FakeClient
from tests.tui.office import PICTURE, Office
from tests.tui.scenes import ENDLESS, HELLO, TOOL
from tests.tui.screenplay import Play, act, opened


def told(*lines: str, client: FakeClient | None = None) -> list[Command]:
    """What the session is told when these are entered one after the other."""
    client = client or FakeClient(*[HELLO] * len(lines))

    async def person(play: Play) -> None:
        for text in lines:
            await play.enter(text)
            await play.press("c-u")
            await play.pass_time(1)
        await play.leave()

    act(person, opened(client))
    return client.commands


def test_what_is_entered_while_a_turn_runs_is_said_to_it() -> None:
    assert told("go", "use a set", client=FakeClient(ENDLESS)) == [Prompt("go"), Steer("use a set")]


def test_blanks_alone_are_nothing_to_say() -> None:
    assert told("   ", "!", "!!", "! ") == []


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/mode plan", SetMode("plan")),
        ("/compact keep the names", Compact("keep the names")),
        ("/rename parser", Rename("parser")),
        ("/model gpt-6", ChooseModel("gpt-6")),
        ("!ls -l", RunCommand("ls -l")),
        ("!!ls -l", RunCommand("ls -l", hidden=True)),
        ("/etc/hosts has a mistake", Prompt("/etc/hosts has a mistake")),
    ],
)
def test_a_line_becomes_its_command(line: str, command: Command) -> None:
    assert told(line) == [command]


def test_a_follow_up_waits_for_the_end_of_the_turn_and_each_is_a_turn_of_its_own() -> None:
    client = FakeClient(ENDLESS, ENDLESS, HELLO)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.press("then this", "tab", "and that", "tab")
        await play.until("waits: then this", "waits: and that")
        assert client.commands == [Prompt("go")]
        client.publish(TurnEnded("completed"), cause="c1")
        await play.until("> then this", "waits: and that")
        assert client.commands == [Prompt("go"), Prompt("then this")]
        client.publish(TurnEnded("completed"), cause="c2")
        await play.until("Hello there.")
        assert "waits" not in play.text
        await play.leave()

    act(person, opened(client))
    assert client.commands == [Prompt("go"), Prompt("then this"), Prompt("and that")]


def test_commands_that_wait_are_done_as_commands_and_not_said_to_the_model() -> None:
    client = FakeClient(ENDLESS, HELLO)

    async def person(play: Play) -> None:
        await play.enter("go")
        for line in ("/mode plan", "!ls", "thanks"):
            await play.press(line, "esc", "tab") if line.startswith("/") else await play.press(line, "tab")
        await play.until("waits: thanks")
        client.publish(TurnEnded("completed"), cause="c1")
        await play.until("Hello there.", "output of ls")
        await play.leave()

    act(person, opened(client))
    assert client.commands == [Prompt("go"), SetMode("plan"), RunCommand("ls"), Prompt("thanks")]


def test_up_on_an_empty_line_takes_the_last_follow_up_back_for_editing() -> None:
    client = FakeClient(ENDLESS)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.press("one", "tab", "two", "tab", "up")
        assert "> two" in play.text
        assert "waits: two" not in play.text
        await play.press(" and a half", "tab")
        await play.until("waits: one", "waits: two and a half")
        await play.leave()

    act(person, opened(client))


def test_an_interrupt_puts_what_waits_before_what_is_typed_and_loses_nothing() -> None:
    client = FakeClient(ENDLESS)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.press("one", "tab", "two", "tab", "three", "esc")
        await play.until("Interrupted.", "> one\n  two\n  three")
        assert "waits" not in play.text
        await play.leave()

    act(person, opened(client))
    assert client.commands == [Prompt("go"), Interrupt()]


def test_an_interrupt_leaves_what_is_typed_alone() -> None:
    client = FakeClient(ENDLESS)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.press("half a thou", "esc")
        await play.until("Interrupted.")
        assert "> half a thou" in play.text
        await play.leave()

    act(person, opened(client))


def test_a_rewind_leaves_what_was_typed_meanwhile_and_puts_its_prompt_before_it() -> None:
    client = FakeClient(HELLO, rewinds=[[Noticed("working"), WAIT]])

    async def person(play: Play) -> None:
        await play.enter("go back here")
        await play.enter("/rewind 1")
        await play.until("working")
        await play.press("as well")
        client.publish(Rewound(record=9, to=1, conversation=True))
        await play.until("> go back here\n  as well")
        await play.press("c-c")
        await play.press("more")
        client.publish(Rewound(record=10, to=9, conversation=False))
        await play.pass_time(1)
        assert "> more" in play.text
        await play.leave()

    act(person, opened(client))
    assert client.commands[1] == Rewind(1)


def test_escape_twice_on_an_empty_line_goes_back_when_nothing_runs() -> None:
    client = FakeClient(HELLO)

    async def person(play: Play) -> None:
        await play.enter("say hello")
        await play.until("Hello there.")
        await play.press("esc", "esc")
        await play.until("Go back to before")
        await play.press("enter", "enter")
        await play.until_gone("Take back")
        await play.pass_time(1)
        assert play.text.splitlines()[-2] == "> say hello"
        await play.leave()

    act(person, opened(client))
    assert client.commands == [Prompt("say hello"), Rewind(1)]


def test_control_c_clears_then_stops_then_warns_then_ends() -> None:
    client = FakeClient(ENDLESS)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.press("typed", "c-c")
        assert "typed" not in play.text
        assert client.commands == [Prompt("go")]
        await play.press("c-c")
        await play.until("Interrupted.")
        await play.press("c-c")
        await play.until("Press Ctrl+C again to end.")
        await play.press("c-c")

    play = act(person, opened(client))
    assert client.commands == [Prompt("go"), Interrupt()]
    assert play.result == Leave()


def test_a_warning_of_long_ago_does_not_end_by_one_control_c() -> None:
    client = FakeClient(HELLO)

    async def person(play: Play) -> None:
        await play.press("c-c")
        await play.enter("go")
        await play.until("Hello there.")
        await play.press("c-c")
        await play.until("Press Ctrl+C again to end.", times=2)
        await play.leave()

    act(person, opened(client))


def test_control_d_ends_on_an_empty_line_only() -> None:
    async def person(play: Play) -> None:
        await play.press("abc", "c-a", "c-d")
        await play.until("> bc")
        await play.press("c-u", "c-e", "c-u", "c-d")

    assert act(person, opened(FakeClient())).result == Leave()


@pytest.mark.parametrize("keys", [("c-d",), ("c-c", "c-c")])
def test_ending_is_possible_while_the_session_is_still_opened(keys: tuple[str, ...]) -> None:
    async def opening(_: Ask) -> None:
        await asyncio.get_running_loop().create_future()

    async def person(play: Play) -> None:
        await play.press(*keys)

    play = act(person, opened(FakeClient()), opening=opening)
    assert play.result == Leave()
    assert play.opened == []


def test_what_needs_a_session_says_so_while_there_is_none() -> None:
    gate = asyncio.Event()

    async def opening(_: Ask) -> None:
        await gate.wait()

    client = FakeClient()

    async def person(play: Play) -> None:
        for line in ("/mode plan", "/model", "/clear"):
            await play.enter(line)
        await play.press("s-tab")
        await play.until("there is no session yet", times=4)
        await play.press("?")
        await play.until("Keys")
        await play.press("esc")
        gate.set()
        await play.until("akmon 0")
        await play.press("@app")
        await play.until("src/app.py")
        await play.leave()

    act(person, opened(client), opening=opening)
    assert client.commands == []


def test_an_own_command_runs_until_it_ends_and_escape_stops_it() -> None:
    client = FakeClient(own=[[WAIT], [CommandRan("ls", "a.txt", 0)]])

    async def person(play: Play) -> None:
        await play.enter("!sleep 100")
        await play.until("! sleep 100")
        await play.press("esc")
        await play.until("stopped")
        await play.enter("!ls")
        await play.until("a.txt")
        await play.leave()

    act(person, opened(client))
    assert client.commands == [RunCommand("sleep 100"), Interrupt(), RunCommand("ls")]


def test_the_modes_go_round_by_one_key() -> None:
    client = FakeClient()

    async def person(play: Play) -> None:
        for mode in ("accept-edits", "plan", "default"):
            await play.press("s-tab")
            await play.until(f"model-1 · {mode}".replace("plan", " plan "))
        await play.leave()

    act(person, opened(client))
    assert client.commands == [SetMode("accept-edits"), SetMode("plan"), SetMode("default")]


def test_pictures_go_with_the_prompt_and_in_a_turn_wait_for_the_next_one() -> None:
    office = Office()
    office.clipboard = PICTURE
    office.pictures["/shots/one.png"] = Image("image/png", "b25l")
    client = FakeClient(ENDLESS, HELLO)

    async def person(play: Play) -> None:
        await play.press("c-v", "look", "enter")
        await play.press("\x1b[200~/shots/one.png\x1b[201~", "too", "enter")
        await play.until("waits:")
        client.publish(TurnEnded("completed"), cause="c1")
        await play.until("Hello there.")
        await play.leave()

    act(person, opened(client, office))
    sent = [command.images for command in client.commands if isinstance(command, Prompt)]
    assert sent == [(PICTURE,), (Image("image/png", "b25l"),)]


def test_completion_puts_what_is_chosen_into_the_line_and_enter_then_sends() -> None:
    client = FakeClient(HELLO)

    async def person(play: Play) -> None:
        await play.press("read @app")
        await play.until("src/apple.py")
        await play.press("down", "tab")
        await play.until("> read @src/apple.py")
        await play.press("enter")
        await play.until("Hello there.")
        await play.leave()

    act(person, opened(client))
    [sent] = client.commands
    assert isinstance(sent, Prompt)
    assert sent.text.strip() == "read @src/apple.py"


def test_escape_closes_the_menu_before_it_stops_the_turn() -> None:
    client = FakeClient(ENDLESS)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.press("/co", "esc")
        assert "esc close" not in play.text
        assert client.commands == [Prompt("go")]
        await play.press("esc")
        await play.until("Interrupted.")
        await play.leave()

    act(person, opened(client))


def test_an_earlier_prompt_is_found_and_stands_in_the_line() -> None:
    client = FakeClient(HELLO, HELLO)

    async def person(play: Play) -> None:
        await play.enter("fix the parser")
        await play.enter("write a test")
        await play.until("Hello there.", times=2)
        await play.press("c-r", "pars", "enter")
        await play.until_gone("history:")
        assert play.text.splitlines()[-2] == "> fix the parser"
        await play.leave()

    act(person, opened(client))


def test_the_last_output_is_shown_whole_and_the_line_comes_back() -> None:
    async def person(play: Play) -> None:
        await play.press("c-o")
        await play.until("No call has ended yet.")
        await play.enter("go")
        await play.until("All is well.")
        await play.press("typed", "c-o")
        await play.until("The last output")
        assert "> typed" not in play.text
        await play.press("q")
        await play.until("> typed")
        await play.leave()

    act(person, opened(FakeClient(TOOL)))


def test_what_was_typed_and_not_sent_is_there_the_next_time(tmp_path: Path) -> None:
    async def first(play: Play) -> None:
        await play.press("half a thought")
        play.hang_up()

    async def second(play: Play) -> None:
        await play.until("> half a thought", "What you had typed")
        await play.leave()

    act(first, opened(FakeClient()), kept=tmp_path)
    act(second, opened(FakeClient()), kept=tmp_path)


def test_what_waits_when_the_terminal_goes_away_is_there_the_next_time(tmp_path: Path) -> None:
    async def first(play: Play) -> None:
        await play.enter("go")
        await play.press("afterwards", "tab", "and more")
        play.hang_up()

    async def second(play: Play) -> None:
        await play.until("> afterwards\n  and more")
        await play.leave()

    act(first, opened(FakeClient(ENDLESS)), kept=tmp_path)
    act(second, opened(FakeClient()), kept=tmp_path)


def test_what_was_sent_is_no_draft_and_is_in_the_history_the_next_time(tmp_path: Path) -> None:
    async def first(play: Play) -> None:
        await play.enter("say hello")
        await play.until("Hello there.")
        await play.leave()

    async def second(play: Play) -> None:
        assert "say hello" not in play.text
        await play.press("up")
        await play.until("> say hello")
        await play.leave()

    act(first, opened(FakeClient(HELLO)), kept=tmp_path)
    act(second, opened(FakeClient()), kept=tmp_path)


def test_what_is_typed_while_the_session_closes_is_kept_and_harms_nothing(tmp_path: Path) -> None:
    client, gate = FakeClient(), asyncio.Event()

    async def person(play: Play) -> None:
        await play.until("akmon 0")
        await play.press("c-d", "too late", "c-d", "s-tab")
        gate.set()

    async def second(play: Play) -> None:
        await play.until("> too late")
        await play.leave()

    play = act(person, opened(client), kept=tmp_path, closing=gate.wait)
    assert play.result == Leave()
    assert client.commands == []
    act(second, opened(FakeClient()), kept=tmp_path)


def test_a_prompt_whose_picture_takes_long_is_still_said_before_the_next_one() -> None:
    office = Office()
    office.pictures["shot.png"] = PICTURE
    office.gates["image"] = asyncio.Event()
    client = FakeClient(HELLO, HELLO)

    async def person(play: Play) -> None:
        await play.enter("look at @shot.png ")
        await play.enter("and then")
        assert client.commands == []
        office.gates["image"].set()
        await play.until("Hello there.", times=2)
        await play.leave()

    act(person, opened(client, office))
    assert [command.text.strip() for command in client.commands if isinstance(command, Prompt)] == [
        "look at @shot.png",
        "and then",
    ]


def test_the_line_is_written_in_an_editor_while_nothing_else_is_painted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready, go = tmp_path / "ready", tmp_path / "go"
    os.mkfifo(go)
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ntouch {ready}\ncat {go} >/dev/null\nprintf "written at length" > "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    client = FakeClient()

    async def person(play: Play) -> None:
        await play.until("akmon 0")
        await play.press("short")
        play.send("c-g")
        while not ready.exists():
            await asyncio.sleep(0)
        client.publish(Noticed("meanwhile"))
        before = play.screen.raw
        for _ in range(100):
            await asyncio.sleep(0)
        assert play.screen.raw == before
        go.write_text("")
        await play.until("> written at length", "meanwhile")
        await play.leave()

    act(person, opened(client))
