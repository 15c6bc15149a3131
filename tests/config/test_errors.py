"""What is wrong in a person's own settings stops akmon, and the message says where and what is expected."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from akmon_config.load import shown
from akmon_config.settings import FIELDS
from akmon_config.sources import WELL_KNOWN
from akmon_core.errors import SettingsError
from akmon_core.models import ModelRow
from tests.config.places import Place

SECRET = "sk-SeCrEt-0123456789"


def refused(
    place: Place, flags: dict[str, object] | None = None, environ: dict[str, str] | None = None
) -> str:
    with pytest.raises(SettingsError) as caught:
        place.load(flags, environ)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('max_turns = "5"', "it should be a valid integer"),
        ("max_turns = true", "it should be a valid integer"),
        ("max_turns = 0", "it should be greater than or equal to 1"),
        ("max_budget_usd = 0", "it should be greater than 0"),
        ("max_budget_usd = nan", "it should be a finite number"),
        (
            'permission_mode = "yolo"',
            "it should be 'default', 'accept-edits', 'plan', 'full-auto' or 'deny-all'",
        ),
        ('allow = "read"', "it should be a valid list"),
        ("deny = [5]", "it (item 1) should be a valid string"),
        ('deny = ["read", "shell("]', "not a permission rule: 'shell('"),
        ("model = 5", "it should be a valid string"),
        ('model = "a\\nb"', "text on one line"),
        ('openai_base_url = "ftp://host"', "starts with http:// or https://"),
        ('openai_compatible_url = "host:80"', "starts with http:// or https://"),
        ('anthropic_base_url = "https://"', "starts with http:// or https://"),
        ('anthropic_base_url = "https://[::1"', "starts with http:// or https://"),
        ('openai_api_key = "two words"', "one word of printable ASCII"),
        ('openai_api_key = ""', "one word of printable ASCII"),
        ('groq_api_key = "a\\nb"', "Copy the key again, without blanks or line ends in it"),
        ('openai_base_url = "http://h:99999"', "starts with http:// or https://"),
        ('openai_base_url = "http://h:0"', "starts with http:// or https://"),
        ('openai_base_url = "http://h /v1"', "starts with http:// or https://"),
        ('groq_base_url = "http://h\u00e9/v1"', "starts with http:// or https://"),
        ('ollama_base_url = "http:/h"', "starts with http:// or https://"),
        ('ollama_base_url = "a b"', "it should be HOST, HOST:PORT, or an address"),
        ('ollama_base_url = "h:port"', "it should be HOST, HOST:PORT, or an address"),
        ('ollama_keep_alive = "5 minutes"', 'a time such as "30m"'),
        ("ollama_num_ctx = 0", "it should be greater than or equal to 1"),
        ('aws_region = "eu/west"', "one word of letters, digits, dots and hyphens"),
        (
            'provider = "opnai"',
            "there is no provider 'opnai'. Did you mean openai? The providers are: bedrock",
        ),
        ('provider = "xyz"', "there is no provider 'xyz'. The providers are: bedrock"),
        ('effort = "hgih"', "it should be 'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or 'max'"),
        ("max_tokens_total = 0", "it should be greater than or equal to 1"),
        ("bedrock = 1", "it should be a valid boolean"),
        ('ca_file = "ca.pem"', "'ca.pem' is relative"),
        ("headers = 3", "it should be a valid dictionary"),
        ('headers = {opnai = {X = "y"}}', "there is no provider 'opnai'. Did you mean openai?"),
        ('headers = {openai = {"X Y" = "z"}}', "the name 'X Y' cannot be sent"),
        ('headers = {openai = {"" = "z"}}', "the name '' cannot be sent"),
        ('headers = {openai = {X = "a\\nb"}}', "the value of X should be one line"),
        ("headers = {openai = {X = 1}}", "it (openai.X) should be a valid string"),
        ('add_dirs = ["lib"]', "'lib' is relative"),
    ],
)
def test_a_wrong_value_is_named_with_file_line_key_and_expectation(
    place: Place, line: str, expected: str
) -> None:
    place.user(f"# mine\n\n{line}\n")
    message = refused(place)
    assert message.startswith(f"{place.user_file}, line 3, {line.split(' ', maxsplit=1)[0]}: ")
    assert expected in message


@pytest.mark.parametrize(
    ("line", "meant"),
    [("modle = 1", "model"), ("max-turns = 1", "max_turns"), ("[permision_mode]", "permission_mode")],
)
def test_an_unknown_key_is_met_with_the_nearest_one(place: Place, line: str, meant: str) -> None:
    place.user(f"effort = 'low'\n{line}\n")
    message = refused(place)
    assert f"{place.user_file}, line 2, " in message
    assert f"there is no such setting. Did you mean {meant}?" in message


@pytest.mark.parametrize("key", ["_env_file", "model_config", "self", "zzz"])
def test_a_key_that_resembles_nothing_gets_the_whole_list(place: Place, key: str) -> None:
    place.user(f"{key} = 'x'\n")
    message = refused(place)
    assert f"{key}: there is no such setting." in message
    assert "The settings are: model, provider" in message


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("window = 5", "row 2, match: it should be an id or a pattern such as qwen*"),
        ("match = 5", "row 2, match: it should be an id or a pattern such as qwen*"),
        ('match = " "', "row 2 (''), match: it should be an id"),
        (
            'match = "a"\nwidnow = 5',
            "row 2 ('a') has no field 'widnow'. Did you mean window? The fields are: match",
        ),
        (
            'match = "a"\nwindow = "5"',
            "row 2 ('a'), window: it should be a whole number of tokens, at least 1",
        ),
        ('match = "a"\nwindow = 0', "row 2 ('a'), window: it should be a whole number of tokens, at least 1"),
        ('match = "a"\noutput = true', "row 2 ('a'), output: it should be a whole number of tokens"),
        ('match = "a"\noutput = -1', "row 2 ('a'), output: it should be a whole number of tokens"),
        (
            'match = "a"\nprice = 3',
            "row 2 ('a'), price: it should be [input, output, cache read, cache write]",
        ),
        ('match = "a"\nprice = [1, 2]', "row 2 ('a'), price: it should be [input, output"),
        ('match = "a"\nprice = [1, 2, 3, "4"]', "row 2 ('a'), price: it should be [input, output"),
        ('match = "a"\nprice = [1, 2, 3, -4]', "row 2 ('a'), price: it should be [input, output"),
        ('match = "a"\nprice = [1, 2, 3, nan]', "row 2 ('a'), price: it should be [input, output"),
        ('match = "a"\nprice = [1, 2, 3, inf]', "row 2 ('a'), price: it should be [input, output"),
        ('match = "a"\nprovider = "opnai"', "row 2 ('a'), provider: it should be one of bedrock"),
        ('match = "a"\nimages = 1', "row 2 ('a'), images: it should be true or false"),
        ('match = "a"\napi = "x"', """row 2 ('a'), api: it should be "chat" or "responses\""""),
        ('match = "a"\nthinking = "x"', """row 2 ('a'), thinking: it should be "none", "budget\""""),
        (
            'match = "a"\nefforts = ["x"]',
            "row 2 ('a'), efforts: it should be a list of some of none, minimal",
        ),
        ('match = "a"\noutput_name = "x"', """row 2 ('a'), output_name: it should be "max_tokens" or"""),
        ('match = "a"\nedit = "x"', """row 2 ('a'), edit: it should be "replace" or "patch\""""),
    ],
)
def test_a_wrong_row_about_models_is_named_with_its_field(place: Place, row: str, expected: str) -> None:
    place.user(f'[[models]]\nmatch = "fine"\n[[models]]\n{row}\n')
    message = refused(place)
    assert message.startswith(f"{place.user_file}, line 1, models: ")
    assert expected in message


@pytest.mark.parametrize("value", ["3", "[3]", '{match = "x"}'])
def test_rows_about_models_are_a_list_of_tables(place: Place, value: str) -> None:
    place.user(f"models = {value}\n")
    assert "table" in refused(place)


def test_all_that_is_wrong_is_said_at_once(place: Place) -> None:
    place.user("modle = 1\nmax_turns = 0\nallow = 3\n")
    assert len(refused(place).splitlines()) == 3


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"model = ", "is not valid TOML: Invalid value (at end of document)"),
        (b"a = 1\nmodel = \xff\n", "line 2: this is not UTF-8 text"),
        (b"a = " + b"[" * 50_000, "nested too deeply"),
        (b"#" * 100_001, "too large"),
        (b"a = " + b"9" * 10_000, "is not valid TOML"),
    ],
)
def test_a_broken_file_is_an_error_with_its_place(place: Place, content: bytes, expected: str) -> None:
    place.user(content)
    message = refused(place)
    assert str(place.user_file) in message
    assert expected in message


def test_a_byte_order_mark_and_windows_line_ends_are_fine(place: Place) -> None:
    place.user(b"\xef\xbb\xbfmodel = 'm'\r\nprovider = 'groq'\r\n")
    assert place.load().settings.model == "m"


def test_a_folder_in_place_of_the_file_is_an_error(place: Place) -> None:
    place.user_file.mkdir(parents=True)
    assert f"{place.user_file} cannot be read" in refused(place)


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_an_error(place: Place) -> None:
    place.user("model = 'm'\n")
    place.user_file.chmod(0)
    assert f"{place.user_file} cannot be read: Permission denied." in refused(place)


def test_a_missing_file_or_folder_is_fine(place: Place) -> None:
    assert place.load().warnings == ()
    (place.home / ".config").write_text("not a folder")
    assert place.load().warnings == ()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AKMON_MAX_TURNS", "many", "AKMON_MAX_TURNS: it should be a valid integer"),
        ("AKMON_MAX_TURNS", "2.5", "AKMON_MAX_TURNS: it should be a valid integer"),
        ("AKMON_MAX_BUDGET_USD", "-1", "AKMON_MAX_BUDGET_USD: it should be greater than 0"),
        ("AKMON_PERMISSION_MODE", "PLAN", "AKMON_PERMISSION_MODE: it should be 'default'"),
        ("AKMON_ALLOW", "read", "AKMON_ALLOW: it should be a list in JSON"),
        ("AKMON_ALLOW", '"read"', "AKMON_ALLOW: it should be a valid list"),
        ("AKMON_DENY", '["shell("]', "AKMON_DENY: not a permission rule"),
        ("AKMON_BEDROCK", "maybe", "AKMON_BEDROCK: it should be a valid boolean"),
        ("AKMON_HEADERS", "X: y", "AKMON_HEADERS: it should be a table in JSON"),
        ("AKMON_MODELS", "qwen*", "AKMON_MODELS: it should be a list in JSON, such as [{"),
        ("AKMON_MODELS", '[{"window": 5}]', "AKMON_MODELS: row 1, match: "),
        ("AKMON_STATUS_LINE", "model", "AKMON_STATUS_LINE: it should be a list in JSON"),
        ("AKMON_STATUS_LINE", '"model"', "AKMON_STATUS_LINE: it should be a list, such as ["),
        (
            "AKMON_STATUS_LINE",
            '["brunch"]',
            "AKMON_STATUS_LINE: the status line has no part 'brunch'. Did you mean branch? The parts are:",
        ),
        ("AKMON_PROVIDER", "Groq", "AKMON_PROVIDER: there is no provider 'Groq'. Did you mean groq?"),
        ("OLLAMA_HOST", "http://", "OLLAMA_HOST: it should be an address"),
        ("OPENAI_BASE_URL", "api.openai.com", "OPENAI_BASE_URL: it should be an address"),
        ("ANTHROPIC_API_KEY", "a b", "ANTHROPIC_API_KEY: it should be one word"),
    ],
)
def test_a_wrong_variable_is_named(place: Place, name: str, value: str, expected: str) -> None:
    assert refused(place, environ={name: value}).startswith(expected)


def test_a_wrong_flag_is_named_as_it_is_typed(place: Place) -> None:
    assert refused(place, {"max_turns": 0}).startswith("--max-turns: it should be greater than or equal to 1")
    assert refused(place, {"deny": ["("]}).startswith("--deny: not a permission rule")


def test_a_pasted_key_loses_the_line_end_around_it(place: Place) -> None:
    key = place.load(environ={"OPENAI_API_KEY": f" {SECRET}\n"}).settings.openai_api_key
    assert key is not None
    assert key.get_secret_value() == SECRET


def test_no_secret_is_ever_shown(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    keys = [key for key in FIELDS if key.endswith(("_key", "_token"))]
    urls = [key for key in FIELDS if key.endswith(("_url", "_endpoint"))]
    address = f"https://me:{SECRET}@host:8443/v1?key={SECRET}#{SECRET}"
    place.user(
        "".join(f'{key} = "{SECRET}"\n' for key in keys)
        + "".join(f'{url} = "{address}"\n' for url in urls)
        + f'[headers.openai]\nX-Team = "{SECRET}"\nX-Other = "{SECRET}"\n'
    )
    loaded = place.load()
    print(loaded, repr(loaded.settings), str(loaded.settings), loaded.settings.openai_api_key, shown(loaded))
    printed = capsys.readouterr().out
    assert SECRET not in printed
    rows = {key: text for key, text, _ in shown(loaded)}
    assert {rows[key] for key in keys} == {"set"}
    assert {rows[key] for key in urls} == {"https://host:8443/v1"}
    assert rows["headers"] == "openai: X-Team, X-Other"
    assert ("openai_api_key", "not set", "default") in shown(Place(place.home).load())


@pytest.mark.parametrize(
    "line",
    [
        f'openai_api_key = ["{SECRET}"]',
        f'openai_api_key = "{SECRET} x"',
        f'headers = {{openai = {{X = "{SECRET}\\n"}}}}',
        f'headers = {{openai = {{X = ["{SECRET}"]}}}}',
        f'headers = {{X = "{SECRET}"}}',
        f'ollama_base_url = "u:{SECRET}@h i"',
        f'openai_api_kye = "{SECRET}"',
        f'openai_base_url = "{SECRET}"',
        f'openai_base_url = "https://{SECRET}:x@"',
        f'max_turns = "{SECRET}"',
        f'permission_mode = "{SECRET}"',
        f"openai_api_key = {SECRET}",
        f'[openai_api_key]\nvalue = "{SECRET}"',
    ],
)
def test_no_error_repeats_a_secret_from_the_file(place: Place, line: str) -> None:
    place.user(line + "\n")
    assert SECRET not in refused(place)


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "AKMON_OPENAI_API_KEY", "OPENAI_BASE_URL", "AKMON_MAX_TURNS"]
)
def test_no_error_repeats_a_secret_from_the_environment(place: Place, name: str) -> None:
    assert SECRET not in refused(place, environ={name: f"{SECRET} x"})


PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_documentation_are_accepted(place: Place, example: str) -> None:
    place.user(example)
    assert set(place.load().origins.values()) == {"default", f"user file {place.user_file}"}


def test_every_setting_is_documented(place: Place) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for key, _, _ in shown(place.load()):
        names = (f"AKMON_{key.upper()}", *WELL_KNOWN.get(key, ()))
        assert f"| `{key}` | {', '.join(f'`{name}`' for name in names)} |" in page
    assert "`AKMON_STATE_DIR`" in page
    assert "`AKMON_CACHE_DIR`" in page
    for field in ModelRow.__struct_fields__:
        assert f"| `{field}` |" in page
