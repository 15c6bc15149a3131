"""``akmon completion``: a completion script for a shell, made from the options themselves."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_cli import exitcodes
from akmon_cli.args import Parser, options_parser

_FOLDERS = ("cwd", "add_dir")


def parser() -> Parser:
    import shtab

    parser = Parser(
        prog="akmon completion",
        description="Print a completion script. For bash: akmon completion bash > "
        "~/.local/share/bash-completion/completions/akmon",
    )
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS)
    return parser


def run(arguments: Sequence[str]) -> int:
    import shtab

    options = parser().parse_args(arguments)
    print(shtab.complete(_program(), shell=options.shell))
    return exitcodes.OK


def _program() -> Parser:
    """The options and the subcommands with theirs."""
    from akmon_cli.joined import plugin_parsers
    from akmon_cli.program import COMMANDS, command

    program = options_parser()
    subcommands = program.add_subparsers()
    parsers: dict[str, Parser] = {name: command(name).parser() for name in COMMANDS}
    for name, own in (parsers | plugin_parsers()).items():
        _complete_folders(own)
        subcommands.add_parser(name, parents=[own], add_help=False, help=own.description)
    _complete_folders(program)
    return program


def _complete_folders(parser: Parser) -> None:
    import shtab

    for action in parser._actions:
        if action.dest in _FOLDERS:
            vars(action)["complete"] = shtab.DIRECTORY
