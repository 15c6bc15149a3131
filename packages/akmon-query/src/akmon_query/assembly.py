"""Puts a session together from its parts: model, tools, permissions, journal."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from akmon_core import __version__, ports
from akmon_core.codec import SCHEMA
from akmon_core.commands import Rewind
from akmon_core.errors import SettingsError
from akmon_core.events import Event, Instructed, ModelChosen, SessionStarted
from akmon_core.limits import MCP_SHARE, SNAPSHOT_BYTES, Limits
from akmon_core.models import Effort, Model, ModelFacts, ModelRow
from akmon_core.operands import operands_of
from akmon_core.permissions import Mode, Policy, SandboxChoice, Target
from akmon_core.ports import (
    Approvals,
    Clock,
    Credentials,
    Instructions,
    Journal,
    Locator,
    Plans,
    RuleStore,
    WebSearch,
)
from akmon_core.redact import Redactor
from akmon_core.servers import Server
from akmon_core.tools import AnyTool, Closing, Effect
from akmon_models.backend import Backend, backends_from_env
from akmon_models.registry import open_model
from akmon_models.resolve import resolve
from akmon_query.checkpoints import Checkpoints
from akmon_query.choosing import Choosing, Fitted, Reopen, Wanted
from akmon_query.gate import Gate
from akmon_query.handoff import Handoff
from akmon_query.hands import Hands
from akmon_query.ids import new_session_id
from akmon_query.journal import FileJournal, MemoryJournal
from akmon_query.ledger import Ledger
from akmon_query.owncommands import OwnCommands
from akmon_query.project import Project
from akmon_query.prompts import usable_tokens
from akmon_query.resume import resume
from akmon_query.rewinding import Rewinding
from akmon_query.serving import Serving
from akmon_query.session import Session, change_mode
from akmon_query.store import SessionInfo
from akmon_query.subagents import Agents
from akmon_query.turn import Driver
from akmon_query.workflows.plans import FilePlans
from akmon_tools.commits import GitCommits
from akmon_tools.environment import secret_values
from akmon_tools.notes import index, notes_of
from akmon_tools.outputs import Outputs
from akmon_tools.ownshell import OwnShell
from akmon_tools.registry import BY_MODEL, builtin_tools
from akmon_tools.sandbox.ladder import open_sandbox
from akmon_tools.sandbox.network import Network
from akmon_tools.sandbox.placeholders import remove_left
from akmon_tools.snapshots import Snapshots
from akmon_tools.withheld import withheld_places
from akmon_tools.workspace import Workspace

__all__ = ["Backend", "assemble", "open_session", "rewind_session"]


def _nowhere(effects: tuple[Effect, ...], folder: str = "") -> tuple[Target, ...]:  # noqa: ARG001
    """For a session without a workspace: every path is outside."""
    return tuple(
        Target(
            effect,
            operands=tuple(Target(Effect(each.kind, each.path)) for each in operands_of(effect.target)),
        )
        if effect.kind == "run"
        else Target(effect)
        for effect in effects
    )


def open_session(
    model: str | Model,
    *,
    cwd: str | Path = ".",
    add_dirs: Sequence[str | Path] = (),
    provider: str = "",
    backends: Mapping[str, Backend] | None = None,
    tools: Sequence[AnyTool] = (),
    mode: Mode | None = None,
    policy: Policy = Policy(),  # noqa: B008 - a frozen value
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
    sessions: Path | None = None,
    resumed: SessionInfo | None = None,
    name: str = "",
    effort: Effort | None = None,
    fallback_model: str = "",
    planner_model: str = "",
    rows: Sequence[ModelRow] = (),
    instructions: str = "",
    more_instructions: Instructions | None = None,
    find_check: Callable[[], str] = str,
    memory: Path | None = None,
    handoff: Path | None = None,
    plans: Plans | None = None,
    checkpoints: Path | None = None,
    max_checkpoint_bytes: int = SNAPSHOT_BYTES,
    auto_commit: bool = False,
    web_search: WebSearch | None = None,
    servers: Sequence[Server] = (),
    approvals: Approvals | None = None,
    credentials: Credentials | None = None,
    server_logs: Path | None = None,
    ca_file: str = "",
    sandbox: SandboxChoice = "auto",
    sandbox_write: Sequence[Path] = (),
    unreadable: Sequence[Path] = (),
    variables: Sequence[str] = (),
    cache: Path | None = None,
    redactor: Redactor | None = None,
    rules: RuleStore | None = None,
    locate: Locator | None = None,
    clock: Clock = time.time,
) -> Session:
    """A session in the folder ``cwd``, new or resumed.

    ``model`` is an id such as ``anthropic/claude-sonnet-5-5`` or ``scripted:FILE``, or an object of your own
    that implements ``Model``. Keys and addresses of providers come from ``backends``, by default from the
    environment. ``tools`` are added to the built-in ones, and take the place of one of the same name.
    ``sessions`` is the folder of the journals; None keeps the session in memory only. ``mode`` is
    ``default`` for a new session and unchanged for a resumed one.

    ``instructions`` is what the model is told besides, such as the text of an ``AGENTS.md``, and
    ``more_instructions`` finds what holds in folders that it comes to later.

    ``find_check`` gives the command that checks a change of the project, if ``limits`` name none; it is
    called when a turn has changed files.

    ``memory`` is the folder of the user's notes, which all projects share; without it there are only those of
    the project. ``handoff`` is the file of a note that each session leaves on being closed, and of which a
    new one is told. ``plans`` is where the answers of turns in plan mode go, by default new files in
    ``.akmon/plans``.

    ``checkpoints`` is the file in which earlier states of the project's files are kept, so that a ``Rewind``
    can bring them back, in at most ``max_checkpoint_bytes``; one for each project, which its sessions share.
    None keeps none. ``auto_commit`` commits what each turn changes to the project's git repository, and
    ``web_search`` is the search engine that the model may use. ``ca_file`` (PEM) says whom the tool that
    fetches pages trusts.

    ``servers`` are MCP servers, which takes the extra ``mcp``. They connect in the background; ``approvals``
    remembers what their tools say of themselves, so that a change waits for a person, and ``credentials``
    what they have given to log in with. What they print on standard error goes to ``server_logs``, a folder.

    ``sandbox`` is what holds commands in; by default the best that works here, and if none does, every
    command is asked about. Commands may write in ``sandbox_write`` besides, may not read what lies in
    ``unreadable`` besides what usually holds secrets and what rules deny reading, get the ``variables`` of
    the environment of these names besides the usual ones, and reach the hosts that rules for ``network``
    allow. ``cache`` is a folder in which it is remembered what works.

    ``redactor`` takes secrets out of all that is kept, shown or sent; by default it knows those that have an
    unmistakable form, and the values of variables whose names say that they are secret. ``rules`` keeps the
    rules that a person wants to hold from now on; without it there is no such answer. ``locate`` says where
    paths lead that tools of your own name; by default all are taken for paths of files.

    With a model given by its id: ``effort`` is how much it may think, ``fallback_model`` the id of another
    one that takes over for good when it has failed three times in a row, ``planner_model`` the one that makes
    plans (by default the model itself), and ``rows`` say what the catalog does not know of a model, such as
    its prices. A resumed session that goes on with its model thinks as much as it did. ``ChooseModel``
    changes the model later, by the same rules, and without a fallback if that is the model chosen.

    Raises ``SettingsError`` or ``JournalError``.
    """
    planner: Model | None = None
    wanted, open_other = Wanted(""), None
    if isinstance(model, str):
        known = backends_from_env(os.environ) if backends is None else backends
        if resumed and model == resumed.model:
            effort = effort or resumed.effort
        wanted = Wanted(model, provider, effort)
        open_other = partial(_open_other, known, rows, fallback_model, limits)
        opened = open_model(
            model, known, provider=provider, rows=rows, effort=effort, fallback=fallback_model
        )
        model, asked = opened, opened.possible
        if planner_model:
            planner = other = open_model(planner_model, known, rows=rows, effort=effort)
            asked = (*asked, *other.possible)
    elif rows or effort or fallback_model or planner_model:
        raise SettingsError(
            "effort, fallback_model, planner_model and rows go with a model given by its id. "
            "Leave them out for an object of your own."
        )
    else:
        asked = (model.facts,)
    _check_budget(limits, asked)
    workspace = Workspace((Path(cwd), *(Path(folder) for folder in add_dirs)), rules=policy.rules)
    session = resumed.id if resumed else new_session_id(time.time())
    snapshots = None
    if checkpoints:
        apart = (sessions.resolve(),) if sessions else ()
        snapshots = Snapshots(workspace.roots, checkpoints, apart=apart, capacity=max_checkpoint_bytes)
    redactor = redactor or Redactor(secret_values(os.environ))
    outputs = Outputs(sessions / f"{session}.outputs" if sessions else None, redactor)
    network = Network(policy.rules)
    if sandbox != "off":
        unreadable = (*unreadable, *withheld_places(workspace.roots, workspace.unreadable))
    box = open_sandbox(
        sandbox,
        workspace.roots,
        writable=sandbox_write,
        unreadable=unreadable,
        network=network or None,
        aside=sessions / f"{session}.aside" if sessions else None,
        cache=cache / "sandbox" if cache else None,
    )

    def hands_for(facts: ModelFacts) -> dict[str, AnyTool]:
        hands = builtin_tools(
            workspace,
            memory=memory,
            outputs=outputs,
            edit_format=facts.edit_format,
            web_search=web_search,
            ca_file=ca_file,
            images=facts.images,
            sandbox=box,
            variables=variables,
        )
        return {tool.name: tool for tool in (*hands, *tools)}

    all_tools = hands_for(model.facts)

    def reopen(other: Wanted) -> Fitted:
        """Tools that are the same for all models stay the same objects, with the commands that they run."""
        assert open_other is not None
        opened = open_other(other)
        fresh = hands_for(opened.facts)
        kept = {name: tool for name, tool in all_tools.items() if name not in BY_MODEL}
        return Fitted(opened, {name: kept.get(name, tool) for name, tool in fresh.items()})

    note = Handoff(handoff)
    started = SessionStarted(
        schema=SCHEMA,
        akmon=__version__,
        cwd=str(workspace.cwd),
        roots=tuple(str(root) for root in workspace.roots),
        facts=_facts(workspace, index(notes_of(workspace, memory)), note.read()),
        name=name,
    )
    return assemble(
        model,
        all_tools,
        _open_journal(session, sessions, resumed),
        session=session,
        started=started,
        locate=locate or workspace.locate,
        mode=mode,
        policy=msgspec.structs.replace(policy, sandbox=box.level),
        redactor=redactor,
        rules=rules,
        limits=limits,
        project=Project(
            plans=plans or FilePlans(workspace.project),
            instructions=more_instructions,
            handoff=note,
            check=find_check,
            commits=GitCommits(workspace.project, workspace.roots) if auto_commit else None,
        ),
        snapshots=snapshots,
        planner=planner,
        instructions=instructions,
        wanted=wanted,
        reopen=reopen if open_other else None,
        shell=OwnShell(workspace, outputs),
        servers=_connectable(servers, workspace, outputs, approvals, credentials, server_logs, ca_file)
        if servers
        else None,
        clock=clock,
    )


def assemble(
    model: Model,
    tools: Mapping[str, AnyTool],
    journal: Journal,
    *,
    session: str,
    started: SessionStarted = SessionStarted(schema=SCHEMA, akmon=__version__, cwd="", roots=()),  # noqa: B008
    locate: Locator = _nowhere,
    mode: Mode | None = None,
    policy: Policy = Policy(),  # noqa: B008 - a frozen value
    redactor: ports.Redactor | None = None,
    rules: RuleStore | None = None,
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
    project: Project | None = None,
    snapshots: ports.Snapshots | None = None,
    planner: Model | None = None,
    instructions: str = "",
    wanted: Wanted = Wanted(""),  # noqa: B008 - a frozen value
    reopen: Reopen | None = None,
    shell: ports.OwnShell | None = None,
    servers: ports.Servers | None = None,
    clock: Clock = time.time,
) -> Session:
    """A session from parts that are there already; what ``journal`` holds is resumed.

    ``wanted`` is how ``model`` was named, and ``reopen`` opens another one.
    """
    project = project or Project()
    checkpoints = Checkpoints(snapshots)
    ledger = Ledger(session, journal, clock, redactor=redactor)
    try:
        if not resume(ledger, checkpoints):
            ledger.report(started)
        _choose(ledger, model, wanted.effort, mode, instructions)
    except BaseException:
        ledger.close()
        raise
    gate = Gate(ledger, locate, policy, rules)
    limits = _from_now_on(limits, ledger)

    def driver(fitted: Fitted) -> Driver:
        model = fitted.model
        share = round(usable_tokens(model.facts) * MCP_SHARE)
        hands = Hands(fitted.tools, policy, servers, share)
        agents = Agents(ledger, model, hands, gate, limits, project, checkpoints, planner)
        return Driver(ledger, model, hands, gate, limits, project, checkpoints, agents)

    choosing = Choosing(ledger, driver, Fitted(model, tools), wanted, reopen)
    commands = OwnCommands(ledger, shell)

    async def let_go() -> None:
        await commands.close()
        for tool in tools.values():
            if isinstance(tool, Closing):
                await tool.close()
        checkpoints.close()

    serving = Serving(ledger, servers)
    rewinding = Rewinding(ledger, gate, checkpoints)
    return Session(ledger, choosing, gate, project, rewinding, commands, serving, let_go)


async def rewind_session(
    info: SessionInfo,
    command: Rewind,
    *,
    roots: Iterable[str | Path],
    checkpoints: Path,
    clock: Clock = time.time,
) -> tuple[Event, ...]:
    """Takes back what happened in a session that nobody has open, without a model; gives what came of it.

    The last event is a ``Noticed`` that says so in words; a ``Rewound`` is among those before it if anything
    was done. ``roots`` are the folders in which the files lie, ``checkpoints`` is as in ``open_session``.

    Raises ``SettingsError`` or ``JournalError``.
    """
    ledger = Ledger(info.id, FileJournal(info.path), clock)
    try:
        folders = Workspace(roots).roots
        remove_left(folders)
        apart = (info.path.parent.resolve(),)
        # What may be kept is for the settings to say, so nothing goes to make room here.
        snapshots = Snapshots(folders, checkpoints, apart=apart, capacity=sys.maxsize)
        kept = Checkpoints(snapshots)
        try:
            resume(ledger, kept)
            events = ledger.subscribe(None, agents=False)
            await Rewinding(ledger, Gate(ledger, _nowhere, Policy(unattended=True)), kept).rewind(command)
        finally:
            kept.close()
    finally:
        ledger.close()
    return tuple([envelope.event async for envelope in events])


def _connectable(
    servers: Sequence[Server],
    workspace: Workspace,
    outputs: Outputs,
    approvals: Approvals | None,
    credentials: Credentials | None,
    logs: Path | None,
    ca_file: str,
) -> ports.Servers:
    """Loads what talks with servers, which a session without any does not need."""
    from akmon_tools.mcp.facts import Surroundings
    from akmon_tools.mcp.servers import McpServers

    surroundings = Surroundings(
        roots=workspace.roots,
        environ=os.environ,
        redactor=outputs.redactor,
        logs=logs,
        credentials=credentials,
        ca_file=ca_file,
    )
    return McpServers(servers, surroundings, approvals, outputs)


def _open_other(
    known: Mapping[str, Backend], rows: Sequence[ModelRow], fallback: str, limits: Limits, wanted: Wanted
) -> Model:
    """A model for a session that goes on; the fallback model itself has none. Raises ``SettingsError``."""
    if fallback:
        chosen, other = resolve(wanted.model, known, wanted.provider), resolve(fallback, known)
        same = (chosen.provider, chosen.model) == (other.provider, other.model)
        fallback = "" if same else fallback
    opened = open_model(
        wanted.model, known, provider=wanted.provider, rows=rows, effort=wanted.effort, fallback=fallback
    )
    _check_budget(limits, opened.possible)
    return opened


def _check_budget(limits: Limits, asked: Iterable[ModelFacts]) -> None:
    """Rather refuses than lets a model run up a bill that nobody counts."""
    if limits.max_cost_usd is None:
        return
    for facts in asked:
        if not facts.priced:
            raise SettingsError(
                f"a budget needs prices, and {facts.provider}/{facts.id} is unpriced. Choose a priced model, "
                "give its price in a [[models]] row of the settings, or limit by --max-tokens-total instead."
            )


def _open_journal(session: str, sessions: Path | None, resumed: SessionInfo | None) -> Journal:
    if resumed:
        return FileJournal(resumed.path)
    return FileJournal(sessions / f"{session}.jsonl") if sessions else MemoryJournal()


def _choose(
    ledger: Ledger, model: Model, effort: Effort | None, mode: Mode | None, instructions: str
) -> None:
    """Records the model, the mode and the instructions where they differ from what the session had."""
    facts, state = model.facts, ledger.state
    chosen = ModelChosen(facts.provider, facts.id, usable_tokens(facts), effort)
    if chosen != ModelChosen(state.provider, state.model, state.window, state.effort):
        ledger.report(chosen)
    if instructions != state.instructions:
        ledger.report(Instructed(instructions))
    if mode and mode != state.mode:
        change_mode(ledger, mode)


def _from_now_on(limits: Limits, ledger: Ledger) -> Limits:
    """Limits are what may still be used; what a resumed session has used before does not count."""
    cost, tokens = limits.max_cost_usd, limits.max_tokens
    return msgspec.structs.replace(
        limits,
        max_cost_usd=None if cost is None else cost + ledger.state.cost,
        max_tokens=None if tokens is None else tokens + ledger.state.usage.total_tokens,
    )


def _facts(workspace: Workspace, notes: str, handoff: str) -> str:
    """Recorded once per session: it is part of every request's prefix, which must not change."""
    lines = [
        f"Working directory: {workspace.cwd}",
        f"Platform: {platform.system()} {platform.machine()}",
        f"Date at the start of the session: {time.strftime('%Y-%m-%d')}",
    ]
    if others := [str(root) for root in workspace.roots if root != workspace.cwd]:
        lines.insert(1, f"Further folders you may use: {', '.join(others)}")
    if notes:
        lines.append(f"Notes from earlier sessions, which `memory` shows:\n{notes}")
    if handoff:
        lines.append(f"Where the session before this one stopped, if the user goes on with that:\n{handoff}")
    return "\n".join(lines)
