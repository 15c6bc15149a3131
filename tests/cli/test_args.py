"""Reading the command line: what is a subcommand, what a prompt, and which output format is meant."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_cli.args import (
    COMMON,
    MODEL,
    OUTPUT_FORMATS,
    RUN,
    output_format,
    parse_run,
    run_parser,
    subcommand,
)
from akmon_cli.program import COMMANDS
from akmon_config.settings import FIELDS
from akmon_config.sources import flag
from akmon_config.values import PROVIDERS
from akmon_core.errors import SettingsError

FLAGS = [name for flags, _ in (*RUN, *MODEL, *COMMON) for name in flags]
words = st.one_of(
    st.sampled_from([*FLAGS, *COMMANDS, *OUTPUT_FORMATS, "--", "-", "--output=json", "--task=x", ""]),
    st.text(max_size=10),
)


@pytest.mark.parametrize(
    ("arguments", "name", "rest"),
    [
        (["sessions"], "sessions", []),
        (["sessions", "list", "--json"], "sessions", ["list", "--json"]),
        (["-C", "dir", "doctor", "--json"], "doctor", ["-C", "dir", "--json"]),
        (["--cwd=dir", "doctor"], "doctor", ["--cwd=dir"]),
        (["-m", "sessions", "config"], "config", ["-m", "sessions"]),
        (["--allow", "demo", "--deny", "demo", "config"], "config", ["--allow", "demo", "--deny", "demo"]),
        (["-y", "config"], "config", ["-y"]),
        (["--plan", "--no-auto-compact", "config"], "config", ["--plan", "--no-auto-compact"]),
    ],
)
def test_the_first_word_that_is_no_option_is_the_subcommand(
    arguments: list[str], name: str, rest: list[str]
) -> None:
    assert subcommand(arguments, COMMANDS) == (name, rest)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fix", "sessions"],
        ["-p", "sessions"],
        ["--print", "demo"],
        ["--", "demo"],
        ["--task", "demo"],
        ["-m", "demo"],
        ["--implement", "demo"],
        ["--check", "demo"],
        ["-m", "demo", "fix it"],
        ["Sessions"],
        ["sessions are nice"],
    ],
)
def test_anything_else_is_a_prompt(arguments: list[str]) -> None:
    assert subcommand(arguments, COMMANDS) == ("", arguments)


@given(st.lists(words, max_size=6))
def test_no_argument_is_lost_or_invented(arguments: list[str]) -> None:
    name, rest = subcommand(arguments, COMMANDS)
    assert sorted([name, *rest] if name else rest) == sorted(arguments)


@settings(max_examples=500, deadline=None)
@given(st.lists(words, max_size=6))
def test_the_output_format_is_the_one_that_is_parsed(arguments: list[str]) -> None:
    arguments = [argument for argument in arguments if not argument.startswith(("-h", "--help", "-p", "-y"))]
    with suppress(SettingsError):
        assert parse_run(arguments).output_format == output_format(arguments)


@given(
    st.lists(words, max_size=6),
    st.sampled_from(OUTPUT_FORMATS),
    st.sampled_from(["--output", "--output-format"]),
)
def test_the_last_output_format_counts_whatever_else_is_wrong(
    arguments: list[str], form: str, flag: str
) -> None:
    arguments = [argument for argument in arguments if argument != "--"]
    assert output_format([*arguments, flag, form]) == form
    assert output_format([*arguments, f"{flag}={form}"]) == form


def test_options_may_stand_between_the_words_of_a_prompt() -> None:
    options = parse_run(["fix", "-m", "x", "the", "--max-turns=3", "test"])
    assert (options.prompt, options.model, options.max_turns) == (["fix", "the", "test"], "x", 3)


def test_what_is_not_typed_is_not_set() -> None:
    typed = vars(parse_run([]))
    assert {key: value for key, value in typed.items() if value not in (None, False, [])} == {
        "output_format": "text"
    }


def test_every_option_about_the_model_is_a_setting() -> None:
    assert {flags[-1] for flags, _ in MODEL} <= {flag(field) for field in FIELDS}


def test_the_provider_option_names_them_all() -> None:
    text = next(keywords["help"] for flags, keywords in MODEL if "--provider" in flags)
    assert text == f"{', '.join(PROVIDERS[:-2])} or {PROVIDERS[-2]}"


def test_no_help_offers_a_flag_for_a_key() -> None:
    assert "--openai-compatible-url" in run_parser().format_help()
    assert "--openai-compatible-key" not in run_parser().format_help()


@pytest.mark.parametrize(
    "flag", [flag for flags, keywords in RUN if "action" not in keywords for flag in flags]
)
def test_no_flag_may_be_abbreviated(flag: str) -> None:
    if flag.startswith("--") and flag[:-1] not in FLAGS:
        with pytest.raises(SettingsError, match="unrecognized arguments"):
            parse_run([flag[:-1], "x"])


def test_what_stands_behind_two_dashes_is_no_output_format() -> None:
    assert output_format(["-p", "--", "--output=json"]) == "text"
    assert output_format(["--output=json", "--", "--output", "text"]) == "json"
    assert parse_run(["--output=json", "--", "--output", "text"]).prompt == ["--output", "text"]


@given(st.lists(words, max_size=4))
def test_everything_behind_two_dashes_is_the_prompt(arguments: list[str]) -> None:
    assert parse_run(["-y", "fix", "--", *arguments]).prompt == ["fix", *arguments]


def test_the_flags_of_limits_and_workflows_arrive() -> None:
    options = parse_run(["--plan", "--max-seconds", "1.5", "--no-auto-compact", "--check", "make", "x"])
    assert (options.permission_mode, options.max_seconds, options.check) == ("plan", 1.5, "make")
    typed = {f"--{name.replace('_', '-')}": value for name, value in vars(options).items()}
    assert typed[flag("auto_compact")] is False
    assert typed[flag("check_command")] == "make"
    assert parse_run(["--implement"]).implement == parse_run(["--implement", "-p"]).implement == ""
    assert parse_run(["--implement", "a.md"]).implement == "a.md"
    assert parse_run(["x"]).implement is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["--plan", "--permission-mode=default"],
        ["--plan", "--architect"],
        ["--permission-mode=plan", "--architect"],
        ["--implement", "a.md", "--plan"],
        ["--implement", "a.md", "--architect"],
        ["--implement", "a.md", "--task", "x"],
        ["--implement", "a.md", "x"],
    ],
)
def test_workflows_that_exclude_each_other_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SettingsError, match=r"--(plan|architect|implement) "):
        parse_run(arguments)


def test_plan_may_be_said_twice() -> None:
    assert parse_run(["--plan", "--permission-mode=plan", "x"]).permission_mode == "plan"
