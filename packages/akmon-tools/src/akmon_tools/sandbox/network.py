"""The network of commands that have none: what rules open, by way of a proxy out here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from akmon_core.permissions import Rule
from akmon_tools.sandbox import seccomp
from akmon_tools.sandbox.hosts import Hosts

if TYPE_CHECKING:
    import asyncio
    import weakref

    from akmon_tools.addresses import LookUp
    from akmon_tools.sandbox.dial import Connect
    from akmon_tools.sandbox.proxy import Proxy, Traffic

PORT = 61_080
"""Where a command finds the proxy, in a network of its own: above the ports that systems give out."""
_URL = f"http://127.0.0.1:{PORT}"
_PROXIED = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    *("npm_config_proxy", "npm_config_https_proxy", "YARN_HTTP_PROXY", "YARN_HTTPS_PROXY"),
    *("PIP_PROXY", "CARGO_HTTP_PROXY"),
)
"""Variables that name the proxy: the common ones, and those that outrank a package manager's own files."""
_OWN = "localhost,127.0.0.1,::1"
"""What a command reaches itself, as it is the network of its own."""


class Network:
    """Lets commands reach the hosts that ``rules`` for ``network`` open, for one session.

    Raises ``SettingsError`` for a rule that cannot be understood.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        find: LookUp | None = None,
        connect: Connect | None = None,
    ) -> None:
        """``find`` looks names up and ``connect`` goes to an address, by default as the system does."""
        self._hosts = Hosts(rules)
        self._find = find
        self._connect = connect
        self._folder: Path | None = None
        self._own: weakref.finalize[..., Network] | None = None
        self._proxy: Proxy | None = None
        self._starting: asyncio.Task[None] | None = None

    def __bool__(self) -> bool:
        """Whether a rule opens anything; if not, a command needs none of this."""
        return bool(self._hosts)

    @property
    def socket(self) -> Path:
        """Where the proxy listens, once it is started; in a folder for the user alone."""
        if self._folder is None:
            import shutil
            import tempfile
            import weakref

            self._folder = Path(tempfile.mkdtemp(prefix="akmon-"))
            self._own = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder / "proxy"

    async def start(self) -> None:
        """To be called before each command; starts the proxy with the first. Raises ``OSError``."""
        import asyncio

        if self._starting is None:
            self._starting = asyncio.create_task(self._listen())
        await asyncio.shield(self._starting)  # commands that start at the same time wait for the same

    async def _listen(self) -> None:
        from akmon_tools.addresses import look_up
        from akmon_tools.sandbox.dial import Dialer, connect_to
        from akmon_tools.sandbox.proxy import Proxy

        dialer = Dialer(self._hosts, self._find or look_up, self._connect or connect_to)
        self._proxy = self._proxy or Proxy(dialer)
        await self._proxy.listen(self.socket)

    async def close(self) -> None:
        """Ends all connections and removes the socket."""
        if self._starting:
            self._starting.cancel()
            self._starting = None
        if self._proxy:
            await self._proxy.close()
        if self._own:
            self._own()
            self._own = self._folder = None

    def environment(self) -> Mapping[str, str]:
        """What a command gets to know of the proxy."""
        own = "" if self._hosts.local else _OWN
        return dict.fromkeys(_PROXIED, _URL) | {
            "NO_PROXY": own,
            "no_proxy": own,
            "npm_config_noproxy": own,
            "NODE_USE_ENV_PROXY": "1",
        }

    def launcher(self, argv: Sequence[str]) -> tuple[str, ...]:
        """``argv`` with what starts the relay to the proxy before it, inside an empty network.

        The relay has to be able to open unix sockets; ``argv`` itself no longer is. Raises ``OSError`` on a
        machine whose system calls are not known.
        """
        relay = Path(__file__).with_name("relay.py")
        program = seccomp.program(seccomp.INET).hex()
        python = os.path.realpath(sys.executable)  # a link to it may lie where a command can write
        return (python, "-I", "-S", str(relay), str(self.socket), str(PORT), program, *argv)

    def refused(self) -> tuple[str, ...]:
        """The hosts to which commands were not let since this was asked last, as a rule would name them."""
        return self._proxy.refused() if self._proxy else ()

    def used(self) -> Mapping[str, Traffic]:
        """Bytes so far, by host."""
        return self._proxy.used() if self._proxy else {}
