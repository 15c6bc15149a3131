"""What becomes of files, in dim lines: by commands, by rewinds, by commits. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_core.events import Committed, FilesChanged, Rewound
from akmon_core.files import FileChange
from akmon_core.rewinding import changed_paths
from akmon_core.text import from_folder, name_files, neutralise, one_line
from akmon_tui.view import View, call_key

_ROWS = 40


def change_note(view: View, event: FilesChanged | Rewound | Committed, width: int, agent: str = "") -> str:
    """What ``event`` is worth saying, or nothing: what a tool writes itself is shown with its result."""
    match event:
        case FilesChanged(changes, call_id):
            if not call_id:
                return _meanwhile(changes, view.folder, width)
            paths = name_files(changed_paths(changes), view.folder)
            indent = "" if agent else "  "
            runs = call_key(agent, call_id) in view.runs
            return indent + one_line(f"changed: {paths}", width - len(indent)) if runs else ""
        case Rewound():
            return "\n".join(_rewound(event, view.folder))
        case Committed(commit, subject, files):
            count = f"({len(files):,} file{'s' * (len(files) != 1)})"
            return f"{one_line(f'committed {commit[:7]} {subject}', width - len(count) - 1)} {count}"


def _meanwhile(changes: Sequence[FileChange], folder: str, width: int) -> str:
    """Without new folders, which show in what is in them: a rewind may have had to make or leave some."""
    told = [each for each in changes if each.before or not (each.after and each.after.kind == "folder")]
    paths = name_files(changed_paths(told), folder)
    return one_line(f"changed meanwhile: {paths}", width) if told else ""


def _rewound(event: Rewound, folder: str) -> list[str]:
    rows = [
        *(
            f"  {'restore' if change.after else 'remove '}  {_name(change.path, folder)}"
            for change in event.changes
        ),
        *(f"  keep     {_name(path, folder)} (someone else changed it)" for path in event.left),
    ]
    hidden = len(rows) - _ROWS
    more = [f"  ({hidden:,} more)"] if hidden > 0 else []
    return [*rows[:_ROWS], *more, "/rewind 1 undoes this rewind."]


def _name(path: str, folder: str) -> str:
    return neutralise(from_folder(path, folder)).replace("\n", "<U+000A>")
