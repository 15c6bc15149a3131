"""Runs the program: a subcommand, a headless run, or a conversation; errors become exit codes."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from akmon_cli import exitcodes
from akmon_cli.args import output_format, parse_run, subcommand
from akmon_cli.streams import abandon_streams, prepare_streams
from akmon_core.commands import Implement, Prompt
from akmon_core.errors import AkmonError, SettingsError
from akmon_core.permissions import Mode
from akmon_core.text import neutralise

if TYPE_CHECKING:
    from akmon_cli.compose import Composed
    from akmon_core.state import State

COMMANDS = (
    "audit",
    "completion",
    "config",
    "demo",
    "doctor",
    "export",
    "import",
    "init",
    "mcp",
    "memory",
    "models",
    "permissions",
    "policy",
    "rewind",
    "sandbox",
    "sessions",
    "spec",
    "stats",
    "trust",
)
"""Subcommands: a module of ``akmon_cli.commands`` each, with
``parser()`` and ``run(arguments) -> exit code``."""


def run(arguments: Sequence[str]) -> int:
    """Gives the exit code (see ``akmon_cli.exitcodes``)."""
    prepare_streams()
    try:
        code = _reported(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read our output has gone
        abandon_streams()
        return exitcodes.ERROR
    except OSError as error:
        if error.filename is not None:
            raise
        with suppress(OSError):
            print(f"akmon: cannot write the output: {error.strerror}. Send it elsewhere.", file=sys.stderr)
        abandon_streams()
        return exitcodes.ERROR


def _reported(arguments: Sequence[str]) -> int:
    """Says in the output format that was asked for why nothing could be begun."""
    try:
        return _dispatch(arguments)
    except AkmonError as error:
        from akmon_cli.headless import report_failure

        report_failure(str(error), output_format(arguments))
        return exitcodes.USAGE if isinstance(error, SettingsError) else exitcodes.ERROR
    except SystemExit as exiting:  # argparse has shown its help
        return int(exiting.code or exitcodes.OK)
    except KeyboardInterrupt:
        from akmon_cli.headless import report_failure

        report_failure("interrupted", output_format(arguments), "interrupted")
        return exitcodes.INTERRUPTED


def _dispatch(arguments: Sequence[str]) -> int:
    _check_encoding(arguments)
    name, rest = subcommand(arguments, COMMANDS)
    if name:
        code: int = command(name).run(rest)
        return code
    if (joined := _joined(arguments)) is not None:
        return joined
    options = parse_run(arguments)
    if options.version:
        return _version()
    return _agent(options)


def _joined(arguments: Sequence[str]) -> int | None:
    """The exit code of a subcommand of another package; None if there is none of that name."""
    name, rest = subcommand(arguments, arguments)
    if not re.fullmatch("[a-z][a-z-]*", name):
        return None
    from akmon_cli.joined import run_plugin
    from akmon_cli.plugins import plugin_commands

    found = plugin_commands().get(name)
    return run_plugin(found, rest) if found else None


def command(name: str) -> ModuleType:
    """The module of a subcommand; that of a name which Python keeps for itself ends with an underscore."""
    return import_module(f"akmon_cli.commands.{name}{'_' if iskeyword(name) else ''}")


def _version() -> int:
    from akmon_cli import __version__

    print(f"akmon {__version__}")
    return exitcodes.OK


def _check_encoding(arguments: Sequence[str]) -> None:
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise SettingsError(
                f"the argument {argument!a} is not UTF-8 text. Put what is not text into a file and name it."
            ) from None


def _agent(options: argparse.Namespace) -> int:
    from akmon_cli.folders import change_folder
    from akmon_cli.stdin import read_prompt

    if options.cwd:
        change_folder(options.cwd)
    headless = is_headless(options)
    plan = None if options.implement is None else _plan_file(options.implement)
    words = [*options.prompt, *([options.task] if options.task else [])]
    prompt = read_prompt(words, headless=headless) if plan is None else ""
    if plan is None and not prompt.strip():
        if headless:
            raise SettingsError('nothing to do. Give a prompt: akmon -p "what to do", or pipe one in')
        if options.architect:
            raise SettingsError('--architect needs to know what to plan: akmon --architect "what to do"')
    begin = partial(_first, plan, prompt, architect=options.architect)
    if not headless:
        from akmon_cli.conversation import converse

        return asyncio.run(converse(options, begin))
    from akmon_cli.compose import compose

    composed = compose(options, unattended=True)
    first = begin(composed.session.state)
    assert first, "headless runs have something to do"
    return asyncio.run(run_headlessly(composed, options, first))


def _first(plan: str | None, prompt: str, state: State, *, architect: bool) -> Prompt | Implement | None:
    """What the session begins with."""
    if plan is not None:
        return Implement(plan, _working_mode(state.mode))
    return Prompt(prompt, plan_first=architect) if prompt.strip() else None


def _plan_file(path: str) -> str:
    """The whole path of a plan; an empty one is the last plan."""
    if path and not Path(path).is_file():
        raise SettingsError(f"--implement: there is no file {path}. Plans are kept in .akmon/plans.")
    return str(Path(path).absolute()) if path else ""


def _working_mode(mode: Mode) -> Mode:
    """A session that has made a plan is still in plan mode, which cannot carry it out."""
    return "default" if mode == "plan" else mode


async def run_headlessly(composed: Composed, options: argparse.Namespace, first: Prompt | Implement) -> int:
    """Runs ``first`` to its end; gives the exit code."""
    from akmon_cli.headless import run_headless, wait_for_servers

    for warning in composed.warnings:
        print(f"akmon: {neutralise(warning)}", file=sys.stderr)
    async with composed.session as session:
        await wait_for_servers(session)
        with_deltas = options.include_partial_messages
        return await run_headless(session, first, options.output_format, partial=with_deltas)


def is_headless(options: argparse.Namespace) -> bool:
    asked = options.print or options.task is not None or options.output_format != "text"
    return asked or not (sys.stdin.isatty() and sys.stdout.isatty())
