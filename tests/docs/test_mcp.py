"""The examples of docs/mcp.md do what the text says."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

from akmon_config.mcpentry import NAME_CHARS
from akmon_config.mcpservers import load_servers
from akmon_core.limits import (
    MCP_CALL_SECONDS,
    MCP_CONNECT_SECONDS,
    MCP_LOG_BYTES,
    MCP_OFFERED,
    MCP_SHARE,
    MCP_TOOL_NAME_CHARS,
)
from akmon_core.permissions import parse_rule
from akmon_core.rules import concerns_tool
from tests.docs.test_examples import ROOT, blocks
from tests.e2e.program import Place

PAGE = "docs/mcp.md"


def test_the_commands_configure_what_the_file_shows(tmp_path: Path) -> None:
    (commands,) = blocks(PAGE, "sh")
    place = Place(tmp_path.resolve())
    outputs = []
    for line in commands.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "akmon"
        ran = place.akmon(*arguments)
        assert ran.code == 0, ran.err
        assert "akmon: " not in ran.err
        outputs.append(ran.out)
    assert [line.split()[:2] for line in outputs[-1].splitlines()] == [
        ["files", "enabled"],
        ["tracker", "enabled"],
    ]
    place.end()


def test_the_file_can_be_read(tmp_path: Path) -> None:
    (text,) = blocks(PAGE, "json")
    path = tmp_path / "mcp.json"
    path.write_text(text)
    path.chmod(0o600)
    found = load_servers(user_file=path, root=tmp_path, trusted=False, environ={})
    assert (found.warnings, found.wrong) == ((), ())
    assert [(entry.name, entry.state) for entry in found.entries] == [
        ("files", "enabled"),
        ("tracker", "disabled"),
    ]
    assert all(not entry.ignored for entry in found.entries)
    (server,) = found.servers
    assert server.env["LOG_LEVEL"].reveal() == "info"
    assert server.seconds == json.loads(text)["mcpServers"]["files"]["timeout"] / 1000


def test_the_rules_are_about_the_tools_that_the_text_names() -> None:
    (text,) = blocks(PAGE, "toml")
    rules = tomllib.loads(text)
    (exact, files), (delete,) = ([parse_rule(rule) for rule in rules[key]] for key in ("allow", "deny"))
    assert concerns_tool(exact, "mcp__tracker__list_issues")
    assert not concerns_tool(exact, "mcp__tracker__create_issue")
    assert concerns_tool(files, "mcp__files__read_file")
    assert concerns_tool(delete, "mcp__tracker__delete_issue")


def test_the_numbers_are_those_of_the_program() -> None:
    text = re.sub(r"\s+", " ", (ROOT / PAGE).read_text(encoding="utf-8"))
    assert f"at most {NAME_CHARS} characters" in text
    assert f"{MCP_CALL_SECONDS * 1000:.0f} if nothing is said" in text
    assert f"more than {MCP_OFFERED} of them" in text
    assert f"at most {MCP_CONNECT_SECONDS:.0f} seconds" in text
    assert "more than a tenth" in text
    assert MCP_SHARE == 0.1
    assert f"longer than {MCP_TOOL_NAME_CHARS} characters" in text
    assert "at most 1 MB" in text
    assert MCP_LOG_BYTES == 1_000_000
