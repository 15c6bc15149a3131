"""Runs the program: a subcommand, a headless run, or a conversation; errors become exit codes."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from akmon_cli import exitcodes
from akmon_cli.args import output_format, parse_run, subcommand
from akmon_core.errors import AkmonError, SettingsError

COMMANDS = ("completion", "config", "demo", "doctor", "sessions")
"""Subcommands: a module of ``akmon_cli.commands`` each, with ``run(arguments) -> exit code``."""


def run(arguments: Sequence[str]) -> int:
    """Gives the exit code (see ``akmon_cli.exitcodes``)."""
    try:
        return _dispatch(arguments)
    except AkmonError as error:
        from akmon_cli.headless import report_failure

        report_failure(str(error), output_format(arguments))
        return exitcodes.USAGE if isinstance(error, SettingsError) else exitcodes.ERROR
    except KeyboardInterrupt:
        return exitcodes.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone. Keep the interpreter from failing to flush into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exitcodes.ERROR


def _dispatch(arguments: Sequence[str]) -> int:
    name, rest = subcommand(arguments, COMMANDS)
    if name:
        code: int = import_module(f"akmon_cli.commands.{name}").run(rest)
        return code
    options = parse_run(arguments)
    if options.version:
        return _version()
    return asyncio.run(_agent(options))


def _version() -> int:
    from akmon_cli import __version__

    print(f"akmon {__version__}")
    return exitcodes.OK


async def _agent(options: argparse.Namespace) -> int:
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
    async with composed.session as session:
        if headless:
            from akmon_cli.headless import run_headless

            partial = options.include_partial_messages
            return await run_headless(session, prompt, options.output_format, partial=partial)
        from akmon_tui.app import converse

        await converse(session, banner=composed.banner, first_prompt=prompt)
        return exitcodes.OK


def _is_headless(options: argparse.Namespace) -> bool:
    asked = options.print or options.task is not None or options.output_format != "text"
    return asked or not (sys.stdin.isatty() and sys.stdout.isatty())
