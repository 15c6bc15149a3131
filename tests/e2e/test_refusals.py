"""What stops a run before it begins: arguments, settings, models; in every output format."""

from __future__ import annotations

import pytest

from tests.e2e.program import Place
from tests.e2e.test_output import REPORT

BAD_ARGUMENTS = [
    (["--frobnicate"], "unrecognized arguments: --frobnicate"),
    (["--mod", "x"], "unrecognized arguments: --mod"),
    (["--outpu", "json"], "unrecognized arguments: --outpu"),
    (["-m"], "argument -m/--model: expected one argument"),
    (["--max-turns", "many"], "argument --max-turns: invalid int value: 'many'"),
    (["--max-turns", "0"], "--max-turns: it should be greater than or equal to 1"),
    (["--max-budget-usd", "-3"], "--max-budget-usd: it should be greater than 0"),
    (["--max-budget-usd", "nan"], "--max-budget-usd: it should be"),
    (["--permission-mode", "yolo"], "argument --permission-mode: invalid choice: 'yolo'"),
    (["--allow", "shell(a | b)"], "--allow: the rule 'shell(a | b)' must name plain words"),
    (["--deny", "write("], "--deny: not a permission rule: 'write('"),
    (["--add-dir", "absent"], "absent is no folder. Give an existing one to --add-dir"),
    (["-C", "absent"], "cannot work in absent: No such file or directory"),
    (["-c", "-r", "x"], "--continue and --resume both choose a session"),
    (["-r", ""], "--resume needs the id, the start of the id, or the name"),
    (["-c", "--name", "x"], "--name names a new session"),
    (
        ["--max-budget-usd", "1"],
        "is unpriced. Choose a priced model, ",
    ),
]


@pytest.mark.parametrize(("arguments", "problem"), BAD_ARGUMENTS)
def test_a_bad_argument_is_named_and_nothing_begins(place: Place, arguments: list[str], problem: str) -> None:
    ran = place.play("say ok", "hi", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("akmon: ")
    assert problem in ran.err
    assert place.journals() == []


@pytest.mark.parametrize(("arguments", "problem"), BAD_ARGUMENTS)
def test_json_mode_reports_bad_arguments_as_json(place: Place, arguments: list[str], problem: str) -> None:
    report = place.play("say ok", "hi", "--output", "json", *arguments)
    assert report.code == 2
    assert set(report.json) == REPORT
    assert (report.json["status"], report.json["exit_reason"]) == ("error", "error")
    assert problem in report.json["error"]
    (line,) = place.play("say ok", "hi", *arguments, "--output=stream-json").lines
    assert (line["type"], line["status"]) == ("result", "error")
    assert problem in line["error"]


def test_an_unknown_output_format_is_refused_in_text(place: Place) -> None:
    ran = place.play("say ok", "hi", "--output-format", "yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "invalid choice: 'yaml' (choose from 'text', 'json', 'stream-json')" in ran.err


def test_partial_messages_without_a_stream_are_refused(place: Place) -> None:
    ran = place.play("say ok", "hi", "--include-partial-messages", "--output=json")
    assert ran.code == 2
    assert "--include-partial-messages needs --output-format stream-json" in ran.json["error"]


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("", "no model is configured: set ANTHROPIC_API_KEY or OPENAI_API_KEY"),
        (
            "claude-sonnet-4-5",
            "the model claude-sonnet-4-5 needs a key for anthropic. Set ANTHROPIC_API_KEY.",
        ),
        ("gpt-5", "needs a key for openai. Set OPENAI_API_KEY."),
        ("acme/frobnicator", "needs a key for openrouter. Set OPENROUTER_API_KEY."),
        ("scripted:absent", "the script absent cannot be read (No such file or directory)"),
    ],
)
def test_a_model_that_cannot_be_used_says_what_is_missing(place: Place, model: str, problem: str) -> None:
    flags = ["-m", model] if model else []
    text = place.akmon("-p", "hi", *flags)
    assert (text.code, text.out) == (2, "")
    assert problem in text.err
    report = place.akmon("-p", "hi", "--output=json", *flags)
    assert report.code == 2
    assert problem in report.json["error"]
    assert place.journals() == []


def test_a_mistake_in_a_script_names_file_and_line(place: Place) -> None:
    ran = place.play("say hi\nfrobnicate\n", "hi")
    assert ran.code == 2
    assert "model-1.script, line 2: there is no directive `frobnicate`" in ran.err


def test_a_mistake_in_the_user_file_names_file_and_line(place: Place) -> None:
    file = place.home / ".config" / "akmon" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('model = "x"\nmax_turns = "many"\n')
    ran = place.akmon("-p", "hi", "--output=json")
    assert ran.code == 2
    assert f"{file}, line 2, max_turns" in ran.json["error"]


def test_a_mistake_in_the_environment_names_the_variable(place: Place) -> None:
    ran = place.play("say ok", "hi", env={"AKMON_PERMISSION_MODE": "yolo"})
    assert ran.code == 2
    assert "AKMON_PERMISSION_MODE" in ran.err


def test_a_key_given_as_a_flag_is_in_no_message(place: Place) -> None:
    ran = place.akmon(
        "-p", "hi", "--openai-compatible-key", "sk-canary 1", "--openai-compatible-url", "http://u:canary@[x"
    )
    assert ran.code == 2
    assert "canary" not in ran.out + ran.err


def test_the_folder_of_the_session_may_be_gone(place: Place) -> None:
    gone = place.folder / "gone"
    gone.mkdir()
    ran = place.play("say ok", "hi", cwd=gone, shell='rmdir "$PWD"; exec "$@"')
    assert ran.code == 2
    assert "the current folder is gone" in ran.err


def test_a_folder_whose_name_is_not_utf8_is_refused_in_plain_words(place: Place) -> None:
    ran = place.play("say ok", "hi", shell="mkdir $(printf 'a\\377b') && cd a?b && exec \"$@\"")
    assert ran.code == 2
    assert "the path of this folder is not UTF-8" in ran.err


def test_a_subcommand_takes_options_before_it(place: Place) -> None:
    place.play("say ok", "hi")
    ran = place.akmon("-C", str(place.project), "sessions", "list", cwd=place.folder)
    assert ran.code == 0
    assert place.journal().stem in ran.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("sessions", "frobnicate"),
        ("sessions", "list", "--frobnicate"),
        ("config", "--frobnicate"),
        ("doctor", "x"),
        ("demo", "x"),
        ("completion",),
        ("completion", "frobnicate"),
        ("--max-turns", "3", "demo"),
        ("-m", "x", "sessions"),
    ],
)
def test_a_subcommand_refuses_what_it_does_not_know(place: Place, arguments: tuple[str, ...]) -> None:
    ran = place.akmon(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("akmon: ")
    assert f"akmon {next(a for a in arguments if a.isalpha() and a != 'x')}" in ran.err
