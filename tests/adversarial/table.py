"""Writes what came of every case into ``docs/security.md``: ``python -m tests.adversarial.table FOLDER``.

FOLDER has what a run of these tests noted. A case that is tried elsewhere is named with the test that does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import msgspec

from tests.adversarial.cases import CASES, FOLDER, ROOT, Case

PAGE = ROOT / "docs" / "security.md"
START, END = "<!-- results: written by make security -->", "<!-- end of results -->"
RECORD = "AKMON_SECURITY_RECORD"
"""Names a folder: results are noted there instead of being compared with the page."""
FAILED = "**not shown to hold**"
ELSEWHERE: dict[str, str] = msgspec.json.decode((FOLDER / "elsewhere.json").read_bytes())
"""The tests that try cases which are not tried here, by the ids of the cases."""
AREAS = {
    "shell-parse": "Command lines that run more than they seem to",
    "shell-deny-bypass": "Ways around a deny rule",
    "shell-env": "Variables that change what an allowed command does",
    "safe-command-flags": "Flags of harmless commands that write or run",
    "read-outside": "Commands that read what they should not",
    "exfil": "Commands that carry something out",
    "benign-control": "Controls: everyday commands under a rule that allows them",
    "path-tools": "File tools and paths",
    "web-fetch": "Fetching",
    "mcp": "MCP servers",
    "trust-config": "What a project brings along",
    "git-metadata": "What a repository brings along",
    "terminal-unicode": "Terminal and Unicode",
    "secrets": "Secrets",
    "sandbox": "Inside the sandbox",
    "durability": "Records, checkpoints and rewinding",
    "streaming": "Replies that break",
    "dos": "Floods and hangs",
}
_WIDTH = 110


def row(case: Case, observed: str) -> str:
    return f"| {case.id} | {_code(case.attack)} | {_plain(_requirement(case))} | {observed} |"


def note(case: Case, observed: str) -> None:
    """Keeps a result for the table, or fails if the page says something else."""
    if folder := os.environ.get(RECORD):
        Path(folder).mkdir(exist_ok=True)
        (Path(folder) / case.id).write_text(observed, encoding="utf-8")
        return
    wanted = row(case, observed)
    assert wanted in PAGE.read_text("utf-8").splitlines(), (
        f"{PAGE.name} does not say this; run `make security`:\n{wanted}"
    )


def elsewhere(case: Case) -> str:
    """What the table says of a case that another test tries."""
    test = ELSEWHERE.get(case.id, "")
    return f"tried by `{test}`" if test else ""


def written(results: Mapping[str, str]) -> str:
    """The tables, with a summary first."""
    lines = [_summary(results), ""]
    by_area = sorted(CASES.values(), key=lambda case: list(AREAS).index(case.area))
    for area, cases in groupby(by_area, key=lambda case: case.area):
        lines += [
            f"### {AREAS[area]}",
            "",
            "| case | what is tried | what must hold | seen |",
            "| --- " * 4 + "|",
        ]
        lines += [row(case, results.get(case.id) or elsewhere(case) or FAILED) for case in cases]
        lines.append("")
    return "\n".join(lines)


def _summary(results: Mapping[str, str]) -> str:
    here = [id for id in CASES if id in results]
    there = [id for id in CASES if id not in results and id in ELSEWHERE]
    failed = [id for id in CASES if id not in {*here, *there}]
    return (
        f"{len(CASES)} cases: {len(here)} through the real program, as they must be; {len(there)} by the "
        f"tests that are named; {len(failed)} not shown to hold{': ' if failed else ''}{', '.join(failed)}."
    )


def _requirement(case: Case) -> str:
    return case.required.partition("; check ")[0].replace("harness", "akmon")


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    shown = "".join(char if char.isprintable() else f"<U+{ord(char):04X}>" for char in text)
    shown = shown if len(shown) <= _WIDTH else f"{shown[:_WIDTH]}…"
    fence = "``" if "`" in shown else "`"
    gap = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{gap}{shown}{gap}{fence}".replace("|", "\\|")


def main(folder: str) -> int:
    results = {file.name: file.read_text("utf-8") for file in Path(folder).iterdir()}
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    text = written(results)
    PAGE.write_text(f"{before}{START}\n\n{text}\n{END}{after}", encoding="utf-8")
    print(_summary(results))
    return FAILED in text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
