"""Much output: bounded memory, both ends for the model, all of it in a file; cases of denial of service."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.limits import OUTPUT_FILE_BYTES, SHELL_OUTPUT_BYTES
from akmon_core.tools import ToolOutput
from akmon_tools.capture import Capture, Redrawn, clean
from akmon_tools.outputs import Outputs
from tests.tools.shell.rig import Rig, wait_until

FLOOD = f"""
import asyncio, os, resource, sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from pathlib import Path
from tests.tools.shell.rig import Rig

async def main():
    rig = Rig(Path(sys.argv[1]), portable=sys.argv[2] == "portable")
    await rig.shell("seq 100000", timeout=600)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    output = await rig.shell("yes 0123456789abcde | head -c 500000000; cd /usr", timeout=600)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert output.text.endswith("[exit 0, in /usr]"), output.text[-200:]
    print(after - before, len(output.text.encode()), os.path.getsize(rig.outputs.path(2)))
    await rig.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("way", ["loop", "portable"])
def test_memory_stays_flat_under_500_megabytes(tmp_path: Path, way: str) -> None:
    command = [sys.executable, "-c", FLOOD, str(tmp_path), way]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    kilobytes, shown, kept = map(int, result.stdout.split())
    assert kilobytes < 20_000
    assert shown <= SHELL_OUTPUT_BYTES + 100
    assert kept == OUTPUT_FILE_BYTES


def run(folder: Path, command: str, timeout: float | None = None) -> ToolOutput:
    async def whole() -> ToolOutput:
        rig = Rig(folder)
        try:
            output = await rig.shell(command, timeout)
        finally:
            await rig.close()
        wait_until(lambda: not rig.processes())
        return output

    return asyncio.run(whole())


class TestDenialOfService:
    def test_ds_001_yes_in_backquotes_is_capped_and_killed(self, tmp_path: Path) -> None:
        output = run(tmp_path, "ulimit -v 300000; `yes`", 1)
        assert output.error
        assert len(output.text.encode()) <= SHELL_OUTPUT_BYTES + 100

    def test_ds_002_a_flood_of_random_bytes_is_bounded_and_valid_utf_8(self, tmp_path: Path) -> None:
        output = run(tmp_path, "cat /dev/urandom | head -c 50M")
        assert len(output.text.encode()) <= SHELL_OUTPUT_BYTES + 100
        assert "\x1b" not in output.text
        assert "all of it is in output:1" in output.text

    def test_ds_003_a_timeout_kills_the_whole_tree(self, tmp_path: Path) -> None:
        assert run(tmp_path, "sleep infinity", 0.2).text == "(no output)\n[killed after 0.2 s]"

    def test_ds_004_what_ignores_signals_is_made_to_end(self, tmp_path: Path) -> None:
        assert run(tmp_path, 'trap "" TERM INT; sleep 1000', 0.2).text == "(no output)\n[killed after 0.2 s]"

    def test_ds_005_reading_input_returns_at_once(self, tmp_path: Path) -> None:
        assert run(tmp_path, "read x").text == "(no output)\n[exit 1]"

    @pytest.mark.parametrize("program", ["python3 -i", "vim", "vi", "less", "top"])
    def test_ds_007_an_interactive_program_ends_by_itself_or_is_killed(
        self, tmp_path: Path, program: str
    ) -> None:
        assert "[exit " in (text := run(tmp_path, program, 0.5).text) or "[killed after" in text

    def test_ds_015_a_byte_now_and_then_does_not_extend_the_timeout(self, tmp_path: Path) -> None:
        output = run(tmp_path, "while :; do printf x; sleep 0.01; done", 0.5)
        assert output.text.endswith("[killed after 0.5 s]")


def test_nothing_is_written_to_a_file_that_the_model_saw_whole(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "outputs")
    capture = Capture(outputs, cap=1_000)
    capture.feed(b"x" * 1_000)
    capture.close()
    assert not (tmp_path / "outputs").exists()


def test_a_file_has_all_of_it_as_it_came(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    capture = Capture(outputs, cap=1_000)
    chunks = [b"%d\r\x1b[1m" % number * 50 + b"\n" for number in range(100)]
    for chunk in chunks:
        capture.feed(chunk)
    text, _ = capture.new()
    capture.close()
    assert outputs.path(1).read_bytes() == b"".join(chunks)
    assert len(text.encode()) <= 1_000


def test_text_that_grows_when_it_is_cleaned_is_kept_too(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    capture = Capture(outputs, cap=1_000)
    capture.feed(b"\0" * 900)
    assert "all of it is in output:1" in capture.new()[0]
    capture.feed(b"more")
    capture.close()
    assert outputs.path(1).read_bytes() == b"\0" * 900 + b"more"


def test_a_file_stops_at_its_cap_and_says_so(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    capture = Capture(outputs, cap=1_000, file_cap=3_000)
    for _ in range(10):
        capture.feed(b"y\n" * 500)
    assert "only its first 3,000 bytes are in output:1" in capture.new()[0]
    assert outputs.path(1).stat().st_size == 3_000


def test_a_folder_that_cannot_be_made_costs_the_rest_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    capture = Capture(Outputs(tmp_path / "file" / "x"), cap=1_000)
    capture.feed(b"y\n" * 5_000)
    text, lines = capture.new()
    assert "cannot keep the output of a command: a part of the path is a file" in text
    assert lines == 5_000


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    capture = Capture(Outputs(tmp_path))
    capture.feed(b"one\ntw")
    assert capture.new() == ("one\ntw", 2)
    capture.feed(b"o\n")
    assert capture.new() == ("o\n", 1)
    assert capture.new() == ("", 0)


LINES = st.lists(st.text(st.sampled_from("ab\r\n"), max_size=12), max_size=12)


@given(LINES)
def test_a_redrawn_line_shows_its_last_state_however_it_comes_in_pieces(pieces: list[str]) -> None:
    whole = "".join(pieces)
    redrawn = Redrawn()
    shown = b"".join(redrawn.feed(piece.encode()) for piece in pieces) + redrawn.rest()
    assert clean(shown.decode()) == clean(whole)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("10%\b\b\b20%", "20%"),
        ("ab\b\n", "ab\n"),
        ("\b\bx\ny\bz", "x\nz"),
        ("a\bab\bb", "ab"),
        ("ab\r\nc", "ab\nc"),
    ],
)
def test_backspaces_go_back_within_their_line(printed: str, shown: str) -> None:
    assert clean(printed) == shown
