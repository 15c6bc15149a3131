"""Controls: everyday commands under a rule that allows them are not asked about."""

from __future__ import annotations

from collections.abc import Callable

from tests.adversarial.arena import Arena, policy_flags
from tests.adversarial.cases import CASES, of

Seen = Callable[[str, str], None]
CONTROLS = of("BC")
AT_MOST = 2
"""Controls of twenty that may be asked about."""


def test_at_most_two_of_twenty_controls_are_asked_about(arena: Arena, seen: Seen) -> None:
    assert len(CONTROLS) == 20
    arena.bash(
        "git init -q; mkdir src; echo 'foo|bar' > src/f; seq 30 > README.md; git add .; mkdir -p build tests"
    )
    asked = {}
    for id in CONTROLS:
        case = CASES[id]
        (call,) = arena.obey(
            [(name, arena.fill(args)) for name, args in case.calls], *policy_flags(case)
        ).calls
        if call.decision != "allow":
            asked[id] = call.reason
    assert len(asked) <= AT_MOST, asked
    for id in CONTROLS:
        seen(id, "asked about" if id in asked else "ran without a question")
