"""Whole conversations over a terminal in memory."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from akmon_core.commands import Answer, Answered, Interrupt, Prompt, SetMode
from akmon_core.events import ModelFailed, Noticed, TurnEnded
from akmon_core.spending import Spent
from akmon_core.stream import Retrying, TextDelta, ThinkingDelta, Usage
from akmon_tui.view import View
from tests.tui.fake import FakeClient, Step
from tests.tui.scenes import ENDLESS, HELLO, QUESTION, TOOL, asks, asks_to_write, call, finished, said
from tests.tui.terminal import Terminal, talk


async def leave(terminal: Terminal) -> None:
    await terminal.until_prompt()
    terminal.press("/exit\r")


def test_a_prompt_is_answered_as_the_text_comes_and_its_cost_is_shown() -> None:
    client = FakeClient(HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        terminal.press("hi\r")
        await terminal.until("Hello there.")
        await leave(terminal)

    terminal = talk(client, person)
    assert terminal.text.startswith(
        "akmon 0\n> hi\n\nHello there.\n\n[2,000 in (800 cached), 34 out, $0.0123]\n> /exit"
    )
    assert client.commands == [Prompt("hi")]


def test_the_first_prompt_runs_at_once_and_is_shown() -> None:
    client = FakeClient(HELLO)
    terminal = talk(client, leave, first_prompt="look around")
    assert "akmon 0\n> look around\n\nHello there." in terminal.text
    assert client.commands == [Prompt("look around")]


def test_calls_and_results_are_a_line_each() -> None:
    terminal = talk(FakeClient(TOOL), leave, first_prompt="test")
    assert (
        "Let me see.\n* shell pytest -q\n  3 passed (2.5 s)\n\nAll is well.\n\n"
        "[4,000 in (1,600 cached), 68 out, $0.0246]" in terminal.text
    )


def test_an_unpriced_model_is_not_shown_as_free() -> None:
    terminal = talk(FakeClient([said("hm", cost=None)]), leave, first_prompt="x")
    assert "[2,000 in (800 cached), 34 out, unpriced]" in terminal.text


@pytest.mark.parametrize(("key", "answer"), [("y", "once"), ("s", "session"), ("Y", "once")])
def test_one_key_answers_a_question_about_a_command(key: str, answer: Answered) -> None:
    client = FakeClient(QUESTION)

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press(key)
        await terminal.until("3 passed")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="clean up")
    assert Answer("call-1", answer) in client.commands
    assert "shell asks for permission\n  run rm -rf build\n" in terminal.text
    assert "Asked because default mode asks before running a command." in terminal.text
    assert "a all writes" not in terminal.text


def test_a_write_shows_its_diff_once_and_can_allow_all_writes() -> None:
    edit = call(1, "edit", '{"path": "src/a.py"}')
    asked = asks_to_write()
    client = FakeClient([said("", edit), asked, finished(1, "1 line changed", "edit", view=asked.view)])

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("a")
        await terminal.until("1 line changed")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="fix it")
    assert Answer("call-1", "writes") in client.commands
    assert "  src/a.py +1 -1\n  @@ -1,2 +1,2 @@\n   same\n  -old line\n  +new line\n" in terminal.text
    assert terminal.text.count("+new line") == 1
    assert "  all writes are allowed" in terminal.text


def test_a_change_that_was_not_asked_about_is_shown_when_it_is_done() -> None:
    done = finished(1, "1 line changed", "edit", view=asks_to_write().view)
    terminal = talk(FakeClient([said("", call(1, "edit")), done]), leave, first_prompt="fix it")
    assert "  1 line changed\n  src/a.py +1 -1\n" in terminal.text
    assert "  +new line\n" in terminal.text


@pytest.mark.parametrize(
    ("typed", "message"), [("\r", ""), ("use make clean\r", "use make clean"), ("\x04", "")]
)
def test_a_denial_may_say_why(typed: str, message: str) -> None:
    client = FakeClient([said("", call()), asks(), finished(1, "denied", error=True)])

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("n")
        await terminal.until("Why not?")
        terminal.press(typed)
        await terminal.until("  denied")
        await leave(terminal)

    talk(client, person, first_prompt="clean up")
    assert Answer("call-1", "deny", message) in client.commands


def test_a_denial_that_is_broken_off_interrupts_the_turn() -> None:
    client = FakeClient([said("", call()), asks()])

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("n")
        await terminal.until("Why not?")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    talk(client, person, first_prompt="clean up")
    assert client.commands[1:] == [Interrupt()]


def test_keys_that_are_no_answer_leave_the_question_open() -> None:
    client = FakeClient(QUESTION)

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("x")
        terminal.press("a")
        terminal.press("\x1b[200~y\x1b[201~")
        terminal.press("yes, please")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    talk(client, person, first_prompt="clean up")
    assert client.commands[1:] == [Interrupt()]


def test_what_was_typed_before_a_question_appeared_does_not_answer_it() -> None:
    client = FakeClient(ENDLESS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("only the beg")
        terminal.press("y")
        client.publish(asks())
        await terminal.until("You have begun a line")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands == [Prompt("go"), Interrupt()]


def test_ctrl_c_interrupts_a_turn_and_the_partial_text_stays() -> None:
    client = FakeClient(ENDLESS, HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until("only the beg")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await terminal.until_prompt()
        terminal.press("again\r")
        await terminal.until("Hello there.")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="go")
    assert (
        "This is only the beg\n\nInterrupted.\n[0 in, 0 out, no cost]\n> again\n\nHello there."
        in terminal.text
    )
    assert client.commands == [Prompt("go"), Interrupt(), Prompt("again")]


def test_an_interrupt_drops_what_was_typed_ahead() -> None:
    client = FakeClient(ENDLESS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("only the beg")
        terminal.press("rm every")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands == [Prompt("go"), Interrupt()]


@pytest.mark.parametrize("new_line", ["\x1b\r", "\n"], ids=["Alt+Enter", "Ctrl+J"])
def test_a_prompt_may_have_several_lines(new_line: str) -> None:
    client = FakeClient(HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        terminal.press(f"one{new_line}two\r")
        await terminal.until("Hello there.")
        await leave(terminal)

    talk(client, person)
    assert client.commands == [Prompt("one\ntwo")]


def test_a_paste_with_line_ends_is_not_sent_until_enter() -> None:
    client = FakeClient(HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        terminal.press("\x1b[200~def f():\r\n    pass\r\n/exit\x1b[201~")
        await terminal.until("/exit")
        terminal.press("\r")
        await terminal.until("Hello there.")
        await leave(terminal)

    talk(client, person)
    assert client.commands == [Prompt("def f():\n    pass\n/exit")]


def test_ctrl_c_at_the_prompt_clears_and_twice_on_an_empty_line_ends() -> None:
    client = FakeClient(HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        terminal.press("a mistake")
        await terminal.until("a mistake")
        terminal.press("\x03")
        await terminal.until_prompt()
        terminal.press("\x03")
        await terminal.until("Press Ctrl+C again to end.")
        await terminal.until_prompt()
        terminal.press("hi\r")
        await terminal.until("Hello there.")
        await terminal.until_prompt()
        terminal.press("\x03")
        await terminal.until("Press Ctrl+C again to end.", times=2)
        await terminal.until_prompt()
        terminal.press("\x03")

    talk(client, person)
    assert client.commands == [Prompt("hi")]


def test_ctrl_d_on_an_empty_line_ends() -> None:
    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        terminal.press("\x04")

    client = FakeClient()
    talk(client, person)
    assert client.commands == []


def test_an_empty_line_sends_nothing() -> None:
    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        terminal.press("\r")
        terminal.press("   \r")
        await leave(terminal)

    client = FakeClient()
    talk(client, person)
    assert client.commands == []


def test_a_closed_terminal_interrupts_the_turn_and_ends() -> None:
    client = FakeClient(ENDLESS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("only the beg")
        terminal.hang_up()

    talk(client, person, first_prompt="go")
    assert client.commands[:2] == [Prompt("go"), Interrupt()]


def test_a_session_that_ends_ends_the_conversation() -> None:
    client = FakeClient(ENDLESS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("only the beg")
        client.end()

    assert "The session has ended." in talk(client, person, first_prompt="go").text


def test_slash_commands_show_and_change() -> None:
    client = FakeClient(HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        for line, shown in [
            ("/help", "/mode [MODE]"),
            ("/mode", "The mode is accept-edits."),
            ("/mode plan", "mode: plan"),
            ("/mode", "The mode is plan."),
            ("/mode yolo", "There is no mode 'yolo'."),
            ("/modell", "There is no command /modell. Is it /model or /mode?"),
            ("hi", "Hello there."),
            ("/cost", "So far: 2,100 in (800 cached), 39 out, $0.5123."),
        ]:
            terminal.press(f"{line}\r")
            await terminal.until(shown)
            await terminal.until_prompt()
        await leave(terminal)

    before = View(mode="accept-edits", total=Spent(Usage(input_tokens=100, output_tokens=5), 0.5))
    talk(client, person, view=before)
    assert client.commands == [SetMode("plan"), Prompt("hi")]


def test_a_path_is_no_slash_command() -> None:
    client = FakeClient(HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        terminal.press("/etc/hosts: what is it?\r")
        await terminal.until("Hello there.")
        await leave(terminal)

    talk(client, person)
    assert client.commands == [Prompt("/etc/hosts: what is it?")]


def test_thinking_notices_retries_and_failures_are_told_apart() -> None:
    client = FakeClient(
        [
            ThinkingDelta("Hm, "),
            ThinkingDelta("well."),
            TextDelta("So"),
            Retrying(2, 5, 3.0, "the server is busy"),
            Retrying(2, 5, 3.0, "the server is busy", passed=1.0),
            Noticed("a word to the wise"),
            ModelFailed("server", "it is down"),
            TurnEnded("failed", "it is down"),
        ]
    )
    terminal = talk(client, leave, first_prompt="go")
    assert (
        "\n\n(thinking) Hm, well.\n\nSo\nattempt 2 of 5 in 3 s: the server is busy\n"
        "a word to the wise\n\nStopped (failed): it is down.\n[0 in, 0 out, no cost]" in terminal.text
    )


def test_a_wait_is_told_once_and_the_reply_goes_on_below_it() -> None:
    client = FakeClient(
        [
            TextDelta("The first ha"),
            *(Retrying(2, 5, 3.0, "the connection broke", passed=passed) for passed in (0.0, 1.0, 2.0)),
            TextDelta("lf, and the rest."),
            said("The first half, and the rest."),
        ]
    )
    terminal = talk(client, leave, first_prompt="go")
    assert (
        "\n\nThe first ha\nattempt 2 of 5 in 3 s: the connection broke\n\nlf, and the rest.\n\n["
        in terminal.text
    )
    assert terminal.raw.count("attempt") == 1


def test_escape_sequences_from_model_and_tools_never_reach_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x1b[1;1Hgone\x9b31m\u202e"
    steps: list[Step] = [
        TextDelta("a\x1b"),
        TextDelta("[2Jb" + evil),
        Noticed(evil),
        said("", call(1, "shell" + evil, '{"command": "echo \\u001b[2J"}')),
        asks(f"echo {evil}\rrm -rf ~"),
        finished(1, evil + "done"),
        TurnEnded("failed", evil),
    ]

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("y")
        await terminal.until("Stopped")
        await leave(terminal)

    terminal = talk(FakeClient(steps), person, first_prompt="go")
    assert terminal.text.startswith("akmon 0\n> go\n")
    for part in ("\x1b]", "\x1b[2J", "\x1b[1;1H", "\x9b", "\u202e"):
        assert part not in terminal.raw
    assert "<U+202E>" in terminal.text
    assert "run echo <U+001B>]0;owned" in terminal.text
    assert "<U+000D>rm -rf ~" in terminal.text


def test_a_long_command_is_shown_whole_and_says_so() -> None:
    command = "\n".join(f"echo {number}" for number in range(60))
    client = FakeClient([said("", call()), asks(command), finished()])

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("y")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="go")
    assert all(f" echo {number}\n" in terminal.text for number in range(60))
    assert "These are 60 lines. Scroll up to read them all." in terminal.text


def test_the_history_is_kept_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history"

    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        terminal.press("the first\r")
        await terminal.until("Hello there.")
        await leave(terminal)

    async def later(terminal: Terminal) -> None:
        await terminal.until_prompt()
        terminal.press("\x1b[A\x1b[A")
        await terminal.until("> the first")
        terminal.press("\r")
        await terminal.until("Hello there.")
        await leave(terminal)

    talk(FakeClient(HELLO), person, history=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    client = FakeClient(HELLO)
    talk(client, later, history=path)
    assert client.commands == [Prompt("the first")]


def test_a_history_that_is_lost_on_the_way_is_said_and_the_prompt_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "history"

    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        path.unlink()
        path.mkdir()
        terminal.press("the first\r")
        await terminal.until("Hello there.")
        await leave(terminal)

    client = FakeClient(HELLO)
    terminal = talk(client, person, history=path)
    assert client.commands == [Prompt("the first")]
    assert "The history is not kept" in terminal.text


def test_a_history_that_cannot_be_kept_is_said_and_harmless(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    terminal = talk(FakeClient(), leave, history=tmp_path / "file" / "history")
    assert "The history is not kept" in terminal.text
