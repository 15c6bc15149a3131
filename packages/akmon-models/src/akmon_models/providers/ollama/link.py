"""The connection to Ollama, through its SDK, which is imported here: import this module when it is needed."""

from __future__ import annotations

from typing import cast

import httpx
import ollama

from akmon_core.limits import CONNECT_SECONDS
from akmon_models.backend import Backend
from akmon_models.providers.ollama.address import is_this_machine
from akmon_models.wire.link import Response, certificates, refuse


class OllamaLink(ollama.AsyncClient):
    """The SDK's client, which knows Ollama's headers and its key, with requests of our own bytes.

    What the SDK would look up in the environment is given, or taken off: OLLAMA_HOST, OLLAMA_API_KEY.
    """

    errors: tuple[type[Exception], ...] = (httpx.HTTPError, httpx.StreamError)

    def __init__(self, backend: Backend) -> None:
        super().__init__(
            backend.base_url,
            headers={"Authorization": f"Bearer {backend.key}"} if backend.api_key else {},
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
            verify=certificates(backend.base_url, backend.ca_file),
            follow_redirects=False,
            event_hooks={"response": [refuse]},
            # A proxy cannot reach this machine: Ollama's own client does not ask one either.
            trust_env=not is_this_machine(backend.base_url),
        )
        if not backend.api_key:
            self._client.headers.pop("authorization", None)
        self._url = backend.base_url
        self._headers = backend.headers

    async def post(self, path: str, body: bytes) -> Response:
        return await self._send("POST", path, body)

    async def get(self, path: str) -> Response:
        return await self._send("GET", path)

    async def _send(self, method: str, path: str, body: bytes | None = None) -> Response:
        # The whole address, as the SDK leaves out the user and password of its own.
        url = self._url + path
        request = self._client.build_request(method, url, content=body, headers=dict(self._headers))
        return cast("Response", await self._client.send(request, stream=True))
