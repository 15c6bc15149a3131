"""Runs the program: a subcommand, a headless run, or a conversation; errors become exit codes."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from types import ModuleType
from typing import TYPE_CHECKING

from akmon_cli import exitcodes
from akmon_cli.args import output_format, parse_run, subcommand
from akmon_cli.streams import abandon_streams, prepare_streams
from akmon_core.errors import AkmonError, SettingsError

if TYPE_CHECKING:
    from akmon_cli.compose import Composed

COMMANDS = (
    "completion",
    "config",
    "demo",
    "doctor",
    "export",
    "import",
    "init",
    "memory",
    "models",
    "sessions",
    "stats",
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
    options = parse_run(arguments)
    if options.version:
        return _version()
    return _agent(options)


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
    from akmon_cli.compose import change_folder, compose
    from akmon_cli.stdin import read_prompt

    if options.cwd:
        change_folder(options.cwd)
    headless = _is_headless(options)
    prompt = read_prompt([*options.prompt, *([options.task] if options.task else [])], headless=headless)
    if headless and not prompt.strip():
        raise SettingsError('nothing to do. Give a prompt: akmon -p "what to do", or pipe one in')
    composed = compose(options, unattended=headless)
    for warning in composed.warnings:
        print(f"akmon: {warning}", file=sys.stderr)
    return asyncio.run(_run(composed, options, prompt, headless=headless))


async def _run(composed: Composed, options: argparse.Namespace, prompt: str, *, headless: bool) -> int:
    async with composed.session as session:
        if headless:
            from akmon_cli.headless import run_headless

            partial = options.include_partial_messages
            return await run_headless(session, prompt, options.output_format, partial=partial)
        from akmon_cli.compose import project_sessions
        from akmon_tui.app import converse
        from akmon_tui.view import View

        state = session.state
        view = View(mode=state.mode, total=state.spent)
        history = project_sessions() / "history"
        await converse(session, banner=composed.banner, first_prompt=prompt, view=view, history=history)
        if session.state.turn:
            print(f"akmon: go on with: akmon -r {session.id}", file=sys.stderr)
        return exitcodes.OK


def _is_headless(options: argparse.Namespace) -> bool:
    asked = options.print or options.task is not None or options.output_format != "text"
    return asked or not (sys.stdin.isatty() and sys.stdout.isatty())
