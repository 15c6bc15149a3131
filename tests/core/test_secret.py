"""A secret shows in nothing that is printed, stored or logged."""

from __future__ import annotations

import copy
import json
import pickle

import msgspec
import pytest

from akmon_core.secret import Secret

KEY = "sk-canary-12345"
SECRET = Secret(KEY)


def test_a_secret_gives_its_key_only_when_it_is_asked_for_it() -> None:
    assert SECRET.reveal() == KEY
    texts = (
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET:>30}",
        f"{SECRET!r}",
        repr([SECRET]),
        str.format("{}", SECRET),
    )
    assert all("canary" not in text for text in texts)
    assert all("[secret]" in text for text in texts)


def test_a_secret_cannot_be_stored() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(SECRET)
    with pytest.raises(TypeError):
        json.dumps({"key": SECRET})
    with pytest.raises(TypeError):
        msgspec.json.encode({"key": SECRET})
    with pytest.raises(TypeError):
        vars(SECRET)


def test_secrets_are_compared_by_their_keys() -> None:
    assert Secret(KEY) == SECRET == KEY
    assert Secret("other") != SECRET
    assert SECRET != "other"
    assert SECRET != 1
    assert Secret(SECRET) == SECRET
    assert len({Secret(KEY), SECRET}) == 1
    assert Secret("ключ") == "ключ"
    assert copy.deepcopy(SECRET) is SECRET is copy.copy(SECRET)


def test_no_secret_is_false_and_shows_that_it_is_none() -> None:
    assert not Secret()
    assert SECRET
    assert (str(Secret()), repr(Secret())) == ("", "''")
