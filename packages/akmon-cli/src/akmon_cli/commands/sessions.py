"""``akmon sessions``: the sessions of this project: list, show, export, delete."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, Parser
from akmon_cli.folders import change_folder, project_sessions
from akmon_cli.streams import print_json
from akmon_cli.transcript import TRANSCRIPTS
from akmon_core.errors import SettingsError
from akmon_core.events import Compacted, Replied, ToolFinished, TurnEnded
from akmon_core.text import neutralise, one_line
from akmon_query.integrity import describe_problem, verify_journal
from akmon_query.journal import delete_journal, read_records
from akmon_query.store import SessionInfo, find_session, list_sessions
from akmon_tools.outputs import delete_outputs


def parser() -> Parser:
    parser = Parser(prog="akmon sessions", description="The sessions of this project.").add(COMMON)
    actions = parser.add_subparsers(dest="action", metavar="list|show|export|delete")
    listing = actions.add_parser("list", help="list them, last used first (the default)")
    listing.add_argument("--json", action="store_true", help="as JSON")
    actions.add_parser("show", help="what happened in one").add_argument("session", nargs="?", default="")
    export = actions.add_parser("export", help="write one to stdout")
    export.add_argument("session", nargs="?", default="")
    export.add_argument("--format", choices=tuple(TRANSCRIPTS), default="markdown")
    delete = actions.add_parser("delete", help="delete one for good")
    delete.add_argument("session")
    delete.add_argument("-y", "--yes", action="store_true", help="do not ask")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    folder = project_sessions()
    match options.action:
        case "show":
            return _show(find_session(folder, options.session))
        case "export":
            return _export(find_session(folder, options.session), options.format)
        case "delete":
            if not options.session:
                raise SettingsError("which session? Give its id. See: akmon sessions list")
            return _delete(find_session(folder, options.session), sure=options.yes)
        case _:
            return _list(folder, as_json=getattr(options, "json", False))


def _list(folder: Path, *, as_json: bool) -> int:
    sessions = list_sessions(folder)
    if as_json:
        print_json([_row(info) for info in sessions])
        return exitcodes.OK
    if not sessions:
        print("no sessions of this project yet", file=sys.stderr)
    for info in sessions:
        name = f"[{one_line(info.name, 40)}] " if info.name else ""
        print(f"{info.id}  {_when(info.changed)}  {name}{one_line(info.prompt, 60)}")
    return exitcodes.OK


def _row(info: SessionInfo) -> dict[str, object]:
    return {**msgspec.structs.asdict(info), "path": str(info.path)}


def _show(info: SessionInfo) -> int:
    envelopes = [envelope for _, envelope, _ in read_records(info.path)]
    agents = {envelope.agent for envelope in envelopes} - {""}
    events = [envelope.event for envelope in envelopes if not envelope.agent]
    print(f"session   {info.id}{f'  [{one_line(info.name, 100)}]' if info.name else ''}")
    print(f"model     {neutralise(f'{info.provider}/{info.model}')}")
    print(f"folder    {neutralise(info.cwd)}")
    print(f"started   {_when(info.started)}, last used {_when(info.changed)}")
    print(f"prompt    {one_line(info.prompt, 100)}")
    print(f"turns     {sum(isinstance(event, TurnEnded) for event in events)}")
    print(f"replies   {sum(isinstance(event, Replied) for event in events)}")
    print(f"calls     {sum(isinstance(event, ToolFinished) for event in events)}")
    if agents:
        print(f"agents    {len(agents)} ({', '.join(sorted(agents))})")
    if shortened := sum(isinstance(event, Compacted) for event in events):
        print(f"shortened {shortened}")
    print(f"journal   {info.path} ({_integrity(info.path)})")
    answer = next((event.message.text for event in reversed(events) if isinstance(event, Replied)), "")
    if answer:
        print(f"\n{neutralise(answer)}")
    return exitcodes.OK


def _integrity(path: Path) -> str:
    found = verify_journal(path)
    if found.intact:
        return "chain intact" if found.anchor else "chain intact, no anchor"
    first = found.problems[0]
    where = f"changed from outside at record {first.record}" if first.record else describe_problem(first)
    return f"{neutralise(where)}; see akmon audit verify {path.stem}"


def _export(info: SessionInfo, form: str) -> int:
    for piece in TRANSCRIPTS[form](info):
        sys.stdout.write(piece)
    sys.stdout.flush()
    return exitcodes.OK


def _delete(info: SessionInfo, *, sure: bool) -> int:
    if not sure:
        if not sys.stdin.isatty():
            raise SettingsError(f"deleting {info.id} is for good. Confirm it with --yes.")
        if not _confirmed(f"Delete session {info.id} ({one_line(info.prompt, 60)}) for good? [y/N] "):
            print(f"{info.id} is kept", file=sys.stderr)
            return exitcodes.DENIED
    delete_journal(info.path)
    delete_outputs(info.path.with_suffix(".outputs"))
    print(f"deleted {info.id}", file=sys.stderr)
    return exitcodes.OK


def _confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl+D
        print()
        return False


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
