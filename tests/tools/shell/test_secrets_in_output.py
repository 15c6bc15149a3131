"""Keys in what commands print: neither in what the model reads, nor on the screen, nor in any file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from akmon_core.redact import Redactor
from akmon_core.tools import ToolOutput
from akmon_tools.capture import Capture
from akmon_tools.outputs import Outputs
from tests.tools.shell.rig import Rig

KEY = "canary-7f3a90b1c2d4"
TOKEN = "ghp" + "_" + "aB3dE6gH9j" * 4


def capture(folder: Path, cap: int = 1_000) -> tuple[Capture, Outputs]:
    outputs = Outputs(folder / "outputs", Redactor([KEY]))
    return Capture(outputs, cap), outputs


@pytest.mark.parametrize("size", [1, 3, 7, 1_000])
def test_a_key_is_taken_out_wherever_the_output_is_cut(tmp_path: Path, size: int) -> None:
    taken, _ = capture(tmp_path)
    raw = f"one {KEY}\ntwo {TOKEN} three".encode()
    shown = b"".join(taken.feed(raw[at : at + size]) for at in range(0, len(raw), size)) + taken.flush()
    expected = "one [redacted]\ntwo [redacted: GitHub token] three"
    assert shown.decode() == expected
    assert taken.new()[0] == expected


def test_neither_the_ends_nor_the_file_of_long_output_hold_a_key(tmp_path: Path) -> None:
    taken, outputs = capture(tmp_path)
    for number in range(2_000):
        taken.feed(f"{number} {KEY} {TOKEN}\n".encode())
    text, lines = taken.new()
    taken.close()
    assert lines == 2_000
    assert "output:1" in text
    for kept in (text, outputs.path(1).read_text()):
        assert kept.count("[redacted]") > 5
        assert KEY not in kept
        assert TOKEN not in kept


def test_an_open_line_is_not_lost_when_somebody_looks(tmp_path: Path) -> None:
    taken, _ = capture(tmp_path)
    assert taken.feed(b"Continue? ") == b""
    assert taken.new()[0] == "Continue? "
    taken.feed(b"yes\n")
    assert taken.new()[0] == "yes\n"


def run(folder: Path, command: str) -> tuple[ToolOutput, str]:
    async def whole() -> tuple[ToolOutput, str]:
        rig = Rig(folder)
        rig.outputs.redactor.add(KEY)
        try:
            return await rig.shell(command), "".join(rig.progress)
        finally:
            await rig.close()

    return asyncio.run(whole())


def test_what_a_command_prints_is_shown_and_answered_without_keys(tmp_path: Path) -> None:
    output, shown = run(
        tmp_path, f"printf 'a {KEY[:5]}'; sleep 0.05; echo '{KEY[5:]} b'; printf 'end {TOKEN}'"
    )
    for text in (output.text, shown):
        assert "a [redacted] b\nend [redacted: GitHub token]" in text
        assert KEY not in text
        assert TOKEN not in text
