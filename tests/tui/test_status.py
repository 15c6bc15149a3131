"""The status line: what stands in it, and what goes first where there is too little room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.permissions import MODES
from akmon_core.spending import Spent
from akmon_core.stream import Usage
from akmon_tui.lines import text_of, width_of
from akmon_tui.status import DEFAULT_PARTS, DROPPED, Facts, status
from akmon_tui.view import View

USAGE = Usage(input_tokens=170, output_tokens=10, cache_read_tokens=830)
VIEW = View(
    model="anthropic/claude-sonnet-5-5",
    mode="accept-edits",
    sandbox="bubblewrap",
    window=1_000,
    context=420,
    last=USAGE,
    total=Spent(USAGE, 0.123, 0),
    name="parser",
)
FACTS = Facts(branch="main", folder="~/work")


def shown(view: View = VIEW, width: int = 120, parts: tuple[str, ...] = DEFAULT_PARTS) -> str:
    return text_of(status(view, FACTS, width, parts))


def styled(view: View, word: str) -> str:
    return next(piece.style for piece in status(view, FACTS, 120) if word in piece.text)


def changed(**fields: object) -> View:
    import msgspec

    return msgspec.structs.replace(VIEW, **fields)


def test_all_that_is_known_stands_in_order() -> None:
    assert shown() == (
        "claude-sonnet-5-5 · accept-edits · bubblewrap · context 42% · $0.12 · cache 83% · ⎇ main"
    )
    assert text_of(status(View(), Facts(), 80)) == ""


def test_parts_are_those_asked_for_in_the_order_asked_for() -> None:
    parts = ("folder", "session", "nonsense", "model")
    assert shown(parts=parts) == "~/work · parser · claude-sonnet-5-5"
    assert sorted(DROPPED) == sorted({*DEFAULT_PARTS, "folder", "session"})


def test_what_has_no_price_is_unpriced_and_not_free() -> None:
    assert "unpriced" in shown(changed(total=Spent(USAGE, 0.0, 1)))
    assert "$" not in shown(changed(total=Spent()))


def test_modes_that_allow_much_or_nothing_are_loud_and_so_is_a_missing_sandbox() -> None:
    assert "bold" in styled(changed(mode="full-auto"), "full-auto")
    assert "bold" in styled(changed(mode="plan"), "plan")
    assert styled(changed(mode="default"), "default") == "dim"
    assert styled(changed(sandbox="none"), "no sandbox") == "warning"
    assert styled(changed(sandbox="off"), "sandbox off") == "warning"


@pytest.mark.parametrize(("context", "style"), [(800, "dim"), (801, "warning"), (1_300, "warning")])
def test_a_window_that_is_nearly_full_is_a_warning(context: int, style: str) -> None:
    assert styled(changed(context=context), "context") == style


def test_of_an_unknown_window_no_share_is_told() -> None:
    assert "context" not in shown(changed(window=0))
    assert "context" not in shown(changed(context=0))


def test_the_least_important_goes_first_and_the_mode_stays() -> None:
    widths = {name: width for width in range(120, 10, -1) for name in ("⎇", "cache", "$", "context", "claude")
              if name in shown(width=width)}  # fmt: skip
    assert widths["cache"] > widths["⎇"] > widths["$"] > widths["context"] > widths["claude"]
    assert shown(width=12) == "accept-edits"
    assert shown(width=6) == "accep…"


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(MODES), st.integers(0, 90))
def test_it_never_wraps(model: str, branch: str, mode: str, width: int) -> None:
    view = changed(model=f"openai/{model}", mode=mode)
    row = status(view, Facts(branch=branch, folder=branch), width, DROPPED)
    assert width_of(row) <= width
    assert "\n" not in text_of(row)
