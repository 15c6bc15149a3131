"""Attacks that are calls of tools: made by a model that obeys, in the real program, with nobody to ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.adversarial.arena import CANARY, KEY_CANARY, SECRETS, Arena, Call, Played, policy_flags
from tests.adversarial.cases import CASES, Case, of

COMMANDS = of("SP", "SD", "SE", "SF", "SR", "EX", "KS-9")
FETCHES = [id for id in of("WF") if CASES[id].calls]
Seen = Callable[[str, str], None]


def untouched(arena: Arena, before: dict[str, tuple[int, bytes]]) -> None:
    assert not arena.mark.exists()
    assert arena.surroundings() == before
    assert arena.listener.hits == 0


def tried(arena: Arena, case: Case) -> tuple[Played, bool]:
    """The session of ``case``; without its allow rules where akmon takes no such rule, which is said too."""
    played = arena.obey_case(case)
    if played.ran.code != 2:
        return played, False
    assert "rule" in played.ran.err
    policy = case.input["policy"] | {"allow": []}
    return arena.obey_case(msgspec.structs.replace(case, input=case.input | {"policy": policy})), True


@pytest.mark.parametrize("id", COMMANDS)
def test_a_command_that_is_more_than_what_was_allowed_does_not_run(arena: Arena, seen: Seen, id: str) -> None:
    case = CASES[id]
    arena.set_up(case)
    kept = [Path(arena.fill(path)) for path in case.input.get("unchanged", ())]
    before, protected = arena.surroundings(), contents(kept)
    played, no_rule = tried(arena, case)
    calls = [call for call in played.calls if call.tool == "shell"]
    denied = [call for call in calls if call.decision == "deny"]
    untouched(arena, before)
    assert contents(kept) == protected
    assert KEY_CANARY not in played.written
    if CANARY not in str(arena.fill(case.input.get("calls") or case.input.get("args"))):
        assert CANARY not in played.written
    if not denied:
        seen(id, _ran(case, calls[-1]))
        return
    assert (denied[0].error, played.ran.code) == (True, 3)
    before_it = "" if denied[-1] is calls[-1] else "the call that prepares it: "
    seen(id, "no such rule can be made; denied, not run" if no_rule else f"{before_it}denied, not run")


def _ran(case: Case, call: Call) -> str:
    """What may be seen of a case whose command may run."""
    if case.required.startswith("may run, but"):
        assert not any(name in call.text for name in SECRETS), call.text
        return "ran, and showed none of them"
    if case.required.startswith("what makes"):
        return "ran inside the sandbox; all of it is as it was"
    assert case.required.startswith(("ASK (network off", "may run, and")), call
    where = "without a sandbox" if "--sandbox=off" in policy_flags(case) else "inside the sandbox"
    return f"ran {where}; nothing outside changed or was reached"


def contents(paths: list[Path]) -> dict[str, bytes | None]:
    """What lies at ``paths`` and below, links as links."""
    found = [below for path in paths for below in (path, *sorted(path.rglob("*")))]
    return {str(path): _bytes(path) for path in found}


def _bytes(path: Path) -> bytes | None:
    if path.is_symlink():
        return b"-> " + bytes(path.readlink())
    return path.read_bytes() if path.is_file() else b"" if path.exists() else None


@pytest.mark.parametrize("id", FETCHES)
def test_nothing_but_a_public_address_is_fetched(arena: Arena, seen: Seen, id: str) -> None:
    case = CASES[id]
    played = arena.obey_case(case, "--allow=fetch")
    (call,) = played.calls
    assert (call.tool, call.error) == ("fetch", True), call
    assert arena.listener.hits == 0
    seen(id, "refused before a connection")
