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

NEWER = "2026-07-28"
CLIENT = Path(__file__).parent / "conformance_client.py"

DESCRIBED = "auth/basic-cimd"
"""A client should have a page that describes it, whose address is its name: akmon has none."""
ISSUER = "auth/2025-03-26-oauth-metadata-backcompat"
"""This server calls itself ISSUER/oauth at the place for ISSUER, which RFC 8414, 3.3, forbids to use; newer
checks demand that it is refused."""
EXTENSIONS = {
    "auth/client-credentials-jwt",
    "auth/client-credentials-basic",
    "auth/cross-app-access-complete-flow",
    "auth/enterprise-managed-authorization",
    "auth/wif-jwt-bearer",
    "auth/dpop",
    "auth/dpop-nonce",
}
"""Ways to log in without a person, and keys for tokens: not of the protocol itself, and not offered."""


def run_all(runner: Path, which: str, folder: Path) -> dict[str, set[str]]:
    """The checks that were not passed, by scenario. All scenarios run at the same time."""
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(CLIENT))}"
    bounds = (f"--timeout={int(PATIENCE * 1000)}", f"--output-dir={folder}")
    subprocess.run(
        [npm.node(), runner, "client", f"--command={command}", which, *bounds],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=folder,
        timeout=2 * PATIENCE,
        check=False,
    )
    results = folder.rglob("checks.json")
    return {_scenario(file, folder): missed(json.loads(file.read_text())) for file in results}


def _scenario(file: Path, folder: Path) -> str:
    return re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", str(file.parent.relative_to(folder)))


def missed(checks: list[dict[str, Any]]) -> set[str]:
    return {check["id"] for check in checks if check["status"] in {"FAILURE", "WARNING"} and not _late(check)}


def _late(check: dict[str, Any]) -> bool:
    """Whether a reconnection came after the time that it had to wait for, as on a busy machine."""
    return check["id"] == "client-sse-retry-timing" and check["details"].get("tooEarly") is False


def wanting(results: dict[str, set[str]]) -> dict[str, set[str]]:
    return {name: checks for name, checks in results.items() if checks and name not in EXTENSIONS}


def test_the_client_conforms(tmp_path: Path) -> None:
    results = run_all(npm.CONFORMANCE, "--suite=all", tmp_path)
    assert len(results) == 26
    assert wanting(results).keys() == {DESCRIBED, ISSUER}, wanting(results)


@pytest.mark.skipif(not npm.NEXT_CONFORMANCE.exists(), reason="not installed: make rig-conformance")
def test_the_client_conforms_to_the_newer_generation(tmp_path: Path) -> None:
    results = run_all(npm.NEXT_CONFORMANCE, f"--requirements={NEWER}", tmp_path)
    assert len(results) == 39
    assert wanting(results).keys() == {DESCRIBED}, wanting(results)
