from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import SettingsError
from akmon_tui.lines import Line, Piece, line, text_of
from akmon_tui.theme import STYLES, THEMES, Depth, Theme, colour_depth, pick_theme

XTERM = {"TERM": "xterm-256color"}
TRUE = {**XTERM, "COLORTERM": "truecolor"}
KITTY = {"TERM": "xterm-kitty"}

_LINES = st.lists(
    st.builds(
        Piece,
        st.text(min_size=1, max_size=5),
        st.lists(st.sampled_from((*STYLES, "unknown")), max_size=3).map(" ".join),
        st.sampled_from(("", "https://example.org/a", "https://example.org/b", "javascript:alert(1)")),
    ),
    max_size=6,
).map(tuple)


def codes_in(text: str) -> set[str]:
    return {code for found in re.findall(r"\x1b\[([\d;]*)m", text) for code in found.split(";")}


@pytest.mark.parametrize(
    ("environ", "depth"),
    [
        ({}, "none"),
        ({"TERM": "dumb"}, "dumb"),
        ({"TERM": "dumb", "COLORTERM": "truecolor", "FORCE_COLOR": "3"}, "dumb"),
        ({"TERM": "vt100"}, "none"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "linux"}, "16"),
        (XTERM, "256"),
        ({"TERM": "tmux-256color"}, "256"),
        (TRUE, "true"),
        (KITTY, "true"),
        ({"TERM": "xterm-direct"}, "true"),
        ({**XTERM, "TERM_PROGRAM": "iTerm.app"}, "true"),
        ({**XTERM, "TERM_PROGRAM": "Apple_Terminal"}, "256"),
        ({"WT_SESSION": "1"}, "true"),
        ({"OS": "Windows_NT"}, "true"),
        ({"TERM": "screen-256color", "COLORTERM": "truecolor"}, "256"),
        ({"TERM": "screen-256color", "COLORTERM": "truecolor", "TMUX": "/tmp/x,1,0"}, "true"),
        ({**TRUE, "NO_COLOR": "1"}, "none"),
        ({**TRUE, "NO_COLOR": "0", "FORCE_COLOR": "3"}, "none"),
        ({**TRUE, "NO_COLOR": ""}, "true"),
        ({**TRUE, "FORCE_COLOR": "0"}, "none"),
        ({"TERM": "vt100", "FORCE_COLOR": "1"}, "16"),
        ({**TRUE, "FORCE_COLOR": "1"}, "true"),
        ({"TERM": "xterm", "FORCE_COLOR": "2"}, "256"),
        ({"TERM": "xterm", "FORCE_COLOR": "3"}, "true"),
    ],
)
def test_the_environment_tells_how_many_colours_there_are(environ: dict[str, str], depth: Depth) -> None:
    assert colour_depth(environ) == depth


@pytest.mark.parametrize(
    ("colours", "name"),
    [
        ("15;0", "dark"),
        ("0;15", "light"),
        ("0;default;7", "light"),
        ("12;8", "dark"),
        ("x", "dark"),
        ("0;99", "dark"),
    ],
)
def test_auto_looks_for_the_background(colours: str, name: str) -> None:
    assert pick_theme("auto", {**XTERM, "COLORFGBG": colours}).name == name
    assert pick_theme("light", {**XTERM, "COLORFGBG": colours}).name == "light"


def test_an_unknown_theme_is_an_error_that_names_the_others() -> None:
    with pytest.raises(SettingsError, match=r"'pink'.* auto, dark, light, ansi"):
        pick_theme("pink", XTERM)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("environ", [XTERM, TRUE, {"TERM": "xterm"}, {**TRUE, "NO_COLOR": "1"}])
def test_all_themes_know_all_styles(name: str, environ: dict[str, str]) -> None:
    theme = pick_theme(name, environ)
    assert set(theme.codes) == set(STYLES)
    for style in ("bold", "error", "selected", "added-word", "removed-word", "link", "dim"):
        assert theme.encode(line("x", style)) != "x"
    assert theme.encode(line("x", "added-word")) != theme.encode(line("x", "removed-word"))


def test_without_colour_there_are_attributes_only() -> None:
    theme = pick_theme("dark", {**TRUE, "NO_COLOR": "1"})
    for style in STYLES:
        assert codes_in(theme.encode(line("x", style))) <= {"", "1", "2", "3", "4", "7", "9"}


@pytest.mark.parametrize("environ", [TRUE, XTERM, {"TERM": "xterm"}])
def test_ansi_keeps_to_the_colours_of_the_terminal(environ: dict[str, str]) -> None:
    theme = pick_theme("ansi", environ)
    allowed = {"", *map(str, (1, 2, 3, 4, 7, 9, *range(30, 38), *range(90, 98)))}
    for style in STYLES:
        assert codes_in(theme.encode(line("x", style))) <= allowed


def test_in_colour_nothing_that_a_person_must_read_is_left_to_the_terminals_ink_on_our_paper() -> None:
    for name in ("dark", "light"):
        for style, codes in pick_theme(name, TRUE).codes.items():
            assert ("48;2" in codes) <= ("38;2" in codes), style


def contrast(codes: str) -> float:
    """By the WCAG's formula."""

    def luminance(kind: str) -> float:
        found = re.search(rf"(?:^|;){kind};2;(\d+);(\d+);(\d+)", codes)
        assert found
        parts = [int(part) / 255 for part in found.groups()]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance("38"), luminance("48")))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("name", "paper"), [("dark", "30;30;30"), ("light", "255;255;255")])
def test_text_can_be_read_on_what_is_behind_it(name: str, paper: str) -> None:
    theme = pick_theme(name, TRUE)
    for style, codes in theme.codes.items():
        if "38;2" in codes:
            assert contrast(codes if "48;2" in codes else f"{codes};48;2;{paper}") >= 4.5, style
    for shade in ("added", "removed"):
        for syntax in ("keyword", "string", "comment", "name", "literal", "operator"):
            _, _, paper_of = theme.codes[shade].partition(";48;2;")
            assert contrast(f"{theme.codes[syntax]};48;2;{paper_of}") >= 3.0, (shade, syntax)


def test_a_style_costs_one_sequence_and_the_end_one_more() -> None:
    theme = pick_theme("dark", {**TRUE, "NO_COLOR": "1"})
    shown = (Piece("a"), Piece("b", "bold"), Piece("c", "heading"), Piece("d", "dim"), Piece("e"))
    assert theme.encode(shown) == "a\x1b[1mbc\x1b[0;2md\x1b[me"
    assert theme.encode(line("x", "bold")) == "\x1b[1mx\x1b[m"
    assert theme.encode(line("x", "bold italic bold")) == "\x1b[1;3mx\x1b[m"
    assert theme.encode(line("x", "unknown")) == "x"


def test_addresses_become_links_where_they_work() -> None:
    shown = (
        Piece("see "),
        Piece("he", "link", "https://example.org"),
        Piece("re", "", "https://example.org"),
    )
    begin, end = "\x1b]8;;https://example.org\x1b\\", "\x1b]8;;\x1b\\"
    done = pick_theme("dark", {**KITTY, "NO_COLOR": "1"}).encode(shown)
    assert done == f"see {begin}\x1b[4mhe\x1b[mre{end}"
    assert "\x1b]8" not in pick_theme("dark", XTERM).encode(shown)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "https://a b",
        "https://\x1b\\",
        "https://ä",
        "ssh://host",
        "https://" + "a" * 3_000,
    ],
)
def test_other_addresses_do_not(address: str) -> None:
    assert address not in pick_theme("dark", KITTY).encode(line("x", "", address))


def test_a_dumb_terminal_gets_text_only() -> None:
    theme = pick_theme("dark", {"TERM": "dumb"})
    assert theme.encode((Piece("a", "bold"), Piece("b", "error", "https://example.org"))) == "ab"


@given(_LINES, st.sampled_from((XTERM, TRUE, KITTY, {"TERM": "dumb"}, {**KITTY, "NO_COLOR": "1"})))
def test_nothing_steers_the_terminal_but_colours_and_links(shown: Line, environ: dict[str, str]) -> None:
    done = pick_theme("dark", environ).encode(shown)
    bare = re.sub(r"\x1b\[[\d;]*m|\x1b\]8;;[!-~]*\x1b\\", "", done)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", bare)
    assert len(bare) == len(text_of(shown))
    assert state_after(done) == ("", "")


def state_after(text: str) -> tuple[str, str]:
    """The style and the link that text written next would have."""
    styles = re.findall(r"\x1b\[([\d;]*)m", text) or [""]
    links = re.findall(r"\x1b\]8;;([!-~]*)\x1b\\", text) or [""]
    return styles[-1], links[-1]


def test_themes_are_for_one_terminal_each() -> None:
    first: Theme = pick_theme("dark", XTERM)
    assert first.encode(line("x", "bold ok")) != pick_theme("dark", TRUE).encode(line("x", "bold ok"))
