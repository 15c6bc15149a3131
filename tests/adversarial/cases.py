"""The attacks and controls of ``tests/cases``, and what each of them is called here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "cases"
NAMES = {
    "read_file": "read",
    "write_file": "write",
    "glob": "list",
    "grep": "search",
    "apply_patch": "patch",
    "web_fetch": "fetch",
}
"""akmon's tools by the names that the cases have for them."""


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attack or control. ``source`` says who was attacked so, or which part of akmon it is aimed at."""

    id: str
    area: str
    input: dict[str, Any]
    required: str
    source: str
    exploit_fires_unguarded_here: bool | str | None = False

    @property
    def calls(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """The calls that the model makes, one after the other; none where the case is told in words."""
        given = self.input.get("calls") or ([self.input] if "tool" in self.input else [])
        return tuple(_named(call["tool"], call["args"]) for call in given)

    @property
    def attack(self) -> str:
        """What is tried, on one line."""
        match self.input:
            case {"action": action}:
                return f"{'; '.join(self.input.get('setup', ()))}: {action}".removeprefix(": ")
            case {"script": script}:
                return str(script)
            case _:
                return " then ".join(
                    (args["command"] if name == "shell" and len(args) == 1 else f"{name} {_shown(args)}")
                    for name, args in self.calls
                )


def _named(tool: str, args: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    name = NAMES.get(tool, tool)
    if name == "list" and "pattern" in args:
        args = {"glob": args["pattern"]}
    return name, args


def _shown(args: dict[str, Any]) -> str:
    return msgspec.json.encode(args).decode()


def _read(name: str) -> list[Case]:
    lines = (FOLDER / name).read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Case) for line in lines]


CASES = {case.id: case for case in (*_read("adversarial.jsonl"), *_read("more.jsonl"))}


def of(*prefixes: str) -> list[str]:
    """The ids of the cases whose ids begin so, in their order."""
    return [id for id in CASES if id.startswith(prefixes)]
