"""The tool ``semantic_search`` over real files, from the entry point on."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.errors import ToolError
from akmon_core.messages import ToolCall
from akmon_core.plugins import Workplace
from akmon_core.tools import Attending, Closing, ToolContext, ToolOutput, parse_arguments, tool_spec
from akmon_index.tool import SearchArguments, SemanticSearch, tools


def place_of(root: Path, *withheld: str) -> Workplace:
    return Workplace(
        root=str(root), cache="", config="", withheld=lambda path: path in withheld, learn=lambda _: None
    )


def ask(tool: SemanticSearch, query: str, path: str = "", language: str = "", limit: int = 10) -> ToolOutput:
    context = ToolContext(call_id="1", files={}, progress=lambda _: None)
    return asyncio.run(tool.run(SearchArguments(query, path, language, limit), context))


def find(tool: SemanticSearch, query: str, path: str = "", language: str = "", limit: int = 10) -> list[str]:
    """The files found, best first."""
    output = ask(tool, query, path, language, limit)
    return list(dict.fromkeys(re.findall(r"^(\S+):\d+-\d+", output.text, re.MULTILINE)))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "parser.py").write_text("def parse_header(line):\n    return line.split(':')\n")
    (tmp_path / "src" / "server.js").write_text("function openSocket(port) {\n  return port;\n}\n")
    (tmp_path / "notes.md").write_text("# Notes\n\nHow the weather was.\n")
    return tmp_path


@pytest.fixture
def tool(project: Path) -> SemanticSearch:
    return SemanticSearch(place_of(project))


def test_a_place_is_given_by_path_lines_symbol_and_how_it_begins(tool: SemanticSearch) -> None:
    output = ask(tool, "where is a header parsed?")
    first = output.text.split("\n\n")[0].split("\n")
    assert first == [
        "src/parser.py:1-2  parse_header",
        "def parse_header(line):",
        "    return line.split(':')",
    ]
    assert output.summary == "1 place"


def test_names_are_found_by_their_parts(tool: SemanticSearch) -> None:
    assert find(tool, "socket") == ["src/server.js"]
    assert find(tool, "zebra") == []


def test_a_path_or_a_language_limits_where_it_looks(tool: SemanticSearch) -> None:
    assert find(tool, "line weather port", path="src") == ["src/parser.py", "src/server.js"]
    assert find(tool, "line weather port", path="src/*.js") == ["src/server.js"]
    assert find(tool, "line weather port", path="./notes.md") == ["notes.md"]
    assert find(tool, "line weather port", language="python") == ["src/parser.py"]
    assert find(tool, "line weather port", language="cobol") == []


@pytest.mark.parametrize("path", ["../other", "/etc", "src/../.."])
def test_it_may_not_leave_the_project(tool: SemanticSearch, path: str) -> None:
    with pytest.raises(ToolError, match="project root"):
        find(tool, "line", path=path)


def test_changes_are_seen_at_the_next_call(project: Path, tool: SemanticSearch) -> None:
    assert find(tool, "weather") == ["notes.md"]
    (project / "notes.md").write_text("How the tide was, and what the moon did.\n")
    (project / "src" / "server.js").rename(project / "src" / "listener.js")
    (project / "src" / "parser.py").unlink()
    assert find(tool, "weather") == []
    assert find(tool, "tide") == ["notes.md"]
    assert find(tool, "socket") == ["src/listener.js"]
    assert find(tool, "header") == []


def test_what_may_not_be_read_is_never_shown_even_if_it_was_indexed_before(project: Path) -> None:
    denied: set[str] = set()
    place = Workplace(
        root=str(project), cache="", config="", withheld=denied.__contains__, learn=lambda _: None
    )
    tool = SemanticSearch(place)
    assert find(tool, "weather") == ["notes.md"]
    denied.add("notes.md")
    assert find(tool, "weather") == []
    assert find(tool, "weather", path="notes.md") == []


def test_files_that_may_hold_secrets_are_not_shown(project: Path, tool: SemanticSearch) -> None:
    (project / ".env").write_text("WEATHER_TOKEN=abc\n")
    (project / "src" / "Credentials.json").write_text('{"weather": "abc"}\n')
    assert find(tool, "weather") == ["notes.md"]
    assert find(tool, "weather", path=".env") == []


def test_what_files_hold_cannot_steer_a_terminal(project: Path, tool: SemanticSearch) -> None:
    (project / "evil.txt").write_text("glacier \x1b]0;owned\x07 \u202e\n")
    text = ask(tool, "glacier").text
    assert text.startswith("evil.txt:1")
    assert not set(text) & {"\x1b", "\x07", "\u202e"}


def test_long_places_and_lines_are_cut_and_say_so(project: Path, tool: SemanticSearch) -> None:
    body = "".join(f"    step_{number} = {number}\n" for number in range(30))
    (project / "long.py").write_text(f"def glacier():\n    wide = '{'x' * 300}'\n{body}")
    lines = ask(tool, "glacier").text.split("\n\n")[0].split("\n")
    assert lines[0].startswith("long.py:1-")
    assert lines[2].endswith("…")
    assert len(lines[2]) <= 201
    assert lines[-1].startswith("… ")
    assert lines[-1].endswith(" more lines")


def test_a_large_tree_is_indexed_and_ranked(tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"f{number:04}.py").write_text(f"def work_{number}():\n    return 'common'\n")
    (tmp_path / "f0250.py").write_text("def quicksort(items):\n    ...\n")
    tool = SemanticSearch(place_of(tmp_path))
    assert find(tool, "common quicksort", limit=3)[0] == "f0250.py"
    assert len(find(tool, "common", limit=30)) == 30


def test_calls_at_the_same_time_and_cancelled_ones_leave_a_whole_index(tool: SemanticSearch) -> None:
    context = ToolContext(call_id="1", files={}, progress=lambda _: None)

    async def both() -> list[str]:
        cancelled = asyncio.create_task(tool.run(SearchArguments("socket"), context))
        await asyncio.sleep(0)
        cancelled.cancel()
        outputs = await asyncio.gather(
            *(tool.run(SearchArguments(word), context) for word in ("socket", "weather"))
        )
        return [output.text.split(":")[0] for output in outputs]

    assert asyncio.run(both()) == ["src/server.js", "notes.md"]


def test_a_query_without_words_is_an_error_that_says_so(tool: SemanticSearch) -> None:
    with pytest.raises(ToolError, match="no word"):
        find(tool, "?! --")


def test_no_query_breaks_the_search_language(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("NEAR AND OR NOT entry\n")
    tool = SemanticSearch(place_of(tmp_path))

    @given(st.text(max_size=40) | st.sampled_from(["NEAR(a", '"', "a AND", "path:x", "-a", "a*", "{a}"]))
    @settings(max_examples=60, deadline=None)
    def each(query: str) -> None:
        try:
            find(tool, query)
        except ToolError as error:
            assert "no word" in str(error)  # noqa: PT017

    each()


def test_the_entry_point_gives_a_tool_whose_effects_are_reading(tmp_path: Path) -> None:
    (tool,) = tools(place_of(tmp_path))
    assert tool_spec(tool).parameters["required"] == ["query"]
    for path, wanted in (("src", "src"), ("", ""), ("src/**/*.py", "src"), ("*.py", ""), ("a/b*/c", "a")):
        call = ToolCall("1", "semantic_search", f'{{"query": "x", "path": "{path}"}}')
        (effect,) = tool.effects(parse_arguments(tool, call))
        assert (effect.kind, effect.target) == ("read", str(tmp_path / wanted))


def test_a_tool_that_is_not_used_costs_and_leaves_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    place = Workplace(
        root=str(tmp_path), cache=str(cache), config="", withheld=lambda _: False, learn=lambda _: None
    )
    (tool,) = tools(place)
    assert isinstance(tool, Attending)
    assert isinstance(tool, Closing)
    tool.attend()
    asyncio.run(tool.close())
    assert not cache.exists()


def test_loading_the_tool_loads_nothing_heavy() -> None:
    heavy = "{'sqlite3', 'asyncio', 'subprocess', 'numpy', 'tree_sitter', 'httpx2', 'torch'}"
    code = f"import akmon_index.tool, sys; print(sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
