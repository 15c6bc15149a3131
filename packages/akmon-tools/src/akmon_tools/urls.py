"""Brings URLs into one form, so that what is judged by the rules is what is asked for."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, urljoin, urlsplit

from akmon_core.errors import ToolError
from akmon_core.limits import URL_CHARS
from akmon_core.text import one_line

PORTS = {"http": 80, "https": 443}
_SAFE = "%!$&'()*+,;=:@/?[]~"
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_AUTHORITY = re.compile(r"(?:\[([^\[\]]*)\]|([^\[\]:]*))(?::([0-9]{1,5}))?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def normalise(url: str) -> str:
    """``url`` in the form that is fetched: ASCII, no fragment, no ``..``, the port only if it is unusual.

    Raises ``ToolError`` for anything that is not a plain ``http`` or ``https`` URL.
    """
    url = url.strip()
    if len(url) > URL_CHARS:
        raise ToolError(f"the URL is longer than {URL_CHARS} characters.")
    if not url.isprintable() or "\\" in url:
        raise _wrong(url, "it has control characters or a backslash in it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _wrong(url, str(error)) from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise _wrong(url, "it should begin with https:// or http:// and a host")
    if "@" in parts.netloc:
        raise _wrong(url, "a user name or password in it is not allowed")
    if port == 0:
        raise _wrong(url, "there is no port 0")
    if "[" in parts.netloc and ":" not in parts.hostname:
        raise _wrong(url, "its address of version 6 is not valid")
    try:
        host = host_name(parts.hostname)
    except ToolError as error:
        raise _wrong(url, str(error).removesuffix(".")) from None
    where = f"[{host}]" if ":" in host else host
    if port and port != PORTS[parts.scheme]:
        where += f":{port}"
    path = _without_dots(_escape(parts.path))
    query = f"?{_escape(parts.query)}" if parts.query else ""
    return f"{parts.scheme}://{where}{path}{query}"


def place(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL in normal form."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme]


def authority(host: str, port: int) -> str:
    """``host:port`` as it stands in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_and_port(text: str) -> tuple[str, int]:
    """``host:port`` or ``host``: its normal form and the port, 0 if there is none. Raises ``ToolError``."""
    match = _AUTHORITY.fullmatch(text)
    if not match:
        raise ToolError("it is not a host or a host with a port.")
    port = int(match[3] or 0)
    if match[3] and not 0 < port < 65_536:
        raise ToolError("its port is not one from 1 to 65535.")
    if match[1] and ":" not in match[1]:
        raise ToolError("its address of version 6 is not valid.")
    return host_name(match[1] or match[2]), port


def host_name(host: str) -> str:
    """A host in the form in which all are compared: ASCII, lower case, no dot at the end.

    Raises ``ToolError``.
    """
    if ":" in host:
        try:
            if "%" in host:
                raise AddressValueError
            return IPv6Address(host).compressed
        except AddressValueError:
            raise ToolError("its host is not a valid address of version 6.") from None
    name = (host if host.isascii() else _to_ascii(host)).lower().removesuffix(".")
    if not _NAME.fullmatch(name) or len(name) > 253:
        raise ToolError("its host is not a valid name.")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        try:
            IPv4Address(name)
        except AddressValueError:
            raise ToolError("its host is an unusual spelling of an address.") from None
    return name


def redirected(url: str, location: str) -> str:
    """Where a redirect from ``url`` leads. Raises ``ToolError``."""
    try:
        return normalise(urljoin(url, location.strip()))
    except (ValueError, ToolError) as error:
        raise ToolError(f"{url} redirects to an address that cannot be fetched: {error}") from None


def same_site(url: str, other: str) -> bool:
    """Whether a redirect from ``url`` to ``other`` stays where it was; ``http`` may become ``https``."""
    before, after = place(url), place(other)
    upgraded = (before[0], before[2]) == ("http", 80) and (after[0], after[2]) == ("https", 443)
    return before == after or (upgraded and before[1] == after[1])


def _to_ascii(host: str) -> str:
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise ToolError("its host is not a valid name.") from None


def _escape(text: str) -> str:
    """Escapes what has to be and nothing else: a rule must see ``/private`` in ``/%70rivate``."""

    def plain(match: re.Match[str]) -> str:
        char = chr(int(match[1], 16))
        return char if _UNRESERVED.fullmatch(char) else match[0].upper()

    return _ESCAPED.sub(plain, quote(text, safe=_SAFE))


def _without_dots(path: str) -> str:
    """``/a/../b`` as ``/b``, as servers and HTTP clients understand it."""
    kept: list[str] = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    if parts and parts[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _wrong(url: str, why: str) -> ToolError:
    return ToolError(f"{one_line(url, 200)} is not a URL that can be fetched: {why}.")
