"""``akmon audit``: what a session did, when, and on whose approval; and whether its record is whole."""

from __future__ import annotations

import json
import re
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, assert_never

import msgspec

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, Parser
from akmon_cli.folders import change_folder, project_sessions
from akmon_core.errors import JournalError, SettingsError
from akmon_core.text import one_line, reveal
from akmon_query.anchor import anchor_path
from akmon_query.audit import (
    KINDS,
    AgentStep,
    AuditRecord,
    PolicyEvaluation,
    ToolDispatch,
    ToolOutcome,
    audit_records,
)
from akmon_query.integrity import Verification, describe_problem, verify_journal
from akmon_query.journal import read_records
from akmon_query.store import find_session

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SHOWN = 20
_WIDTH = 300


def parser() -> Parser:
    parser = Parser(
        prog="akmon audit",
        description="What a session did, when, and on whose approval; and whether its record is whole.",
    ).add(COMMON)
    actions = parser.add_subparsers(dest="action", metavar="show|verify", required=True)
    show = actions.add_parser("show", help="the records of a session, a line each")
    show.add_argument("session", nargs="?", default="", help="id, start of an id, or name (the last used)")
    show.add_argument("--json", action="store_true", help="JSON Lines, as docs/audit.md describes them")
    show.add_argument(
        "--since", metavar="WHEN", help="from then on: 2h, 30m, 7d, 2026-11-21, or 2026-11-21T20:15"
    )
    show.add_argument("--tool", metavar="NAME", help="only about calls of this tool; may be a glob")
    show.add_argument("--kind", choices=KINDS, help="only records of this kind")
    show.add_argument("--denied", action="store_true", help="only what was denied")
    verify = actions.add_parser("verify", help="check that nothing was changed, removed or cut off")
    verify.add_argument("session", nargs="?", default="", help="id, start of an id, or name (the last used)")
    verify.add_argument("--all", action="store_true", help="every session of this project")
    verify.add_argument("--json", action="store_true", help="as JSON")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    return _show(options) if options.action == "show" else _verify(options)


def _json(value: object) -> str:
    """In ASCII, so that no character can steer a terminal or end a line."""
    return json.dumps(value)


def _journal(wanted: str) -> Path:
    """Raises ``SettingsError``, as a session that there is not is not a broken one."""
    folder = project_sessions()
    exact = folder / f"{wanted}.jsonl"
    if wanted and "/" not in wanted and exact.is_file():
        return exact
    try:
        return find_session(folder, wanted).path
    except JournalError as error:
        raise SettingsError(str(error)) from None


# --- show -------------------------------------------------------------------------------------------


def _show(options: Namespace) -> int:
    wanted = _filter(options)
    for record in audit_records(read_records(_journal(options.session))):
        if wanted(record):
            sys.stdout.write(f"{_json(msgspec.to_builtins(record)) if options.json else _line(record)}\n")
    sys.stdout.flush()
    return exitcodes.OK


def _filter(options: Namespace) -> Callable[[AuditRecord], bool]:
    since = _since(options.since) if options.since is not None else None

    def wanted(record: AuditRecord) -> bool:
        if since is not None and record.at < since:
            return False
        if options.kind and record.__struct_config__.tag != options.kind:
            return False
        if options.tool and (isinstance(record, AgentStep) or not fnmatchcase(record.tool, options.tool)):
            return False
        return not options.denied or (isinstance(record, PolicyEvaluation) and record.verdict == "deny")

    return wanted


def _since(text: str) -> float:
    """Seconds since 1970-01-01 UTC of a time, or of so long ago; a time without a zone is local."""
    if ago := re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text):
        return time.time() - float(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise SettingsError(
            f"--since {text!r} is no time. Give how long ago (2h, 30m, 7d) or when (2026-11-21T20:15)."
        ) from None


def _line(record: AuditRecord) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.at))
    who = f"{record.agent}: " if record.agent else ""
    return f"{when}  #{record.seq}  turn {record.turn}  {who}{_flat(_said(record))}"


def _said(record: AuditRecord) -> str:
    match record:
        case PolicyEvaluation():
            targets = ", ".join(f"{effect.kind} {effect.target}" for effect in record.effects)
            rule = f", rule {record.rule}" if record.rule else ""
            scope = f", {record.scope}" if record.scope not in ("", "once") else ""
            mode = f", {record.mode} mode" if record.mode else ""
            what = f"{record.tool} [{targets}]" if targets else record.tool
            return f"{record.verdict} {what} by {record.actor}: {record.reason}{rule}{scope}{mode}"
        case ToolDispatch():
            held = f", sandbox {record.sandbox}" if record.sandbox else ""
            held += f", by {record.server}" if record.server else ""
            decided = f" (approved in #{record.decided}{held})" if record.decided else held
            return f"run {record.tool} {record.arguments}{decided}"
        case ToolOutcome():
            files = f", wrote {', '.join(record.files)}" if record.files else ""
            source = f", text from {record.untrusted}" if record.untrusted else ""
            ran = f" of #{record.dispatched}" if record.dispatched else ", not run"
            took = f", {record.duration_ms:,} ms" if record.dispatched else ""
            return f"{record.outcome} {record.tool}{ran}: {record.summary}{files}{source}{took}"
        case AgentStep():
            return record.description or record.step
        case _:
            assert_never(record)


def _flat(text: str) -> str:
    return one_line(reveal(text), _WIDTH)


# --- verify -----------------------------------------------------------------------------------------


def _verify(options: Namespace) -> int:
    if options.all and options.session:
        raise SettingsError("--all is every session of this project: leave out the session, or --all")
    paths = _all(project_sessions()) if options.all else [_journal(options.session)]
    checked = [(path, _checked(path)) for path in paths]
    if options.json:
        print(_json([_as_json(path, found) for path, found in checked]))
    else:
        for path, found in checked:
            for line in _lines(path, found):
                print(line)
    broken = any(isinstance(found, str) or not found.intact for _, found in checked)
    return exitcodes.ERROR if broken else exitcodes.OK


def _all(folder: Path) -> list[Path]:
    """Also those of which only the anchor is left."""
    anchored = {path.with_suffix(".jsonl") for path in folder.glob("*.head")}
    return sorted(anchored | set(folder.glob("*.jsonl")))


def _checked(path: Path) -> Verification | str:
    try:
        return verify_journal(path)
    except JournalError as error:
        return str(error)


def _lines(path: Path, found: Verification | str) -> Iterator[str]:
    if isinstance(found, str):
        yield f"{path.stem}: broken: {_flat(found)}"
        return
    count = f"{found.records:,} record{'s' * (found.records != 1)}"
    yield f"{path.stem}: {f'intact, {count}' if found.intact else f'BROKEN, {count} that can be read'}"
    for problem in found.problems[:_SHOWN]:
        yield f"  {_flat(describe_problem(problem))}"
    if len(found.problems) > _SHOWN:
        yield f"  and {len(found.problems) - _SHOWN:,} more"
    yield f"  {_anchor(path, found)}"
    yield f"  head {found.head.hash} (record {found.head.seq})"


def _anchor(path: Path, found: Verification) -> str:
    if found.anchor is None:
        return f"no anchor ({anchor_path(path).name}): a journal that was cut short would not be noticed"
    if found.beyond <= 0:
        return f"anchored at record {found.anchor.seq}"
    return (
        f"anchored at record {found.anchor.seq}; the last {found.beyond:,} came after that, and nothing "
        "vouches for the very last one"
    )


def _as_json(path: Path, found: Verification | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"session": path.stem, "intact": False, "error": found}
    return {
        "session": path.stem,
        "intact": found.intact,
        "records": found.records,
        "head": msgspec.to_builtins(found.head),
        "anchor": msgspec.to_builtins(found.anchor),
        "problems": [
            {**msgspec.structs.asdict(problem), "text": describe_problem(problem)}
            for problem in found.problems
        ],
    }
