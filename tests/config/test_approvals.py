"""What the tools of servers said when they were approved is kept, privately and within bounds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_config.approvals import ApprovedTools
from akmon_core.errors import SettingsError
from akmon_core.limits import MCP_APPROVED, MCP_APPROVED_BYTES
from akmon_core.ports import Approvals

ONE = "1" * 64
TWO = "2" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mcp" / "approved"


def test_what_was_approved_is_there_for_the_next_process(folder: Path) -> None:
    store: Approvals = ApprovedTools(folder)
    assert store.approved(ONE) is None
    store.approve(ONE, {"b": "says b", "a": "says a"})
    store.approve(TWO, {})
    assert ApprovedTools(folder).approved(ONE) == {"a": "says a", "b": "says b"}
    assert ApprovedTools(folder).approved(TWO) == {}
    store.approve(ONE, {"a": "says more"})
    assert store.approved(ONE) == {"a": "says more"}


def test_looking_makes_nothing(folder: Path) -> None:
    ApprovedTools(folder).approved(ONE)
    assert not folder.exists()


def test_it_is_for_the_owner_alone(folder: Path) -> None:
    store = ApprovedTools(folder)
    store.approve(ONE, {"a": "b"})
    path = folder / f"{ONE}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    path.chmod(0o666)
    with pytest.raises(SettingsError, match="can be changed by other users"):
        store.approved(ONE)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2}', '{"tools": {"a": 1}}', '{"tool": {}}'])
def test_a_damaged_file_is_an_error_and_approving_repairs_it(folder: Path, content: str) -> None:
    store = ApprovedTools(folder)
    store.approve(ONE, {"a": "b"})
    (folder / f"{ONE}.json").write_text(content)
    with pytest.raises(SettingsError, match="is damaged, so no tool of its server counts as approved"):
        store.approved(ONE)
    store.approve(ONE, {"a": "c"})
    assert store.approved(ONE) == {"a": "c"}


@pytest.mark.parametrize("server", ["", "../x", "a" * 63, "g" * 64, f"{ONE}/.."])
def test_only_a_digest_names_a_server(folder: Path, server: str) -> None:
    with pytest.raises(SettingsError):
        ApprovedTools(folder).approve(server, {})
    with pytest.raises(SettingsError):
        ApprovedTools(folder).approved(server)
    assert not folder.exists()


def test_what_is_too_large_is_refused_and_what_was_approved_stays(folder: Path) -> None:
    store = ApprovedTools(folder)
    store.approve(ONE, {"a": "b"})
    with pytest.raises(SettingsError, match="too large"):
        store.approve(ONE, {"a": "x" * MCP_APPROVED_BYTES})
    assert store.approved(ONE) == {"a": "b"}


def test_those_that_were_not_used_for_the_longest_time_go_first(folder: Path) -> None:
    store = ApprovedTools(folder)
    names = [f"{number:064x}" for number in range(MCP_APPROVED)]
    folder.mkdir(parents=True)
    for age, name in enumerate(names):
        path = folder / f"{name}.json"
        path.write_text('{"tools": {"a": "b"}}')
        path.chmod(0o600)
        os.utime(path, (1_000 + age, 1_000 + age))
    assert store.approved(names[0]) == {"a": "b"}
    store.approve("f" * 64, {})
    assert store.approved(names[0]) == {"a": "b"}
    assert store.approved(names[1]) is None
    assert store.approved(names[2]) is not None


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=5))
def test_any_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, tools: dict[str, str]
) -> None:
    store = ApprovedTools(tmp_path_factory.mktemp("a"))
    store.approve(ONE, tools)
    assert store.approved(ONE) == tools
