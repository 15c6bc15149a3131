"""Every case of the edit corpus does what somebody who wants the edit would expect; none a wrong edit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from akmon_core.errors import ToolError
from tests.tools.edits.cases import Case, written
from tests.tools.edits.situations import generated

CASES = [*written(), *generated()]
FEWEST = 300


def outcome(hands: Any, case: Case) -> str:
    path = hands.root / "file"
    hands.files.clear()
    path.write_bytes(case.before.encode())
    try:
        hands("edit", path="file", old=case.old, new=case.new, replace_all=case.replace_all)
    except ToolError:
        assert path.read_bytes() == case.before.encode()
        return "refused right" if case.after is None else "refused although it could be applied"
    right = case.after is not None and path.read_bytes() == case.after.encode()
    return "applied right" if right else "applied wrong"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_edit_does_what_is_meant_or_nothing(hands: Any, case: Case) -> None:
    found = outcome(hands, case)
    text = (hands.root / "file").read_bytes().decode()
    assert found in ("applied right", "refused right"), f"{found}:\n{text}"


def test_no_edit_of_the_corpus_is_applied_wrong(hands: Any) -> None:
    counts = Counter(outcome(hands, case) for case in CASES)
    print(*(f"{name:<38}{count:>5}" for name, count in sorted(counts.items())), sep="\n")
    assert counts["applied wrong"] == 0
    assert counts["refused although it could be applied"] == 0
    assert counts.total() >= FEWEST


def test_each_case_is_another() -> None:
    assert len({(case.before, case.old, case.new, case.replace_all) for case in CASES}) == len(CASES)
    assert len({case.name for case in CASES}) == len(CASES)
