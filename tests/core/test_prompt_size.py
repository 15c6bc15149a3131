"""What the system prompt costs in every request, before instruction files and tools."""

from __future__ import annotations

import pytest

from akmon_core.events import SessionStarted
from akmon_core.prompt import PLAN_MODE, SUMMARISE, system_prompt
from akmon_core.state import State, apply
from akmon_core.tokens import weigh_text

MOST = 1_200
FACTS = """\
Working directory: /home/somebody/projects/a-web-shop/packages/backend
Further folders you may use: /home/somebody/projects/a-web-shop, /home/somebody/projects/shared
Platform: Linux x86_64
Date at the start of the session: 2026-11-21"""


@pytest.mark.parametrize(("small", "agent"), [(False, ""), (True, ""), (False, "task-7")])
def test_the_system_prompt_stays_within_its_budget(small: bool, agent: str) -> None:
    started = SessionStarted(schema=1, akmon="", cwd="", roots=(), facts=FACTS)
    prompt = system_prompt(apply(State(), started), small=small, agent=agent)
    assert prompt.endswith(FACTS)
    tokens = weigh_text(prompt)
    print(f"system prompt{' of a small model' * small}{' of a sub-agent' * bool(agent)}: {tokens} of {MOST}")
    assert tokens < MOST


def test_a_small_model_is_told_less() -> None:
    assert weigh_text(system_prompt(State(), small=True)) < weigh_text(system_prompt(State())) / 2
    assert weigh_text(PLAN_MODE) < weigh_text(SUMMARISE) < MOST / 4
