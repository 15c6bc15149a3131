"""Bedrock over real sockets: credentials, signatures, addresses, and replies that break."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
import pytest
from botocore.awsrequest import AWSResponse
from botocore.session import Session

from akmon_core.errors import ProviderError, SettingsError
from akmon_core.messages import Text, Thinking, ToolCall
from akmon_core.models import Effort, Model
from akmon_core.stream import TextDelta, Usage
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.failures import Server, status_failure
from akmon_models.providers.bedrock.aws import Aws
from akmon_models.providers.bedrock.client import advice, connect, list_models, open_model
from akmon_models.wire.model import Opening
from tests.models.answering import Received, answering, response
from tests.models.asking import ask, reply, request
from tests.models.eventstream import exception, wire

MODEL = "eu.anthropic.claude-sonnet-4-20250514-v1:0"
ARN = "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc123:7"
KIND = "application/vnd.amazon.eventstream"
ACCESS, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session/token+="
REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any configuration of AWS, and an environment that names none."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def configure(home: Path, config: str = "", credentials: str = "") -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(config)
    (home / ".aws/credentials").write_text(credentials)


def model_at(
    url: str, *, model: str = MODEL, key: str = "", effort: Effort | None = None, **options: str
) -> Model:
    known = row("bedrock", model)
    facts = msgspec.structs.replace(facts_of("bedrock", model, known), first_token_seconds=30)
    backend = Backend(key, url, options={"region": REGION} | options)
    return open_model(Opening(facts=facts, row=known, backend=backend, effort=effort, idle=30))


def refused(url: str, **options: Any) -> ProviderError:
    _, error = ask(model_at(url, **options))
    assert isinstance(error, ProviderError)
    return error


# --- the signature ------------------------------------------------------------------------------------


def signature(received: Received, secret: str, region: str) -> str:
    """The value of ``Authorization`` that a request must have, by the rules of Signature Version 4.

    Written from https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html:
    the path is encoded once more than it was sent.
    """
    given = received.headers["authorization"]
    named = given.partition("SignedHeaders=")[2].partition(",")[0]
    path, _, query = received.path.partition("?")
    lines = [
        received.line.split()[0],
        quote(path, safe="/~"),
        "&".join(sorted(query.split("&"))) if query else "",
        *(f"{name}:{' '.join(received.headers[name].split())}" for name in named.split(";")),
        "",
        named,
        hashlib.sha256(received.body).hexdigest(),
    ]
    moment = received.headers["x-amz-date"]
    scope = f"{moment[:8]}/{region}/bedrock/aws4_request"
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"):
        key = hmac.digest(key, part.encode(), "sha256")
    access = given.partition("Credential=")[2].partition("/")[0]
    return f"AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={named}, Signature={key.hex()}"


MODELS = (MODEL, ARN, "amazon.nova-pro-v1:0", "a~b.c_d-e")


def sent_by_botocore(model: str) -> Received:
    """What botocore's own client sends to a model."""
    session = Session()
    session.set_credentials(ACCESS, SECRET, TOKEN)
    client = session.create_client("bedrock-runtime", region_name=REGION)
    seen: list[Received] = []

    def catch(request: Any, **_: object) -> AWSResponse:
        parts = urlsplit(request.url)
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        line = f"{request.method} {parts.path} HTTP/1.1"
        seen.append(Received(line, {"host": parts.netloc, **headers}, request.body))
        return AWSResponse(request.url, 403, {}, _Nothing())

    client.meta.events.register("before-send.bedrock-runtime.ConverseStream", catch)
    with pytest.raises(client.exceptions.ClientError):
        client.converse_stream(modelId=model, messages=[{"role": "user", "content": [{"text": "hi"}]}])
    return seen[0]


class _Nothing:
    def stream(self, **_: object) -> list[bytes]:
        return []


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("model", [MODEL, ARN, "amazon.nova-pro-v1:0"])
def test_the_check_of_signatures_agrees_with_botocore_and_so_do_the_paths(model: str) -> None:
    theirs = sent_by_botocore(model)
    assert theirs.headers["authorization"] == signature(theirs, SECRET, REGION)
    with answering(b"", KIND, 403) as server:
        refused(server.url, model=model, key="k")
    assert server.requests[0].path == theirs.path


@pytest.mark.parametrize("model", MODELS)
def test_a_request_is_signed_as_it_is_sent(keys: None, model: str) -> None:
    with answering(b"".join(wire()), KIND) as server:
        reply(ask(model_at(server.url, model=model))[0])
    (sent,) = server.requests
    region = "us-west-2" if model == ARN else REGION
    assert sent.headers["authorization"] == signature(sent, SECRET, region)
    named = sent.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "content-type", "x-amz-date"} <= set(named)
    assert sent.path == f"/model/{quote(model, safe='')}/converse-stream"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["accept"] == KIND


def test_a_path_of_the_address_and_headers_of_the_user_are_signed_too(keys: None) -> None:
    with answering(b"".join(wire()), KIND) as server:
        known = row("bedrock", MODEL)
        backend = Backend(
            "", f"{server.url}/gate/way", headers={"X-Team": "a  b"}, options={"region": REGION}
        )
        model = open_model(Opening(facts=facts_of("bedrock", MODEL, known), row=known, backend=backend))
        reply(ask(model)[0])
    (sent,) = server.requests
    assert sent.path == f"/gate/way/model/{quote(MODEL, safe='')}/converse-stream"
    assert sent.headers["authorization"] == signature(sent, SECRET, REGION)
    assert "x-team" in sent.headers["authorization"]


def test_a_bearer_token_goes_without_a_signature(keys: None) -> None:
    with answering(b"".join(wire()), KIND) as server:
        reply(ask(model_at(server.url, key="bedrock-key", profile="no-such-profile"))[0])
    (sent,) = server.requests
    assert sent.headers["authorization"] == "Bearer bedrock-key"
    assert not [name for name in sent.headers if name.startswith("x-amz-")]


# --- credentials --------------------------------------------------------------------------------------


def credential(received: Received) -> str:
    return received.headers["authorization"].partition("Credential=")[2].partition("/")[0]


def asked_with(**options: Any) -> Received:
    with answering(b"".join(wire()), KIND) as server:
        events, error = ask(model_at(server.url, **options))
    assert error is None
    reply(events)
    return server.requests[0]


def test_credentials_come_from_the_shared_file_of_the_home(home: Path) -> None:
    own = f"[default]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"
    own += f"aws_session_token = {TOKEN}\n"
    other = "[dev]\naws_access_key_id = AKIDDEV\naws_secret_access_key = secret\n"
    configure(home, credentials=own + other)
    sent = asked_with()
    assert credential(sent) == ACCESS
    assert sent.headers["x-amz-security-token"] == TOKEN
    assert sent.headers["authorization"] == signature(sent, SECRET, REGION)
    assert credential(asked_with(profile="dev")) == "AKIDDEV"


def test_credentials_may_come_from_a_program(home: Path) -> None:
    given = {"Version": 1, "AccessKeyId": "AKIDPROGRAM", "SecretAccessKey": SECRET}
    program = home / "credentials.json"
    program.write_text(json.dumps(given))
    configure(home, f"[profile tool]\ncredential_process = cat {program}\n")
    assert credential(asked_with(profile="tool")) == "AKIDPROGRAM"


def test_keys_of_the_environment_go_before_its_profile_but_not_before_another(
    home: Path, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, credentials="[dev]\naws_access_key_id = AKIDDEV\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_PROFILE", "dev")
    assert credential(asked_with(profile="dev")) == ACCESS
    monkeypatch.delenv("AWS_PROFILE")
    assert credential(asked_with(profile="dev")) == "AKIDDEV"


def test_credentials_that_expire_are_fetched_anew_for_each_signature(home: Path) -> None:
    """A program that gives keys which are as good as expired is run again."""
    script = home / "keys.py"
    script.write_text(
        "import datetime, json, pathlib\n"
        "runs = pathlib.Path(__file__).with_name('runs')\n"
        "runs.write_text((runs.read_text() if runs.exists() else '') + 'x')\n"
        "soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=61)\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': 'AKID%d' % len(runs.read_text()),\n"
        "    'SecretAccessKey': 's', 'Expiration': soon.isoformat()}))\n"
    )
    configure(home, f"[profile tool]\ncredential_process = {sys.executable} {script}\n")
    with answering(b"".join(wire()), KIND) as server:

        async def twice() -> None:
            model = model_at(server.url, profile="tool")
            for _ in range(2):
                async for _ in model.stream(request()):
                    pass
            await model.close()

        asyncio.run(twice())
    first, second = (credential(each) for each in server.requests)
    assert first != second


def test_without_credentials_the_error_says_how_to_have_some() -> None:
    error = refused("http://127.0.0.1:1")
    assert error.kind == "authentication"
    for way in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        assert way in str(error)


SSO = """[profile work]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Developer
[sso-session corp]
sso_start_url = https://corp.example/start
sso_region = eu-central-1
"""


def test_an_sso_profile_that_is_not_signed_in_is_told_to_sign_in(home: Path) -> None:
    configure(home, SSO)
    error = refused("http://127.0.0.1:1", profile="work")
    assert error.kind == "authentication"
    assert "aws sso login --profile work" in str(error)


def test_an_sso_token_that_has_expired_is_told_to_be_renewed(home: Path) -> None:
    configure(home, SSO)
    cached = home / ".aws/sso/cache" / f"{hashlib.sha1(b'corp').hexdigest()}.json"
    cached.parent.mkdir(parents=True)
    cached.write_text(json.dumps({"accessToken": "old-token", "expiresAt": "2020-01-01T00:00:00Z"}))
    error = refused("http://127.0.0.1:1", profile="work")
    assert error.kind == "authentication"
    assert "aws sso login --profile work" in str(error)
    assert "old-token" not in str(error)


def test_a_profile_that_does_not_exist_is_named() -> None:
    error = refused("http://127.0.0.1:1", profile="wrok")
    assert error.kind == "authentication"
    assert "wrok" in str(error)
    assert "aws configure list-profiles" in str(error)


def test_half_of_a_key_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    error = refused("http://127.0.0.1:1")
    assert error.kind == "authentication"
    assert "AWS_SECRET_ACCESS_KEY" in str(error)


# --- regions and addresses ------------------------------------------------------------------------------


def test_a_region_is_found_where_aws_programs_find_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(home, "[default]\nregion = eu-west-1\n[profile dev]\nregion = eu-west-2\n")
    assert Aws().region() == "eu-west-1"
    assert Aws("dev").region() == "eu-west-2"
    assert Aws("dev").region("us-east-1") == "us-east-1"
    assert Aws("dev").region("us-east-1", ARN) == "us-west-2"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert Aws().region() == "eu-north-1"


def test_without_a_region_the_error_says_how_to_set_one(keys: None) -> None:
    with pytest.raises(SettingsError, match="AWS_REGION") as caught:
        connect(Backend(options={"profile": ""}))
    assert "aws configure set region" in str(caught.value)
    error = refused("", region="")
    assert "AWS_REGION" in str(error)


@pytest.mark.parametrize(
    ("region", "service", "address"),
    [
        ("us-east-1", "bedrock-runtime", "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ("us-gov-west-1", "bedrock-runtime", "https://bedrock-runtime.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "bedrock-runtime", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
        ("zz-new-9", "bedrock-runtime", "https://bedrock-runtime.zz-new-9.amazonaws.com"),
        ("eu-central-1", "bedrock", "https://bedrock.eu-central-1.amazonaws.com"),
    ],
)
def test_each_region_has_its_addresses(region: str, service: str, address: str) -> None:
    assert Aws().address(region, service) == address


def test_addresses_heed_what_the_configuration_says_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert Aws().address("us-east-1") == "https://bedrock-runtime-fips.us-east-1.amazonaws.com"


def test_what_is_no_region_is_told() -> None:
    with pytest.raises(SettingsError, match="is no AWS region"):
        Aws().address("https://us east")


def test_a_link_knows_where_it_goes(keys: None) -> None:
    link = connect(Backend(options={"region": REGION}))
    assert link.address == f"https://bedrock-runtime.{REGION}.amazonaws.com"
    asyncio.run(link.close())


# --- replies --------------------------------------------------------------------------------------------

WIRE = wire()


def test_a_whole_reply_comes_through(keys: None) -> None:
    with answering(b"".join(WIRE), KIND) as server:
        events, error = ask(model_at(server.url))
    assert error is None
    done = reply(events)
    assert done.message.parts == (
        Thinking("Let me see.", "c2ln", origin="converse"),
        Text("Hello wörld ✓"),
        ToolCall("tooluse_1", "shell", '{"cmd": "ls"}'),
    )
    assert done.usage == Usage(input_tokens=10, output_tokens=25, cache_read_tokens=60)


def test_a_reply_that_comes_byte_by_byte_is_the_same(keys: None) -> None:
    def trickle(_: Received, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in response(b"".join(WIRE), KIND):
            connection.sendall(bytes([byte]))

    with answering(trickle) as server:
        events, error = ask(model_at(server.url))
    assert error is None
    assert reply(events).message.text == "Hello wörld ✓"


def cut_at(parts: list[bytes]) -> tuple[Any, Any]:
    """What is said of a stream that ends after ``parts`` as if it were whole."""
    with answering(b"".join(parts), KIND) as server:
        return ask(model_at(server.url, key="k"))


@pytest.mark.parametrize("kept", range(len(WIRE) - 1))
def test_a_reply_that_is_cut_between_two_frames_is_never_whole(kept: int) -> None:
    events, error = cut_at(WIRE[:kept])
    assert error is not None, events
    assert error.kind == "protocol"
    assert error.retryable


def test_only_the_usage_may_be_missing_of_a_whole_reply() -> None:
    events, error = cut_at(WIRE[:-1])
    assert error is None
    assert reply(events).message.stop == "tools"
    assert reply(events).usage == Usage()


@pytest.mark.parametrize("at", range(1, len(WIRE) - 1))
def test_a_reply_that_is_cut_within_a_frame_is_never_whole(at: int) -> None:
    _, error = cut_at([*WIRE[:at], WIRE[at][: len(WIRE[at]) // 2]])
    assert error is not None
    assert error.kind == "protocol"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("throttlingException", "rate_limit"),
        ("modelStreamErrorException", "server"),
        ("serviceUnavailableException", "overloaded"),
        ("validationException", "bad_request"),
    ],
)
def test_an_exception_in_mid_stream_keeps_what_was_said(name: str, kind: str) -> None:
    events, error = cut_at([*WIRE[:7], exception(name, "so it is"), *WIRE[7:]])
    assert (error.kind, "so it is" in str(error)) == (kind, True)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Hello wörld ✓"


def test_a_damaged_frame_is_an_error_of_the_protocol() -> None:
    damaged = bytearray(WIRE[5])
    damaged[-6] ^= 1
    _, error = cut_at([*WIRE[:5], bytes(damaged), *WIRE[6:]])
    assert error.kind == "protocol"


def test_a_web_page_in_place_of_a_stream_is_told() -> None:
    with answering(b"<html><body>Please sign in</body></html>", "text/html") as server:
        error = refused(server.url, key="k")
    assert error.kind == "protocol"
    assert "Please sign in" in str(error)


# --- refusals -------------------------------------------------------------------------------------------

REFUSALS: tuple[tuple[int, str, dict[str, str], str, str], ...] = (
    (403, "AccessDeniedException", {"message": "not authorized"}, "authentication", "bedrock:InvokeModel"),
    (403, "ExpiredTokenException", {"message": "token expired"}, "authentication", "aws sso login"),
    (403, "UnrecognizedClientException", {"Message": "token invalid"}, "authentication", "token invalid"),
    (400, "ExpiredTokenException:http://internal/", {"message": "expired"}, "authentication", "aws sso"),
    (404, "ResourceNotFoundException", {"message": "end of life"}, "model_not_found", "end of life"),
    (429, "ThrottlingException", {"message": "Too many tokens"}, "rate_limit", "Too many tokens"),
    (400, "ServiceQuotaExceededException", {"message": "quota"}, "rate_limit", "quota"),
    (400, "ValidationException", {"message": "Malformed input"}, "bad_request", "Malformed input"),
    (
        400,
        "ValidationException",
        {"message": "Input is too long for requested model."},
        "context_overflow",
        "",
    ),
    (
        400,
        "ValidationException",
        {"message": "The provided model identifier is invalid."},
        "model_not_found",
        "akmon models",
    ),
    (
        400,
        "ValidationException",
        {"message": "Invocation of model ID x with on-demand throughput isn’t supported."},
        "model_not_found",
        "inference profile",
    ),
    (408, "ModelTimeoutException", {"message": "slow"}, "timeout", "slow"),
    (424, "ModelErrorException", {"message": "boom"}, "server", "boom"),
    (429, "ModelNotReadyException", {"message": "loading"}, "overloaded", "loading"),
    (500, "InternalServerException", {"message": "boom"}, "server", "boom"),
    (503, "ServiceUnavailableException", {"message": "busy"}, "overloaded", "busy"),
)


@pytest.mark.parametrize(("status", "name", "body", "kind", "says"), REFUSALS)
def test_a_refusal_has_its_kind_and_the_next_step(
    keys: None, status: int, name: str, body: dict[str, str], kind: str, says: str
) -> None:
    with answering(
        json.dumps(body).encode(), "application/json", status, **{"x-amzn-errortype": name}
    ) as server:
        error = refused(server.url, profile="")
    assert error.kind == kind
    assert error.status == status
    assert says in str(error)
    assert next(iter(body.values())) in str(error)
    assert SECRET not in str(error)


def test_a_refused_bearer_token_is_named_by_its_variable() -> None:
    with answering(b'{"Message": "bad key"}', "application/json", 403) as server:
        error = refused(server.url, key="secret-bearer")
    assert "AWS_BEARER_TOKEN_BEDROCK" in str(error)
    assert "secret-bearer" not in str(error)


def test_the_profile_is_named_where_its_credentials_are_refused() -> None:
    server = Server(
        provider="bedrock",
        model="m",
        url="u",
        key_variable="K",
        url_variable="U",
        advice=advice("m", Backend(options={"profile": "dev"})),
    )
    headers: Mapping[str, str] = {"x-amzn-errortype": "ExpiredTokenException"}
    error = status_failure(server, 403, headers, b'{"message":"expired"}')
    assert "aws sso login --profile dev" in str(error)


def test_a_bearer_token_that_was_fetched_and_is_refused_is_fetched_again() -> None:
    given: list[str] = []

    def fetch() -> str:
        given.append(f"key-{len(given) + 1}")
        return given[-1]

    def answer(received: Received, connection: socket.socket) -> None:
        if received.headers["authorization"] == "Bearer key-1":
            connection.sendall(response(b'{"Message":"Bearer Token has expired"}', "application/json", 403))
        else:
            connection.sendall(response(b"".join(WIRE), KIND))

    with answering(answer) as server:
        known = row("bedrock", MODEL)
        backend = Backend("", server.url, fetch)
        events, error = ask(
            open_model(Opening(facts=facts_of("bedrock", MODEL, known), row=known, backend=backend))
        )
    assert error is None
    assert reply(events).message.text == "Hello wörld ✓"
    assert given == ["key-1", "key-2"]


def test_redirects_are_not_followed(keys: None) -> None:
    with answering(b"", "text/plain", 307, location="http://127.0.0.1:1/elsewhere?token=1") as server:
        error = refused(server.url)
    assert "redirects to http://127.0.0.1:1/elsewhere" in str(error)
    assert len(server.requests) == 1


# --- opening and listing --------------------------------------------------------------------------------


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


OPEN = """
from akmon_core.errors import SettingsError
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.providers.bedrock.client import open_model
from akmon_models.wire.model import Opening
known = row("bedrock", "amazon.nova-pro-v1:0")
facts = facts_of("bedrock", "amazon.nova-pro-v1:0", known)
try:
    open_model(Opening(facts=facts, row=known, backend=Backend(options={"region": "us-east-1"})))
except SettingsError as error:
    print(error)
"""


def test_opening_a_model_loads_nothing_heavy() -> None:
    code = f"{OPEN}\nimport sys; print([m for m in ('botocore', 'httpx2', 'asyncio') if m in sys.modules])"
    assert run_python(code) == "[]\n"


def test_without_botocore_the_error_has_the_line_that_installs_it() -> None:
    said = run_python(f"import sys; sys.modules['botocore'] = None\n{OPEN}")
    assert "pip install 'akmon[bedrock]'" in said.splitlines()


def test_an_effort_that_the_model_does_not_take_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="minimal"):
        model_at("", model="us.anthropic.claude-opus-5-v1:0", effort="minimal")


def test_a_backend_with_an_address_of_its_own_has_no_list() -> None:
    assert asyncio.run(list_models(Backend("k", "http://127.0.0.1:1"))) is None


LISTS = {
    "/inference-profiles": {
        "inferenceProfileSummaries": [
            {"inferenceProfileId": "us.anthropic.claude-x-v1:0", "inferenceProfileName": "US Claude X"}
        ]
    },
    "/foundation-models": {
        "modelSummaries": [
            {
                "modelId": "amazon.nova-pro-v1:0",
                "modelName": "Nova Pro",
                "providerName": "Amazon",
                "responseStreamingSupported": True,
                "inferenceTypesSupported": ["ON_DEMAND"],
            },
            {"modelId": "anthropic.claude-x-v1:0", "responseStreamingSupported": True},
            {"modelId": "no.stream", "inferenceTypesSupported": ["ON_DEMAND"]},
        ]
    },
}


def test_models_are_listed_that_can_be_asked(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(received: Received, connection: socket.socket) -> None:
        body = json.dumps(LISTS[received.path.partition("?")[0]]).encode()
        connection.sendall(response(body, "application/json"))

    with answering(answer) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", server.url)
        listed = asyncio.run(list_models(Backend(options={"region": REGION})))
    assert listed is not None
    assert [(each.id, each.detail) for each in listed] == [
        ("us.anthropic.claude-x-v1:0", "US Claude X"),
        ("amazon.nova-pro-v1:0", "Amazon Nova Pro"),
    ]
    assert [each.headers["authorization"] for each in server.requests] == [
        signature(each, SECRET, REGION) for each in server.requests
    ]
