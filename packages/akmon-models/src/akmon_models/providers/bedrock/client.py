"""Models at Amazon Bedrock, of all families: botocore signs, httpx2 carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import msgspec

from akmon_core.errors import ProviderErrorKind, SettingsError
from akmon_core.models import Listed
from akmon_models.backend import Backend
from akmon_models.effort import checked_effort
from akmon_models.failures import Advice
from akmon_models.providers.bedrock.decode import ConverseDecoder
from akmon_models.providers.bedrock.encode import dialect, encode
from akmon_models.providers.bedrock.frames import FrameDecoder
from akmon_models.wire.link import Response
from akmon_models.wire.model import Opening, Wire, WireModel

if TYPE_CHECKING:
    import httpx2

Sign = Callable[[str, str, Mapping[str, str], bytes], dict[str, str]]
"""From method, address, headers and body of a request: its headers with its signature."""


def open_model(opening: Opening) -> WireModel:
    """A model at Bedrock. Looks for credentials, and connects, when it is first asked something.

    ``options`` of the backend: ``profile`` and ``region``, which otherwise are the AWS configuration's own.
    With a key (``AWS_BEARER_TOKEN_BEDROCK``) requests are not signed. Raises ``SettingsError`` if botocore is
    not installed, and for an effort that the model does not take.
    """
    _require_botocore()
    facts, backend = opening.facts, opening.backend
    speaking = dialect(facts.id, opening.row, checked_effort(opening), facts.max_output)
    wire = Wire(
        path=f"/model/{quote(facts.id, safe='')}/converse-stream",
        connect=partial(connect, model=facts.id),
        encode=lambda request: encode(request, speaking),
        decoder=ConverseDecoder,
        framer=FrameDecoder,
        advice=advice(facts.id, backend),
    )
    return WireModel(opening, wire)


def _require_botocore() -> None:
    if find_spec("botocore") is None:
        raise SettingsError(
            "Bedrock needs botocore, which is not installed. Install it:\n\npip install 'akmon[bedrock]'"
        )


def advice(model: str, backend: Backend) -> Advice:
    """What to do about failures that have their own causes here."""
    profile = backend.options.get("profile", "")
    of = f" --profile {profile}" if profile else ""

    def of_failure(kind: ProviderErrorKind, said: str) -> tuple[ProviderErrorKind, str] | None:
        if "model identifier is invalid" in said or "on-demand throughput" in said:
            return "model_not_found", (
                f"Check the model id {model} and the region: most models are asked by the id of an inference "
                "profile, such as us.anthropic.claude-... (`akmon models` lists them)."
            )
        if kind != "authentication" or backend.has_key:
            return None
        return kind, (
            f"Check the AWS credentials (`aws sts get-caller-identity{of}`, and `aws sso login{of}` if they "
            f"have expired), and that they may use {model} (bedrock:InvokeModelWithResponseStream)."
        )

    return of_failure


class BedrockLink:
    """A connection to one endpoint."""

    def __init__(self, client: httpx2.AsyncClient, headers: Mapping[str, str], sign: Sign | None) -> None:
        from httpx2 import HTTPError, StreamError

        self.errors: tuple[type[Exception], ...] = (HTTPError, StreamError)
        self.address = str(client.base_url).rstrip("/")
        self._client = client
        self._headers = headers
        self._sign = sign

    async def post(self, path: str, body: bytes) -> Response:
        return await self._send(
            "POST",
            path,
            {"Content-Type": "application/json", "Accept": "application/vnd.amazon.eventstream"},
            body,
        )

    async def get(self, path: str) -> Response:
        return await self._send("GET", path, {"Accept": "application/json"}, b"")

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        headers = {**headers, **self._headers}
        request = self._client.build_request(method, path, headers=headers, content=body or None)
        if self._sign is not None:
            import asyncio

            # What is signed is the address as it is sent; credentials may have to be fetched anew for it.
            signed = await asyncio.to_thread(self._sign, method, str(request.url), headers, body)
            request.headers.update(signed)
        return cast("Response", await self._client.send(request, stream=True))


def connect(backend: Backend, *, model: str = "", service: str = "bedrock-runtime") -> BedrockLink:
    """Finds the region and the address in it. Raises ``SettingsError`` if there is none."""
    from akmon_models.providers.bedrock.aws import Aws
    from akmon_models.providers.stainless import http_client

    aws = Aws(backend.options.get("profile", ""))
    address, sign = backend.base_url, None
    if not address or not backend.api_key:
        region = aws.region(backend.options.get("region", ""), model)
        address = address or aws.address(region, service)
        sign = None if backend.api_key else partial(aws.sign, region)
    bearer = {"Authorization": f"Bearer {backend.key}"} if backend.api_key else {}
    client = http_client(msgspec.structs.replace(backend, base_url=address))
    return BedrockLink(client, {**bearer, **backend.headers}, sign)


async def list_models(backend: Backend) -> list[Listed] | None:
    """The inference profiles of the region, and the models that are asked without one; None if the backend
    has an address of its own, which is not that of such a list. Raises ``ProviderError``."""
    from akmon_models.wire.listing import fetch_json
    from akmon_models.wire.model import Connection

    _require_botocore()
    if backend.base_url:
        return None
    connection = Connection(
        "bedrock",
        backend,
        partial(connect, service="bedrock"),
        "its models",
        advice=advice("its models", backend),
    )
    try:
        profiles = await fetch_json(connection, "/inference-profiles?maxResults=1000")
        models = await fetch_json(connection, "/foundation-models?byOutputModality=TEXT")
    finally:
        await connection.close()
    return [*_profiles(profiles), *_models(models)]


def _profiles(said: Any) -> list[Listed]:
    return [
        Listed(id=entry["inferenceProfileId"], detail=entry.get("inferenceProfileName") or "")
        for entry in _entries(said, "inferenceProfileSummaries", "inferenceProfileId")
    ]


def _models(said: Any) -> list[Listed]:
    """Those that stream and need no inference profile."""
    return [
        Listed(
            id=entry["modelId"],
            detail=f"{entry.get('providerName', '')} {entry.get('modelName', '')}".strip(),
        )
        for entry in _entries(said, "modelSummaries", "modelId")
        if entry.get("responseStreamingSupported")
        and "ON_DEMAND" in (entry.get("inferenceTypesSupported") or ())
    ]


def _entries(said: Any, name: str, key: str) -> list[dict[str, Any]]:
    entries = said.get(name) if isinstance(said, dict) else None
    found = entries if isinstance(entries, list) else []
    return [entry for entry in found if isinstance(entry, dict) and isinstance(entry.get(key), str)]
