"""Earlier prompts over sessions, and finding one of them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.history import FileHistory

from akmon_tui.composer.history import History
from akmon_tui.composer.searching import HistorySearch
from akmon_tui.dialogs.base import Done, Press
from akmon_tui.lines import text_of, width_of


def _entries(path: Path) -> list[str]:
    return list(History(path).entries())


def test_prompts_come_back_last_one_first_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history"
    history = History(path)
    for prompt in ("one", "two\n\n+lines", "# three\udcff"):
        history.append_string(prompt)
    assert _entries(path) == ["# three\ufffd", "two\n\n+lines", "one"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_is_the_one_that_prompt_toolkit_reads_and_writes(tmp_path: Path) -> None:
    path = tmp_path / "history"
    FileHistory(path).store_string("from before\nwith two lines")
    History(path).append_string("later")
    assert _entries(path) == list(FileHistory(path).load_history_strings())
    assert _entries(path) == ["later", "from before\nwith two lines"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=8))
def test_whatever_is_sent_is_read_again(tmp_path_factory: pytest.TempPathFactory, prompts: list[str]) -> None:
    path = tmp_path_factory.mktemp("law") / "history"
    history = History(path)
    for prompt in prompts:
        history.append_string(prompt)
    expected = [each for at, each in enumerate(prompts) if at == 0 or prompts[at - 1] != each]
    assert list(reversed(_entries(path))) == expected
    assert list(reversed(history.entries())) == expected


def test_repeats_are_dropped_over_sessions(tmp_path: Path) -> None:
    path = tmp_path / "history"
    for prompt in ("make test", "make test", "other", "make test"):
        History(path).append_string(prompt)
    assert _entries(path) == ["make test", "other", "make test"]


def test_without_a_file_prompts_are_kept_in_memory() -> None:
    history = History(None)
    history.append_string("one")
    assert (list(history.entries()), history.lost) == (["one"], "")


def test_where_the_file_fails_prompts_are_kept_in_memory_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "history")
    history.append_string("one")
    assert list(history.entries()) == ["one"]
    assert "Not a directory" in history.lost


def test_what_other_programs_left_of_the_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_bytes(b"rubbish\n+one\r\n\xff\n\n# date\n+t\xffwo\n+cut")
    assert _entries(path) == ["t\ufffdwo\ncut", "one\r"]


def _search(entries: list[str], *keys: str) -> tuple[HistorySearch, Done | None]:
    dialog = HistorySearch(entries)
    done = None
    for key in keys:
        done = dialog.press(Press(key))
    return dialog, done


def _rows(dialog: HistorySearch, width: int = 40, height: int = 8) -> list[str]:
    return [text_of(each) for each in dialog.frame(width, height).lines]


PROMPTS = ["fix the tests", "write\na test\tplan", "tidy the house", "fix the tests"]


def test_all_prompts_are_offered_each_once_and_on_one_line() -> None:
    dialog, _ = _search(PROMPTS)
    assert _rows(dialog, 80) == [
        "history: ",
        "› fix the tests",
        "  write a test plan",
        "  tidy the house",
        "Enter takes it · Ctrl+R older · Esc leaves · 3 of 3",
    ]


def test_what_has_the_words_comes_before_what_has_their_letters() -> None:
    dialog, done = _search(["the houses that stand", "write a test", "tidy"], *"tes")
    assert _rows(dialog)[1:3] == ["› write a test", "  the houses that stand"]
    assert done is None
    assert _rows(_search(PROMPTS, *"zzz")[0])[1] == "  no earlier prompt has that"


def test_a_query_that_is_shortened_finds_more_again() -> None:
    dialog, _ = _search(PROMPTS, *"tidy", "backspace", "backspace", "backspace")
    assert len(_rows(dialog)) == 5


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (("enter",), "fix the tests"),
        (("c-r", "enter"), "write\na test\tplan"),
        (("down", "down", "down", "up", "enter"), "write\na test\tplan"),
        ((*"HOUSE", "enter"), "tidy the house"),
        (("escape",), None),
        (("c-c",), None),
    ],
)
def test_enter_gives_the_prompt_and_escape_none(keys: tuple[str, ...], chosen: str | None) -> None:
    assert _search(PROMPTS, *keys)[1] == Done(chosen)


def test_enter_waits_where_nothing_is_found() -> None:
    assert _search(PROMPTS, *"zzz", "enter")[1] is None
    assert _search([], "enter")[1] is None


@given(
    st.lists(st.text(max_size=20), max_size=20),
    st.lists(
        st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(["up", "down", "backspace"]))
    ),
    st.integers(1, 30),
    st.integers(1, 8),
)
def test_whatever_is_looked_for_the_frame_fits(
    entries: list[str], keys: list[str], width: int, height: int
) -> None:
    dialog, _ = _search(entries, *keys)
    frame = dialog.frame(width, height)
    assert len(frame.lines) <= height
    assert all(width_of(each) <= width for each in frame.lines)
    assert frame.cursor
    assert frame.cursor[1] < width


def test_fifty_thousand_prompts_are_read_and_searched(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text("".join(f"\n# date\n+prompt {number}\n+more\n" for number in range(50_000)))
    entries = History(path).entries()
    assert (len(entries), entries[0]) == (50_000, "prompt 49999\nmore")
    assert _search(list(entries), *"prompt 777", "enter")[1] == Done("prompt 7779\nmore")
