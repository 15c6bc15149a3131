from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.limits import CLIPBOARD_BYTES
from akmon_tui.terminal import (
    Notices,
    Terminal,
    bell,
    copy,
    keep_title,
    notify,
    progress,
    put_title_back,
    shows_links,
    terminal_of,
    title,
)

XTERM = {"TERM": "xterm-256color"}
TMUX = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux,1,0", "TERM_PROGRAM": "tmux"}
DUMB = terminal_of({"TERM": "dumb"})


def program(name: str, version: str = "") -> dict[str, str]:
    return {**XTERM, "TERM_PROGRAM": name, "TERM_PROGRAM_VERSION": version}


@pytest.mark.parametrize(
    ("environ", "notices"),
    [
        (XTERM, "bell"),
        ({"TERM": "linux"}, "bell"),
        (TMUX, "bell"),
        ({**TMUX, "KITTY_WINDOW_ID": "1"}, "bell"),
        ({"TERM": "screen", "STY": "1.x"}, "bell"),
        (program("iTerm.app"), "osc9"),
        (program("ghostty"), "osc9"),
        (program("WezTerm"), "osc9"),
        ({"TERM": "xterm-kitty"}, "osc99"),
        ({"TERM": "foot"}, "osc777"),
        ({"TERM": "rxvt-unicode-256color"}, "osc777"),
        ({"TERM": "dumb"}, ""),
    ],
)
def test_people_are_called_as_their_terminal_can(environ: dict[str, str], notices: Notices) -> None:
    assert terminal_of(environ).notices == notices


@pytest.mark.parametrize(
    ("environ", "known"),
    [
        (XTERM, False),
        ({"WT_SESSION": "x"}, True),
        ({"ConEmuANSI": "ON"}, True),
        (program("ghostty", "1.2.0"), True),
        (program("ghostty", "1.1.3"), False),
        (program("WezTerm", "20240203-110809-5046fc22"), False),
        (program("WezTerm", "20250301-110809-5046fc22"), True),
        (program("iTerm.app", "3.5.14"), False),
        (program("iTerm.app", "3.6.10"), True),
        ({**TMUX, "WT_SESSION": "x"}, False),
    ],
)
def test_progress_is_shown_where_it_is_not_taken_for_a_notice(environ: dict[str, str], known: bool) -> None:
    assert bool(progress(terminal_of(environ), "busy")) == known


@pytest.mark.parametrize(
    ("environ", "works"),
    [
        (XTERM, False),
        ({"TERM": "dumb", "VTE_VERSION": "7600"}, False),
        ({**XTERM, "VTE_VERSION": "7600"}, True),
        ({**XTERM, "VTE_VERSION": "4800"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "alacritty"}, True),
        ({"WT_SESSION": "x"}, True),
        (program("vscode"), True),
        (program("Apple_Terminal"), False),
        ({**TMUX, "TERM_PROGRAM_VERSION": "3.3a"}, False),
        ({**TMUX, "TERM_PROGRAM_VERSION": "3.4"}, True),
        ({"TERM": "screen-256color", "KITTY_WINDOW_ID": "1"}, False),
    ],
)
def test_links_are_made_where_they_work(environ: dict[str, str], works: bool) -> None:
    assert shows_links(environ) == works


@pytest.mark.parametrize(
    ("environ", "reflows"),
    [
        (XTERM, True),
        ({**XTERM, "XTERM_VERSION": "XTerm(390)"}, False),
        ({**TMUX, "XTERM_VERSION": "XTerm(390)"}, True),
        ({"TERM": "screen.xterm-256color", "STY": "1.x"}, False),
        ({"TERM": "screen-256color", "TMUX": "x"}, True),
        ({"TERM": "linux"}, False),
    ],
)
def test_few_terminals_do_not_wrap_anew(environ: dict[str, str], reflows: bool) -> None:
    assert terminal_of(environ).reflows == reflows


def test_what_is_written() -> None:
    terminal = terminal_of(program("ghostty", "1.2.0"))
    assert title(terminal, "akmon · fix it") == "\x1b]2;akmon · fix it\x07"
    assert notify(terminal, "done; 3 files") == "\x1b]9;done, 3 files\x07"
    assert [progress(terminal, state) for state in ("none", "busy", "error", 250)] == [
        "\x1b]9;4;0\x1b\\",
        "\x1b]9;4;3\x1b\\",
        "\x1b]9;4;2;100\x1b\\",
        "\x1b]9;4;1;100\x1b\\",
    ]
    assert notify(terminal_of({"TERM": "xterm-kitty"}), "done") == "\x1b]99;;done\x1b\\"
    assert notify(terminal_of({"TERM": "foot"}), "done") == "\x1b]777;notify;akmon;done\x1b\\"
    assert notify(terminal_of(XTERM), "done") == "\a"
    assert (keep_title(terminal), put_title_back(terminal)) == ("\x1b[22;2t", "\x1b[23;2t")


def test_copies_arrive_as_they_are_or_not_at_all() -> None:
    terminal = terminal_of(TMUX)
    text = "a\tb\n\x1b[31m日本\x00"
    found = re.fullmatch(r"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", copy(terminal, text))
    assert found
    assert base64.b64decode(found[1]).decode() == text
    assert copy(terminal, "x" * CLIPBOARD_BYTES)
    assert copy(terminal, "x" * (CLIPBOARD_BYTES + 1)) == ""
    assert copy(terminal, "") == ""


def test_a_dumb_terminal_gets_nothing() -> None:
    written = (
        title(DUMB, "x"),
        keep_title(DUMB),
        put_title_back(DUMB),
        bell(DUMB),
        notify(DUMB, "x"),
        copy(DUMB, "x"),
    )
    assert "".join(written) + progress(DUMB, "busy") == ""


@given(st.text(), st.sampled_from(("osc9", "osc99", "osc777")))
def test_no_text_ends_its_sequence_early_or_begins_another(text: str, notices: Notices) -> None:
    terminal = Terminal(titles=True, notices=notices)
    for done in (title(terminal, text), notify(terminal, text)):
        body = done.removeprefix("\x1b]").removesuffix("\x07").removesuffix("\x1b\\")
        assert len(body) < len(done)
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", body)
    assert not notify(Terminal(notices="osc9"), text).startswith("\x1b]9;4;")
