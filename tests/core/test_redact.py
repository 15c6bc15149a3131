"""Secrets are taken out of text, and nothing else is."""

from __future__ import annotations

import base64
import secrets
import string
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.limits import REDACTED_AT_ONCE
from akmon_core.redact import REDACTED, Redactor, hides

KEY = "Canary/7f3a+90b1=c2d4e5f6"
PLAIN = Redactor()
KNOWING = Redactor([KEY])

ALNUM = string.ascii_letters + string.digits


def made(length: int, letters: str = ALNUM) -> str:
    """Letters without order, the same each time; none that a real key could be."""
    return "".join(
        letters[(position * position * 7 + position * 11 + 3) % len(letters)] for position in range(length)
    )


UPPER = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
BLOCK = "\n".join(made(64, ALNUM + "+/") for _ in range(6)) + "\n" + made(20)


def key_file(kind: str = "RSA ", line_end: str = "\n") -> str:
    # Written in two parts, so that no scanner takes this file for one that holds a key.
    return line_end.join(
        ["-----BEGIN " + f"{kind}PRIVATE KEY-----", *BLOCK.split("\n"), f"-----END {kind}PRIVATE KEY-----"]
    )


SECRETS = {
    "anthropic": "sk-ant-" + "api03-" + made(93) + "AA",
    "openai": "sk-" + "proj-" + made(60),
    "openai service": "sk-" + "svcacct-" + made(60),
    "openai old": "sk-" + made(20) + "T3Blbk" + "FJ" + made(20),
    "openrouter": "sk-or-" + "v1-" + made(64, HEX),
    "groq": "gsk" + "_" + made(52),
    "xai": "xai" + "-" + made(80),
    "google": "AI" + "za" + made(35),
    "hugging face": "hf" + "_" + made(34),
    "aws id": "AK" + "IA" + made(16, UPPER),
    "aws id of a session": "AS" + "IA" + made(16, UPPER),
    "github": "ghp" + "_" + made(36),
    "github app": "ghs" + "_" + made(36),
    "github fine-grained": "github" + "_pat_" + made(22) + "_" + made(59),
    "gitlab": "glpat" + "-" + made(20),
    "npm": "npm" + "_" + made(36),
    "pypi": "pypi" + "-AgEIcHlwaS5vcmc" + made(80),
    "slack": "xoxb" + "-123456789012-" + made(24),
    "stripe": "sk" + "_live_" + made(24),
    "sendgrid": "SG" + "." + made(22) + "." + made(43),
    "jwt": "ey" + "J" + made(20) + ".ey" + "J" + made(40) + "." + made(43),
    "private key": key_file(),
    "openssh key": key_file("OPENSSH "),
    "private key in a string": key_file("", "\\n"),
}
BY_PLACE = {
    "bearer": ("Authorization: Bearer ", made(40), ""),
    "bearer in code": ('"Authorization": "Bearer ', made(40), '"'),
    "basic": ("authorization: Basic ", base64.b64encode(b"me:hunter2hunter").decode(), ""),
    "header": ("x-api-key: ", made(40), ""),
    "aws secret": ("aws_secret_access_key = ", made(40), ""),
    "aws secret as JSON": ('"SecretAccessKey": "', made(40), '"'),
    "aws secret beside its id": ("AK" + "IA" + made(16, UPPER) + ",", made(40), "\n"),
    "password of a database": ("postgres://app:", "hunter2!x", "@db.internal/app"),
    "password without a user": ("redis://:", "s3cr3t-word", "@cache:6379"),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize(
    "around", ["{}", "KEY={}\n", '{{"key": "{}"}}', "say '{}', then", "({})", "a\n{}\nb"]
)
def test_a_secret_of_a_known_form_is_replaced_and_what_is_around_it_stays(secret: str, around: str) -> None:
    before, after = (part.replace("{{", "{").replace("}}", "}") for part in around.split("{}"))
    shown = PLAIN(before + secret + after)
    assert secret not in shown
    assert shown.startswith(before + "[redacted: ")
    assert shown.endswith("]" + after)


@pytest.mark.parametrize(("before", "secret", "after"), BY_PLACE.values(), ids=BY_PLACE.keys())
def test_a_secret_is_found_by_the_place_where_it_stands(before: str, secret: str, after: str) -> None:
    shown = PLAIN(f"x\n{before}{secret}{after}\ny")
    assert secret not in shown
    assert shown.startswith("x\n")
    assert shown.endswith(f"]{after}\ny")


def test_a_private_key_that_is_cut_off_is_replaced_as_far_as_it_goes() -> None:
    assert PLAIN(key_file()[:300]).startswith("[redacted: private key]")
    assert made(64, ALNUM + "+/")[:30] not in PLAIN(key_file()[:300])


def test_code_that_only_mentions_keys_stays() -> None:
    code = (
        'HEADER = b"-----BEGIN RSA PRIVATE KEY-----"\n\n'
        "def parse_private_key_of_some_length(text):\n    return text"
    )
    assert PLAIN(code) == code


BENIGN = {
    "git hash": "commit 8396067d0c1b2a3f4e5d6c7b8a9f0e1d2c3b4a59",
    "uuid": "id: 123e4567-e89b-42d3-a456-426614174000",
    "sha256": "sha256:" + made(64, HEX),
    "lock file": '"integrity": "sha512-' + base64.b64encode(bytes(range(64))).decode() + '"',
    "image": "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 20).decode(),
    "names with the start of a key": "task-" + made(40) + " risk-" + made(40) + " disk-ant-" + made(30),
    "package": "sk-learn-contrib-packages-and-some-more-words-to-come",
    "placeholder": "Authorization: Bearer YOUR_TOKEN_GOES_HERE\nAuthorization: Bearer $TOKEN\nx-api-key: $K",
    "placeholder in an address": "postgres://user:password@localhost/db http://u:pass@host https://me:$PW@host",
    "address with a port": "http://localhost:8080/a@b ssh://git@github.com:22/x.git https://[::1]:8080/",
    "example of AWS": "AKIAIOSFODNN7EXAMPLE",
    "public key": "-----BEGIN PUBLIC KEY-----\n" + BLOCK + "\n-----END PUBLIC KEY-----",
    "certificate": "-----BEGIN CERTIFICATE-----\n" + BLOCK + "\n-----END CERTIFICATE-----",
    "variables": "sk_live_mode = gsk_option(npm_config_registry, hf_hub_download, ghp_import)",
}


@pytest.mark.parametrize("text", BENIGN.values(), ids=BENIGN.keys())
def test_what_only_looks_random_stays(text: str) -> None:
    assert PLAIN(text) == text


def test_in_the_source_of_the_standard_library_nothing_is_taken_for_a_secret() -> None:
    """The installed packages, 190 MB, have six such places: the password in one example of two libraries."""
    folder = Path(sysconfig.get_path("stdlib"))
    files = [
        path
        for path in (*folder.glob("*.py"), *folder.glob("[a-h]*/*.py"))
        if "site-packages" not in path.parts
    ]
    assert len(files) > 200
    for path in files:
        text = path.read_text("utf-8", "replace")
        assert PLAIN(text) == text, path


ENCODINGS: dict[str, Callable[[bytes], str]] = {
    "plain": bytes.decode,
    "hex": bytes.hex,
    "upper hex": lambda raw: raw.hex().upper(),
    "percent": lambda raw: quote(raw, safe=""),
    "percent of a form": lambda raw: quote_plus(raw.decode()),
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "base64 for addresses": lambda raw: base64.urlsafe_b64encode(raw).decode(),
    "base64 with a user": lambda raw: base64.b64encode(b"me:" + raw).decode(),
    "base64 with a longer user": lambda raw: base64.b64encode(b"user:" + raw).decode(),
    "base64 in a text": lambda raw: base64.b64encode(b"KEY=" + raw + b"\nMORE=1").decode(),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_known_key_is_found_however_it_is_encoded(encode: Callable[[bytes], str]) -> None:
    for key in (KEY, KEY + "x", KEY + "xy"):
        coded = encode(key.encode())
        shown = Redactor([key])(f"a {coded} b")
        assert REDACTED in shown
        left = shown.removeprefix("a ").removesuffix(" b").replace(REDACTED, "")
        assert len(left) <= len(coded) - len(key) + 4


def test_a_known_key_is_found_in_the_middle_of_a_word_and_as_often_as_it_is_there() -> None:
    assert KNOWING(f"x{KEY}{KEY}y") == f"x{REDACTED}{REDACTED}y"
    assert KNOWING.known(f"x{KEY}y") == f"x{REDACTED}y"


def test_only_known_keys_go_where_the_rest_must_stay() -> None:
    text = f"{SECRETS['github']} {KEY}"
    assert KNOWING.known(text) == f"{SECRETS['github']} {REDACTED}"


def test_a_key_that_begins_with_another_one_leaves_nothing_behind() -> None:
    both = Redactor(["abc12345", "abc12345-and-more-67"])
    assert both("abc12345-and-more-67") == REDACTED


def test_a_key_that_is_learnt_later_is_known_from_then_on() -> None:
    redactor = Redactor()
    redactor.add("later-8f3e21")
    assert redactor.known("a later-8f3e21") == f"a {REDACTED}"


@pytest.mark.parametrize(
    "value",
    [
        "", "1234567", "production", "not-needed", "lm-studio", "sk-no-key-required", "10000000",
        "2026-11-21", "/usr/lib/secrets", "~/.ssh/id_ed25519", "./keys/of/mine",
        "https://example.com/token", "C:\\keys\\mine", "[redacted]",
    ],
)  # fmt: skip
def test_ordinary_words_numbers_and_paths_are_no_secrets_whatever_they_are_called(value: str) -> None:
    assert not hides(value)
    text = f"the value {value} stays"
    assert Redactor([value])(text) == text


@pytest.mark.parametrize(
    "value", ["hunter22", "gAAAAABh", "correct horse battery staple", "https://me:x1@host/", made(40)]
)
def test_what_can_be_told_from_words_is_hidden(value: str) -> None:
    assert hides(value)


def test_a_redactor_does_not_show_what_it_knows() -> None:
    assert KEY not in f"{KNOWING!r} {KNOWING} {vars(KNOWING).keys()}"


# --- output that comes in pieces

GITHUB = SECRETS["github"]
PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [KEY, f" {GITHUB}", SECRETS["anthropic"], key_file(), "\n", "\r", " ", "=", "text\n", "ünï"]
        ),
        st.text(max_size=20),
    ),
    max_size=12,
).map("".join)


@given(PIECES, st.data())
def test_where_output_is_cut_makes_no_difference(text: str, data: st.DataObject) -> None:
    raw = text.encode("utf-8", "replace")
    whole = KNOWING.stream()
    at_once = whole.feed(raw) + whole.rest()
    stream, out = KNOWING.stream(), b""
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        out += stream.feed(raw[:size])
        raw = raw[size:]
    assert out + stream.rest() == at_once
    assert KEY.encode() not in at_once
    assert GITHUB.encode() not in at_once


@given(st.binary(max_size=300))
def test_bytes_that_are_no_text_pass_unchanged(raw: bytes) -> None:
    stream = PLAIN.stream()
    assert stream.feed(raw) + stream.rest() == raw


def test_a_line_is_given_as_soon_as_it_ends() -> None:
    stream = KNOWING.stream()
    assert stream.feed(b"one\ntw") == b"one\n"
    assert stream.feed(b"o\n") == b"two\n"


def test_what_is_held_of_a_line_without_end_is_bounded_and_a_key_in_it_is_found() -> None:
    stream, out, fed = KNOWING.stream(), 0, 0
    piece = (b"x" * 999 + KEY.encode()) * 3
    for _ in range(200):
        given_back = stream.feed(piece)
        assert KEY.encode() not in given_back
        out += len(given_back)
        fed += len(piece)
        assert fed - out < 4 * REDACTED_AT_ONCE
    assert KEY.encode() not in stream.rest()


def test_a_private_key_is_found_though_it_comes_line_by_line() -> None:
    stream = PLAIN.stream()
    out = b"".join(
        stream.feed(line.encode() + b"\n") for line in ("before", *key_file().split("\n"), "after")
    )
    assert out + stream.rest() == b"before\n[redacted: private key]\nafter\n"


def test_what_follows_the_mention_of_a_private_key_is_not_held_back() -> None:
    stream = PLAIN.stream()
    stream.feed(b'if line == "-----BEGIN RSA ' + b'PRIVATE KEY-----":\n')
    out = b"".join(stream.feed(b"    some more code of this program, which goes on\n") for _ in range(30))
    assert out.count(b"\n") >= 30


# --- time

ADVERSARIAL = {
    "starts of keys": "sk-",
    "starts of JWTs": "eyJ",
    "starts of JWTs with dots": "eyJaaaaaaaaaa.",
    "private keys without end": "-----BEGIN " + "PRIVATE KEY-----\n",
    "gaps": "-----BEGIN " + "PRIVATE KEY-----" + " " * 60 + "\\n" * 30,
    "addresses": "://a:",
    "addresses with long passwords": "://a:" + "b" * 300,
    "headers": "Authorization: Bearer " + "a" * 60,
    "dashes": "-----",
    "one word": "a",
    "almost the key": KEY[:-1],
    "AWS": "AK" + "IA" + "A" * 16 + " " * 8,
}


@pytest.mark.parametrize("unit", ADVERSARIAL.values(), ids=ADVERSARIAL.keys())
def test_the_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    """Ten times the text may take some thirty times as long on a busy machine, not a hundred times."""

    def seconds(size: int) -> float:
        text = (unit * (size // len(unit) + 1))[:size]
        taken = []
        for _ in range(3):
            began = time.process_time()
            KNOWING(text)
            taken.append(time.process_time() - began)
        return min(taken)

    small, large = seconds(200_000), seconds(2_000_000)
    assert large < max(40 * small, 0.4)


@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = KNOWING(f"{text}{KEY}{text}")
    assert KNOWING(once) == once


def test_random_keys_are_found() -> None:
    for _ in range(50):
        key = secrets.token_urlsafe(24)
        assert key not in Redactor([key])(f"{sys.platform}{key}")
