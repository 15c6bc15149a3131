"""Package managers in a network of their own: they work with a registry that a rule opens, and no other."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.tools.sandbox.networks import Done, World, allow, boxed, in_a_box, without_proxies
from tests.tools.webs import certificate, page, site

pytestmark = in_a_box
HOST = "registry.example"


@pytest.fixture(autouse=True)
def _no_proxies() -> Iterator[None]:
    with without_proxies():
        yield


def needs(program: str) -> pytest.MarkDecorator:
    """A program may be there and only say what it lacks."""
    path = shutil.which(program)
    works = path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0
    return pytest.mark.skipif(not works, reason=f"{program} does not work here")


needs_pip = pytest.mark.skipif(
    not any(Path(sys.base_prefix).glob("lib/python3.*/site-packages/pip")), reason="pip is not here"
)


class Registry:
    """Serves ``pages`` over TLS as HOST, to a command in a box that trusts it."""

    def __init__(self, folder: Path, pages: Mapping[str, Any], *rules: str) -> None:
        self._folder = folder
        self._pages = pages
        self._rules = rules or (HOST,)
        self.refused: tuple[str, ...] = ()
        self.received = 0

    def run(self, *argv: str, **env: str) -> Done:
        authority, context = certificate(self._folder, HOST)
        trust = dict.fromkeys(
            ("PIP_CERT", "npm_config_cafile", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO"), str(authority)
        )
        with site(self._pages, context) as server:
            world = World(server.port, {HOST: ("93.184.216.34",)})
            network = world.network(*allow(*self._rules))
            done = boxed(network, self._folder, *argv, env=trust | env)
        self.refused = network.refused()
        if HOST in network.used():
            self.received = network.used()[HOST].received
        return done


def wheel() -> bytes:
    data = io.BytesIO()
    info = "demo-1.0.dist-info"
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("demo.py", "print('hello from demo')\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", f"demo.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return data.getvalue()


def tarball(files: Mapping[str, str]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as file:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            file.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()


def python_index() -> dict[str, bytes]:
    name = "demo-1.0-py3-none-any.whl"
    return {
        "/simple/demo/": page(f'<a href="/files/{name}">{name}</a>'),
        f"/files/{name}": page(wheel(), "application/zip"),
    }


BASE = Path(sys.base_prefix)
PIP = (
    str(BASE / "bin/python3"),
    "-m",
    "pip",
    "install",
    "--no-deps",
    "--target",
    "out",
    "--disable-pip-version-check",
    "--retries",
    "0",
)


@needs_pip
def test_pip_installs_from_an_index_that_is_open(tmp_path: Path) -> None:
    registry = Registry(tmp_path, python_index())
    done = registry.run(*PIP, "--index-url", f"https://{HOST}/simple", "demo")
    assert done.code == 0, done
    assert (tmp_path / "out/demo.py").read_text() == "print('hello from demo')\n"
    assert registry.received > len(wheel())


@needs_pip
def test_of_an_index_that_is_not_open_the_name_is_known_where_pip_does_not_say_it(tmp_path: Path) -> None:
    registry = Registry(tmp_path, python_index(), "other.example")
    done = registry.run(*PIP, "--index-url", f"https://{HOST}/simple", "demo")
    assert done.code == 1
    assert registry.refused == (HOST,)
    assert not (tmp_path / "out").exists()


@needs("npm")
def test_npm_installs_from_a_registry_that_is_open(tmp_path: Path) -> None:
    packed = tarball(
        {
            "package/package.json": json.dumps({"name": "demo", "version": "1.0.0"}),
            "package/index.js": "console.log('hello')\n",
        }
    )
    digest = base64.b64encode(hashlib.sha512(packed).digest()).decode()
    dist = {"tarball": f"https://{HOST}/demo/-/demo-1.0.0.tgz", "integrity": f"sha512-{digest}"}
    about = {
        "name": "demo",
        "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {"name": "demo", "version": "1.0.0", "dist": dist}},
    }
    pages = {
        "/demo": page(json.dumps(about), "application/json"),
        "/demo/-/demo-1.0.0.tgz": page(packed, "application/octet-stream"),
    }
    (tmp_path / "package.json").write_text("{}")
    npm = ("npm", "install", "demo", "--registry", f"https://{HOST}/", "--no-audit", "--no-fund")
    done = Registry(tmp_path, pages).run(
        *npm, npm_config_fetch_retries="0", npm_config_update_notifier="false"
    )
    assert done.code == 0, done
    assert (tmp_path / "node_modules/demo/index.js").read_text() == "console.log('hello')\n"


@needs("git")
def test_git_clones_from_a_host_that_is_open(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        identity = {"GIT_CONFIG_GLOBAL": "/dev/null", "EMAIL": "a@b.example", "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(
            ("git", *words), cwd=tmp_path, check=True, capture_output=True, env=os.environ | identity
        )

    git("init", "-q", "source")
    (tmp_path / "source/file").write_text("from far\n")
    git("-C", "source", "add", "file")
    git("-C", "source", "-c", "user.name=A", "commit", "-q", "-m", "one")
    git("clone", "-q", "--bare", "source", "repo.git")
    git("-C", "repo.git", "update-server-info")
    bare = tmp_path / "repo.git"
    pages = {
        f"/repo.git/{path.relative_to(bare)}": page(path.read_bytes(), "text/plain")
        for path in bare.rglob("*")
        if path.is_file()
    }
    pages["/repo.git/info/refs?service=git-upload-pack"] = pages["/repo.git/info/refs"]
    done = Registry(tmp_path, pages).run("git", "clone", "-q", f"https://{HOST}/repo.git", "copy")
    assert done.code == 0, done
    assert (tmp_path / "copy/file").read_text() == "from far\n"


@needs("cargo")
def test_cargo_fetches_from_a_registry_that_is_open(tmp_path: Path) -> None:
    manifest = '[package]\nname = "demo"\nversion = "1.0.0"\nedition = "2021"\n'
    crate = tarball({"demo-1.0.0/Cargo.toml": manifest, "demo-1.0.0/src/lib.rs": ""})
    entry = {
        "name": "demo",
        "vers": "1.0.0",
        "deps": [],
        "cksum": hashlib.sha256(crate).hexdigest(),
        "features": {},
        "yanked": False,
    }
    pages = {
        "/config.json": page(json.dumps({"dl": f"https://{HOST}/dl"}), "application/json"),
        "/de/mo/demo": page(json.dumps(entry), "text/plain"),
        "/dl/demo/1.0.0/download": page(crate, "application/gzip"),
    }
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "src/lib.rs").write_text("")
    (project / ".cargo").mkdir()
    (project / ".cargo/config.toml").write_text(f'[registries.own]\nindex = "sparse+https://{HOST}/"\n')
    (project / "Cargo.toml").write_text(
        manifest.replace("demo", "user") + '[dependencies]\ndemo = { version = "1", registry = "own" }\n'
    )
    rustup = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
    line = f"cd {project} && cargo fetch"
    done = Registry(tmp_path, pages).run(
        "sh", "-c", line, CARGO_HOME=str(tmp_path / "cargo"), RUSTUP_HOME=rustup
    )
    assert done.code == 0, done
    assert 'name = "demo"' in (project / "Cargo.lock").read_text()
    assert list((tmp_path / "cargo/registry/cache").rglob("demo-1.0.0.crate"))
