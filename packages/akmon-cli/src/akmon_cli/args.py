"""The command line: its options as a table, and reading them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn, get_args

from akmon_core.errors import SettingsError
from akmon_core.models import Effort
from akmon_core.permissions import MODES, SandboxChoice

OUTPUT_FORMATS = ("text", "json", "stream-json")

Option = tuple[tuple[str, ...], dict[str, Any]]

COMMON: tuple[Option, ...] = (
    (("-C", "--cwd"), {"metavar": "DIR", "help": "work in this folder instead of the current one"}),
)
"""Options that every subcommand takes, too."""

MODEL: tuple[Option, ...] = (
    (("-m", "--model"), {"metavar": "ID", "help": "model id, PROVIDER/ID, or scripted:FILE"}),
    (
        ("--provider",),
        {
            "metavar": "NAME",
            "help": "bedrock, anthropic, openrouter, azure, openai, groq, openai-compatible or ollama",
        },
    ),
    (("--bedrock",), {"action": "store_const", "const": True, "help": "ask AWS Bedrock for any model id"}),
    (
        ("--fallback-model",),
        {"metavar": "ID", "help": "takes over when the model fails three times in a row"},
    ),
    (("--planner-model",), {"metavar": "ID", "help": "makes the plan with --architect"}),
    (("--effort",), {"choices": get_args(Effort), "help": "how much the model may think"}),
    (("--openai-compatible-url",), {"metavar": "URL", "help": "base URL of an OpenAI-compatible server"}),
    # Refused with a word of where a key belongs: others can see the command line of a process.
    (("--openai-compatible-key",), {"metavar": "KEY", "help": argparse.SUPPRESS}),
)

RUN: tuple[Option, ...] = (
    (("-p", "--print"), {"action": "store_true", "help": "run headless: answer on stdout, then exit"}),
    (("-t", "--task"), {"metavar": "TEXT", "help": "what to do; same as -p TEXT"}),
    (("-c", "--continue"), {"action": "store_true", "dest": "continue_", "help": "resume the last session"}),
    (("-r", "--resume"), {"metavar": "SESSION", "help": "resume a session by id, start of the id, or name"}),
    (
        ("--fork-session",),
        {"action": "store_true", "help": "with -c or -r: go on in a copy, and leave the session as it is"},
    ),
    (("-n", "--name"), {"metavar": "NAME", "help": "name for a new session"}),
    (("--permission-mode",), {"choices": MODES, "help": "what may happen without asking"}),
    (
        ("--plan",),
        {"action": "store_true", "help": "only read, and save a plan; same as --permission-mode plan"},
    ),
    (
        ("--architect",),
        {"action": "store_true", "help": "the planner model makes a plan first, which then is carried out"},
    ),
    (
        ("--implement",),
        {"metavar": "FILE", "nargs": "?", "const": "", "help": "carry out the plan in FILE, or the last one"},
    ),
    (("-y", "--yes"), {"action": "store_true", "help": "approve reading where it would be asked about"}),
    (("--allow",), {"metavar": "RULE", "action": "append", "help": "allow calls, such as 'shell(pytest *)'"}),
    (("--ask",), {"metavar": "RULE", "action": "append", "help": "ask before calls; beats every --allow"}),
    (("--deny",), {"metavar": "RULE", "action": "append", "help": "deny calls; beats every --allow"}),
    (
        ("--profile",),
        {"metavar": "NAME", "help": "rules under a name: dev, staging, prod, or one of your own"},
    ),
    (
        ("--policy",),
        {"metavar": "FILE", "action": "append", "help": "a policy pack: a file, or the name of your own"},
    ),
    (
        ("--sandbox",),
        {
            "choices": get_args(SandboxChoice),
            "help": "what holds commands in (auto: the best that works here)",
        },
    ),
    (
        ("--trust",),
        {"action": "store_true", "help": "trust this folder as it is now, for this run only (akmon trust)"},
    ),
    (
        ("--mcp-config",),
        {
            "metavar": "FILE_OR_JSON",
            "action": "append",
            "help": "MCP servers besides the configured ones, as in .mcp.json (akmon mcp)",
        },
    ),
    (
        ("--mcp-server",),
        {"metavar": "URL", "action": "append", "help": "an MCP server besides the configured ones"},
    ),
    (("--add-dir",), {"metavar": "DIR", "action": "append", "help": "a further folder to work in"}),
    (("--max-turns",), {"metavar": "N", "type": int, "help": "model calls before the run stops (25)"}),
    (
        ("--max-tokens-total",),
        {"metavar": "N", "type": int, "help": "tokens of all calls together before the run stops"},
    ),
    (("--max-budget-usd",), {"metavar": "USD", "type": float, "help": "spending before the run stops"}),
    (("--max-seconds",), {"metavar": "S", "type": float, "help": "time that a turn may take"}),
    (
        ("--no-auto-compact",),
        {"action": "store_const", "const": False, "help": "do not shorten the conversation by itself"},
    ),
    (
        ("--auto-commit",),
        {"action": "store_const", "const": True, "help": "commit to git what each turn changed, only that"},
    ),
    (
        ("--check",),
        {"metavar": "CMD", "help": "what checks a change, such as 'make test'; none: no reminder of it"},
    ),
    (
        ("--plain",),
        {
            "action": "store_const",
            "const": True,
            "help": "talk line by line, without moving the cursor: for screen readers and simple terminals",
        },
    ),
    (
        ("--output-format", "--output"),
        {"choices": OUTPUT_FORMATS, "default": "text", "help": "text, json, or stream-json (one per line)"},
    ),
    (
        ("--include-partial-messages",),
        {"action": "store_true", "help": "stream-json: also each piece of text as it comes"},
    ),
)

EPILOG = """\
subcommands: init, import, export, config, permissions, policy, trust, spec, models, mcp, sessions,
rewind, sandbox, memory, stats, audit, doctor, demo, completion (akmon SUBCOMMAND --help)
exit codes: 0 ok, 1 error, 2 usage or settings, 3 a call was denied, 130 interrupted; a limit was reached:
4 model calls, 5 budget, 6 tokens, 7 time; 8 it got stuck
no key yet? akmon demo shows a whole run offline"""


_OWN = ("-t", "-c", "-r", "-n", "--plan", "--architect", "--implement")
WORK: tuple[Option, ...] = tuple(option for option in RUN if option[0][0] not in _OWN)
"""Those of ``RUN`` that a subcommand takes that has an agent work."""
WORK_DEFAULTS: dict[str, Any] = {
    "task": None,
    "continue_": False,
    "resume": None,
    "name": None,
    "plan": False,
    "architect": False,
    "implement": None,
}
"""What such a subcommand has in the place of the others."""


class Parser(argparse.ArgumentParser):
    """Raises ``SettingsError`` instead of ending the process, so that every output format can say so."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **keywords)

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}. See: {self.prog} --help")

    def add(self, options: Sequence[Option]) -> Parser:
        for flags, keywords in options:
            self.add_argument(*flags, **keywords)
        return self


class _Program(Parser):
    """Names the subcommands of other packages, if there are any, which only help looks for."""

    def format_help(self) -> str:
        from akmon_cli.plugins import plugin_commands

        if joined := sorted(plugin_commands()):
            codes = "\nexit codes:"
            self.epilog = EPILOG.replace(codes, f"\nof other packages: {', '.join(joined)}{codes}")
        return super().format_help()


def options_parser() -> Parser:
    """The program's options, without what may follow them: a prompt, or a subcommand."""
    parser = _Program(
        prog="akmon",
        description="An autonomous coding agent for the terminal.",
        epilog=EPILOG,
    )
    parser.add_argument("-V", "--version", action="store_true", help="print the version and exit")
    return parser.add((*RUN, *MODEL, *COMMON))


def run_parser() -> Parser:
    parser = options_parser()
    parser.add_argument("prompt", nargs="*", help="what to do; without it a conversation starts")
    return parser


def parse_run(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises ``SettingsError`` for what is not understood, and for options that do not go together."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = run_parser().parse_intermixed_args(arguments[:end])
    options.prompt += arguments[end + 1 :]  # argparse loses some of these
    if problem := _contradiction(options):
        raise SettingsError(f"{problem}. See: akmon --help")
    if options.plan:
        options.permission_mode = "plan"
    return options


def _contradiction(options: argparse.Namespace) -> str:
    resuming = options.continue_ or options.resume is not None
    if options.continue_ and options.resume is not None:
        return "--continue and --resume both choose a session: give one of them"
    if options.resume == "":
        return (
            "--resume needs the id, the start of the id, or the name of a session; --continue takes the last"
        )
    if options.fork_session and not resuming:
        return "--fork-session copies a session: name it with --resume, or the last one with --continue"
    if resuming and options.name is not None:
        return "--name names a new session, and --continue and --resume take an old one"
    if options.include_partial_messages and options.output_format != "stream-json":
        return "--include-partial-messages needs --output-format stream-json"
    return _two_workflows(options)


def _two_workflows(options: argparse.Namespace) -> str:
    if options.plan and options.permission_mode not in (None, "plan"):
        return f"--plan means --permission-mode plan, and not {options.permission_mode}"
    only_reads = options.plan or options.permission_mode == "plan"
    if options.architect and only_reads:
        return "--architect makes a plan and carries it out, and plan mode only makes one: choose one of them"
    if options.implement is None:
        return ""
    if options.architect or only_reads:
        return "--implement carries out a plan that there is: leave out --architect and plan mode"
    if options.prompt or options.task is not None:
        return "--implement carries out a plan as it is, without a prompt; its FILE stands right behind it"
    return ""


def subcommand(arguments: Sequence[str], names: Sequence[str]) -> tuple[str, list[str]]:
    """The subcommand that ``arguments`` call, with the rest of them; an empty name if it is a prompt.

    A subcommand is the first word that is no option. Options of the program may come before it.
    """
    takes_value = {
        flag
        for flags, keywords in (*RUN, *MODEL, *COMMON)
        if keywords.get("action", "append") == "append"
        for flag in flags
    }
    at = 0
    while at < len(arguments) and arguments[at].startswith("-") and arguments[at] != "--":
        if arguments[at] in ("-p", "--print", "--implement"):
            return "", list(arguments)
        at += 2 if arguments[at] in takes_value else 1
    if at < len(arguments) and arguments[at] in names:
        return arguments[at], [*arguments[:at], *arguments[at + 1 :]]
    return "", list(arguments)


def output_format(arguments: Sequence[str]) -> str:
    """The output format that ``arguments`` ask for, also when the rest of them is wrong."""
    found = "text"
    for at, argument in enumerate(arguments):
        if argument == "--":
            break
        name, equals, value = argument.partition("=")
        if name in ("--output-format", "--output"):
            found = value if equals else "".join(arguments[at + 1 : at + 2])
    return found if found in OUTPUT_FORMATS else "text"
