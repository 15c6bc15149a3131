"""Specs: what is listed, read and written, what is refused, and that nothing lands anywhere else."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from akmon_core.errors import ArgumentsError, ToolError
from akmon_core.limits import READ_BYTES
from akmon_core.messages import ToolCall
from akmon_core.specs import tasks_of
from akmon_core.tokens import weigh_tools
from akmon_core.tools import DiffView, Effect, ToolContext, ToolOutput, parse_arguments, tool_spec
from akmon_tools.spec import SpecTool
from akmon_tools.workspace import Workspace

TASKS = "# Tasks\n\n- [x] T-1 Read\n- [ ] T-2 Write\n"


class Desk:
    """The tool over a project, with the session's memory of files."""

    def __init__(self, root: Path, cwd: Path | None = None) -> None:
        self.root = root
        self.specs = root / ".akmon" / "specs"
        self.tool = SpecTool(Workspace([root], cwd=cwd))
        self.files: dict[str, str] = {}
        self.announced: list[tuple[dict[str, str | None], bool]] = []
        """What was told before writing, and whether the file was there then."""

    def parsed(self, **arguments: Any) -> Any:
        call = ToolCall(id="c", name="spec", arguments=msgspec.json.encode(arguments).decode())
        return parse_arguments(self.tool, call)

    def context(self) -> ToolContext:
        return ToolContext(call_id="c", files=self.files, progress=print, changing=self._changing)

    def _changing(self, writes: Mapping[str, str | None]) -> None:
        self.announced.append((dict(writes), all(Path(path).exists() for path in writes)))

    def __call__(self, **arguments: Any) -> ToolOutput:
        output = asyncio.run(self.tool.run(self.parsed(**arguments), self.context()))
        self.files.update({seen.path: seen.sha256 for seen in output.files})
        return output

    def refused(self, **arguments: Any) -> str:
        with pytest.raises(ToolError) as caught:
            self(**arguments)
        return str(caught.value)

    def put(self, name: str, text: str) -> Path:
        path = self.specs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path.resolve() / "project"
    (root / ".git").mkdir(parents=True)
    return Desk(root)


def test_a_document_is_written_read_and_listed(desk: Desk) -> None:
    assert desk().text == "There are no specs yet."
    written = desk(feature="csv-export", document="requirements", text="# What\n\nR-1 rows")
    path = desk.specs / "csv-export" / "requirements.md"
    assert path.read_text() == "# What\n\nR-1 rows\n"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert desk.announced == [({str(path): digest}, False)]
    assert written.text == ".akmon/specs/csv-export/requirements.md: written."
    assert isinstance(written.view, DiffView)
    assert (written.view.added, written.view.removed) == (3, 0)
    assert [(seen.path, seen.sha256, seen.written) for seen in written.files] == [(str(path), digest, True)]
    desk(feature="csv-export", document="tasks", text=TASKS)
    desk.put("other/notes.md", "x")
    assert desk().text == "csv-export: requirements, tasks (1 of 2 done)\nother: no document yet"
    read = desk(feature="csv-export", document="tasks")
    assert read.text == TASKS
    assert [(seen.sha256, seen.written) for seen in read.files] == [
        (hashlib.sha256(TASKS.encode()).hexdigest(), False)
    ]
    assert [each.name for each in path.parent.iterdir() if each.suffix != ".md"] == []


def test_what_a_person_changed_is_read_before_it_is_replaced(desk: Desk) -> None:
    path = desk.put("a/design.md", "mine\r\n")
    message = ".akmon/specs/a/design.md is not as you last saw it: read it first."
    assert desk.refused(feature="a", document="design", text="new") == message
    desk(feature="a", document="design")
    path.write_bytes(b"mine again\r\n")
    assert desk.refused(feature="a", document="design", text="new") == message
    assert desk.announced == []
    desk(feature="a", document="design")
    desk(feature="a", document="design", text="new\nlines\n")
    assert path.read_bytes() == b"new\r\nlines\r\n", "the line ends stay"
    assert [before for _, before in desk.announced] == [True]


def test_tasks_must_be_such_that_akmon_spec_can_go_on_with_them(desk: Desk) -> None:
    assert "it has no task" in desk.refused(feature="a", document="tasks", text="- [ ] Do it")
    twice = "- [ ] T-1 a\n- [ ] T-1 b"
    assert "a task is there twice: T-1" in desk.refused(feature="a", document="tasks", text=twice)
    assert "it is empty" in desk.refused(feature="a", document="design", text=" \n")
    assert not desk.specs.exists()
    desk(feature="a", document="tasks", text=TASKS)
    assert [task.done for task in tasks_of((desk.specs / "a/tasks.md").read_text())] == [True, False]


def test_what_is_not_there_is_said_with_what_is(desk: Desk) -> None:
    assert desk.refused(feature="a", document="design") == "a has no design yet. Its documents: none."
    desk.put("a/tasks.md", TASKS)
    assert desk.refused(feature="a", document="design") == "a has no design yet. Its documents: tasks."


@pytest.mark.parametrize(
    "feature",
    [
        "..",
        ".",
        "../..",
        "a/b",
        "/etc",
        "A",
        "a--b",
        "-a",
        "a_b",
        "a b",
        "a\n",
        "ä",
        "x" * 61,
        "a\0",
        "~",
        "status",
        "tasks",
    ],
)
def test_names_that_akmon_spec_would_not_take_are_refused(desk: Desk, feature: str) -> None:
    for more in ({"document": "design"}, {"document": "design", "text": "x"}):
        with pytest.raises(ArgumentsError, match=r"(of|for) a feature(.*[^.])?\. Its arguments are"):
            desk.parsed(feature=feature, **more)


@pytest.mark.parametrize(
    "arguments",
    [
        {"feature": "a"},
        {"document": "design"},
        {"text": "x"},
        {"feature": "a", "text": "x"},
        {"feature": "a", "document": "../design"},
        {"feature": "a", "document": "design", "other": 1},
    ],
)
def test_arguments_that_do_not_go_together_are_refused(desk: Desk, arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentsError):
        desk.parsed(**arguments)


def test_links_are_not_followed(desk: Desk) -> None:
    outside = desk.root.parent / "outside"
    outside.mkdir()
    (outside / "design.md").write_text("SECRET")
    inside = desk.root / "source.py"
    inside.write_text("code\n")
    desk.put("real/design.md", "x")
    (desk.specs / "folder").symlink_to(outside)
    (desk.specs / "loop").symlink_to("loop")
    (desk.specs / "real/tasks.md").symlink_to(inside)
    assert "folder" not in desk().text
    for feature, document in (("folder", "design"), ("loop", "design"), ("real", "tasks")):
        desk.refused(feature=feature, document=document)
        desk.refused(feature=feature, document=document, text=TASKS)
        assert (
            desk.tool.preview(desk.parsed(feature=feature, document=document, text=TASKS), desk.context())
            is None
        )
    assert (inside.read_text(), (outside / "design.md").read_text()) == ("code\n", "SECRET")
    assert [path.name for path in outside.iterdir()] == ["design.md"]
    assert desk.announced == []


def test_a_folder_or_binary_file_in_the_place_of_a_document(desk: Desk) -> None:
    (desk.specs / "a" / "design.md").mkdir(parents=True)
    desk.put("b/design.md", "\0")
    for feature in ("a", "b"):
        desk.refused(feature=feature, document="design")
        desk.refused(feature=feature, document="design", text="x")
    assert (desk.specs / "a" / "design.md").is_dir()


def test_a_huge_document_is_not_written_and_shown_cut(desk: Desk) -> None:
    text = "line\n" * READ_BYTES
    assert "are the most. Shorten it." in desk.refused(feature="a", document="design", text=text)
    assert not desk.specs.exists()
    desk.put("a/design.md", text)
    output = desk(feature="a", document="design")
    assert len(output.text.encode()) <= READ_BYTES
    assert "read .akmon/specs/a/design.md" in output.text


def test_what_could_steer_a_terminal_is_shown_as_what_it_is(desk: Desk) -> None:
    desk.put("a/design.md", "red \x1b[31m\n")
    assert desk(feature="a", document="design").text == "red <U+001B>[31m\n"


def test_effects_and_preview_name_the_file(desk: Desk, tmp_path: Path) -> None:
    def effects(**arguments: Any) -> tuple[Effect, ...]:
        return desk.tool.effects(desk.parsed(**arguments))

    assert effects() == (Effect("read", ".akmon/specs"),)
    assert effects(feature="a", document="design") == (Effect("read", ".akmon/specs/a/design.md"),)
    assert effects(feature="a", document="design", text="x") == (Effect("write", ".akmon/specs/a/design.md"),)
    view = desk.tool.preview(desk.parsed(feature="a", document="design", text="x"), desk.context())
    assert view is not None
    assert view.path == ".akmon/specs/a/design.md"
    assert desk.tool.preview(desk.parsed(feature="a", document="design"), desk.context()) is None


def test_from_a_folder_of_the_project_the_specs_are_those_of_the_project(desk: Desk) -> None:
    below = desk.root / "src"
    below.mkdir()
    other = Desk(desk.root, cwd=below)
    other(feature="a", document="design", text="x")
    path = desk.specs / "a" / "design.md"
    assert path.read_text() == "x\n"
    assert other.tool.effects(other.parsed(feature="a", document="design")) == (Effect("read", str(path)),)


def test_the_model_is_told_little() -> None:
    assert weigh_tools([tool_spec(SpecTool(Workspace([Path.cwd()])))]) <= 130
