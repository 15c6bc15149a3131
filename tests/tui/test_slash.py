"""The table of slash commands, those of the person's own, and what the plain conversation makes of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.commands import ChooseModel, Prompt, Rename, Rewind
from akmon_core.errors import AkmonError
from akmon_core.messages import Image
from akmon_core.servers import ServerStatus
from akmon_core.spending import Spent
from akmon_core.stream import Usage
from akmon_tui.places import Place
from akmon_tui.services import (
    Leave,
    ModelChoice,
    Report,
    SessionChoice,
    SettingRow,
    Slice,
    UserCommand,
)
from akmon_tui.slash import SLASHES, run_slash
from akmon_tui.slash.fetching import fetched
from akmon_tui.slash.helping import help_text, keys_text
from akmon_tui.slash.own import expand, with_own
from akmon_tui.slash.plainly import KEYS, in_plain
from akmon_tui.slash.replies import Ask, Copy, Fetch, Reply, Say, Send, Set, Typed
from akmon_tui.view import View
from tests.tui.fake import FakeClient
from tests.tui.scenes import HELLO
from tests.tui.terminal import Terminal, talk
from tests.tui.test_conversation import leave

ROOT = Path(__file__).parents[2]
GONE_BACK = View(places=(Place(record=3, text="first"), Place(record=9)))
SAID = View(places=(Place(record=3, text="first"), Place(record=9, text="second")))


class FakeServices:
    """Implements ``akmon_tui.services.Services`` with fixed answers."""

    def __init__(self, sessions: Sequence[SessionChoice] = (), own: Sequence[UserCommand] = ()) -> None:
        self.saved: list[tuple[str, str]] = []
        self.statuses: Sequence[ServerStatus] = ()
        self._sessions = sessions
        self._own = own

    async def models(self) -> Sequence[ModelChoice]:
        return [ModelChoice(provider="anthropic", id="claude-x", window=200_000, price="$3 in, $15 out")]

    async def sessions(self) -> Sequence[SessionChoice]:
        return self._sessions

    async def preview(self, session: str) -> str:
        return session

    async def settings(self) -> Sequence[SettingRow]:
        return [SettingRow(name="theme", value="dark", origin="user file", about="colours")]

    async def save_setting(self, name: str, value: str) -> str:
        if name == "nonsense":
            raise AkmonError("There is no setting nonsense.")
        self.saved.append((name, value))
        return f"{name} is {value} from now on."

    async def context(self) -> Sequence[Slice]:
        return [Slice(label="system prompt", tokens=1_500)]

    async def costs(self) -> str:
        return "call 1: $0.01"

    async def report(self, what: Report) -> str:
        return f"the {what}"

    async def files(self) -> Sequence[str]:
        return ()

    async def branch(self) -> str:
        return "main"

    async def diff(self) -> str:
        return ""

    async def image(self, path: str) -> Image:
        raise AkmonError(f"{path} is no picture.")

    async def clipboard_image(self) -> Image | None:
        return None

    async def export(self, path: str) -> str:
        return path or "akmon.md"

    async def commands(self) -> Sequence[UserCommand]:
        return self._own

    async def servers(self) -> Sequence[ServerStatus]:
        return self.statuses


def own(name: str, text: str, about: str = "mine", hint: str = "") -> UserCommand:
    return UserCommand(name=name, about=about, hint=hint, text=text, origin=f".akmon/commands/{name}.md")


def session(number: int, name: str = "") -> SessionChoice:
    return SessionChoice(id=f"2026112{number}-abc", name=name, prompt=f"do {number}", model="m", changed=0.0)


# --- the table ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("/model", Ask("model")),
        ("/model openai/gpt-5", Send((ChooseModel("openai/gpt-5"),))),
        ("/effort high", Send((ChooseModel("", effort="high"),))),
        ("/mode", Ask("permission-mode")),
        ("/clear", Leave("new")),
        ("/new", Leave("new")),
        ("/resume", Ask("session")),
        ("/sessions abc", Ask("session", "abc")),
        ("/fork", Leave("fork")),
        ("/branch 1", Leave("fork", record=8)),
        ("/rename a b", Send((Rename("a b"),))),
        ("/rewind", Ask("rewind")),
        ("/undo 2 files", Send((Rewind(3, "files"),))),
        ("/cost", Fetch("costs")),
        ("/usage", Fetch("costs")),
        ("/context", Fetch("context")),
        ("/status", Fetch("report", "status")),
        ("/doctor", Fetch("report", "doctor")),
        ("/config", Ask("settings")),
        ("/config theme dark", Fetch("save", "theme dark")),
        ("/theme", Ask("theme")),
        ("/theme light", Set("theme", "light")),
        ("/vim", Set("vim")),
        ("/vim off", Set("vim", "off")),
        ("/notify bell", Set("notify", "bell")),
        ("/keymap", Ask("keys")),
        ("/copy", Copy()),
        ("/copy code", Copy("code")),
        ("/transcript talk.md", Fetch("export", "talk.md")),
        ("/diff", Fetch("diff")),
        ("/help", Ask("help")),
        ("/help /mode", Ask("help", "mode")),
        ("/exit", Leave()),
        ("/quit", Leave()),
        ("/q", Leave()),
    ],
)
def test_a_command_asks_for_what_it_stands_for(line: str, reply: Reply) -> None:
    assert run_slash(line, SAID) == reply


@pytest.mark.parametrize(
    "line",
    [
        "/effort huge",
        "/mode yolo",
        "/theme pink",
        "/vim maybe",
        "/notify loudly",
        "/copy all",
        "/config theme",
        "/rename",
        "/fork 3",
        "/rewind 9",
        "/redo",
        "/architect",
        "/nonsense",
    ],
)
def test_what_makes_no_sense_is_answered_with_what_does(line: str) -> None:
    reply = run_slash(line, SAID)
    assert isinstance(reply, Say)
    assert len(reply.text) > 20


def test_redo_undoes_the_rewind_that_was_made_last_and_nothing_else() -> None:
    assert run_slash("/redo", GONE_BACK) == Send((Rewind(9),))
    assert isinstance(run_slash("/redo", View()), Say)


@pytest.mark.parametrize("line", ["/clear", "/resume", "/fork"])
def test_a_turn_that_runs_is_not_left(line: str) -> None:
    reply = run_slash(line, View(since=1.0))
    assert isinstance(reply, Say)
    assert "A turn runs" in reply.text


@pytest.mark.parametrize(("word", "meant"), [("modle", "/mode"), ("resme", "/resume"), ("quti", "/quit")])
def test_a_command_that_is_misspelt_is_told_its_name(word: str, meant: str) -> None:
    reply = run_slash(f"/{word}", View())
    assert isinstance(reply, Say)
    assert meant in reply.text


@pytest.mark.parametrize(
    ("line", "said"), [("/init", "AGENTS.md"), ("/review", "git diff"), ("/review a.py", "a.py")]
)
def test_init_and_review_are_prompts(line: str, said: str) -> None:
    reply = run_slash(line, View())
    assert isinstance(reply, Typed)
    assert said in reply.text


def test_a_report_of_a_bug_says_the_version_and_the_model() -> None:
    reply = run_slash("/bug", View(model="p/m"))
    assert isinstance(reply, Say)
    assert re.match(r"akmon \d+\.\d+\.\d+, Python .*, model p/m\n", reply.text)


def test_names_and_aliases_are_there_once_and_can_be_typed() -> None:
    names = [name for slash in SLASHES.values() for name in (slash.name, *slash.aliases)]
    assert len(set(names)) == len(names)
    assert all(slash.usage.split()[0] == f"/{slash.name}" for slash in SLASHES.values())
    assert all(run_slash(f"/{name}", View()) is not None for name in names)


def test_help_of_one_command_says_what_it_is_also_called() -> None:
    text = help_text(SLASHES, KEYS, "new")
    assert text.startswith("/clear")
    assert "(also /new)" in text
    assert "There is no command /clea. Is it /clear" in help_text(SLASHES, KEYS, "clea")
    assert keys_text([("a", "b"), ("long", "c")]) == "a     b\nlong  c"


@given(st.text(max_size=30), st.sampled_from([View(), SAID, GONE_BACK, View(since=1.0)]))
def test_no_argument_makes_a_command_raise(argument: str, view: View) -> None:
    for name in SLASHES:
        reply = run_slash(f"/{name} {argument}", view)
        assert reply is not None
        assert in_plain(reply, view, SLASHES)


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    for slash in SLASHES.values():
        assert f"`{slash.usage}`".replace("|", "\\|") in text, slash.usage
        assert all(f"`/{alias}`" in text for alias in slash.aliases), slash.aliases


# --- commands of the person's own ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "argument", "prompt"),
    [
        ("Fix $ARGUMENTS now.", "a b", "Fix a b now."),
        ("Fix $1 like $2.", "'a b' c", "Fix a b like c."),
        ("Fix $1 and $3.", "a", "Fix a and ."),
        ("Fix it.\n", "in a.py", "Fix it.\n\nin a.py"),
        ("Fix it.", "", "Fix it."),
        ("Pay $10 to $ARGUMENTSX.", "me", "Pay $10 to $ARGUMENTSX.\n\nme"),
        ("Say $1", "don't stop", "Say don't"),
        ("Say $1", "$2 x", "Say $2"),
    ],
)
def test_arguments_take_their_places(text: str, argument: str, prompt: str) -> None:
    assert expand(own("fix", text), argument) == prompt


def test_own_commands_are_rows_like_the_others() -> None:
    table, notes = with_own([own("git:fix", "Fix $1.", "fixes", "FILE")], SLASHES)
    assert notes == []
    assert run_slash("/git:fix a.py", View(), table) == Typed("Fix a.py.")
    assert re.search(r"^/git:fix FILE +fixes$", help_text(table, KEYS), re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "why"),
    [("model", "akmon has"), ("quit", "akmon has"), ("Big", "small letters"), ("a b", "small letters")],
)
def test_names_that_are_taken_or_cannot_be_typed_are_left_out_and_that_is_said(name: str, why: str) -> None:
    table, notes = with_own([own(name, "x")], SLASHES)
    assert dict(table) == dict(SLASHES)
    assert len(notes) == 1
    assert why in notes[0]
    assert f".akmon/commands/{name}.md" in notes[0]


def test_of_two_commands_with_one_name_the_first_counts() -> None:
    table, notes = with_own([own("a", "first"), own("a", "second")], SLASHES)
    assert run_slash("/a", View(), table) == Typed("first")
    assert len(notes) == 1


# --- without dialogs ----------------------------------------------------------------------------------


def plainly(line: str, services: FakeServices | None, view: View = SAID) -> Say | Leave:
    reply = run_slash(line, view)
    assert reply is not None
    done = in_plain(reply, view, SLASHES)
    if isinstance(done, Fetch):
        return asyncio.run(fetched(done, services, view))
    assert isinstance(done, Say | Leave)
    return done


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/model", "anthropic/claude-x  200,000 tokens · $3 in, $15 out"),
        ("/resume", "20261121-abc  first · do 1\n20261122-abc  do 2\n"),
        ("/resume nobody", "No session, or more than one, is called 'nobody'."),
        ("/resume 2026112", "No session, or more than one, is called '2026112'."),
        ("/rewind", "  2  first\n  1  second"),
        ("/config", "theme = dark  (user file)"),
        ("/config theme light", "theme is light from now on."),
        ("/config nonsense x", "There is no setting nonsense."),
        ("/theme", "has no meaning here"),
        ("/vim on", "has no meaning here"),
        ("/copy", "Nothing is copied here"),
        ("/context", "  system prompt  about 1,500"),
        ("/cost", "call 1: $0.01\nSo far: 0 in, 0 out, no cost."),
        ("/diff", "Nothing differs"),
        ("/doctor", "the doctor"),
        ("/export a.md", "The conversation is in a.md."),
        ("/keys", "Ctrl+C"),
        ("/help mode", "/mode [MODE]"),
    ],
)
def test_in_the_plain_conversation_dialogs_are_lists(line: str, said: str) -> None:
    done = plainly(line, FakeServices([session(1, "first"), session(2)]))
    assert isinstance(done, Say)
    assert said in done.text


@pytest.mark.parametrize("wanted", ["20261122", "20261122-abc", "second"])
def test_a_session_is_resumed_by_its_id_the_start_of_it_or_its_name(wanted: str) -> None:
    done = plainly(f"/resume {wanted}", FakeServices([session(1), session(2, "second")]))
    assert done == Leave("resume", "20261122-abc")


def test_without_services_what_the_view_knows_is_said() -> None:
    spent = View(window=100, context=50, total=Spent(Usage(input_tokens=7), 0.5))
    assert plainly("/cost", None, spent) == Say("So far: 7 in, 0 out, $0.5000.")
    assert "50 of 100 tokens" in str(plainly("/context", None, spent))
    assert "not to be had" in str(plainly("/doctor", None, spent))


def test_the_plain_conversation_knows_own_commands_and_says_where_to_go_next() -> None:
    client = FakeClient(HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        terminal.press("/fix a.py\r")
        await terminal.until("Hello there.")
        await terminal.until_prompt()
        terminal.press("/model\r")
        await terminal.until("anthropic/claude-x")
        await leave(terminal)

    services = FakeServices(own=[own("fix", "Fix $1."), own("exit", "x")])
    terminal = talk(client, person, services=services)
    assert client.commands == [Prompt("Fix a.py.")]
    assert terminal.text.count("/exit (.akmon/commands/exit.md) is left out") == 1
