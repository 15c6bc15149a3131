"""What can be completed, and the menu that offers it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.servers import ServerResource, ServerStatus
from akmon_tui.completion import (
    Completion,
    Menu,
    Resources,
    commands,
    file_finder,
    found,
    image_mentions,
)
from akmon_tui.lines import text_of, width_of
from akmon_tui.places import Place
from akmon_tui.services import UserCommand
from akmon_tui.slash import SLASHES
from akmon_tui.slash.own import with_own
from akmon_tui.view import View
from tests.tui.test_hostile_text import HOSTILE, STEERING

FILES = ["README.md", "src/app.py", "src/my notes.txt", "src/own dir/a.py", "docs/图 表.md", 'src/qu"ote.py']
names = st.text(st.sampled_from("ab/. \"'@_-éü漢字\u0301\u200d👩‍💻שׁ\x1b\t"), min_size=1, max_size=30)
typed = st.text(st.sampled_from('@/"ab modeplanrew.()[\n :-é漢'), max_size=25)


def menu_for(text: str, cursor: int | None = None, files: list[str] | None = FILES) -> Menu:
    menu = Menu(SLASHES)
    menu.files = None if files is None else file_finder(files)
    menu.update(text, len(text) if cursor is None else cursor, View())
    return menu


def shown(menu: Menu, width: int = 80, height: int = 8) -> str:
    return "\n".join(text_of(line) for line in menu.lines(width, height))


@pytest.mark.parametrize(
    ("text", "completion"),
    [
        ("@", Completion("file", 0, "")),
        ("look at @src/a", Completion("file", 8, "src/a")),
        ('in @"my no', Completion("file", 3, "my no")),
        ("(@src", Completion("file", 1, "src")),
        ("first\n@b", Completion("file", 6, "b")),
        ("/", Completion("command", 0, "")),
        ("/mo", Completion("command", 0, "mo")),
        ("/mode ", Completion("argument", 6, "", "mode")),
        ("/mode pl", Completion("argument", 6, "pl", "mode")),
        ("/plan see @src", Completion("file", 10, "src")),
    ],
)
def test_what_stands_before_the_cursor_is_completed(text: str, completion: Completion) -> None:
    assert found(text, len(text)) == completion


@pytest.mark.parametrize(
    "text", ["", "hello", "me@example.org", "a /mode", "x\n/mode", "@a b", '@"a" b', "/etc/ho"]
)
def test_what_is_neither_file_nor_command_is_left_alone(text: str) -> None:
    assert found(text, len(text)) is None


def test_nothing_is_completed_in_the_middle_of_a_word() -> None:
    assert found("@src/app.py", 4) is None
    assert found("/mode", 3) is None
    assert found("@src more", 4) == Completion("file", 0, "src")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("see @readme", "see @README.md "),
        ("@notes", '@"src/my notes.txt" '),
        ('@"notes', '@"src/my notes.txt" '),
        ("@sr", "@src/"),
        ('@"own', '@"src/own dir/'),
        ("@./src/ap", "@src/app.py "),
        ("/mod", "/model "),
        ("/he", "/help "),
        ("/redo", "/redo"),
        ("/usage", "/cost"),
        ("/mode pl", "/mode plan"),
    ],
)
def test_the_choice_takes_the_place_of_what_was_typed(text: str, after: str) -> None:
    assert menu_for(text).accept() == (after, len(after))


DOCS = ServerStatus(
    name="docs",
    where="docs",
    state="ready",
    resources=(
        ServerResource(uri="file:///guide.md", name="guide", about="How to begin"),
        ServerResource(uri="db://7", name="Table of customers"),
        ServerResource(uri="page:{name}", name="pages", template=True),
        ServerResource(uri="file:///readme", name="readme"),
        ServerResource(uri="a b", name="with a blank"),
        ServerResource(uri='a"b', name="with a quote"),
        ServerResource(uri="a\u202eb\x1b[2J", name="steers"),
        ServerResource(uri="a)", name="ends a sentence"),
    ),
)


def served(text: str, *statuses: ServerStatus, files: list[str] | None = FILES) -> Menu:
    menu = menu_for("", files=files)
    menu.resources = Resources(statuses)
    menu.update(text, len(text))
    return menu


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("see @docs:gui", "see @docs:file:///guide.md "),
        ("@guide", "@docs:file:///guide.md "),
        ("@customers", "@docs:db://7 "),
        ("@pages", "@docs:page:"),
        ("@docs:pa", "@docs:page:"),
    ],
)
def test_what_servers_offer_to_read_is_completed(text: str, after: str) -> None:
    assert served(text, DOCS).accept() == (after, len(after))


def test_files_and_what_servers_offer_are_found_together_and_neither_waits_for_the_other() -> None:
    assert {"README.md", "docs:file:///readme"} <= {item.text for item in served("@readme", DOCS).items}
    assert [item.text for item in served("@readme", DOCS, files=None).items] == ["docs:file:///readme"]
    assert served("@", DOCS).items[-4].text == "docs:file:///guide.md"
    menu = served("@readme")
    menu.resources = Resources([DOCS])
    assert "docs:file:///readme" in shown(menu)
    assert "How to begin" in shown(served("@guide", DOCS))


def test_nothing_is_offered_that_a_prompt_cannot_name_or_whose_server_is_not_ready() -> None:
    offered = {item.text for item in served("@", DOCS, files=[]).items}
    assert offered == {"docs:file:///guide.md", "docs:db://7", "docs:page:", "docs:file:///readme"}
    stopped = ServerStatus(name="docs", where="docs", state="stopped", resources=DOCS.resources)
    assert served("@", stopped, files=[]).items == []
    assert served('@"docs:gui', DOCS, files=[]).items == []


def test_no_name_of_a_resource_steers_the_terminal() -> None:
    bad = ServerResource(uri="db://7", name=HOSTILE, about=HOSTILE)
    template = ServerResource(uri="x:{" + HOSTILE, name=HOSTILE, template=True)
    docs = ServerStatus(name="docs", where="docs", state="ready", resources=(bad, template))
    menu = served("@", docs, files=[])
    assert len(menu.items) == 2
    assert not set(shown(menu)) & STEERING


def test_many_resources_leave_room_for_files_and_files_for_resources() -> None:
    many = [ServerResource(uri=f"file:///{at}", name=f"{at}") for at in range(500)]
    docs = ServerStatus(name="docs", where="docs", state="ready", resources=tuple(many))
    menu = served("@", docs, files=[f"f{at}" for at in range(500)])
    texts = [item.text for item in menu.items]
    assert len(texts) == 50
    assert 5 <= sum(text.startswith("docs:") for text in texts) <= 25


def test_what_stands_behind_the_cursor_stays() -> None:
    assert menu_for("see @readme and go", 11).accept() == ("see @README.md and go", 15)
    assert menu_for('see @"read" and', 10).accept() == (
        'see @"README.md" and',
        17,
    )
    assert menu_for("@readme\nnext", 7).accept() == ("@README.md \nnext", 11)


def test_a_folder_is_completed_on() -> None:
    menu = menu_for("@sr")
    text, cursor = menu.accept()
    menu.update(text, cursor)
    assert {item.text for item in menu.items} == {
        "src/",
        "src/app.py",
        "src/my notes.txt",
        "src/own dir/",
        "src/own dir/a.py",
    }


def test_while_the_files_are_not_known_that_is_shown_and_then_they_are() -> None:
    menu = menu_for("@app", files=None)
    assert menu.is_open
    assert menu.is_settled
    assert shown(menu) == "  …"
    assert menu.accept() == ("@app", 4)
    menu.files = file_finder(FILES)
    assert "src/app.py" in shown(menu)


def test_the_menu_goes_round_and_stays_closed_until_something_is_typed() -> None:
    menu = menu_for("/")
    first = menu.items[0]
    menu.up()
    assert menu.selected == len(menu.items) - 1
    menu.down()
    assert menu.items[menu.selected] == first
    menu.close()
    menu.update("/", 1)
    assert not menu.is_open
    menu.update("/m", 2)
    assert menu.is_open


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("/mode", True),
        ("/q", True),
        ("/mo", False),
        ("/mode ", True),
        ("/mode pl", False),
        ("/mode plan", True),
        ("@", True),
        ("@read", False),
        ("@README.md", True),
        ("hello", True),
    ],
)
def test_enter_sends_what_needs_no_completion(text: str, settled: bool) -> None:
    assert menu_for(text).is_settled == settled


def test_what_was_chosen_with_the_arrows_is_taken_first() -> None:
    menu = menu_for("/mode ")
    menu.down()
    assert not menu.is_settled
    assert menu.accept()[0] == "/mode accept-edits"


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("mode", "mode"),
        ("mo", "model"),
        ("new", "clear"),
        ("undo", "rewind"),
        ("ctx", "context"),
        ("q", "exit"),
    ],
)
def test_commands_are_found_by_name_alias_and_some_of_their_letters(query: str, first: str) -> None:
    assert commands(SLASHES, query)[0].text == first


def test_whole_names_go_before_aliases_and_beginnings_before_parts() -> None:
    assert [item.text for item in commands(SLASHES, "re")][:5] == [
        "review",
        "resume",
        "rename",
        "rewind",
        "redo",
    ]
    own = UserCommand(name="news", about="x", hint="", text="t", origin="o")
    table, _ = with_own([own], SLASHES)
    assert [item.text for item in commands(table, "new")] == ["clear", "news"]


def test_the_places_to_go_back_to_are_offered_with_their_prompts() -> None:
    menu = Menu(SLASHES)
    places = (Place(record=3, text="first"), Place(record=9, text="second\nline"))
    menu.update("/rewind ", 8, View(places=places))
    assert [(item.text, item.about) for item in menu.items] == [("1", "second line"), ("2", "first")]


def test_a_row_shows_the_command_with_its_meaning_and_the_hint_stands_below() -> None:
    first, *_, hint = shown(menu_for("/mo")).split("\n")
    assert first.startswith("› /model [MODEL]")
    assert "choose the model" in first
    assert "tab" in hint
    assert "esc" in hint


def test_of_a_long_path_the_end_is_shown_and_what_was_typed_is_bold() -> None:
    menu = menu_for("@name", files=["a/very/long/way/down/to/the/name.py"])
    (row, *_) = menu.lines(20, 5)
    assert text_of(row) == "› …wn/to/the/name.py"
    assert "".join(piece.text for piece in row if "bold" in piece.style) == "name"


@given(st.lists(names, max_size=8), typed, st.data(), st.integers(0, 60), st.integers(0, 12))
def test_completion_never_raises_and_lines_never_exceed_the_width(
    files: list[str], text: str, data: st.DataObject, width: int, height: int
) -> None:
    cursor = data.draw(st.integers(0, len(text)))
    menu = menu_for(text, cursor, files)
    for _ in range(data.draw(st.integers(0, 3))):
        menu.down()
    lines = menu.lines(width, height)
    assert len(lines) <= height
    assert all(width_of(line) <= width for line in lines)
    assert all(char.isprintable() for line in lines for char in text_of(line))
    after, at = menu.accept()
    assert 0 <= at <= len(after)


@given(typed, st.data())
def test_completing_again_what_was_completed_changes_nothing(text: str, data: st.DataObject) -> None:
    menu = menu_for(text, data.draw(st.integers(0, len(text))))
    after = menu.accept()
    menu.update(*after)
    if not after[0][: after[1]].endswith("/"):  # a folder goes on with what is in it
        assert menu.accept() == after


def test_pictures_that_are_mentioned_are_known_by_their_suffix() -> None:
    assert image_mentions('@a.png, @"my shot.JPG" @b.txt a@c.gif @a.png.') == ["a.png", "my shot.JPG"]
