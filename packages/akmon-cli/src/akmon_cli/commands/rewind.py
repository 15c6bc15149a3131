"""``akmon rewind``: the places that a session can go back to, and going back to one of them."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, Parser
from akmon_cli.folders import change_folder, project_sessions, session_folders
from akmon_cli.progress import describe_rewind
from akmon_cli.streamlines import stream_line
from akmon_cli.streams import print_json
from akmon_cli.writers import say
from akmon_config.paths import cache_dir, checkpoints_file
from akmon_core.commands import REWOUND, Rewind
from akmon_core.errors import SettingsError
from akmon_core.events import Envelope, Event, FilesChanged, Noticed, Rewound, SessionStarted
from akmon_core.files import same
from akmon_core.rewinding import net_changes
from akmon_core.state import State, fold
from akmon_core.text import name_files, neutralise, one_line
from akmon_query.journal import read_records
from akmon_query.store import SessionInfo, find_session

_WIDTH = 60


class Place(msgspec.Struct, frozen=True):
    """A prompt or an earlier rewind, and the files that would go back with it."""

    number: int
    """Counted back from the last one, which is 1."""
    record: int
    at: float
    """Seconds since 1970-01-01 UTC."""
    prompt: str
    """Empty: an earlier rewind, which going back there undoes."""
    files: tuple[str, ...]


def parser() -> Parser:
    parser = Parser(
        prog="akmon rewind",
        description="Take back what a session did from a prompt on: files and conversation. Without a number "
        "it lists the prompts. Files that someone else has changed since are kept.",
    ).add(COMMON)
    parser.add_argument("number", metavar="N", nargs="?", type=int, help="1 is the last prompt or rewind")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--files", action="store_true", help="only the files")
    which.add_argument("--conversation", action="store_true", help="only the conversation")
    parser.add_argument("--overwrite", action="store_true", help="also files that someone else has changed")
    parser.add_argument(
        "--session", metavar="SESSION", default="", help="id, start of an id, or name (the last used)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    info = find_session(project_sessions(), options.session)
    envelopes = [envelope for _, envelope, _ in read_records(info.path)]
    places = _places(envelopes)
    if options.number is None:
        return _list(info, places, as_json=options.json)
    if not 1 <= options.number <= len(places):
        raise SettingsError(f"there is no place {options.number} in session {info.id}. See: akmon rewind")
    what: Literal["both", "files", "conversation"] = "both"
    if options.files or options.conversation:
        what = "files" if options.files else "conversation"
    to = places[-options.number].record
    command = Rewind(to, what, "overwrite" if options.overwrite else "keep")
    events = _rewound(info, command, envelopes)
    code = _say(info, events, as_json=options.json)
    if not options.json and any(isinstance(event, Rewound) and event.left for event in events):
        _advise(options)
    return code


def _places(envelopes: Sequence[Envelope]) -> list[Place]:
    state = State()
    for envelope in envelopes:
        state = fold(state, envelope)
    at = {envelope.seq: envelope.at for envelope in envelopes}
    count = len(state.marks)
    return [
        Place(count - index, mark.record, at.get(mark.record, 0.0), mark.text, _files(envelopes, mark.record))
        for index, mark in enumerate(state.marks)
    ]


def _files(envelopes: Sequence[Envelope], record: int) -> tuple[str, ...]:
    """What is not as it was before ``record``, as far as the session knows."""
    later = (
        envelope.event.changes
        for envelope in envelopes
        if envelope.seq >= record and isinstance(envelope.event, FilesChanged | Rewound)
    )
    return tuple(change.path for change in net_changes(change for changes in later for change in changes))


def _list(info: SessionInfo, places: Sequence[Place], *, as_json: bool) -> int:
    if as_json:
        print_json({"session_id": info.id, "places": places})
        return exitcodes.OK
    cwd, _ = session_folders()
    width = len(str(len(places)))
    print(f"session {info.id}")
    for place in places:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(place.at))
        said = (
            one_line(place.prompt, _WIDTH) if place.prompt.strip() else "undo the rewind that was made here"
        )
        print(f"  {place.number:>{width}}  {when}  {said}{_counted(place.files, str(cwd))}")
    print("akmon rewind N takes back that one and all that came after it", file=sys.stderr)
    return exitcodes.OK


def _counted(files: Sequence[str], folder: str) -> str:
    if not files:
        return ""
    names = neutralise(name_files(files, folder)).replace("\n", " ")
    return f" ({len(files):,} changed: {names})"


def _rewound(info: SessionInfo, command: Rewind, envelopes: Sequence[Envelope]) -> tuple[Event, ...]:
    from akmon_query.assembly import rewind_session

    cwd, root = session_folders()
    checkpoints = checkpoints_file(cache_dir(os.environ), root)
    roots = (cwd, root, *_roots(envelopes))
    return asyncio.run(rewind_session(info, command, roots=roots, checkpoints=checkpoints))


def _roots(envelopes: Sequence[Envelope]) -> Iterator[Path]:
    """The folders in which the session began to work."""
    for envelope in envelopes:
        if isinstance(envelope.event, SessionStarted):
            yield from (Path(root) for root in envelope.event.roots if Path(root).is_dir())


def _say(info: SessionInfo, events: Sequence[Event], *, as_json: bool) -> int:
    """Says what was done; gives the exit code, which is 0 if nothing stood in the way of all of it."""
    done = next((event for event in events if isinstance(event, Rewound)), None)
    *problems, summary = [event.text for event in events if isinstance(event, Noticed)]
    summary = summary.removeprefix(REWOUND)
    if as_json:
        print_json(_as_json(info, done, problems, summary))
    else:
        cwd, _ = session_folders()
        for line in describe_rewind(done, str(cwd), _stayed(done, events)) if done else ():
            print(line)
        for problem in problems:
            say(f"akmon: {problem}")
        say(f"akmon: {summary}")
    return exitcodes.OK if done and not problems and not done.left else exitcodes.ERROR


def _advise(options: Namespace) -> None:
    """How to overwrite what was left. The rewind that left it is a place too, so the number is one more."""
    session = f" --session {shlex.quote(options.session)}" if options.session else ""
    which = " --files" if options.files else ""
    say("akmon: someone else has changed what is left. To take that back as well:")
    say(f"akmon:   akmon rewind 1{session}")
    say(f"akmon:   akmon rewind {options.number + 1}{which} --overwrite{session}")


def _stayed(done: Rewound, events: Sequence[Event]) -> set[str]:
    """What a rewind did not make of files although it was to; that is on record right after it."""
    after = events[events.index(done) :]
    became = {
        change.path: change.after
        for event in after
        if isinstance(event, FilesChanged)
        for change in event.changes
    }
    wanted = {change.path: change.after for change in done.changes}
    return {path for path, state in became.items() if path in wanted and not same(state, wanted[path])}


def _as_json(
    info: SessionInfo, done: Rewound | None, problems: Sequence[str], summary: str
) -> dict[str, Any]:
    line = stream_line(done) if done else None
    return {"session_id": info.id, "rewound": line, "problems": problems, "summary": summary}
