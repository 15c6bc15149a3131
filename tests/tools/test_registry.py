"""What a model is told of the tools, and what it costs to know of them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from akmon_core.tools import Effect, Previewing, tool_spec
from akmon_tools.registry import NAMES, builtin_tools

PRIMARY = {
    "read": ["path", "offset", "limit"],
    "write": ["path", "content"],
    "edit": ["path", "old", "new", "replace_all"],
    "multi_edit": ["path", "edits"],
    "search": ["pattern", "path", "glob", "type", "literal", "context", "multiline", "output"],
    "list": ["path", "glob"],
    "shell": ["command", "timeout", "background"],
    "job": ["id", "wait", "kill"],
    "fetch": ["url"],
    "todo": ["todos"],
    "ask": ["question", "options"],
    "task": ["title", "task", "reads_only"],
    "memory": ["action", "title", "text", "query", "scope"],
    "spec": ["feature", "document", "text"],
}


def test_the_tools_come_in_order_with_their_arguments(hands: Any) -> None:
    specs = [tool_spec(tool) for tool in hands.tools.values()]
    assert {spec.name: list(spec.parameters["properties"]) for spec in specs} == PRIMARY
    assert [spec.name for spec in specs] == list(PRIMARY)
    for spec in specs:
        assert spec.parameters["additionalProperties"] is False
        assert 100 < len(spec.description) < 1_200


def test_the_names_are_known_without_a_workspace(hands: Any) -> None:
    assert [name for name in NAMES if name not in ("web_search", "patch")] == list(hands.tools)
    patching = [tool.name for tool in builtin_tools(hands.workspace, edit_format="patch")]
    assert [name for name in NAMES if name not in ("web_search", "edit", "multi_edit")] == patching


def test_the_effects_of_a_call_are_what_it_touches(hands: Any) -> None:
    def effects(name: str, **arguments: Any) -> tuple[Effect, ...]:
        effects: tuple[Effect, ...] = hands.tools[name].effects(hands.parsed(name, arguments))
        return effects

    assert effects("read", path="a") == (Effect("read", "a"),)
    assert effects("write", path="a", content="") == (Effect("write", "a"),)
    assert effects("edit", path="a", old="x", new="y") == (Effect("write", "a"),)
    assert effects("search", pattern="x") == (Effect("read", "."),)
    assert effects("list", path="sub") == (Effect("read", "sub"),)
    assert effects("shell", command="ls | wc") == (Effect("run", "ls | wc"),)
    assert effects("job", id=1, kill=True) == ()
    assert effects("todo", todos=[]) == ()
    assert effects("ask", question="Which?") == (Effect("ask", "Which?"),)
    assert effects("task", title="t", task="x") == ()
    assert effects("memory", action="save", title=" How\nto  build", text="x") == (
        Effect("remember", "project: How to build"),
    )
    assert effects("memory", action="delete", title="a", scope="user") == (Effect("remember", "user: a"),)
    assert effects("memory", action="search", query="a", title="b") == effects("memory", action="list") == ()


def test_only_the_tools_that_change_files_have_a_preview(hands: Any) -> None:
    previewing = [name for name, tool in hands.tools.items() if isinstance(tool, Previewing)]
    assert previewing == ["write", "edit", "multi_edit", "memory", "spec"]


def test_importing_the_tools_loads_nothing_heavy() -> None:
    script = "import sys, akmon_tools.registry; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "akmon_tools.shell" in loaded
    assert not loaded & {"asyncio", "subprocess", "difflib", "hashlib", "akmon_tools.processes"}
