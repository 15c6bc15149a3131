"""A provider's words never hand back the key that it was sent, however it quotes it."""

from __future__ import annotations

import base64
import textwrap

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.secret import Secret
from akmon_models.backend import Backend
from akmon_models.echo import without_key
from akmon_models.failures import Server, quote, status_failure

KEY = "sk-canary-A1b2C3d4E5f6G7h8J9k0"
SERVER = Server(
    provider="openai",
    model="m",
    url="http://here",
    key_variable="OPENAI_API_KEY",
    url_variable="OPENAI_BASE_URL",
    secret=Secret(KEY),
)

ECHOES = {
    "whole": KEY,
    "in a header": f"Authorization: Bearer {KEY}",
    "stars": f"{KEY[:8]}{'*' * 12}{KEY[-4:]}",
    "dots": f"{KEY[:6]}...{KEY[-4:]}",
    "only its end": f"***{KEY[-6:]}",
    "only its start": f"{KEY[:12]}…",
    "cut": KEY[:20],
    "broken over lines": "\n".join(textwrap.wrap(KEY, 10)),
    "with blanks": f"{KEY[:15]} {KEY[15:]}",
    "base64": base64.b64encode(KEY.encode()).decode(),
    "hex": KEY.encode().hex(),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_no_piece_of_a_key_comes_back(echo: str) -> None:
    body = msgspec.json.encode({"error": {"message": f"Incorrect API key provided: {echo} . See our pages."}})
    said = str(status_failure(SERVER, 401, {}, body))
    assert "Incorrect API key provided: " in said
    assert "See our pages." in said
    assert not any(KEY[at : at + 8] in said for at in range(len(KEY) - 7))
    assert KEY[-4:] not in said
    assert base64.b64encode(KEY.encode()).decode()[4:-4] not in said


def test_a_key_at_the_place_where_a_long_message_is_cut_does_not_show_in_part() -> None:
    for before in range(1_960, 2_010):
        said = quote(SERVER, "x" * before + KEY + " " + "y" * 5_000)
        assert not any(KEY[at : at + 8] in said for at in range(len(KEY) - 7))


@pytest.mark.parametrize("said", ["wait … then go on", "Loading... done", "**bold** text", "a.b...c", "xxxx"])
def test_ordinary_words_stay(said: str) -> None:
    assert without_key(said, KEY) == said


def test_without_a_key_nothing_is_taken_for_one() -> None:
    assert without_key("sk-…abcd *** x", "") == "sk-…abcd *** x"


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_stands_around_it_the_key_goes(before: str, after: str) -> None:
    assert KEY not in without_key(before + KEY + after, KEY)


def test_a_backend_holds_its_key_so_that_nothing_prints_or_stores_it() -> None:
    backend = Backend(api_key=KEY)
    again = msgspec.structs.replace(backend, base_url="http://here")
    for each in (backend, again):
        assert isinstance(each.api_key, Secret)
        assert each.key == KEY
        assert KEY not in f"{each!r} {each} {each.api_key} {msgspec.structs.asdict(each)} {SERVER!r}"
        with pytest.raises(TypeError):
            msgspec.json.encode(each)
    assert backend == Backend(api_key=KEY) != Backend(api_key="another")
