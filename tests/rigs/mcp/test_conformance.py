"""The protocol makers' conformance checks of clients, all scenarios, on our layer."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.mcp import npm
from tests.rigs.places import PATIENCE

pytestmark = pytest.mark.skipif(bool(npm.missing()), reason=npm.missing())

CLIENT = Path(__file__).parent / "conformance_client.py"

ASKED_FOR = "client-registration", "authorization-request", "token-request"
MISSED = {
    # A client may have a page that describes it, as the address by which it is known: akmon has none.
    "auth/basic-cimd": {"cimd-client-id-used"},
    # This server calls itself ISSUER/oauth at the place for ISSUER: RFC 8414, 3.3, forbids to use that.
    "auth/2025-03-26-oauth-metadata-backcompat": {*ASKED_FOR},
    # Extensions for machines that log in without a person, which are not offered.
    "auth/client-credentials-jwt": {"client-credentials-grant-type", "client-credentials-jwt-verified"},
    "auth/client-credentials-basic": {"client-credentials-grant-type", "client-credentials-basic-auth"},
    "auth/cross-app-access-complete-flow": {"complete-flow-token-exchange", "complete-flow-jwt-bearer"},
}
"""The checks that are not passed, by scenario."""


def run_all(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The checks of each scenario. All scenarios run at the same time."""
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(CLIENT))}"
    options = {"command": command, "suite": "all", "timeout": str(int(PATIENCE * 1000)), "output-dir": folder}
    subprocess.run(
        [npm.node(), npm.CONFORMANCE, "client", *(f"--{name}={value}" for name, value in options.items())],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=folder,
        timeout=2 * PATIENCE,
        check=False,
    )
    return {_scenario(file, folder): json.loads(file.read_text()) for file in folder.rglob("checks.json")}


def _scenario(file: Path, folder: Path) -> str:
    return re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", str(file.parent.relative_to(folder)))


def missed(checks: list[dict[str, Any]]) -> set[str]:
    return {check["id"] for check in checks if check["status"] in {"FAILURE", "WARNING"} and not _late(check)}


def _late(check: dict[str, Any]) -> bool:
    """Whether a reconnection came after the time that it had to wait for, as on a busy machine."""
    return check["id"] == "client-sse-retry-timing" and not check["details"].get("tooEarly")


def test_the_client_conforms(tmp_path: Path) -> None:
    results = run_all(tmp_path)
    assert len(results) == 26
    assert {name: found for name, checks in results.items() if (found := missed(checks))} == MISSED
