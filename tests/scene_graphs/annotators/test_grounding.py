"""Predicates brought to a vocabulary by what they mean."""

from pathlib import Path

import numpy as np
import pytest

from provision_dagster.errors import InputError
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.grounding import Grounded, Grounder, SentenceEncoder, opposed
from provision_dagster.scene_graphs.annotators.vlm_configs import GroundingConfig
from provision_dagster.scene_graphs.annotators.vlm_words import PredicateWords
from tests.scene_graphs.annotators import tiny_vlms

ON, HOLD, EMPTY = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]
MEANINGS = {
    "on": ON, "upon": [0.95, 0.0, 0.1, 0.0], "resting": [0.9, 0.1, 0.3, 0.0], "holding": HOLD,
    "clutching": [0.1, 0.9, 0.2, 0.0], "left": [0.0, 0.0, 1.0, 0.1], "right": [0.0, 0.0, 1.0, -0.1],
    "side": [0.0, 0.0, 1.0, 0.0], "of": EMPTY, "to": EMPTY, "the": EMPTY, "dreaming": [0.0, 0.0, 0.0, 1.0],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoders")
    tiny_vlms.sentence_encoder(folder / "meanings", MEANINGS)
    tiny_vlms.random_encoder(folder / "random", list(MEANINGS))
    (folder / "predicates.txt").write_text("holding\nleft of\non\nright of\n")
    return folder


def encoder(folder: Path, name: str, **fields: object) -> SentenceEncoder:
    return SentenceEncoder(GroundingConfig.model_validate({"model": str(folder / name), **fields}))


class Counting(SentenceEncoder):
    """Remembers what was embedded."""

    asked: tuple[str, ...] = ()

    def encode(self, texts: list[str]) -> np.ndarray:  # type: ignore[override]
        self.asked += tuple(texts)
        return super().encode(texts)


def grounder(folder: Path, *, encoder: SentenceEncoder | None, floor: float = 0.5) -> Grounder:
    words = PredicateWords(folder / "predicates.txt", lexicon=Lexicon.load())
    return Grounder(words, encoder=encoder, floor=floor)


def test_what_means_the_same_is_found(folder: Path) -> None:
    found = grounder(folder, encoder=encoder(folder, "meanings")).ground(["resting upon", "clutching", "dreaming of"])
    assert found["dreaming of"] is None
    resting, clutching = found["resting upon"], found["clutching"]
    assert resting is not None
    assert clutching is not None
    assert (resting.predicate, clutching.predicate) == ("on", "holding")
    assert 0.5 < resting.score < 1
    # random weights know no meaning: the table above is what decides
    other = grounder(folder, encoder=encoder(folder, "random"), floor=0.0).ground(["resting upon", "clutching"])
    assert other != {word: found[word] for word in other}


def test_the_floor_decides(folder: Path) -> None:
    model = encoder(folder, "meanings")
    (score,) = (one.score for one in grounder(folder, encoder=model).ground(["resting upon"]).values() if one)
    for floor, kept in ((score - 0.01, True), (score + 0.01, False)):
        found = grounder(folder, encoder=model, floor=floor).ground(["resting upon"])
        assert (found["resting upon"] is not None) == kept


def test_equal_words_and_synonyms_need_no_model(folder: Path) -> None:
    missing = SentenceEncoder(GroundingConfig(model="nobody/nothing", offline=True))
    found = grounder(folder, encoder=missing).ground(["on", "is on", "holding", "to the left of"])
    assert found == {
        "on": Grounded("on", 1.0),
        "is on": Grounded("on", 1.0),
        "holding": Grounded("holding", 1.0),
        "to the left of": Grounded("left of", 1.0),
    }
    with pytest.raises(InputError, match="model `nobody/nothing` cannot be loaded"):
        grounder(folder, encoder=missing).ground(["resting upon"])


def test_without_an_encoder_other_words_are_dropped(folder: Path) -> None:
    assert grounder(folder, encoder=None).ground(["resting upon", "on"]) == {
        "resting upon": None,
        "on": Grounded("on", 1.0),
    }


def test_each_text_is_embedded_once(folder: Path) -> None:
    counting = Counting(GroundingConfig(model=str(folder / "meanings")))
    model = grounder(folder, encoder=counting)
    model.ground(["on", "resting upon", "resting upon", "clutching"])
    model.ground(["clutching", "resting upon", "dreaming of"])
    assert sorted(counting.asked) == sorted(
        ["holding", "left of", "on", "right of", "clutching", "resting upon", "dreaming of"]
    )


def test_opposites_are_no_neighbors(folder: Path) -> None:
    """To the encoder left and right are almost the same word, as to real ones."""
    model = encoder(folder, "meanings")
    left, right = model.encode(["left of", "right of"])
    assert left @ right > 0.95
    found = grounder(folder, encoder=model).ground(["on the right side of", "side of"])["on the right side of"]
    assert found is None or found.predicate != "left of"
    side = grounder(folder, encoder=model).ground(["right side"])["right side"]
    assert side is not None
    assert side.predicate == "right of"


def test_which_words_are_opposed() -> None:
    against = opposed(["left side", "beneath", "on the left and right"], ["right of", "left of", "on"])
    assert against.tolist() == [[True, False, False], [False, False, False], [False, False, False]]


def test_embeddings_do_not_depend_on_the_batch(folder: Path) -> None:
    texts = ["on", "to the left of", "resting upon the right side of", "holding"] * 3
    together = encoder(folder, "random", batch=8).encode(texts)
    alone = encoder(folder, "random", batch=1).encode(texts)
    assert together.shape == (12, 32)
    assert together == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert not np.allclose(together[0], together[1])


def test_no_text_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be loaded|is no AutoModel"):
        encoder(tmp_path, ".").load()
