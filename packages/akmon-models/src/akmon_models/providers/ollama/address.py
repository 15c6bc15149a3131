"""Where Ollama is, from the forms in which it takes an address itself."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

PORT = 11434
_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""What a server listens on, and where that is for a client on the same machine."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def address(host: str) -> str:
    """``host`` as an ``http://`` or ``https://`` address; empty if it is empty.

    It may be a name or a number, a port with its colon, or both, with or without a scheme or a path,
    as in the variable OLLAMA_HOST. Without a scheme the port is Ollama's own unless there is one.
    What is none of these comes back as it is.
    """
    host = host.strip()
    if not host or not host.isprintable():
        return host
    schemed = "://" in host
    try:
        parts = urlsplit(host if schemed else f"http://{host}")
        port = parts.port or (None if schemed else PORT)
    except ValueError:
        return host
    name = parts.hostname or "127.0.0.1"
    name = _EVERY_INTERFACE.get(name, name)
    user, at, _ = parts.netloc.rpartition("@")
    place = f"[{name}]" if ":" in name else name
    netloc = f"{user}{at}{place}" + (f":{port}" if port else "")
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))


def is_this_machine(url: str) -> bool:
    return urlsplit(url).hostname in _LOOPBACK
