"""What is typed while a turn runs: said to the model, kept for later, or an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

from akmon_core.commands import Interrupt, Prompt, SetMode, Steer
from akmon_core.events import Envelope, Event, Noticed, Prompted, Steered, TurnEnded
from akmon_core.messages import Text, User
from akmon_tui.plain.following import Following
from akmon_tui.plain.keys import typed_text
from tests.tui.fake import FakeClient
from tests.tui.scenes import ENDLESS, HELLO, asks
from tests.tui.terminal import Terminal, talk
from tests.tui.test_conversation import leave

SAID = User((Text("x"),))


def test_a_line_that_is_entered_while_a_turn_runs_is_said_to_the_model() -> None:
    client = FakeClient(ENDLESS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("only the beg")
        terminal.press("use a s")
        terminal.press("et\r")
        await terminal.until("▸ said while it works: use a set")
        terminal.press("   \r")
        terminal.press("\x1b[200~two\r\nlines\x1b[201~ and\x1b\rmore\r")
        await terminal.until("▸ said while it works: two\nlines and\nmore")
        client.publish(TurnEnded("completed"), cause="c1")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands == [Prompt("go"), Steer("use a set"), Steer("two\nlines and\nmore")]


def test_what_is_said_too_late_for_the_turn_is_the_next_one_and_is_followed() -> None:
    client = FakeClient([Noticed("working"), TurnEnded("completed")], HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until("working")
        terminal.press("and then\r")
        await terminal.until("Hello there.")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="go")
    assert client.commands in (
        [Prompt("go"), Steer("and then")],
        [Prompt("go"), Prompt("and then")],  # the turn was over before the keys were read
    )
    assert terminal.text.count("and then") == 1


def test_unfinished_text_is_kept_for_the_next_prompt() -> None:
    client = FakeClient(ENDLESS, HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until("only the beg")
        terminal.press("and the")
        client.publish(TurnEnded("completed"), cause="c1")
        await terminal.until("> and the")
        terminal.press("n\x7fn\r")
        await terminal.until("Hello there.")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands == [Prompt("go"), Prompt("and then")]


def test_a_command_and_what_follows_it_waits_until_the_turn_is_over() -> None:
    client = FakeClient(ENDLESS, HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until("only the beg")
        terminal.press("before\r/mode plan\r")
        await terminal.until("▸ kept until the turn is over")
        terminal.press("behind\r")
        client.publish(TurnEnded("completed"), cause="c1")
        await terminal.until("mode: plan")
        await terminal.until("behind")
        client.publish(TurnEnded("completed"), cause="c4")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="go")
    assert client.commands[:4] == [Prompt("go"), Steer("before"), SetMode("plan"), Prompt("behind")]
    assert terminal.text.count("kept until") == 1


def test_a_line_with_keys_that_only_the_prompt_understands_waits_for_it() -> None:
    client = FakeClient(ENDLESS, HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until("only the beg")
        terminal.press("acd\x1b[D\x1b[Db\r")
        await terminal.until("▸ kept until the turn is over")
        terminal.press("\x03")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands == [Prompt("go"), Interrupt()]


def test_nothing_is_said_to_a_turn_that_is_asking() -> None:
    client = FakeClient([asks()])

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("yes\r")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands == [Prompt("go"), Interrupt()]


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=20))
def test_letters_are_what_they_are(text: str) -> None:
    assert typed_text([KeyPress(letter) for letter in text]) == text


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["a", Keys.ControlH, "b"], "b"),
        ([Keys.ControlH, "b"], "b"),
        (["a", Keys.ControlJ, "b"], "a\nb"),
        (["a", Keys.Escape, Keys.ControlM, "b"], "a\nb"),
        (["a", Keys.Escape, "b"], None),
        (["a", Keys.Left], None),
        (["a", Keys.ControlI], None),
        ([], ""),
    ],
)
def test_editing_keys_edit_or_leave_the_line_to_the_prompt(keys: list[str], text: str | None) -> None:
    assert typed_text([KeyPress(key) for key in keys]) == text


def envelope(event: Event, cause: str = "mine", agent: str = "") -> Envelope:
    return Envelope(1, 0.0, "s", 1, cause, event, agent)


def test_a_turn_is_over_with_its_own_end_or_any_interrupt() -> None:
    for end, over in [
        (envelope(TurnEnded("completed")), True),
        (envelope(TurnEnded("stuck")), True),
        (envelope(TurnEnded("completed"), "other"), False),
        (envelope(TurnEnded("interrupted"), "other"), True),
        (envelope(TurnEnded("completed"), agent="task-1"), False),
        (envelope(TurnEnded("interrupted"), agent="task-1"), False),
    ]:
        following = Following(Prompt("x"), "mine")
        assert not following.ends_with(envelope(Prompted(SAID)))
        assert not following.ends_with(envelope(Noticed("by the way")))
        assert following.ends_with(end) == over


def test_a_prompt_that_was_dropped_is_over_with_the_reason() -> None:
    assert Following(Prompt("x"), "mine").ends_with(envelope(Noticed("too much is waiting")))


def test_what_was_said_is_waited_for() -> None:
    following = Following(Prompt("x"), "mine")
    following.steered("in time")
    following.steered("too late")
    seen = [
        envelope(Prompted(SAID)),
        envelope(Steered(SAID), "in time"),
        envelope(TurnEnded("completed")),
        envelope(Prompted(SAID), "too late"),
        envelope(TurnEnded("completed"), "too late"),
    ]
    steps = [(following.ends_with(each), following.hears) for each in seen]
    assert steps == [(False, True), (False, True), (False, False), (False, True), (True, False)]


def test_a_turn_that_is_being_stopped_hears_nothing() -> None:
    following = Following(Prompt("x"), "mine")
    heard = [following.hears]
    following.ends_with(envelope(Prompted(SAID)))
    heard.append(following.hears)
    following.interrupted()
    heard.append(following.hears)
    assert heard == [False, True, False]
