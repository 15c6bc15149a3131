"""Answers for good: the rule that is proposed, edited and saved; what a question says; what is in force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.commands import Answer, Interrupt, Prompt, SetMode
from akmon_core.events import Event, ModeChanged, Noticed, PermissionAsked, PermissionDecided
from akmon_core.messages import ToolCall
from akmon_core.permissions import MODES, Grant, Policy, Rule, Sandboxing, Scope
from akmon_core.savable import rule_problem
from akmon_core.state import State
from akmon_core.tools import Effect
from akmon_tui.opening import view_of
from akmon_tui.plain.render import render
from akmon_tui.slash import run_slash
from akmon_tui.slash.replies import Send
from akmon_tui.standing import permissions_text, sandbox_text
from akmon_tui.view import View, show
from tests.tui.fake import WAIT, FakeClient, Step
from tests.tui.scenes import (
    ENDLESS,
    asks,
    asks_for_tests,
    asks_to_write,
    call,
    finished,
    said,
)
from tests.tui.terminal import Terminal, talk
from tests.tui.test_conversation import leave

STEPS: list[Step] = [said("", call()), asks_for_tests(), finished()]


def shown(view: View, event: Event, agent: str = "") -> str:
    return "\n".join(span.text for span in render(view, event, 100, agent))


# --- always -----------------------------------------------------------------------------------------


def test_the_proposed_rule_is_saved_by_r_and_enter() -> None:
    client = FakeClient([said("", call()), asks_for_tests(), Noticed("saved: shell(pytest *)"), finished()])

    async def person(terminal: Terminal) -> None:
        await terminal.until("r always   n no")
        terminal.press("r")
        await terminal.until("  Rule: shell(pytest *)")
        terminal.press("\r")
        await terminal.until("3 passed")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="test")
    assert client.commands == [Prompt("test"), Answer("call-1", "always")]
    assert "always saves shell(pytest *) in your settings, for this project;\n" in terminal.text
    assert "  akmon permissions remove takes it back." in terminal.text
    assert "saved: shell(pytest *)" in terminal.text


def test_the_rule_can_be_narrowed() -> None:
    client = FakeClient(STEPS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("r always")
        terminal.press("r")
        await terminal.until("  Rule: shell(pytest *)")
        terminal.press("\x7f\x7f-q *)\r")
        await terminal.until("3 passed")
        await leave(terminal)

    talk(client, person, first_prompt="test")
    assert client.commands[1:] == [Answer("call-1", "always", rule="shell(pytest -q *)")]


@pytest.mark.parametrize("key", ["\x1b", "\x03", "\x15\x04"], ids=["Escape", "Ctrl+C", "Ctrl+D"])
def test_the_person_can_think_better_of_it(key: str) -> None:
    client = FakeClient(STEPS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("r always")
        terminal.press("r")
        await terminal.until("  Rule: shell(pytest *)")
        terminal.press(key)
        await terminal.until("Nothing is saved.")
        await terminal.until("r always", times=2)
        terminal.press("y")
        await terminal.until("3 passed")
        await leave(terminal)

    talk(client, person, first_prompt="test")
    assert client.commands[1:] == [Answer("call-1", "once")]


def test_a_rule_that_is_refused_can_be_corrected() -> None:
    client = FakeClient(STEPS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("r always")
        terminal.press("r")
        await terminal.until("  Rule: shell(pytest *)")
        terminal.press("\x15shell\r")
        await terminal.until("would allow anything")
        await terminal.until("Rule: shell", times=2)
        terminal.press("(pytest -q *)\r")
        await terminal.until("3 passed")
        await leave(terminal)

    talk(client, person, first_prompt="test")
    assert client.commands[1:] == [Answer("call-1", "always", rule="shell(pytest -q *)")]


def test_where_no_rule_is_proposed_always_is_not_offered() -> None:
    client = FakeClient([said("", call()), asks()])

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("r")
        await terminal.until("You have begun a line")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="clean")
    assert client.commands[1:] == [Interrupt()]
    assert "always" not in terminal.text


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("shell(pytest *)", ""),
        ("shell(pytest -q tests/a.py)", ""),
        ("shell", "would allow anything"),
        ("shell(*)", "would allow anything"),
        ("shell(ls *)", "does not allow what is asked here"),
        ("shell(pytest)", "does not allow what is asked here"),
        ("read(src/**)", "has to begin with shell("),
        ("*", "rule"),
        ("", "not a permission rule"),
        ("shell(", "not a permission rule"),
        ("shell(pytest $(x) *)", "plain words"),
    ],
)
def test_a_rule_is_saved_only_if_it_is_narrow_and_about_the_call(line: str, problem: str) -> None:
    found = rule_problem(asks_for_tests(), line)
    assert (problem in found) if problem else found == ""


@given(st.text(st.sampled_from("shelpyt()*/ -q'\"\x1b\n$"), max_size=30))
def test_whatever_is_typed_as_a_rule_is_taken_or_refused_with_a_reason(line: str) -> None:
    if not rule_problem(asks_for_tests(), line):
        assert line.strip().startswith("shell(pytest")


@pytest.mark.parametrize("line", ["shell(pytest *)", "shell(pytest -q *)", "shell(pytest -q tests/a.py)"])
def test_a_rule_need_not_allow_what_only_reads_beside_the_command(line: str) -> None:
    assert rule_problem(asks_for_tests("ls src && pytest -q tests/a.py"), line) == ""


@pytest.mark.parametrize(
    ("line", "good"),
    [
        ("edit(src/**)", True),
        ("edit(src/a.py)", True),
        ("edit(**)", False),
        ("edit", False),
        ("write(src/**)", False),
    ],
)
def test_a_rule_about_files_names_a_part_of_the_project(line: str, good: bool) -> None:
    asked = PermissionAsked(
        ToolCall("call-1", "multi_edit", "{}"), (Effect("write", "src/a.py"),), "why", rule="edit(src/**)"
    )
    assert (rule_problem(asked, line) == "") == good


# --- what a question says ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sandbox", "words"),
    [
        ("bubblewrap", "It would run in the sandbox (bubblewrap)."),
        ("none", "There is no sandbox: it runs with all your rights."),
        ("off", "The sandbox is switched off: it runs with all your rights."),
    ],
)
def test_a_question_says_what_holds_the_command_in(sandbox: Sandboxing, words: str) -> None:
    assert words in shown(View(sandbox=sandbox), asks())
    assert words not in shown(View(sandbox=sandbox), asks_to_write())
    assert "sandbox" not in shown(View(), asks())


def test_a_question_says_where_a_link_leads() -> None:
    paths = {"src/a.py": "/home/me/p/src/a.py", "l\x1bnk": "/home/me/other\x1b[2J"}
    asked = PermissionAsked(call(), (Effect("write", "src/a.py"),), "why", paths=paths)
    text = shown(View(folder="/home/me/p"), asked)
    assert "  l<U+001B>nk is /home/me/other<U+001B>[2J\n" in text
    assert "a.py is" not in text
    assert "src/a.py is /home/me/p/src/a.py" in shown(View(folder="/elsewhere"), asked)


def test_a_question_of_a_sub_agent_says_whose_it_is_and_what_it_asks_is_shown_whole() -> None:
    line = "echo " + "x" * 5_000 + "\x1b[8m; rm -rf ~"
    text = shown(View(), asks(line), "task-1")
    assert "task-1: shell asks for permission" in text
    assert "x" * 5_000 + "<U+001B>[8m; rm -rf ~" in text


# --- what is in force -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "listed"),
    [
        ("session", "  shell rm -rf build"),
        ("writes", "  all writes in the project"),
        (
            "always",
            "  shell(rm -rf build) (saved for later ones, too; akmon permissions remove takes it back)",
        ),
    ],
)
@pytest.mark.parametrize("agent", ["", "task-1"])
def test_what_was_allowed_is_listed_whoever_asked(scope: Scope, listed: str, agent: str) -> None:
    decided = PermissionDecided(
        call_id="call-1",
        decision="allow",
        by="person",
        reason="the user said yes",
        scope=scope,
        tool="shell",
        effects=(Effect("run", "rm -rf build"),),
        rule="shell(rm -rf build)" if scope == "always" else "",
    )
    view = show(show(View(), asks(), agent), decided, agent)
    assert listed in permissions_text(view).split("\n")
    assert "Nothing more is allowed" not in permissions_text(view)


def test_permissions_lists_the_mode_the_sandbox_and_the_rules_strictest_first() -> None:
    rules = (
        Rule("shell", "pytest *", "allow", origin="--allow"),
        Rule("read", "secret/**", "deny", origin="user file /home/me/config.toml"),
    )
    policy = Policy(rules=rules, sandbox="landlock")
    view = view_of(State(mode="accept-edits", grants=(Grant(rule="fetch(docs.python.org)"),)), "/p", policy)
    assert permissions_text(view) == (
        "accept-edits mode: reading and writing in the project are allowed; the rest is asked.\n"
        "Commands run in a sandbox (Landlock).\n"
        "Rules (deny beats ask, ask beats allow):\n"
        "  deny   read(secret/**)  user file /home/me/config.toml\n"
        "  allow  shell(pytest *)  --allow\n"
        "Allowed for this session:\n"
        "  fetch(docs.python.org) (saved for later ones, too; akmon permissions remove takes it back)"
    )


@pytest.mark.parametrize("sandbox", ["bubblewrap", "landlock", "seatbelt", None])
def test_full_auto_is_to_be_had_where_a_sandbox_works(sandbox: Sandboxing | None) -> None:
    assert run_slash("/mode full-auto", View(sandbox=sandbox)) == Send((SetMode("full-auto"),))


@pytest.mark.parametrize("sandbox", ["none", "off"])
def test_full_auto_is_refused_without_a_sandbox_and_the_other_modes_are_not(sandbox: Sandboxing) -> None:
    view = View(sandbox=sandbox)
    refused = run_slash("/mode full-auto", view)
    assert "full-auto mode is refused" in str(refused)
    assert "Commands are asked as before" in str(refused)
    assert "full-auto" in sandbox_text(view)
    others = [mode for mode in MODES if mode != "full-auto"]
    assert [run_slash(f"/mode {mode}", view) for mode in others] == [
        Send((SetMode(mode),)) for mode in others
    ]


def test_the_sandbox_is_said_at_the_start_and_with_each_mode() -> None:
    terminal = talk(FakeClient(), leave, view=View(mode="default", sandbox="bubblewrap"))
    assert "akmon 0\ncommands run in a sandbox (bubblewrap)\n" in terminal.text
    view = View(sandbox="none")
    assert shown(view, ModeChanged("plan")).startswith("mode: plan · no sandbox works here")
    assert show(view, ModeChanged("plan")).sandbox == "none"


# --- when keys answer -------------------------------------------------------------------------------


def test_a_key_answers_nothing_before_there_was_time_to_read() -> None:
    client = FakeClient([said("", call()), asks()])

    async def person(terminal: Terminal) -> None:
        await terminal.until("Asked because")
        terminal.press("y")
        await terminal.until("y came before there was time to read")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="go", quiet=3_600)
    assert client.commands == [Prompt("go"), Interrupt()]
    assert "n no" not in terminal.text


def test_a_line_in_the_making_is_no_answer_until_it_is_entered() -> None:
    steps: list[Step] = [said("", call()), WAIT]
    client = FakeClient(steps)

    async def person(terminal: Terminal) -> None:
        await terminal.until("> go")
        terminal.press("be")
        client.publish(asks())
        await terminal.until("You have begun a line")
        for letter in " nasty":
            terminal.press(letter)
            await terminal.until_read()
        terminal.press("\r")
        await terminal.until("n no")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands == [Prompt("go"), Interrupt()]


def test_a_line_that_is_taken_back_lets_keys_answer() -> None:
    client = FakeClient(STEPS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("x")
        await terminal.until("You have begun a line")
        terminal.press("y")
        await terminal.until_read()
        terminal.press("\x7f\x7f")
        await terminal.until("n no", times=2)
        terminal.press("y")
        await terminal.until("3 passed")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands == [Prompt("go"), Answer("call-1", "once")]


def test_what_was_entered_at_a_question_is_said_after_the_answer() -> None:
    steps: list[Step] = [said("", call()), asks(), finished(), *ENDLESS]
    client = FakeClient(steps)

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("tests first\r")
        await terminal.until("n no", times=2)
        terminal.press("y")
        await terminal.until("▸ said while it works: tests first")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert [type(command).__name__ for command in client.commands] == [
        "Prompt",
        "Answer",
        "Steer",
        "Interrupt",
    ]


def test_keys_that_say_nothing_do_nothing() -> None:
    client = FakeClient(STEPS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        for key in ("\r", "\x1b[A", "\x7f", "\t"):
            terminal.press(key)
            await terminal.until_read()
        terminal.press("y")
        await terminal.until("3 passed")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands == [Prompt("go"), Answer("call-1", "once")]


def test_what_is_typed_behind_a_reason_does_not_answer_the_next_question() -> None:
    steps: list[Step] = [said("", call(1), call(2)), asks("make one"), asks("make two", 2), WAIT]
    client = FakeClient(steps)

    async def person(terminal: Terminal) -> None:
        await terminal.until("n no")
        terminal.press("n")
        await terminal.until("Why not?")
        terminal.press("no need\ry")
        await terminal.until("You have begun a line")
        terminal.press("\x7f")
        await terminal.until("n no", times=2)
        terminal.press("s")
        await terminal.until("allowed for the session")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands[1:3] == [Answer("call-1", "deny", "no need"), Answer("call-2", "session")]
