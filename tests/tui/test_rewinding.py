"""Going back: the places there are, what is asked and shown, and the prompt that comes back."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.commands import Interrupt, Prompt, Respond, Rewind
from akmon_core.events import (
    Committed,
    DurableEvent,
    Envelope,
    Event,
    FilesChanged,
    Noticed,
    PermissionDecided,
    Pinned,
    Prompted,
    QuestionAsked,
    Replied,
    Rewound,
    ToolStarted,
)
from akmon_core.files import FileChange, FileState
from akmon_core.messages import Assistant, Pin, Text, User
from akmon_core.state import replay
from akmon_core.tools import Effect
from akmon_tui.opening import view_of
from akmon_tui.places import listed
from akmon_tui.plain.following import Following
from akmon_tui.plain.render import render
from akmon_tui.slash import run_slash
from akmon_tui.slash.replies import Ask, Say, Send
from akmon_tui.view import View, show
from tests.tui.fake import FakeClient, Step
from tests.tui.scenes import HELLO, call, finished, said
from tests.tui.terminal import Terminal, talk
from tests.tui.test_conversation import leave

A_FILE = FileState("file", "abc")
RUN = Effect("run", "make")


def prompted(record: int, text: str) -> Prompted:
    return Prompted(User((Text(text),), record=record))


def rewound(
    record: int,
    to: int,
    *,
    conversation: bool = True,
    changes: tuple[FileChange, ...] = (),
    left: tuple[str, ...] = (),
) -> Rewound:
    return Rewound(record=record, to=to, conversation=conversation, changes=changes, left=left)


def folded(*events: Event, view: View | None = None) -> View:
    view = view or View(folder="/p")
    for event in events:
        view = show(view, event)
    return view


def records(view: View) -> list[int]:
    return [place.record for place in view.places]


def test_a_prompt_is_a_place_and_a_rewind_is_one_too() -> None:
    view = folded(prompted(3, "one"), prompted(8, "two"), rewound(9, 3, conversation=False))
    assert records(view) == [3, 8, 9]
    view = folded(rewound(12, 8), view=view)
    assert records(view) == [3, 12]
    view = folded(rewound(13, 12), view=view)
    assert records(view) == [3, 8, 9, 13]


def test_going_back_shows_the_to_dos_of_that_time() -> None:
    view = folded(Pinned(Pin("todos", "one")), prompted(3, "a"), Pinned(Pin("todos", "two")), rewound(5, 3))
    assert view.pins == {"todos": "one"}
    assert folded(rewound(6, 5), view=view).pins == {"todos": "two"}


@given(st.lists(st.tuples(st.sampled_from("prapf"), st.integers(0, 40)), max_size=12))
def test_a_resumed_session_knows_the_places_that_the_live_one_knew(steps: list[tuple[str, int]]) -> None:
    events: list[Event] = []
    for kind, number in steps:
        record = len(events) + 1
        match kind:
            case "p":
                events.append(prompted(record, f"prompt {number}"))
            case "a":
                reply = Assistant((Text("x"),))
                events.append(Replied(reply, prompt_tokens=number, prompt_weight=number))
            case "r" | "f":
                events.append(rewound(record, 1 + number % (len(events) + 1), conversation=kind == "r"))
    live = folded(*events, view=View())
    resumed = view_of(replay(cast("list[DurableEvent]", events)))
    assert resumed.places == live.places


def test_a_long_prompt_comes_back_whole_in_a_resumed_session() -> None:
    resumed = view_of(replay([prompted(1, "x" * 5_000)]))
    assert resumed.places[0].text == "x" * 5_000


def test_the_places_are_listed_with_numbers_that_count_back() -> None:
    places = folded(
        prompted(1, "first thing\nwith more"), prompted(5, "second"), rewound(9, 5, conversation=False)
    )
    assert run_slash("/rewind", places) == Ask("rewind")
    assert listed(places.places).splitlines()[:3] == [
        "  3  first thing with more",
        "  2  second",
        "  1  undo the rewind that was made here",
    ]


def test_only_the_last_places_are_listed_but_all_can_be_reached() -> None:
    view = folded(*(prompted(number, f"p{number}") for number in range(1, 31)))
    assert listed(view.places).startswith("(10 earlier ones have the numbers up to 30)\n  20  p11\n")
    assert run_slash("/rewind 30", view) == Send((Rewind(1),))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/rewind 1", Rewind(5)),
        ("/rewind 2 files", Rewind(1, "files")),
        ("/rewind  2  conversation", Rewind(1, "conversation")),
        ("/rewind 1 both", Rewind(5, "both")),
    ],
)
def test_a_number_goes_back_to_that_place(line: str, command: Rewind) -> None:
    assert run_slash(line, folded(prompted(1, "a"), prompted(5, "b"))) == Send((command,))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/rewind 0", "There is no place '0'. There are 1 to 2"),
        ("/rewind 3", "There is no place '3'. There are 1 to 2"),
        ("/rewind files", "There is no place 'files'"),
        ("/rewind ²", "There is no place '²'"),
        ("/rewind 1 code", "'code' cannot be taken back"),
    ],
)
def test_what_cannot_be_gone_back_to_is_said(line: str, told: str) -> None:
    said = run_slash(line, folded(prompted(1, "a"), prompted(5, "b")))
    assert isinstance(said, Say)
    assert said.text.startswith(told)


def test_before_the_first_prompt_there_is_nothing_to_take_back() -> None:
    assert run_slash("/rewind 1", View()) == Say("There is nothing to take back yet.")


def test_a_rewind_puts_the_prompt_back_into_the_line_to_be_changed() -> None:
    client = FakeClient(HELLO, HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until("Hello there.")
        await terminal.until_prompt()
        terminal.press("/rewind 1\r")
        await terminal.until("rewind: that is all")
        await terminal.until("\n> hello", times=2)
        assert len(client.commands) == 2
        terminal.press(" you\r")
        await terminal.until("Hello there.", times=2)
        await leave(terminal)

    talk(client, person, first_prompt="hello")
    assert client.commands == [Prompt("hello"), Rewind(1), Prompt("hello you")]


def test_a_line_that_was_cleared_stays_clear() -> None:
    client = FakeClient(HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until("Hello there.")
        await terminal.until_prompt()
        terminal.press("/rewind 1\r")
        await terminal.until("\n> hello", times=2)
        terminal.press("\x03")
        await terminal.until_prompt()
        terminal.press("/cost\r")
        await terminal.until("So far:")
        await leave(terminal)

    talk(client, person, first_prompt="hello")
    assert client.commands == [Prompt("hello"), Rewind(1)]


def test_what_was_typed_ahead_is_not_added_to_the_prompt_that_comes_back() -> None:
    client = FakeClient(HELLO, HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until("Hello there.")
        await terminal.until_prompt()
        terminal.press("/rewind 1\r")
        await terminal.until_read()
        terminal.press("something else\r")
        await terminal.until("Hello there.", times=2)
        await leave(terminal)

    talk(client, person, first_prompt="hello")
    assert client.commands == [Prompt("hello"), Rewind(1), Prompt("something else")]


def test_files_alone_leave_the_line_empty() -> None:
    client = FakeClient(HELLO)

    async def person(terminal: Terminal) -> None:
        await terminal.until("Hello there.")
        await terminal.until_prompt()
        terminal.press("/rewind 1 files\r")
        await terminal.until("rewind: that is all")
        await leave(terminal)

    talk(client, person, first_prompt="hello")
    assert client.commands == [Prompt("hello"), Rewind(1, "files")]


ASKED = QuestionAsked(
    "rewind-1",
    "These files would lose what someone else did to them:\n  /p/a.py: it was changed since",
    ("keep them as they are", "overwrite them", "cancel"),
)


@pytest.mark.parametrize(("typed", "answer"), [("2\r", "overwrite them"), ("\r", "")])
def test_a_conflict_is_asked_about_and_the_rewind_goes_on(typed: str, answer: str) -> None:
    rewinds: list[list[Step]] = [[ASKED, rewound(0, 1, left=("/p/a.py",)), Noticed("b.py is gone")]]
    client = FakeClient(HELLO, rewinds=rewinds)

    async def person(terminal: Terminal) -> None:
        await terminal.until("Hello there.")
        await terminal.until_prompt()
        terminal.press("/rewind 1\r")
        await terminal.until("A number; Enter alone keeps them as they are.")
        terminal.press(typed)
        await terminal.until("rewind: that is all")
        await terminal.until("\n> hello", times=2)
        terminal.press("\x03")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="hello")
    assert client.commands == [Prompt("hello"), Rewind(1), Respond("rewind-1", answer)]
    assert (
        "  /p/a.py: it was changed since\n  1  keep them as they are\n  2  overwrite them\n" in terminal.text
    )
    assert terminal.text.index("b.py is gone") < terminal.text.index("rewind: that is all")


def test_ctrl_c_at_the_question_cancels_and_the_next_rewind_asks_again() -> None:
    client = FakeClient(HELLO, rewinds=[[ASKED], [ASKED, rewound(0, 1)]])

    async def person(terminal: Terminal) -> None:
        await terminal.until("Hello there.")
        await terminal.until_prompt()
        terminal.press("/rewind 1\r")
        await terminal.until("Enter alone keeps")
        terminal.press("\x03")
        await terminal.until("rewind: interrupted")
        await terminal.until_prompt()
        terminal.press("/rewind 1\r")
        await terminal.until("Enter alone keeps", times=2)
        terminal.press("1\r")
        await terminal.until("rewind: that is all")
        terminal.press("\x03")
        await leave(terminal)

    talk(client, person, first_prompt="hello")
    answered = Respond("rewind-1", "keep them as they are")
    assert client.commands == [Prompt("hello"), Rewind(1), Interrupt(), Rewind(1), answered]


def test_a_rewind_is_over_with_its_own_last_notice_only() -> None:
    following = Following(Rewind(1), "c1")

    def ends(event: Event, cause: str = "c1") -> bool:
        return following.ends_with(Envelope(1, 0.0, "s", 1, cause, event))

    assert not ends(Noticed("rewind: of someone else"), cause="c0")
    assert not ends(Noticed("the project is large"))
    assert not ends(ASKED)
    assert not ends(rewound(2, 1))
    assert not ends(Noticed("a.py could not be restored"))
    assert ends(Noticed("rewind: done"))


def lines(view: View, event: Event, width: int = 60, agent: str = "") -> list[str]:
    spans = render(view, event, width, agent)
    return [span.text for span in spans]


def changed(*names: str) -> tuple[FileChange, ...]:
    return tuple(FileChange(f"/p/{name}", None, A_FILE) for name in names)


def decided(call_id: str, *effects: Effect) -> PermissionDecided:
    return PermissionDecided(call_id, "allow", "policy", "r", effects=effects)


def test_what_a_command_changed_is_named_and_what_a_tool_writes_is_not() -> None:
    view = folded(decided("1", RUN), decided("2", Effect("write", "x")))
    assert lines(view, FilesChanged(changed("a.py", "b/c.py"), "1")) == ["  changed: a.py, b/c.py"]
    assert lines(view, FilesChanged(changed("a", "b", "c", "d", "e"), "1")) == [
        "  changed: a, b, c (+2 more)"
    ]
    assert lines(view, FilesChanged(changed("a.py"), "2")) == []
    assert lines(view, FilesChanged(changed("a.py"))) == ["changed meanwhile: a.py"]
    assert len(lines(view, FilesChanged(changed("x" * 200), "1"))[0]) == 60


def test_folders_that_a_rewind_had_to_leave_are_not_called_changed() -> None:
    left = FileChange("/p/sub", None, FileState("folder"))
    assert lines(View(folder="/p"), FilesChanged((left,))) == []
    assert lines(View(folder="/p"), FilesChanged((left, *changed("sub/a.py")))) == [
        "changed meanwhile: sub/a.py"
    ]


def test_a_sub_agents_commands_are_told_under_its_name() -> None:
    view = show(View(folder="/p"), decided("1", RUN), "task-3")
    assert lines(view, FilesChanged(changed("a.py"), "1"), agent="task-3") == ["task-3 · changed: a.py"]
    assert lines(view, FilesChanged(changed("a.py"), "1")) == []


def test_the_result_stays_below_its_call() -> None:
    view = folded(said("", call()), decided("call-1", RUN), ToolStarted("call-1", "shell", True))
    view = folded(FilesChanged(changed("a.py"), "call-1"), view=view)
    assert lines(view, finished()) == ["  3 passed"]


def test_a_rewind_names_what_becomes_of_each_file() -> None:
    changes = (
        FileChange("/p/new.txt", A_FILE, None),
        FileChange("/p/a.py", None, A_FILE),
        FileChange("/elsewhere/b\nc", A_FILE, A_FILE),
    )
    event = rewound(9, 1, changes=changes, left=("/p/mine.py",))
    assert lines(View(folder="/p"), event) == [
        "  remove   new.txt",
        "  restore  a.py",
        "  restore  /elsewhere/b<U+000A>c",
        "  keep     mine.py (someone else changed it)",
        "/rewind 1 undoes this rewind.",
    ]


def test_a_large_rewind_names_the_first_of_them() -> None:
    event = rewound(9, 1, changes=changed(*(f"f{number}" for number in range(100))))
    told = lines(View(folder="/p"), event)
    assert told[39:] == ["  restore  f39", "  (60 more)", "/rewind 1 undoes this rewind."]


def test_a_commit_is_one_line() -> None:
    commit = "1a2b3c4d5e6f"
    assert lines(View(), Committed(commit, "Fix it", ("a", "b", "c"))) == [
        "committed 1a2b3c4 Fix it (3 files)"
    ]
    assert lines(View(), Committed(commit, "Fix it", ("a",))) == ["committed 1a2b3c4 Fix it (1 file)"]
    assert len(lines(View(), Committed(commit, "x" * 100, ("a",)))[0]) == 60
