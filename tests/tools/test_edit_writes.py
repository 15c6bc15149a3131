"""What tools tell the session before they change a file, and text left out that none of them writes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from akmon_core.errors import ToolError
from akmon_core.limits import WRITE_BYTES

CALLS: dict[str, dict[str, Any]] = {
    "edit": {"old": "one", "new": "two"},
    "multi_edit": {"edits": [{"old": "one", "new": "three"}, {"old": "three", "new": "two"}]},
    "write": {"content": "two\nähnlich\n"},
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_the_session_is_told_once_what_the_file_will_be_before_it_is_written(
    hands: Any, name: str, encoding: str
) -> None:
    path = hands.root / "a"
    path.write_bytes("one\r\nähnlich\r\n".encode(encoding))
    hands("read", path="a")
    told: list[tuple[Mapping[str, str | None], bytes]] = []
    context = msgspec.structs.replace(
        hands.context(), changing=lambda planned: told.append((planned, path.read_bytes()))
    )
    output = asyncio.run(hands.tools[name].run(hands.parsed(name, {"path": "a", **CALLS[name]}), context))
    assert path.read_bytes() == "two\r\nähnlich\r\n".encode(encoding)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert told == [({str(path): sha256}, "one\r\nähnlich\r\n".encode(encoding))]
    assert output.files[0].sha256 == sha256


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_written_if_the_session_cannot_keep_what_there_was(hands: Any, name: str) -> None:
    (hands.root / "a").write_text("one\n")
    hands("read", path="a")

    def refuse(_planned: Mapping[str, str | None]) -> None:
        raise ToolError("the store is full")

    context = msgspec.structs.replace(hands.context(), changing=refuse)
    with pytest.raises(ToolError, match="store is full"):
        asyncio.run(hands.tools[name].run(hands.parsed(name, {"path": "a", **CALLS[name]}), context))
    assert (hands.root / "a").read_text() == "one\n"


def test_a_write_that_cannot_be_is_not_announced(hands: Any) -> None:
    told: list[Mapping[str, str | None]] = []
    context = msgspec.structs.replace(hands.context(), changing=told.append)
    arguments = hands.parsed("write", {"path": "big", "content": "x" * (WRITE_BYTES + 1)})
    with pytest.raises(ToolError, match="exceed"):
        asyncio.run(hands.tools["write"].run(arguments, context))
    assert told == []


LEFT_OUT = [
    "# ... existing code ...",
    "// rest unchanged",
    "/* ... */",
    "<!-- ... -->",
    "// ...",
    "# ... (rest of the file unchanged)",
    "// ... existing imports ...",
    "// ... rest of the component remains the same ...",
    "<!-- rest of the content unchanged -->",
    "/* existing styles remain unchanged */",
    "{/* ... existing markup ... */}",
    "-- ... unchanged ...",
    "// Existing code here",
    "# Rest of the implementation remains the same.",
    "# code omitted for brevity",
    "... existing code ...",
    "[... rest of file unchanged ...]",
    "# … existing tests …",
    "// keep existing code",
    "// ... no changes ...",
    "// existing code...",
]
MEANT = [
    "...",
    "…",
    "    ...",
    "# The rest of the arguments go to the program.",
    "# unchanged",
    "# existing users keep their names",
    "// Loading...",
    "# Settings...",
    "// previous value...",
    "x = [...rest]",
    "...rest",
    "...existing,",
    "[...other]",
    "// same as before",
    "print('... existing code ...')",
    "<Rest />",
    "[existing code](docs/code.md)",
    "# Original order is unchanged",
    "#",
    "//",
    "-----",
    "##########",
    "/* reset */",
    "# TODO: remaining work...",
    ">>> f(...)",
    "case ...:",
]


@pytest.mark.parametrize("line", LEFT_OUT)
def test_content_that_names_what_it_leaves_out_is_refused(hands: Any, line: str) -> None:
    assert "left out" in hands.refused("write", path="a.py", content=f"a = 1\n    {line}\nb = 2\n")
    (hands.root / "b.py").write_text("x\n")
    assert "left out" in hands.refused("edit", path="b.py", old="x", new=f"y\n{line}")
    assert hands.names() == ["b.py"]


@pytest.mark.parametrize("line", MEANT)
def test_content_that_only_looks_like_it_is_written(hands: Any, line: str) -> None:
    hands("write", path="a.py", content=f"a = 1\n{line}\nb = 2\n")
    assert (hands.root / "a.py").read_text() == f"a = 1\n{line}\nb = 2\n"


def test_an_example_in_a_document_may_leave_things_out(hands: Any) -> None:
    content = "# Guide\n\n```python\ndef f():\n    # ... existing code ...\n```\n\n// ...\n"
    hands("write", path="guide.md", content=content)
    assert "left out" in hands.refused(
        "write", path="other.md", content="# Guide\n\n<!-- rest unchanged -->\n"
    )


def test_dots_among_comments_are_part_of_them(hands: Any) -> None:
    hands("write", path="a.py", content="# first\n# ...\n# last\n")
    assert "left out" in hands.refused("write", path="b.py", content="f()\n# ...\ng()\n")


def test_a_file_that_has_the_line_keeps_it(hands: Any) -> None:
    (hands.root / "a.py").write_text("f()\n# ...\n")
    hands("read", path="a.py")
    hands("write", path="a.py", content="g()\n# ...\n")
    hands("edit", path="a.py", old="g()", new="h()\n# ...")
    assert (hands.root / "a.py").read_text() == "h()\n# ...\n# ...\n"


def test_a_file_that_ends_with_a_line_end_keeps_one(hands: Any) -> None:
    for before, content, after in [
        (b"a\n", "b", b"b\n"),
        (b"a\r\n", "b", b"b\r\n"),
        (b"a", "b", b"b"),
        (b"a", "b\n", b"b\n"),
        (b"a\n", "", b""),
        (b"", "b", b"b"),
    ]:
        (hands.root / "a").write_bytes(before)
        hands("read", path="a")
        hands("write", path="a", content=content)
        assert (hands.root / "a").read_bytes() == after
    hands("write", path="new", content="b")
    assert (hands.root / "new").read_bytes() == b"b"
