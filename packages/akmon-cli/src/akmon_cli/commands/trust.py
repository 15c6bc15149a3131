"""``akmon trust``: what this folder would change or run, and whether it may."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, Parser
from akmon_cli.folders import change_folder, working_folder
from akmon_cli.streams import print_json
from akmon_cli.trusting import trust_store
from akmon_config.paths import project_root
from akmon_core.text import neutralise

if TYPE_CHECKING:
    from akmon_config.claims import Claims
    from akmon_config.trust import Status, Trust


def parser() -> Parser:
    parser = Parser(
        prog="akmon trust",
        description="What this folder would change or run, and whether you trust it to (status, also the "
        "exit code: 0 yes or nothing to trust, 3 no). yes: trust it as it is now; forget: take an answer "
        "back; list: all folders that you answered about.",
    ).add(COMMON)
    parser.add_argument("action", nargs="?", choices=("status", "yes", "forget", "list"), default="status")
    parser.add_argument("--json", action="store_true", help="as JSON (status, list)")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    store = trust_store()
    root = project_root(working_folder())
    match options.action:
        case "yes":
            return _yes(store, store.claims(root))
        case "forget":
            known = store.forget(root)
            print(f"{'forgotten' if known else 'there was no answer about'}: {root}", file=sys.stderr)
            return exitcodes.OK
        case "list":
            return _list(store, as_json=options.json)
        case _:
            return _status(store, store.claims(root), as_json=options.json)


def _yes(store: Trust, found: Claims) -> int:
    from akmon_config.trust import trust_question

    if not found.claims and not found.problems:
        print("there is nothing to trust here: the folder can only restrict", file=sys.stderr)
        return exitcodes.OK
    store.trust(found)
    print(trust_question(found), file=sys.stderr)
    print("It is trusted from now on, until one of these files changes.", file=sys.stderr)
    return exitcodes.OK


def _status(store: Trust, found: Claims, *, as_json: bool) -> int:
    from akmon_config.trust import trust_question

    status = store.status_of(found)
    changes = store.changes(found) if status == "changed" else ()
    if as_json:
        said = {
            "root": found.root,
            "status": status,
            "digest": found.digest,
            "claims": found.claims,
            "changes": changes,
            "problems": found.problems,
        }
        print_json(said)
    elif status == "nothing to trust":
        print("nothing to trust: this folder can only restrict what akmon does")
    else:
        print(trust_question(found, changes))
        print(_SAID[status])
    return exitcodes.OK if status in ("trusted", "nothing to trust") else exitcodes.DENIED


_SAID: dict[Status, str] = {
    "trusted": "You trust it as it is now. Take that back: akmon trust forget",
    "untrusted": "You do not trust it. If you do: akmon trust yes",
    "changed": "It has changed, so it is not trusted any more. If you trust it as it is now: akmon trust yes",
}


def _list(store: Trust, *, as_json: bool) -> int:
    answers = store.answers()
    if as_json:
        entries = [{"root": root, "yes": each.yes, "at": each.at} for root, each in sorted(answers.items())]
        print_json(entries)
        return exitcodes.OK
    if not answers:
        print("no answers yet", file=sys.stderr)
    for root, each in sorted(answers.items()):
        day = time.strftime("%Y-%m-%d", time.localtime(each.at))
        print(neutralise(f"{'yes' if each.yes else 'no ':<3}  {day}  {root}").replace("\n", " "))
    return exitcodes.OK
