"""The tool ``find_passages`` over real files."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import ToolError
from akmon_core.messages import ToolCall
from akmon_core.plugins import Workplace
from akmon_core.tools import ToolContext, parse_arguments, tool_spec
from akmon_index.chunk import OVERLAP_LINES, PASSAGE_LINES, passages, words
from akmon_index.files import read_source
from akmon_index.tool import FindArguments, FindPassagesTool, tools


def find(tool: FindPassagesTool, query: str, path: str = "", limit: int = 10) -> list[str]:
    """The places found, such as ``a.py:1-3``."""
    context = ToolContext(call_id="1", files={}, progress=lambda _: None)
    output = asyncio.run(tool.run(FindArguments(query, path, limit), context))
    blocks = output.text.split("\n\n") if output.summary != "no passages" else []
    return [block.split("\n")[0] for block in blocks if ":" in block.split("\n")[0]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "parser.py").write_text("def parse_header(line):\n    return line.split(':')\n")
    (tmp_path / "src" / "server.js").write_text("function openSocket(port) {}\n")
    (tmp_path / "notes.md").write_text("How the weather was.\n")
    return tmp_path


def test_names_are_found_by_their_parts(project: Path) -> None:
    tool = FindPassagesTool(project)
    assert find(tool, "where is a header parsed? parse header") == ["src/parser.py:1-2"]
    assert find(tool, "socket") == ["src/server.js:1-1"]
    assert find(tool, "zebra") == []


def test_a_path_limits_where_it_looks_and_may_not_leave_the_project(project: Path) -> None:
    tool = FindPassagesTool(project)
    assert find(tool, "line weather", path="src") == ["src/parser.py:1-2"]
    for path in ("../other", "/etc", "src/../.."):
        with pytest.raises(ToolError, match="project root"):
            find(tool, "line", path=path)


def test_changes_are_seen_at_the_next_call(project: Path) -> None:
    tool = FindPassagesTool(project)
    assert find(tool, "weather") == ["notes.md:1-1"]
    (project / "notes.md").write_text("How the tide was, and what the moon did.\n")
    (project / "src" / "server.js").rename(project / "src" / "listener.js")
    (project / "src" / "parser.py").unlink()
    assert find(tool, "weather") == []
    assert find(tool, "tide") == ["notes.md:1-1"]
    assert find(tool, "socket") == ["src/listener.js:1-1"]
    assert find(tool, "header") == []


def test_ignored_binary_linked_and_minified_files_are_left_out(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.txt"
    outside.write_text("weather secret\n")
    (project / ".git").mkdir()
    (project / ".gitignore").write_text("build/\n")
    (project / "build").mkdir()
    (project / "build" / "out.txt").write_text("weather\n")
    (project / "image.bin").write_bytes(b"weather\0weather")
    (project / "app.min.js").write_text("weather;" * 5000)
    (project / "link.txt").symlink_to(outside)
    (project / "latin.txt").write_bytes("weather in Z\u00fcrich\n".encode("latin-1"))
    assert find(FindPassagesTool(project), "weather") == ["latin.txt:1-1", "notes.md:1-1"]


def test_files_that_may_hold_secrets_are_not_shown(project: Path) -> None:
    (project / ".env").write_text("WEATHER_TOKEN=abc\n")
    (project / "src" / "Credentials.json").write_text('{"weather": "abc"}\n')
    (project / ".env.example").write_text("WEATHER_TOKEN=\n")
    assert find(FindPassagesTool(project), "weather") == [".env.example:1-1", "notes.md:1-1"]
    assert find(FindPassagesTool(project), "weather", path=".env") == []


def test_an_index_closes_its_database_when_it_is_no_longer_used(project: Path) -> None:
    code = f"from pathlib import Path; from akmon_index.store import Index; Index(Path({str(project)!r}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_what_is_no_readable_file_any_more_is_empty(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "there").write_text("text\n")
    places = (tmp_path, tmp_path / "link", tmp_path / "gone", tmp_path / "there")
    assert [read_source(path) for path in places] == ["", "", "", "text\n"]


def test_a_large_tree_is_indexed_and_ranked(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"f{number:04}.py").write_text(f"def work_{number}():\n    return 'common'\n")
    (tmp_path / "f1500.py").write_text("def quicksort(items):\n    ...\n")
    tool = FindPassagesTool(tmp_path)
    assert find(tool, "common quicksort", limit=3)[0] == "f1500.py:1-2"
    assert len(find(tool, "common", limit=30)) == 30


def test_calls_at_the_same_time_and_cancelled_ones_leave_a_whole_index(project: Path) -> None:
    tool = FindPassagesTool(project)
    context = ToolContext(call_id="1", files={}, progress=lambda _: None)

    async def both() -> list[str]:
        cancelled = asyncio.create_task(tool.run(FindArguments("socket"), context))
        await asyncio.sleep(0)
        cancelled.cancel()
        outputs = await asyncio.gather(*(tool.run(FindArguments(w), context) for w in ("socket", "weather")))
        return [output.text.split(":")[0] for output in outputs]

    assert asyncio.run(both()) == ["src/server.js", "notes.md"]


def test_a_query_without_words_is_an_error_that_says_so(project: Path) -> None:
    with pytest.raises(ToolError, match="no word"):
        find(FindPassagesTool(project), "?! --")


@given(st.text(max_size=40))
def test_no_query_breaks_the_search_language(query: str) -> None:
    tool = FindPassagesTool(Path(__file__).parent)
    try:
        find(tool, query)
    except ToolError as error:
        assert "no word" in str(error)  # noqa: PT017


@given(st.lists(st.text(alphabet="ab \t", max_size=5), max_size=200))
def test_passages_cover_every_line_that_is_not_blank(lines: list[str]) -> None:
    text = "\n".join(lines)
    covered: set[int] = set()
    for passage in passages(text):
        assert passage.last - passage.first < PASSAGE_LINES
        assert passage.text == "\n".join(text.splitlines()[passage.first - 1 : passage.last])
        covered |= set(range(passage.first, passage.last + 1))
    assert {n for n, line in enumerate(text.splitlines(), 1) if line.strip()} <= covered
    assert OVERLAP_LINES < PASSAGE_LINES


def test_words_split_names_into_their_parts() -> None:
    assert words("parseHTTPHeader, read_line 42") == [
        "parsehttpheader", "parse", "http", "header", "read", "line", "42",
    ]  # fmt: skip


def test_the_entry_point_gives_a_tool_that_costs_nothing_before_its_first_call(tmp_path: Path) -> None:
    (tool,) = tools(
        Workplace(root=str(tmp_path), cache="", config="", withheld=lambda _: False, learn=lambda _: None)
    )
    assert tool_spec(tool).parameters["required"] == ["query"]
    call = ToolCall("1", "find_passages", '{"query": "x", "path": "src"}')
    (effect,) = tool.effects(parse_arguments(tool, call))
    assert (effect.kind, effect.target) == ("read", str(tmp_path / "src"))
    code = (
        "import akmon_index.tool, sys; print(sorted({'sqlite3', 'asyncio', 'subprocess'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
