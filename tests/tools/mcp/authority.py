"""A server of MCP that wants a login, and its authorization server: all on one port of loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

from akmon_core.secret import Secret
from akmon_core.servers import Server

Reply = tuple[int, dict[str, str], bytes]


class Authority:
    """What it knows and was asked. ``pages`` are answered in place of its own."""

    def __init__(self) -> None:
        self.url = ""
        self.pages: dict[str, Callable[[Asked], Reply]] = {}
        self.metadata: dict[str, Any] = {}
        """In place of, or besides, what it says of itself."""
        self.lasts = 3600
        self.valid: set[str] = set()
        self.refreshes: set[str] = set()
        self.spent: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.clients: dict[str, str] = {}
        """Secrets by client."""
        self.asked: list[Asked] = []
        self.open_to_all = False
        self.scope_for_calls = ""
        self._count = 0

    def server(self, **more: Any) -> Server:
        return Server(name="locked", transport="http", url=f"{self.url}/mcp", **more)

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]

    def forms(self) -> list[dict[str, str]]:
        """What came to the token endpoint."""
        return [each.form for each in self.asked if each.path == "/token"]

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if page := self.pages.get(asked.path):
            return page(asked)
        match asked.path:
            case "/mcp":
                return self._mcp(asked)
            case "/.well-known/oauth-protected-resource/mcp":
                return _json({"resource": f"{self.url}/mcp", "authorization_servers": [self.url]})
            case "/.well-known/oauth-authorization-server":
                return _json(self._describe() | self.metadata)
            case "/register":
                return self._register(asked)
            case "/authorize":
                return self._authorize(asked)
            case "/token":
                return self._token(asked)
        return 404, {}, b""

    def _describe(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "code_challenge_methods_supported": ["S256"],
        }

    def _mcp(self, asked: Asked) -> Reply:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.valid and not self.open_to_all:
            place = f"{self.url}/.well-known/oauth-protected-resource/mcp"
            return 401, {"www-authenticate": f'Bearer resource_metadata="{place}"'}, b"who are you?"
        message = json.loads(asked.body) if asked.body else {}
        if message.get("method") == "tools/list" and self.scope_for_calls:
            challenge = f'Bearer error="insufficient_scope", scope="{self.scope_for_calls}"'
            return 403, {"www-authenticate": challenge}, b""
        return spoken(message)

    def _register(self, asked: Asked) -> Reply:
        name = self._new("client")
        self.clients[name] = ""
        return _json(json.loads(asked.body) | {"client_id": name}, 201)

    def _authorize(self, asked: Asked) -> Reply:
        query = asked.query
        code = self._new("code")
        self.codes[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        return 302, {"location": f"{query['redirect_uri']}?{back}"}, b""

    def _token(self, asked: Asked) -> Reply:
        form = asked.form
        if form["grant_type"] == "authorization_code":
            known = self.codes.pop(form["code"])
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if challenge != known["code_challenge"] or form["redirect_uri"] != known["redirect_uri"]:
                return _json({"error": "invalid_grant"}, 400)
        elif form["refresh_token"] not in self.refreshes:
            return _json({"error": "invalid_grant"}, 400)
        else:
            self.refreshes.remove(form["refresh_token"])
            self.spent.append(form["refresh_token"])
        return self.given()

    def given(self) -> Reply:
        token, refresh = self._new("token"), self._new("refresh")
        self.valid.add(token)
        self.refreshes.add(refresh)
        return _json(
            {
                "access_token": token,
                "token_type": "bearer",
                "expires_in": self.lasts,
                "refresh_token": refresh,
            }
        )

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-sesame-{self._count}"


class Asked:
    """A request."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        parts = urlsplit(target)
        self.method = method
        self.path = parts.path
        self.query = _flat(parts.query)
        self.headers = headers
        self.body = body

    @property
    def form(self) -> dict[str, str]:
        return _flat(self.body.decode())


class Kept:
    """Implements ``ports.Credentials`` in memory."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def load(self, server: str) -> Secret:
        return Secret(self.texts.get(server, ""))

    def save(self, server: str, text: Secret) -> None:
        self.texts.pop(server, None)
        if text:
            self.texts[server] = text.reveal()


def spoken(message: dict[str, Any]) -> Reply:
    """What a small server of the older generation answers."""
    result: dict[str, Any] = {}
    match message.get("method"):
        case "initialize":
            result = {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "locked", "version": "1"},
            }
        case "tools/list":
            result = {"tools": [{"name": "look", "inputSchema": {"type": "object"}}]}
        case "ping":
            pass
        case _ if "id" not in message:
            return 202, {}, b""
        case _:
            error = {"code": -32601, "message": "unknown"}
            return _json({"jsonrpc": "2.0", "id": message.get("id"), "error": error})
    return _json({"jsonrpc": "2.0", "id": message["id"], "result": result})


@contextmanager
def serving(answer: Callable[[Asked], Reply | Iterator[bytes]]) -> Iterator[str]:
    """The address of a server on loopback; an iterator gives what goes on the wire, as it is."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = answer(Asked(self.command, self.path, headers, body))
            try:
                if isinstance(reply, tuple):
                    status, more, content = reply
                    self.send_response(status)
                    for name, value in more.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                else:
                    self.close_connection = True
                    for piece in reply:
                        self.wfile.write(piece)
            except OSError:
                self.close_connection = True

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the library finds them by these names

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Clients may leave at any time."""

    server = Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def authority() -> Iterator[Authority]:
    made = Authority()
    with serving(made.answer) as made.url:
        yield made


class Browser:
    """A person's browser, which is sent back from the authorization server to where that says."""

    def __init__(self, *, works: bool = True) -> None:
        self.seen: list[str] = []
        self.pages: list[str] = []
        self._works = works

    def __call__(self, url: str) -> bool:
        self.seen.append(url)
        if self._works:
            with build_opener().open(url, timeout=30) as page:
                self.pages.append(page.read().decode())
        return self._works


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def sent_back(url: str) -> str:
    """The address that a browser ends at that is asked to visit ``url``, and cannot reach that address."""
    from urllib.error import HTTPError

    try:
        build_opener(_Stays).open(url, timeout=30)
    except HTTPError as answer:
        with answer:
            return str(answer.headers["location"])
    raise AssertionError("it was not sent anywhere")


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


def _json(value: Any, status: int = 200) -> Reply:
    return status, {"content-type": "application/json"}, json.dumps(value).encode()
