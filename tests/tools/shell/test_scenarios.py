"""A table of what models do with a shell; none of it may leave a process behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from akmon_core.permissions import SandboxChoice
from tests.tools.shell.rig import Rig, wait_until
from tests.tools.shell.scenarios import SCENARIOS, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_ends_as_it_should_and_leaves_no_process(scenario: Scenario, tmp_path: Path) -> None:
    slow = (1, 10, 100) if any(call.timeout for call in scenario.calls) else (1,)
    for factor in slow:  # a machine may need longer than a timeout to get where the command is to be killed
        try:
            asyncio.run(play(scenario, tmp_path / str(factor), factor))
        except AssertionError:
            if factor == slow[-1]:
                raise
        else:
            break


async def play(scenario: Scenario, folder: Path, factor: int, choice: SandboxChoice = "off") -> None:
    rig = Rig(folder, scenario.times, choice=choice)
    try:
        for call in scenario.calls:
            timeout = call.timeout and call.timeout * factor
            output = await rig.shell(call.command, timeout)
            text = (
                output.text.replace(f"after {timeout:g} s", f"after {call.timeout:g} s")
                if timeout
                else output.text
            )
            if isinstance(call.text, str):
                assert text == call.text
            else:
                assert call.text.search(text), text
            assert call.error in (None, output.error)
    finally:
        await rig.close()
    wait_until(lambda: not rig.processes())


def test_there_are_enough_of_them_and_each_has_its_name() -> None:
    names = {scenario.name for scenario in SCENARIOS}
    assert len(names) == len(SCENARIOS) >= 60
