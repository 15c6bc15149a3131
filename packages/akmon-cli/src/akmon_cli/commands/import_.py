"""``akmon import``: takes the instructions that other tools have in a project over into AGENTS.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, MODEL, Parser
from akmon_cli.commands.files import enter, existing, write
from akmon_cli.commands.rewrite import NotRewritten, rewrite
from akmon_config.banner import is_generated
from akmon_config.foreign import Scanned, scan
from akmon_config.formats import FORMATS, TARGET, Merged, merge, rewritten
from akmon_core.errors import SettingsError
from akmon_core.limits import INSTRUCTION_BYTES
from akmon_core.text import neutralise


def parser() -> Parser:
    parser = Parser(
        prog="akmon import",
        description=f"Take the instructions of other tools over into {TARGET}, each file as a section.",
    ).add((*COMMON, *MODEL))
    parser.add_argument(
        "--from", dest="tools", metavar="TOOL", action="append", choices=FORMATS, help=", ".join(FORMATS)
    )
    parser.add_argument(
        "--dry-run", action="store_true", help=f"only print the {TARGET} that would be written"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace sections of an earlier import that differ by now"
    )
    parser.add_argument(
        "--rewrite",
        action="store_true",
        help="let the model make one short text of it; needs --force for an old one",
    )
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    root = enter(options)
    scanned = scan(root, options.tools or FORMATS)
    _say(*scanned.warnings)
    if not scanned.sources:
        _say(_nothing(root, options.tools, scanned))
        return exitcodes.OK
    before = existing(root, TARGET)
    if is_generated(before):
        raise SettingsError(
            f"{root / TARGET} was written by akmon export, and the next export would write it anew. "
            "Remove it first, or import into what it is exported from by hand."
        )
    if options.rewrite and before and not options.force:
        raise SettingsError(f"{root / TARGET} is there already. Let the model rewrite it with --force.")
    merged = merge(before, scanned.sources, beside=existing(root, "AKMON.md"), force=options.force)
    text, code = merged.text, exitcodes.ERROR if merged.differing else exitcodes.OK
    if options.rewrite:
        text, code = _rewritten(options, merged, scanned)
    return _put(options, root, before, text, merged) or code


def _rewritten(options: argparse.Namespace, merged: Merged, scanned: Scanned) -> tuple[str, int]:
    """The text of the model, or the merged one if it gives none that can be used."""
    try:
        return rewritten(rewrite(options, merged.text), scanned.sources), exitcodes.OK
    except NotRewritten as problem:
        _say(f"not rewritten: {problem} What was merged without a model is kept.")
        return merged.text, exitcodes.ERROR


def _put(options: argparse.Namespace, root: Path, before: str, text: str, merged: Merged) -> int:
    if options.dry_run:
        print(neutralise(text), end="")
    elif text != before:
        write(root, TARGET, text)
        print(f"wrote {root / TARGET} ({len(text.splitlines())} lines)")
    for what, names in (
        ("added", merged.added),
        ("replaced", merged.replaced),
        (f"nothing that is not in {TARGET} already, or empty", merged.known),
        ("left as it is, as the section there differs (--force replaces it)", merged.differing),
    ):
        _say(*(f"{name}: {what}" for name in names))
    if (size := len(text.encode(errors="replace"))) > INSTRUCTION_BYTES:
        _say(
            f"{TARGET} has {size:,} bytes by now, and a model is given the first {INSTRUCTION_BYTES:,}. "
            "Shorten it: akmon import --rewrite --force"
        )
    return exitcodes.OK


def _nothing(root: Path, tools: list[str] | None, scanned: Scanned) -> str:
    if scanned.generated:
        return f"nothing to import: {', '.join(scanned.generated)} came from akmon export"
    if tools == ["codex"]:
        return f"nothing to import: codex reads {TARGET}, and so does akmon"
    wanted = [pattern for tool in tools or FORMATS for pattern in FORMATS[tool].reads]
    return f"nothing to import in {root}. Looked for: {', '.join(wanted)}"


def _say(*lines: str) -> None:
    for line in lines:
        print(f"akmon: {neutralise(line)}", file=sys.stderr)
