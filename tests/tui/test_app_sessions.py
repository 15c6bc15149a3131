"""Other sessions on the same screen, and what is chosen in dialogs."""

from __future__ import annotations

import pytest

from akmon_core.commands import ChooseModel, Command, Prompt, RunCommand, SetMode
from akmon_core.errors import AkmonError
from akmon_core.events import QuestionAsked
from akmon_core.messages import Assistant, Text, User
from akmon_tui.screen import Look
from akmon_tui.services import Leave, SessionChoice, UserCommand
from akmon_tui.view import View
from tests.tui.fake import WAIT, FakeClient
from tests.tui.office import Office
from tests.tui.scenes import ENDLESS, HELLO
from tests.tui.screenplay import QUIET, Play, act, opened


def with_earlier() -> Office:
    office = Office()
    office.earlier = [
        SessionChoice(id="abc1", name="parser", prompt="Fix the parser", model="m", changed=0.0),
        SessionChoice(id="abd2", name="", prompt="What is this?", model="m", changed=0.0),
    ]
    office.previews = {"abc1": "It was the loop.", "abd2": "It is a tree."}
    return office


def test_clear_begins_a_new_session_on_the_same_screen() -> None:
    first, second = FakeClient(HELLO, name="first"), FakeClient(HELLO, name="second")

    async def person(play: Play) -> None:
        await play.enter("one")
        await play.until("Hello there.")
        await play.enter("/clear")
        await play.until("akmon 0", times=2)
        await play.enter("two")
        await play.until("Hello there.", times=2)
        await play.leave()

    play = act(person, opened(first), opened(second))
    assert play.left == [Leave("new")]
    assert (first.commands, second.commands) == ([Prompt("one")], [Prompt("two")])


def test_a_session_is_chosen_by_its_preview_and_resumed_with_what_was_said_in_it() -> None:
    history = (User((Text("What is this?"),)), Assistant((Text("A tree of things."),), "end"))
    resumed = opened(FakeClient(name="abd2"), history=history)

    async def person(play: Play) -> None:
        await play.enter("/resume")
        await play.until("It was the loop.")
        await play.press("down")
        await play.until("It is a tree.")
        await play.press("enter")
        await play.until("A tree of things.")
        await play.leave()

    play = act(person, opened(FakeClient(name="first"), with_earlier()), resumed)
    assert play.left == [Leave("resume", "abd2")]


def test_a_session_that_is_named_is_resumed_without_a_question() -> None:
    async def person(play: Play) -> None:
        await play.enter("/resume parser")
        await play.until("akmon 0", times=2)
        await play.leave()

    play = act(person, opened(FakeClient(name="first"), with_earlier()), opened(FakeClient(name="abc1")))
    assert play.left == [Leave("resume", "abc1")]


def test_leaving_for_another_session_waits_for_the_end_of_the_turn() -> None:
    async def person(play: Play) -> None:
        await play.enter("go")
        await play.enter("/clear")
        await play.until("A turn runs.")
        await play.leave()

    assert act(person, opened(FakeClient(ENDLESS))).left == []


def test_questions_and_commands_of_a_session_end_with_it() -> None:
    asked = QuestionAsked("rewind-1", "What of these files?", ("Keep", "Overwrite"))
    first = FakeClient(HELLO, name="first", rewinds=[[asked]], own=[[WAIT]])

    async def person(play: Play) -> None:
        await play.enter("hello")
        await play.enter("!sleep 100")
        await play.enter("/rewind 1")
        await play.until("What of these files?", "! sleep 100")
        play.send("/clear\r")
        await play.until("akmon 0", times=2)
        await play.until_gone("What of these files?")
        await play.pass_time(2 * QUIET)
        await play.enter("hello again")
        await play.until("Hello there.", times=2)
        assert play.text.count("sleep 100") == 0
        await play.leave()

    play = act(person, opened(first), opened(FakeClient(HELLO, name="second")))
    assert play.left == [Leave("new")]
    assert RunCommand("sleep 100") in first.commands


def test_what_is_typed_stays_when_the_session_is_another_one() -> None:
    async def person(play: Play) -> None:
        await play.enter("/resume")
        await play.until("It was the loop.")
        play.send("\r and now")
        await play.until("akmon 0", times=2)
        await play.until(">  and now")
        await play.leave()

    act(person, opened(FakeClient(), with_earlier()), opened(FakeClient(name="abc1")))


def test_what_a_session_begins_with_is_done_before_what_is_typed() -> None:
    client = FakeClient(HELLO, HELLO)

    async def person(play: Play) -> None:
        await play.until("Hello there.")
        await play.enter("more")
        await play.until("Hello there.", times=2)
        await play.leave()

    act(person, opened(client, first=Prompt("begin")))
    assert client.commands == [Prompt("begin"), Prompt("more")]


def test_a_session_that_cannot_be_resumed_leads_back_to_the_one_before() -> None:
    broken = AkmonError("The session abc1 is in use by another akmon.")

    async def person(play: Play) -> None:
        await play.enter("hello")
        await play.until("Hello there.")
        await play.enter("/resume parser")
        await play.until("is in use by another akmon")
        await play.enter("again")
        await play.until("Hello there.", times=2)
        await play.leave()

    here = FakeClient(HELLO, name="here")
    again = FakeClient(HELLO, name="here")
    play = act(person, opened(here, with_earlier()), broken, opened(again))
    assert play.left == [Leave("resume", "abc1"), Leave("resume", "here")]
    assert again.commands == [Prompt("again")]


def test_where_no_session_can_be_opened_any_more_the_screen_ends_with_the_reason() -> None:
    async def person(play: Play) -> None:
        await play.enter("/clear")

    errors = AkmonError("The disk is full."), AkmonError("The disk is still full.")
    play = act(person, opened(FakeClient()), *errors, fails=True)
    assert play.error is errors[1]


def test_warnings_about_a_session_are_shown_when_it_begins() -> None:
    async def person(play: Play) -> None:
        await play.until("The settings have a mistake.")
        await play.leave()

    act(person, opened(FakeClient(), warnings=("The settings have a mistake.",)))


@pytest.mark.parametrize(
    ("line", "keys", "command"),
    [
        ("/model", ("gpt", "enter"), ChooseModel("gpt-6", "openai")),
        ("/model", ("enter", "down", "enter"), ChooseModel("claude-sonnet-5-5", "anthropic", "low")),
        ("/mode", ("down", "enter"), SetMode("accept-edits")),
        ("/model", ("esc",), None),
        ("/mode", ("c-c",), None),
    ],
)
def test_what_is_chosen_in_a_dialog_is_told_the_session(
    line: str, keys: tuple[str, ...], command: Command | None
) -> None:
    client, office = FakeClient(), Office()
    office.model_choices = [choice for choice in office.model_choices if choice.id != "gpt-6"] + [
        type(office.model_choices[0])(provider="openai", id="gpt-6")
    ]

    async def person(play: Play) -> None:
        await play.enter(line)
        await play.until("enter chooses")
        await play.press(*keys)
        await play.until_gone("esc back")
        await play.leave()

    act(person, opened(client, office))
    assert client.commands == ([command] if command else [])


def test_a_theme_is_seen_before_it_is_taken_and_then_saved() -> None:
    office = Office()

    async def person(play: Play) -> None:
        await play.enter("/theme")
        await play.until("Theme")
        await play.press("down", "enter")
        await play.until("theme is light from now on.")
        await play.enter("/config theme dark")
        await play.until("theme is dark from now on.")
        await play.leave()

    act(person, opened(FakeClient(), office))
    assert office.setting_rows["theme"].value == "dark"


def test_a_theme_that_is_only_looked_at_changes_nothing() -> None:
    office = Office()

    async def person(play: Play) -> None:
        await play.enter("/theme")
        await play.until("Theme")
        await play.press("down", "esc")
        await play.until_gone("Theme")
        await play.leave()

    act(person, opened(FakeClient(), office))
    assert "save_setting" not in office.asked


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/cost", "call 1  1,200 tokens  $0.01"),
        ("/doctor", "The report called doctor."),
        ("/context", "system prompt"),
        ("/export", "The conversation is in conversation.md."),
        ("/diff", "Nothing differs from the last commit."),
        ("/config nothing 5", "There is no setting 'nothing'."),
        ("/copy", "There is nothing to copy yet."),
        ("/todos", "There is no to-do list."),
        ("/vim", "the keys of vi"),
        ("/help", "/exit"),
    ],
)
def test_a_slash_command_shows_what_it_is_asked_for(line: str, said: str) -> None:
    async def person(play: Play) -> None:
        await play.enter(line)
        await play.until(said)
        await play.leave()

    act(person, opened(FakeClient()), size=(80, 60))


def test_commands_of_ones_own_are_in_the_menu_and_become_prompts() -> None:
    office, client = Office(), FakeClient(HELLO)
    office.own = [
        UserCommand(name="fixit", about="fix an issue", hint="N", text="Fix issue $1.", origin="fixit.md"),
        UserCommand(name="clear", about="", hint="", text="x", origin="clear.md"),
    ]

    async def person(play: Play) -> None:
        await play.until("/clear (clear.md) is left out")
        await play.press("/fix")
        await play.until("fix an issue")
        await play.press("c-u")
        await play.enter("/fixit 7")
        await play.until("Hello there.")
        await play.leave()

    act(person, opened(client, office))
    assert client.commands == [Prompt("Fix issue 7.")]


def test_the_keys_of_vi_edit_the_line_where_they_are_wished() -> None:
    async def person(play: Play) -> None:
        await play.press("abc", "esc", "0", "x")
        await play.until("bc")
        assert "abc" not in play.text
        play.hang_up()

    act(person, opened(FakeClient(), look=Look(vim=True)))


def test_the_status_line_has_the_parts_that_are_wished() -> None:
    view = View(model="fake/model-1", mode="plan", folder="/p", name="parser")

    async def person(play: Play) -> None:
        assert play.text.splitlines()[-1] == "parser ·  plan"
        await play.leave()

    act(person, opened(FakeClient(), look=Look(status_line=("session", "mode")), view=view))


def test_the_terminal_is_told_its_title_and_gets_its_own_back() -> None:
    async def person(play: Play) -> None:
        await play.until("akmon 0")
        await play.leave()

    raw = act(person, opened(FakeClient())).screen.raw
    assert "\x1b]2;akmon · p\x07" in raw
    assert raw.index("\x1b[22;2t") < raw.index("\x1b[23;2t")
