"""``akmon completion SHELL``: prints a completion script for the shell."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_cli import exitcodes
from akmon_cli.args import Parser, run_parser


def run(arguments: Sequence[str]) -> int:
    import shtab

    from akmon_cli.program import COMMANDS

    parser = Parser(
        prog="akmon completion",
        description="Print a completion script. For bash: akmon completion bash > "
        "~/.local/share/bash-completion/completions/akmon",
    )
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS)
    options = parser.parse_args(arguments)
    program = run_parser()
    words = next(action for action in program._actions if action.dest == "prompt")
    words.choices = COMMANDS
    print(shtab.complete(program, shell=options.shell))
    return exitcodes.OK
