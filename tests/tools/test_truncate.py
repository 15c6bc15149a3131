"""Long output stays within its cap and keeps its head and its tail."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_tools.truncate import HeadTail, truncate

TEXT = st.text(st.sampled_from("ab\n é€😀"), max_size=600)


@given(text=TEXT, cap=st.integers(0, 700))
def test_the_cap_is_never_exceeded_and_what_fits_is_left_alone(text: str, cap: int) -> None:
    short = truncate(text, cap)
    assert len(short.encode()) <= cap
    if len(text.encode()) <= cap:
        assert short == text


@given(text=TEXT, cap=st.integers(100, 500))
def test_a_cut_text_keeps_its_head_and_tail_and_counts_what_is_gone(text: str, cap: int) -> None:
    short = truncate(text, cap)
    if short == text:
        return
    note = re.search(r"\n\[\.\.\. ([\d,]+) bytes left out \.\.\.\]\n", short)
    assert note
    head, tail = short[: note.start()], short[note.end() :]
    assert text.startswith(head)
    assert text.endswith(tail)
    gone = len(text.encode()) - len(head.encode()) - len(tail.encode())
    newlines_at_the_cut = gone - int(note[1].replace(",", ""))
    assert 0 <= newlines_at_the_cut <= len(text) - len(text.replace("\n", ""))
    assert len(head.encode()) + len(tail.encode()) + newlines_at_the_cut >= (cap - 60) // 2 - 8


def test_it_is_cut_between_lines() -> None:
    text = "".join(f"line {number}\n" for number in range(1_000))
    head, tail = re.split(r"\[\.\.\. .* \.\.\.\]\n", truncate(text, 500))
    assert re.fullmatch(r"(line \d+\n)+", head)
    assert re.fullmatch(r"(line \d+\n)+", tail)


@given(chunks=st.lists(st.binary(max_size=60), max_size=30), cap=st.integers(0, 200))
def test_any_amount_of_output_is_kept_by_head_and_tail(chunks: list[bytes], cap: int) -> None:
    kept, whole = HeadTail(cap), b"".join(chunks)
    for chunk in chunks:
        kept.feed(chunk)
    assert kept.size == len(whole)
    assert kept.lines == whole.count(b"\n") + (whole != b"" and not whole.endswith(b"\n"))
    assert whole.startswith(kept.head)
    assert whole.endswith(kept.tail)
    assert len(kept.head) + len(kept.tail) + kept.missing == len(whole)
    assert len(kept.head) + len(kept.tail) <= cap
    if len(whole) <= cap // 2 * 2:
        assert kept.head + kept.tail == whole
    assert len(kept.text(cap).encode()) <= cap


@pytest.mark.parametrize("cap", [100, 1_000])
def test_cleaning_may_lengthen_the_text_and_it_still_fits(cap: int) -> None:
    kept = HeadTail(cap)
    kept.feed(b"\x00" * 5_000)
    assert len(kept.text(cap, lambda text: text.replace("\0", "<U+0000>")).encode()) <= cap


def test_memory_does_not_grow_with_the_output() -> None:
    kept = HeadTail(10_000)
    chunk = b"x" * 65_536
    tracemalloc.start()
    for _ in range(500):
        kept.feed(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000
