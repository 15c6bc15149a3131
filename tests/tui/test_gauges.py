"""What fills the window, drawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from akmon_tui.gauges import context_lines
from akmon_tui.lines import text_of, width_of
from akmon_tui.services import Slice

SLICES = [
    Slice(label="system prompt", tokens=2_000),
    Slice(label="tools", tokens=8_000),
    Slice(label="nothing", tokens=0),
    Slice(label="results", tokens=30_000),
]


def shown(slices: list[Slice], window: int, width: int = 80) -> list[str]:
    return [text_of(row) for row in context_lines(slices, window, width)]


def test_each_part_has_its_share_of_the_bar_and_a_line() -> None:
    rows = shown(SLICES, 100_000, 50)
    assert rows == [
        "Context: about 40,000 of 100,000 tokens (40%)",
        "█" + "▓" * 4 + "▒" * 15 + "·" * 30,
        "█ system prompt   2,000    2%",
        "▓ tools           8,000    8%",
        "▒ results        30,000   30%",
        "· free           60,000   60%",
    ]


def test_an_unknown_window_and_one_that_is_too_small_are_told() -> None:
    rows = shown(SLICES, 0)
    assert "the window is not known" in rows[0]
    assert not any("free" in row for row in rows)
    assert "(400%)" in shown(SLICES, 10_000)[0]
    assert shown([], 0) == ["Context: about 0 tokens (the window is not known)"]
    assert shown([], 10)[1:] == ["·" * 72, "· free  10  100%"]


sizes = st.lists(st.integers(0, 10**7), max_size=12)


@given(sizes, st.integers(0, 10**7), st.integers(1, 100))
def test_the_bar_is_full_and_nothing_is_wider_than_it_may_be(
    tokens: list[int], window: int, width: int
) -> None:
    slices = [Slice(label=f"部分 {at}", tokens=size) for at, size in enumerate(tokens)]
    rows = context_lines(slices, window, width)
    assert all(width_of(row) <= width for row in rows)
    if window or any(tokens):
        assert width_of(rows[1]) == min(width, 72)


@given(sizes.filter(any))
def test_no_part_is_too_small_to_be_seen(tokens: list[int]) -> None:
    slices = [Slice(label="a", tokens=size) for size in tokens]
    bar = context_lines(slices, 0, 72)[1]
    assert len(bar) == sum(1 for size in tokens if size)
