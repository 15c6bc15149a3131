"""The composition root: settings in, a session out. The only place where settings become parts."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from akmon_cli import __version__
from akmon_cli.backends import backends, web_search
from akmon_cli.folders import project_sessions, session_folders
from akmon_cli.plugins import plugin_tools, workplace
from akmon_cli.redaction import hidden, learn, redactor
from akmon_cli.rules import rule_store
from akmon_cli.servers import configured_servers
from akmon_cli.trusting import is_trusted, settle_trust
from akmon_config.instructions import NearbyInstructions, discover, render
from akmon_config.load import Loaded, load
from akmon_config.paths import (
    cache_dir,
    checkpoints_file,
    config_file,
    data_dir,
    is_wide,
    project_root,
    state_dir,
)
from akmon_config.policy import effective_rules
from akmon_config.settings import FIELDS, NO_CHECK, Settings
from akmon_config.sources import flag
from akmon_core.errors import SettingsError
from akmon_core.limits import Limits
from akmon_core.models import Effort
from akmon_core.permissions import Mode, Policy, Rule
from akmon_core.ports import Plans, RuleStore
from akmon_core.rules import concerns_tool
from akmon_core.text import one_line
from akmon_models.backend import Backend
from akmon_models.resolve import resolve
from akmon_query.assembly import open_session
from akmon_query.forking import fork_session
from akmon_query.naming import name_problem
from akmon_query.private import make_private
from akmon_query.session import Session
from akmon_query.store import SessionInfo, find_session
from akmon_tools.registry import NAMES


class Composed(msgspec.Struct, frozen=True):
    """A session, with what it was made of."""

    session: Session
    banner: str
    warnings: tuple[str, ...]
    settings: Settings
    options: argparse.Namespace


def load_settings(options: argparse.Namespace) -> Loaded:
    """The settings in force here, with the options that were typed on top."""
    typed = {f"--{option.replace('_', '-')}": value for option, value in vars(options).items()}
    flags = {field: typed[flag(field)] for field in FIELDS if typed.get(flag(field)) is not None}
    cwd, root = session_folders()
    trusted = is_trusted(root, this_run=getattr(options, "trust", False))
    return load(flags, environ=os.environ, cwd=cwd, root=root, trusted=trusted)


def compose(options: argparse.Namespace, *, unattended: bool, plans: Plans | None = None) -> Composed:
    """Opens the session that ``options`` and the settings ask for; its plans go to ``plans``, if given.

    Unless it is ``unattended``, the person is asked first whether an unknown folder is to be trusted.
    """
    cwd, root = session_folders()
    waiting = settle_trust(root, interactive=not unattended, this_run=options.trust)
    loaded = load_settings(options)
    settings = loaded.settings
    learn(settings)
    sessions = project_sessions()
    resumed = _resumed(options, sessions)
    model, provider = _model(options, settings, resumed)
    known = hidden(backends(settings))
    fallback, idle_fallback = _fallback(settings.fallback_model, model, provider, known)
    rules = effective_rules(loaded)
    plugins, problems = plugin_tools(workplace(root, rules))
    found = discover(cwd, root)
    theirs = configured_servers(options, root)
    checkpoints, unkept = _checkpoints(root)
    session = open_session(
        model,
        cwd=cwd,
        add_dirs=_further_folders(cwd, settings),
        provider=provider,
        backends=known,
        rows=settings.models,
        effort=_effort(options, settings, resumed),
        fallback_model=fallback,
        planner_model=settings.planner_model,
        instructions=render(found.files),
        more_instructions=NearbyInstructions(cwd, root),
        memory=_memory(),
        handoff=sessions / "handoff.md",
        plans=plans,
        checkpoints=checkpoints,
        max_checkpoint_bytes=settings.max_checkpoint_bytes,
        auto_commit=settings.auto_commit,
        web_search=web_search(settings),
        servers=theirs.servers,
        approvals=theirs.approvals,
        credentials=theirs.credentials,
        server_logs=theirs.logs,
        ca_file=settings.ca_file,
        tools=plugins,
        mode=_mode(options, loaded, resumed),
        policy=Policy(
            rules=rules,
            approve_reads=options.yes,
            unattended=unattended,
            ask_when_tainted=settings.ask_when_tainted,
        ),
        sandbox=settings.sandbox,
        sandbox_write=[Path(folder) for folder in settings.sandbox_write],
        unreadable=_own_folders(),
        variables=settings.environment,
        cache=_cache(),
        redactor=redactor(),
        rules=_rule_store(root),
        limits=Limits(
            max_steps=settings.max_turns,
            max_tokens=settings.max_tokens_total,
            max_cost_usd=settings.max_budget_usd,
            max_seconds=settings.max_seconds,
            auto_compact=settings.auto_compact,
            check_command="" if settings.check_command == NO_CHECK else settings.check_command,
        ),
        find_check=str if settings.check_command == NO_CHECK else partial(_find_check, root),
        sessions=sessions,
        resumed=resumed,
        name=_name(options),
    )
    state = session.state
    banner = f"akmon {__version__} · {state.provider}/{state.model} · {state.mode} mode · /help"
    if resumed:
        banner += f"\nsession {resumed.id} goes on: {one_line(resumed.prompt, 60)}"
    idle = _idle_rules(rules, [*NAMES, *(tool.name for tool in plugins)])
    warnings = (
        *waiting,
        *loaded.warnings,
        *found.warnings,
        *theirs.warnings,
        *theirs.wrong,
        *problems,
        *idle_fallback,
        *unkept,
        *idle,
        *_sandbox_warnings(session.policy, state.mode),
        *_folder_warnings(root),
        *_own_warnings(session.policy, root),
    )
    return Composed(session, banner, warnings, settings, options)


def _memory() -> Path | None:
    """The folder of the user's own notes; None where there is no home for it."""
    try:
        return data_dir(os.environ) / "memory"
    except SettingsError:
        return None


def _checkpoints(root: Path) -> tuple[Path | None, tuple[str, ...]]:
    """Where earlier states of the project's files are kept, or why nowhere."""
    if is_wide(root):
        return None, ()
    try:
        file = checkpoints_file(cache_dir(os.environ), root)
        make_private(file.parent)
        if locked := next(
            (path for path in (file, file.parent) if path.exists() and not _writable(path)), None
        ):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(locked))
    except SettingsError as error:
        return None, (f"nothing will be kept for a rewind: {error}",)
    except OSError as error:
        why = f"cannot write {error.filename}: {error.strerror}"
        remedy = "Set AKMON_CACHE_DIR to a folder that can be written."
        return None, (f"nothing will be kept for a rewind: {why}. {remedy}",)
    return file, ()


def _writable(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


def _resumed(options: argparse.Namespace, sessions: Path) -> SessionInfo | None:
    if options.resume is None and not options.continue_:
        return None
    found = find_session(sessions, options.resume or "")
    return fork_session(found, record=getattr(options, "fork_record", 0)) if options.fork_session else found


def _model(options: argparse.Namespace, settings: Settings, resumed: SessionInfo | None) -> tuple[str, str]:
    """Model id and provider: typed ones first, then those of the resumed session, then the settings."""
    if resumed and resumed.model and not (options.model or options.provider):
        return resumed.model, resumed.provider
    return settings.model, settings.provider


def _effort(options: argparse.Namespace, settings: Settings, resumed: SessionInfo | None) -> Effort | None:
    """Like the model: what was typed, then what the resumed session had with its model, then the settings."""
    if resumed and resumed.effort and not (options.effort or options.model or options.provider):
        return resumed.effort
    return settings.effort


def _name(options: argparse.Namespace) -> str:
    name = options.name or ""
    if problem := name_problem(name):
        raise SettingsError(f"--name: {problem}")
    return name


def _fallback(
    fallback: str, model: str, provider: str, known: Mapping[str, Backend]
) -> tuple[str, tuple[str, ...]]:
    """The fallback model, and what a person should hear of it: one that is the model itself is none."""
    if not fallback:
        return "", ()
    chosen, other = resolve(model, known, provider), resolve(fallback, known)
    if (chosen.provider, chosen.model) != (other.provider, other.model):
        return fallback, ()
    warning = (
        f"the fallback model {fallback} is the model itself, so there is none. "
        "Name another one with --fallback-model."
    )
    return "", (warning,)


def _idle_rules(rules: Sequence[Rule], tools: Sequence[str]) -> list[str]:
    """A rule for a tool that there is not protects from nothing, which nobody would notice."""
    return [
        f"the rule {rule} has no effect: no tool is called {rule.tool}. The tools are: {', '.join(tools)}."
        for rule in rules
        if not (rule.tool in _ELSEWHERE or rule.tool.startswith("mcp__"))
        and not any(concerns_tool(rule, tool) for tool in tools)
    ]


_ELSEWHERE = ("network", "mcp_resource", "find_tools", "use_tool")
"""What rules may be about besides: the network of commands, and the tools that come with MCP servers."""


def _own_folders() -> list[Path]:
    """Where akmon keeps what a command has no business to read."""
    folders = []
    for where in (state_dir, cache_dir, data_dir):
        with suppress(SettingsError):
            folders.append(where(os.environ))
    with suppress(SettingsError):
        folders.append(config_file(os.environ).parent)
    return folders


def _cache() -> Path | None:
    try:
        return cache_dir(os.environ)
    except SettingsError:
        return None


def _rule_store(root: Path) -> RuleStore | None:
    try:
        return rule_store(root)
    except SettingsError:
        return None


def _further_folders(cwd: Path, settings: Settings) -> list[Path]:
    """The rest of the project when work starts in a part of it, and the folders that were added."""
    root = project_root(cwd)
    added = [Path(folder).expanduser() for folder in settings.add_dirs]
    for folder in added:
        if not folder.is_dir():
            raise SettingsError(
                f"{folder} is no folder. Give an existing one to --add-dir (setting add_dirs)."
            )
    return added if root == cwd else [root, *added]


def _mode(options: argparse.Namespace, loaded: Loaded, resumed: SessionInfo | None) -> Mode | None:
    """None leaves a resumed session in the mode that it had."""
    mode = loaded.settings.permission_mode
    if resumed and not _is_set(loaded, "permission_mode"):
        return None
    if mode == "plan" and options.implement is not None:
        raise SettingsError(
            f"this is to change files, and permission_mode is plan ({loaded.origins['permission_mode']}). "
            "Say with --permission-mode what may happen without asking."
        )
    return mode


def _find_check(root: Path) -> str:
    """The command by which the project in ``root`` is checked; empty if none is plain."""
    from akmon_config.detect import check_command, detect

    return check_command(detect(root))


def _is_set(loaded: Loaded, field: str) -> bool:
    return loaded.origins[field] != "default"


def _sandbox_warnings(policy: Policy, mode: str) -> tuple[str, ...]:
    match policy.sandbox:
        case "none":
            return ("no sandbox works here, so every command is asked about: akmon sandbox status says why",)
        case "off" if mode == "full-auto":
            return ("full-auto mode: commands are asked about, as the sandbox is switched off",)
        case _:
            return ()


def _own_warnings(policy: Policy, root: Path) -> tuple[str, ...]:
    """Only a mount can keep commands from a part of what they may write."""
    own = Path(sys.prefix).resolve()
    if policy.sandbox == "bubblewrap" or own == root or not own.is_relative_to(root):
        return ()
    warning = (
        f"akmon runs from {own}, which lies in the project, so commands can change akmon itself. "
        "Install it in an environment of its own, such as with pipx or uv tool."
    )
    return (warning,)


def _folder_warnings(root: Path) -> tuple[str, ...]:
    """A whole home folder, or a whole disk, is hardly meant as a project."""
    if not is_wide(root):
        return ()
    warning = (
        f"{root} is worked in as if it were one project, with all that is in it, and nothing is kept for a "
        "rewind. Start akmon in the folder of a project, or name it with -C."
    )
    return (warning,)
