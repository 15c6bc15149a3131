"""The harness itself: without any guard the attacks work here, so that one that fails means something."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.adversarial.arena import CANARY, KEY_CANARY, Arena
from tests.adversarial.cases import CASES, ROOT, Case, of
from tests.adversarial.table import ELSEWHERE

AREAS = ("SP", "SD", "SE", "SF", "SR", "EX")
"""Those whose attacks are commands. The tests of paths, of the sandbox and of git show that theirs work."""
SIGNS = (CANARY, KEY_CANARY, CANARY[::-1], "   ".join(CANARY), "id_rsa")
"""What a leak looks like: also reversed, from od, and as the name of a key."""
UNSEEN = {"SR-018": "it puts the key into the repository, and prints no more than its hash"}
"""Cases whose harm is another one, and what that is."""


def fires(arena: Arena, case: Case) -> bool:
    """Whether the commands of ``case``, run by bash, do what the guards are there to prevent."""
    arena.set_up(case)
    before, hits = arena.surroundings(), arena.listener.hits
    lines = "\n".join(arena.fill(args["command"]) for _, args in case.calls)
    shown = arena.bash(f"bash -c {shlex.quote(lines)}; true").stdout
    leaked = any(sign in shown for sign in SIGNS) or arena.listener.hits > hits
    return leaked or arena.surroundings() != before


@pytest.mark.parametrize("area", AREAS)
def test_attacks_work_where_nothing_guards(area: str, arena: Arena) -> None:
    """All but those whose program is not installed here."""
    cases = [CASES[id] for id in of(area) if CASES[id].exploit_fires_unguarded_here and CASES[id].calls]
    if area == "EX":
        cases = [CASES["EX-901"], CASES["EX-909"]]
    failed = []
    for number, case in enumerate(cases):
        own = Arena(_folder(arena, number), arena.listener)
        if not fires(own, case) and _installed(case) and case.id not in UNSEEN:
            failed.append(case.id)
    assert not failed


def _folder(arena: Arena, number: int) -> Path:
    folder = arena.folder.with_name(
        f"{arena.folder.name}-{number}"
    )  # no deeper: some paths count the folders
    folder.mkdir()
    return folder


def _installed(case: Case) -> bool:
    words = case.calls[0][1]["command"].split()
    optional = [word for word in words if word in ("rg", "rsync", "nslookup", "dig", "ping", "vim", "jq")]
    return all(shutil.which(word) for word in optional)


def test_every_case_has_an_id_of_its_own() -> None:
    lines = sum(
        len((ROOT / "tests/cases" / name).read_text().splitlines())
        for name in ("adversarial.jsonl", "more.jsonl")
    )
    assert lines == len(CASES)


def test_every_test_that_a_case_is_left_to_is_there() -> None:
    for id, test in ELSEWHERE.items():
        file, _, name = test.partition("::")
        assert id in CASES
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), (id, test)
