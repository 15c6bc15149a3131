"""The search without ripgrep finds what ripgrep finds."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.errors import ToolError
from akmon_tools.filetypes import TYPES
from akmon_tools.programs import find_ripgrep
from akmon_tools.query import Answer, Query
from akmon_tools.ripgrep import Found, gather, ripgrep, stand_in
from akmon_tools.workspace import Workspace

NAMES = ("a.py", "b.py", "a.txt", ".hidden", "Makefile", "é.py", "x y.js", "c.o", "n\nl.py")
FOLDERS = ("", "src/", "src/in/", "build/", ".dot/", "src/build/")
TEXTS = st.lists(
    st.sampled_from(
        ["needle", "a needle in hay", "Needle", "", "  needle", "import os", "näedle é", "x" * 20, "a.b",
         "needle\r"]
    ),
    max_size=8,
).map(lambda lines: "\n".join(lines).encode())  # fmt: skip
CONTENT = st.one_of(
    TEXTS,
    TEXTS.map(lambda text: text + b"\n"),
    TEXTS.map(lambda text: text + b"\n"),
    TEXTS.map(lambda text: text + b"\0"),
    TEXTS.map(lambda text: text + b"\xff\xfe needle\n"),
    TEXTS.map(lambda text: text.decode().encode("utf-16")),
    TEXTS.map(lambda text: b"\xef\xbb\xbf" + text),
)
TREES = st.dictionaries(
    st.builds(lambda folder, name: folder + name, st.sampled_from(FOLDERS), st.sampled_from(NAMES)),
    CONTENT,
    max_size=12,
)
RULES = st.lists(
    st.sampled_from(
        ["*.py", "!a.py", "build/", "/src", "src/in/", "!src/in", "*.o",
         "in/*.txt", "**/b.py", "é*", "/*", "!*/"]
    ),
    max_size=4,
).map(lambda lines: "\n".join(lines).encode())  # fmt: skip
IGNORES = st.dictionaries(
    st.sampled_from([".gitignore", "src/.gitignore", "build/.gitignore", ".ignore", "src/.ignore"]),
    RULES,
    max_size=3,
)
GLOBS = st.sampled_from(
    ["", "", "*.py", "**/*.py", "src/**", "src/*.py", "*.{py,txt}", "{src,build}/*", "!*.py", "!src/**",
     "[ab].py", "**/in/*", "build/**/*", "*", "é.py", "??.py", "{a,{b,c}}.py", "src/", "!src/", ".*", "/a.py"]
)  # fmt: skip
PATTERNS = st.sampled_from(
    ["needle", "^needle$", "(?i)NEEDLE", "n.edle", "a.b", "é", r"\bin\b", "x{20}", "$", "[a-z]+ os",
     "needle$"]
)  # fmt: skip


def both(root: Path, query: Query) -> tuple[Found, Found]:
    program = find_ripgrep(Workspace([root]))

    async def run() -> tuple[Found, Found]:
        first = await gather(ripgrep(program, root, query), root, query)
        return first, await gather(stand_in(query), root, query)

    return asyncio.run(run())


def write(root: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


@settings(max_examples=60, deadline=None)
@given(
    tree=TREES,
    ignores=IGNORES,
    git=st.booleans(),
    glob=GLOBS,
    pattern=PATTERNS,
    literal=st.booleans(),
    context=st.integers(0, 2),
    answer=st.sampled_from(["lines", "files", "count"]),
)
def test_both_find_the_same(
    tree: dict[str, bytes], ignores: dict[str, bytes], git: bool, glob: str, pattern: str, literal: bool,
    context: int, answer: Answer,
) -> None:  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        write(root, tree | ignores)
        if git:
            (root / ".git").mkdir()
        (root / "link.py").symlink_to("a.py")
        (root / "loop").symlink_to(".")
        query = Query(pattern=pattern, glob=glob, literal=literal, context=context, answer=answer)
        ours, theirs = both(root, query)
        assert ours == theirs


@settings(max_examples=30, deadline=None)
@given(
    tree=TREES,
    pattern=st.sampled_from(
        [r"needle\n", r"needle\n+  needle", r"e\n\n?", "needle.*os", r"^$\n", "a needle"]
    ),
    multiline=st.booleans(),
    answer=st.sampled_from(["lines", "files"]),
)
def test_both_find_the_same_across_lines(
    tree: dict[str, bytes], pattern: str, multiline: bool, answer: Answer
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        write(root, tree)
        ours, theirs = both(root, Query(pattern=pattern, multiline=multiline, answer=answer))
        assert ours == theirs


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_types_of_files_are_those_of_ripgrep(tmp_path: Path, kind: str) -> None:
    samples = {
        glob.replace("*", "x").replace("[chH]", "h").replace("[ch]", "c")
        for globs in TYPES.values()
        for glob in globs
    }
    write(tmp_path, {name: b"needle\n" for name in samples if "[" not in name})
    ours, theirs = both(tmp_path, Query(type=kind, answer="files"))
    assert theirs.files
    assert theirs.files.keys() <= ours.files.keys()


def test_a_file_that_is_named_is_searched_alone(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": b"*\n", "a.py": b"needle\n", "b.py": b"needle\n"})
    ours, theirs = both(tmp_path, Query(pattern="needle", name="a.py"))
    assert ours == theirs == Found({b"a.py": [b"1:needle"]})


def refused(root: Path, query: Query) -> str:
    with pytest.raises(ToolError) as caught:
        asyncio.run(gather(stand_in(query), root, query))
    return str(caught.value)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (Query(pattern="(a"), "not a regular expression"),
        (Query(pattern="a", type="nothing"), "unrecognized file type"),
        (Query(pattern="a", glob="["), "cannot be used"),
        (Query(pattern="a", glob="{a,b}" * 2_000), "too many alternatives"),
        (Query(pattern="a", glob="{" * 2_000), "cannot be used"),
        (Query(pattern="a", glob="src/{a"), "cannot be used"),
    ],
)
def test_what_cannot_be_used_is_explained(tmp_path: Path, query: Query, reason: str) -> None:
    assert reason in refused(tmp_path, query)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such timer")
def test_a_pattern_that_takes_for_ever_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "redos.txt").write_text("a" * 40 + "!\n")
    assert "takes too long in redos.txt" in refused(tmp_path, Query(pattern="(a+)+$"))


def test_modules_in_the_folder_are_not_run(tmp_path: Path) -> None:
    for name in ("msgspec.py", "json.py", "re.py", "sitecustomize.py", "akmon_core.py"):
        (tmp_path / name).write_text("raise SystemExit('needle')\n")
    query = Query(pattern="raise", answer="files")
    assert len(asyncio.run(gather(stand_in(query), tmp_path, query)).files) == 5


SEARCHES = """
import asyncio, sys
from akmon_core.tools import ToolContext
from akmon_tools.search import SearchArguments, SearchTool
from akmon_tools.workspace import Workspace

context = ToolContext(call_id="c1", files={}, progress=print)
output = asyncio.run(SearchTool(Workspace(["."])).run(SearchArguments(pattern="needle"), context))
print(output.text)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a link to the interpreter")
@pytest.mark.skipif(shutil.which("rg", path=os.defpath) is not None, reason="ripgrep is everywhere here")
def test_it_stands_in_where_there_is_no_ripgrep(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(os.path.realpath(sys.executable))
    write(tmp_path, {"ws/a.py": b"x\nneedle\n", "ws/.gitignore": b"b.py\n", "ws/b.py": b"needle\n"})
    env = {"PATH": str(python.parent), "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [str(python), "-c", SEARCHES]
    done = subprocess.run(argv, env=env, cwd=tmp_path / "ws", capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("a.py\n     2: needle\n", "")
