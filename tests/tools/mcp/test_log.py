"""What servers print on standard error is kept in a private file: bounded, harmless, and without secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from akmon_core.limits import MCP_LOG_BURST_BYTES, MCP_LOG_BYTES
from akmon_core.redact import Redactor
from akmon_tools.mcp.log import ServerLog

KEY = "sk-ant-api03-" + "a1B2" * 20


def write(log: ServerLog, *chunks: bytes) -> None:
    async def main() -> None:
        for chunk in chunks:
            log.feed(chunk)
        log.close()

    asyncio.run(main())


def test_the_file_and_its_folder_are_private(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "logs", "github", Redactor())
    write(log, b"hello\n")
    path = tmp_path / "logs" / "github.log"
    assert log.path == str(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "logs", "../../evil", Redactor())
    write(log, b"hello\n")
    assert Path(log.path).parent == tmp_path / "logs"


def test_secrets_and_escape_sequences_are_not_kept(tmp_path: Path) -> None:
    log = ServerLog(tmp_path, "s", Redactor([KEY]))
    write(log, b"token " + KEY[:20].encode(), KEY[20:].encode() + b" \x1b[2J\x1b]0;title\x07end\x00\n")
    text = Path(log.path).read_text()
    assert KEY not in text
    assert KEY[:20] not in text
    assert not set("\x1b\x07\x00") & set(text)
    assert "end" in text


def test_the_newest_part_is_kept_when_the_file_is_full(tmp_path: Path) -> None:
    log = ServerLog(tmp_path, "s", Redactor())
    line = b"%07d " + b"x" * 991 + b"\n"
    for at in range(0, 2500, 100):
        write(log, b"".join(line % number for number in range(at, at + 100)))
        assert Path(log.path).stat().st_size <= MCP_LOG_BYTES
    lines = Path(log.path).read_text().splitlines()
    assert lines[-1].startswith("0002499 ")
    assert len(lines) > 400
    assert all(len(each) == 999 for each in lines)


def test_of_a_flood_the_newest_part_is_taken_and_the_rest_counted(tmp_path: Path) -> None:
    log = ServerLog(tmp_path, "s", Redactor())
    write(log, *[b"y" * 999 + b"\n"] * 2000, b"the last\n")
    text = Path(log.path).read_text()
    assert len(text) < MCP_LOG_BURST_BYTES + 100
    assert text.startswith("[")
    assert "bytes left out]" in text
    assert text.endswith("the last\n")
    assert log.last == "the last"


def test_without_a_folder_nothing_is_kept_but_the_last_line_is_known() -> None:
    log = ServerLog(None, "s", Redactor())
    write(log, b"one\ntwo\n")
    assert log.path == ""
    assert log.last == "two"


def file_in_the_way(folder: Path) -> None:
    folder.write_text("")


def link_in_the_way(folder: Path) -> None:
    folder.mkdir()
    (folder.parent / "elsewhere").write_text("untouched")
    (folder / "s.log").symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize("spoil", [file_in_the_way, link_in_the_way])
def test_a_folder_that_cannot_be_used_loses_lines_and_raises_nothing(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(tmp_path / "logs")
    write(ServerLog(tmp_path / "logs", "s", Redactor()), b"hello\n")
    assert [each.read_text() for each in tmp_path.glob("elsewhere")] in ([], ["untouched"])


def test_a_folder_that_cannot_be_looked_into_has_no_log(tmp_path: Path) -> None:
    assert ServerLog(tmp_path / ("x" * 300), "ev", Redactor()).path == ""
