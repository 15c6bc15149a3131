"""A session that is killed at random instants loses nothing that it had said or done (see ``kills``)."""

from __future__ import annotations

import sys

import pytest

from tests.rigs.kills import kill


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_what_was_acknowledged_before_a_kill_is_on_record_and_the_session_goes_on() -> None:
    tally = kill(25, workers=3)
    assert tally.faults == []
    assert tally.kills == 25
    assert tally.acknowledged > 100
    assert tally.effects > 100
