"""The table of results in ``docs/security.md`` has every case once, and says of none that it is not known."""

from __future__ import annotations

import re

from tests.adversarial.cases import CASES
from tests.adversarial.table import AREAS, END, FAILED, PAGE, START, elsewhere, row


def test_every_case_has_its_row_and_each_of_them_is_shown_to_hold() -> None:
    """That a row says what is seen is checked by the test that sees it."""
    table = PAGE.read_text("utf-8").partition(START)[2].partition(END)[0]
    rows = re.findall(r"^\| ([A-Z]{2}-\d+) \|", table, re.MULTILINE)
    assert sorted(rows) == sorted(CASES), "run `make security`"
    assert FAILED not in table
    for case in CASES.values():
        if said := elsewhere(case):
            assert row(case, said) in table.splitlines()


def test_every_area_has_its_heading() -> None:
    assert {case.area for case in CASES.values()} == set(AREAS)
