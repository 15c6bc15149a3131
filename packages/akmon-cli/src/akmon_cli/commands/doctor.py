"""``akmon doctor``: checks what akmon needs here, and says what to do about what is missing."""

from __future__ import annotations

import argparse
import glob
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from akmon_cli import __version__, exitcodes
from akmon_cli.args import COMMON, MODEL, Parser
from akmon_cli.backends import backends
from akmon_cli.commands.sandbox import opened
from akmon_cli.compose import load_settings
from akmon_cli.folders import change_folder, project_sessions, working_folder
from akmon_cli.streams import print_json
from akmon_config.paths import cache_dir, checkpoints_file, project_root
from akmon_config.settings import Settings
from akmon_core.errors import AkmonError, ToolError
from akmon_models.resolve import Trace, explain
from akmon_query.store import list_sessions
from akmon_tools.programs import find_bash, find_ripgrep
from akmon_tools.workspace import Workspace


class Check(msgspec.Struct, frozen=True):
    name: str
    status: Literal["ok", "warning", "failed"]
    detail: str
    remedy: str = ""


def parser() -> Parser:
    parser = Parser(prog="akmon doctor", description="Check what akmon needs here.").add((*COMMON, *MODEL))
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    checks = [
        _python(),
        _program("ripgrep", find_ripgrep),
        _program("bash", find_bash),
        _git(),
        _terminal(),
        _project(),
        _state(),
        _checkpoints(),
        *_settings(options),
        _sandbox(),
    ]
    if options.json:
        print_json({"akmon": __version__, "checks": checks})
    else:
        _print(checks)
    failed = any(check.status == "failed" for check in checks)
    return exitcodes.ERROR if failed else exitcodes.OK


def _print(checks: list[Check]) -> None:
    print(f"akmon {__version__}")
    for check in checks:
        print(f"{check.status:<8} {check.name:<9} {check.detail}")
        if check.remedy:
            print(f"{'':<18} {check.remedy}")


def _python() -> Check:
    return Check("python", "ok", f"{platform.python_version()} at {sys.executable}")


def _program(name: str, find: Callable[[Workspace], str]) -> Check:
    try:
        return Check(name, "ok", find(Workspace((working_folder(),))))
    except ToolError as error:
        return Check(name, "failed", str(error))


def _git() -> Check:
    if path := shutil.which("git"):
        return Check("git", "ok", path)
    return Check("git", "warning", "not found; akmon works without it")


def _terminal() -> Check:
    size = shutil.get_terminal_size()
    kind = os.environ.get("TERM", "not set")
    return Check("terminal", "ok", f"TERM {kind}, {size.columns}x{size.lines}, {sys.stdout.encoding}")


def _project() -> Check:
    cwd = working_folder()
    return Check("project", "ok", f"{project_root(cwd)} (working in {cwd})")


def _state() -> Check:
    try:
        folder = project_sessions()
    except AkmonError as error:
        return Check("sessions", "failed", str(error))
    if why := _unwritable(folder):
        return Check("sessions", "failed", why, "Set AKMON_STATE_DIR to a folder that can be written.")
    return Check("sessions", "ok", f"{len(list_sessions(folder))} of this project in {folder}")


def _checkpoints() -> Check:
    """What takes changes of files back; akmon works without it."""
    try:
        file = checkpoints_file(cache_dir(os.environ), project_root(working_folder()))
    except AkmonError as error:
        return Check("rewind", "warning", f"files cannot be taken back: {error}")
    if why := _unwritable(file.parent):
        remedy = "Files cannot be taken back. Set AKMON_CACHE_DIR to a folder that can be written."
        return Check("rewind", "warning", why, remedy)
    kept = sum(path.stat().st_size for path in file.parent.glob(f"{glob.escape(file.name)}*"))
    return Check("rewind", "ok", f"{kept / 1e6:,.1f} MB of earlier states of files in {file}")


def _sandbox() -> Check:
    """What holds commands in."""
    try:
        sandbox = opened("auto")
    except AkmonError as error:
        return Check("sandbox", "failed", str(error))
    if sandbox.level == "none":
        remedy = (
            "Every command is asked about. Install bubblewrap, or allow user namespaces; see docs/sandbox.md."
        )
        return Check("sandbox", "warning", f"none: {sandbox.why}", remedy)
    why = f"; {sandbox.why}" if sandbox.why else ""
    return Check("sandbox", "ok", f"{sandbox.level}{why} (akmon sandbox status says more)")


def _unwritable(folder: Path) -> str:
    """Why nothing can be written in ``folder``; it is made if it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except OSError as error:
        return f"cannot write in {folder}: {error.strerror}"
    return ""


def _settings(options: argparse.Namespace) -> list[Check]:
    """Mistakes that keep akmon from starting, what is ignored, and the model that the settings choose."""
    try:
        loaded = load_settings(options)
    except AkmonError as error:
        return [Check("settings", "failed", problem) for problem in str(error).splitlines()]
    ignored = [Check("settings", "warning", warning) for warning in loaded.warnings]
    found = ignored or [Check("settings", "ok", "akmon config shows them")]
    return [*found, *_models(loaded.settings)]


def _models(settings: Settings) -> list[Check]:
    try:
        known = backends(settings)
    except AkmonError as error:
        return [Check("model", "failed", str(error))]
    checks = [_model("model", explain(settings.model, known, settings.provider))]
    if settings.fallback_model:
        checks.append(_model("fallback", explain(settings.fallback_model, known)))
    return checks


def _model(name: str, trace: Trace) -> Check:
    if trace.selected_provider is None:
        why = "akmon config explain-provider shows how a provider is chosen."
        return Check(name, "warning", trace.resolution_error or "", why)
    return Check(name, "ok", f"{trace.selected_provider}/{trace.model_id} ({trace.selected_reason})")
