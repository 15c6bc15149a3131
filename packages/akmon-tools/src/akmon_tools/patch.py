"""The tool that applies a patch to several files, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import DIFF_LINES, PATCH_BYTES, PATCH_FILES
from akmon_core.tools import DiffView, Effect, FileSeen, ToolContext, ToolOutput
from akmon_tools.diff import diff_view
from akmon_tools.nearest import number_lines
from akmon_tools.patches.contextformat import is_anchored, parse_anchored, unwrap
from akmon_tools.patches.hunks import Entry
from akmon_tools.patches.planning import Patched, plan_patch, written
from akmon_tools.patches.unified import parse_unified
from akmon_tools.textfile import hash_of
from akmon_tools.together import write_together
from akmon_tools.workspace import Workspace

_CONTEXT = 2
_SHOWN_LINES = 80
"""Of all changed lines together."""
_NAMED = 3
"""Files named in the head of a combined view."""
_DONE = {
    "add": "added",
    "delete": "deleted",
    "update": "changed",
    "move": "moved here from",
    "copy": "copied from",
}


class PatchArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    patch: str


def read_patch(text: str) -> tuple[Entry, ...]:
    """What a patch of either format says about each file. Raises ``ToolError``; touches nothing."""
    if len(text.encode("utf-8", "surrogatepass")) > PATCH_BYTES:
        raise ToolError(f"the patch exceeds {PATCH_BYTES:,} bytes: use several.")
    lines = unwrap(text)
    entries = parse_anchored(lines) if is_anchored(lines) else parse_unified(lines)
    if not entries:
        raise ToolError("the patch is empty.")
    if len(entries) > PATCH_FILES:
        raise ToolError(f"the patch touches {len(entries)} files, more than {PATCH_FILES}: use several.")
    return entries


class PatchTool:
    name = "patch"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = PatchArguments

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def effects(self, arguments: PatchArguments) -> tuple[Effect, ...]:
        """All that is touched. A patch that cannot be read touches nothing: ``run`` refuses it."""
        try:
            entries = read_patch(arguments.patch)
        except ToolError:
            return ()
        return tuple(dict.fromkeys(effect for entry in entries for effect in _effects(entry)))

    def preview(self, arguments: PatchArguments, context: ToolContext) -> DiffView | None:
        try:
            patched = plan_patch(self._workspace, read_patch(arguments.patch), context.files)
        except ToolError:
            return None
        return _combined(patched, _views(patched))

    async def run(self, arguments: PatchArguments, context: ToolContext) -> ToolOutput:
        patched = plan_patch(self._workspace, read_patch(arguments.patch), context.files)
        writes = written(patched)
        hashes = {
            str(write.path): write.after if write.after is None else hash_of(write.after) for write in writes
        }
        context.changing(hashes)
        write_together(self._workspace, writes)
        views = _views(patched)
        view = _combined(patched, views)
        return ToolOutput(
            "\n".join(_report(patched, views)),
            view=view,
            summary=f"{len(patched)} file{'s' * (len(patched) != 1)}, +{view.added} -{view.removed} lines",
            files=tuple(FileSeen(path, sha256, written=True) for path, sha256 in hashes.items() if sha256),
        )


def _effects(entry: Entry) -> Iterator[Effect]:
    """A moved or copied file can be read afterwards under a name that no rule knows."""
    if entry.target:
        yield Effect("read", entry.path)
    if entry.action != "copy":
        yield Effect("write", entry.path)
    if entry.target:
        yield Effect("write", entry.target)


# --- what the model reads ---------------------------------------------------------------------------


def _report(patched: Sequence[Patched], views: Sequence[DiffView]) -> Iterator[str]:
    room = _SHOWN_LINES
    for one, view in zip(patched, views, strict=True):
        yield f"{_head(one, view)}."
        yield from one.applied.notes
        lines = list(_around(one))
        if one.entry.action in ("add", "delete") or not lines:
            continue
        yield "\n".join(lines[:room]) if room else "[...]"
        if 0 < room < len(lines):
            yield f"[... {len(lines) - room} more lines ...]"
        room = max(room - len(lines), 0)


def _head(one: Patched, view: DiffView) -> str:
    done = _DONE[one.entry.action]
    source = f" {one.entry.path}" if one.entry.target else ""
    mode = {None: "", True: ", executable", False: ", not executable"}[one.entry.executable]
    counts = f" (+{view.added} -{view.removed})" if view.added or view.removed else ""
    return f"{one.name}: {done}{source}{counts}{mode}"


def _around(one: Patched) -> Iterator[str]:
    """The changed lines with their neighbours, numbered; regions that meet are one."""
    lines = one.applied.text.removesuffix("\n").split("\n")
    regions: list[tuple[int, int]] = []
    for first, last in one.applied.spans:
        first, last = max(first - _CONTEXT, 1), min(last + _CONTEXT, len(lines))
        if regions and first <= regions[-1][1] + 1:
            first = regions.pop()[0]
        regions.append((first, last))
    for at, (first, last) in enumerate(regions):
        if at:
            yield "   ..."
        yield from number_lines(lines[first - 1 : last], first).split("\n")


# --- what people see --------------------------------------------------------------------------------


def _views(patched: Sequence[Patched]) -> list[DiffView]:
    return [diff_view(one.name, one.before, one.after) for one in patched]


def _combined(patched: Sequence[Patched], views: Sequence[DiffView]) -> DiffView:
    """One file's diff, or all of them one after the other, each under a line that names it."""
    if len(views) == 1 and patched[0].entry.action == "update":
        return views[0]
    lines: list[str] = []
    for one, view in zip(patched, views, strict=True):
        lines += [f"diff {_head(one, view)}", *(view.diff.split("\n") if view.diff else [])]
    if len(lines) > DIFF_LINES:
        lines[DIFF_LINES:] = [f"[... {len(lines) - DIFF_LINES:,} more lines ...]"]
    names = ", ".join(view.path for view in views[:_NAMED])
    return DiffView(
        path=names + (f" (+{len(views) - _NAMED:,} more)" if len(views) > _NAMED else ""),
        diff="\n".join(lines),
        added=sum(view.added for view in views),
        removed=sum(view.removed for view in views),
    )
