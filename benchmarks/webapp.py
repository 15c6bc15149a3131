"""A session that builds a web shop in thirty turns, as a script: the same whenever it is played."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import prose

# Seconds since the turn before; what is asked; and the replies. "|" parts replies, ";" the calls of one.
#   list FOLDER · search WORD · read PATH [from to] · write PATH kB · edit PATH · NAME... = kB (a command)
_TURNS = """
0 | Set up a small web shop: Flask behind it, plain JavaScript in front, SQLite. Start with the skeleton.
  | list . | write server/app.py 2; write server/db.py 2 | write server/schema.sql 1; write pyproject.toml 1
  | pip install -e . = 2 | python -m server.app --check = 1
40 | Add a product list page with a search field.
  | read server/app.py | write web/index.html 2; write web/style.css 3 | write web/products.js 2
  | edit server/app.py | curl -s localhost:5000/products = 1
55 | The grid breaks on phones. Two columns there, please, and larger touch targets.
  | read web/style.css | edit web/style.css | npx stylelint web/style.css = 1
30 | Now a cart: add, change amounts, remove, and it should survive a reload.
  | read web/products.js; read web/index.html | write web/cart.js 4 | edit web/products.js
  | edit web/index.html | npm test = 2
70 | The total is wrong when an amount is 0. Fix it and add a test.
  | search total; read web/cart.js | edit web/cart.js | write tests/cart.test.js 2 | npm test = 2
25 | Set up pytest for the server and cover the product routes.
  | read server/app.py; read server/db.py | write tests/test_products.py 3 | pip install pytest = 1
  | python -m pytest -q = 2 | edit tests/test_products.py | python -m pytest -q = 1
420 | I am back. Next are user accounts: sign up, log in, log out, hashed passwords.
  | read server/db.py; read server/schema.sql | write server/accounts.py 4 | edit server/schema.sql
  | edit server/app.py | write tests/test_accounts.py 4 | python -m pytest -q = 4
60 | Three of those tests fail, look at the tracebacks and fix what is wrong.
  | python -m pytest -x -vv = 7 | read server/accounts.py | edit server/accounts.py
  | python -m pytest -q = 1
45 | Forms for sign up and login on the page, with messages for errors.
  | read web/index.html | write web/account.js 3 | edit web/index.html; edit web/style.css | npm test = 2
35 | Is the session cookie safe as it is?
  | search cookie; search secret_key | read server/accounts.py 40 120 | edit server/app.py
  | python -m pytest -q = 1
90 | Add an order table and a checkout that turns the cart into an order.
  | read server/schema.sql; read server/app.py | edit server/schema.sql | write server/orders.py 4
  | edit server/app.py | write tests/test_orders.py 3 | python -m pytest -q = 2
30 | Stock must not go below zero when two people order the last one.
  | search transaction; read server/orders.py | edit server/orders.py | edit tests/test_orders.py
  | python -m pytest -q -k orders = 2
50 | Use a bundler, esbuild if it is simple.
  | write package.json 1 | npm install = 16 | write build.mjs 1 | npm run build = 1
  | edit web/index.html
65 | The build prints a lot of warnings. Go through them.
  | npm run build -- --log-level=verbose = 100 | read web/cart.js | edit web/cart.js
  | npm run build = 1
40 | Checkout page: address form, validation while typing, summary.
  | read web/cart.js 1 90; read web/account.js | write web/checkout.js 10 | write web/checkout.html 2
  | edit web/style.css | npm test = 2
25 | Postcodes of other countries are refused. Make that depend on the country.
  | search postcode; read web/checkout.js 1 80 | edit web/checkout.js | edit tests/cart.test.js | npm test = 2
600 | After lunch: an admin page where products are made and changed, with pictures.
  | read server/app.py; read server/accounts.py | write server/admin.py 5 | write web/admin.html 2
  | write web/admin.js 4 | edit server/app.py | python -m pytest -q = 2
60 | Only admins may get in. Tests for that too.
  | read server/admin.py | edit server/admin.py | edit server/accounts.py | write tests/test_admin.py 3
  | python -m pytest -q = 4
35 | The upload accepts any file. Check type and size.
  | read server/admin.py 60 160 | edit server/admin.py | edit tests/test_admin.py
  | python -m pytest -q -k upload = 1
80 | Write a Dockerfile and a compose file, and build it.
  | list . | write Dockerfile 1; write compose.yaml 1 | docker build . = 9 | edit Dockerfile
  | docker build . = 4
45 | The image is 900 MB. Make it small.
  | read Dockerfile; docker history shop = 1 | edit Dockerfile | docker build . = 5 | docker images = 1
30 | Add a GitHub workflow that runs both test suites.
  | list tests; read package.json | write .github/workflows/test.yaml 1 | edit package.json
  | npm test = 2 | python -m pytest -q = 1
55 | Logging: one line of JSON per request, with an id that errors show too.
  | read server/app.py | write server/logs.py 2 | edit server/app.py
  | python -m pytest -q = 1 | curl -si localhost:5000/products = 1
70 | Which queries are slow? Measure with 50,000 products.
  | read server/db.py | write tools/fill.py 2 | python tools/fill.py = 1 | python tools/profile.py = 16
  | edit server/schema.sql
420 | Search should find words anywhere in the description and forgive typing errors.
  | search LIKE; read server/db.py | write server/search.py 4 | edit server/app.py
  | write tests/test_search.py 2 | python -m pytest -q = 2
40 | It ranks exact titles too low.
  | read server/search.py | edit server/search.py | edit tests/test_search.py | python -m pytest -q = 1
30 | The texts on the pages should be in German as well.
  | search innerHTML; read web/checkout.html | write web/texts.js 4 | edit web/checkout.js
  | edit web/account.js | npm test = 2
60 | End-to-end test: find a product, put it in the cart, order it.
  | read web/products.js; read web/checkout.js 1 100 | write tests/shop.e2e.js 2
  | npx playwright test = 7 | edit web/checkout.js | npx playwright test = 2
25 | Run everything once more and fix what is left.
  | npm test = 2; python -m pytest -q = 2 | npx eslint web = 4 | edit web/admin.js | npx eslint web = 1
45 | Write a README that says how to develop, test and deploy it.
  | list .; read pyproject.toml; read compose.yaml | write README.md 2 | git status --short = 1
"""
_ANSWER_WORDS = (60, 180)
_SECONDS_PER_KB = 0.8
"""What a command takes for the output that it prints."""


@dataclass(frozen=True)
class Call:
    tool: str
    arguments: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Reply:
    """What the model says, and the calls it makes; the last one of a turn makes none."""

    text: str
    calls: tuple[Call, ...] = ()

    @property
    def seconds(self) -> float:
        """What its calls take."""
        return sum(call.seconds for call in self.calls)


@dataclass(frozen=True)
class Turn:
    pause: float
    """Seconds since the turn before."""
    prompt: str
    replies: tuple[Reply, ...]


class Script:
    """The session. ``output`` is what its commands print, in order: each is run as ``RUN=number command``."""

    def __init__(self) -> None:
        self._random = Random(4)
        self._files: dict[str, list[str]] = {}
        self.output: list[str] = []
        self.turns = tuple(self._turn(line) for line in _lines())

    def lay_out(self, folder: Path) -> None:
        """Puts what commands print under ``folder``, and programs that print it in place of the real ones."""
        (folder / "output").mkdir(parents=True)
        for number, text in enumerate(self.output):
            (folder / f"output/{number}").write_text(text)
        (folder / "bin").mkdir()
        for name in ("npm", "npx", "python", "pip", "docker", "curl", "git"):
            program = folder / "bin" / name
            program.write_text(f'#!/bin/sh\nexec cat "{folder}/output/$RUN"\n')
            program.chmod(0o755)

    def _turn(self, line: str) -> Turn:
        pause, prompt, *replies = (part.strip() for part in line.split("|"))
        said = [self._reply(reply) for reply in replies]
        answer = Reply(prose.sentences(self._random, self._random.randint(*_ANSWER_WORDS)))
        return Turn(float(pause), prompt, (*said, answer))

    def _reply(self, calls: str) -> Reply:
        made = tuple(self._call(*call.split()) for call in calls.split(";"))
        return Reply(prose.sentences(self._random, self._random.randint(8, 40)), made)

    def _call(self, verb: str, *words: str) -> Call:
        match verb, words:
            case "list", (path,):
                return Call("list", {"path": path}, 0.1)
            case "search", (pattern,):
                return Call("search", {"pattern": pattern}, 0.2)
            case "read", (path,):
                return Call("read", {"path": path}, 0.1)
            case "read", (path, first, last):
                limit = int(last) - int(first) + 1
                return Call("read", {"path": path, "offset": int(first), "limit": limit}, 0.1)
            case "write", (path, size):
                pieces = self._files[path] = prose.file(self._random, path, int(size) * 1_000)
                return Call("write", {"path": path, "content": "".join(pieces)}, 0.1)
            case "edit", (path,):
                return Call("edit", {"path": path, **self._change(path)}, 0.1)
            case _, (*arguments, "=", size):
                return self._command([verb, *arguments], int(size) * 1_000)
        raise ValueError(f"not a call: {verb} {' '.join(words)}")

    def _change(self, path: str) -> dict[str, str]:
        """Another body for one of the pieces that the file is made of."""
        pieces = self._files[path]
        at = self._random.randrange(len(pieces))
        old = pieces[at]
        pieces[at] = prose.changed(self._random, path, old)
        return {"old": old, "new": pieces[at]}

    def _command(self, words: list[str], size: int) -> Call:
        number = len(self.output)
        self.output.append(prose.log(self._random, words, size))
        command = f"RUN={number} {' '.join(words)}"
        return Call("shell", {"command": command}, 1 + size / 1_000 * _SECONDS_PER_KB)


def _lines() -> Iterator[str]:
    """Each turn as one line."""
    return iter(_TURNS.strip().replace("\n  ", "  ").splitlines())


def written(reply: Reply) -> list[str]:
    """What the model writes in ``reply``: its text, and the arguments of its calls."""
    return [reply.text, *(json.dumps(call.arguments) for call in reply.calls)]
