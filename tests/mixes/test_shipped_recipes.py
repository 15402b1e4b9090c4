"""Recipes named after ProVision's settings: what they take, the published size, and what was reached."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.errors import InputError, ProvisionError
from provision_dagster.mixes.build import build_mix, mix_blocks
from provision_dagster.mixes.export import export_mix
from provision_dagster.mixes.pool import Tables
from provision_dagster.mixes.recipe import Recipe, bundled_recipes, load_recipe
from provision_dagster.mixes.registry import by_default, check_usable, find_recipe, register_recipes
from provision_dagster.mixes.targets import Figures, reached
from tests.mixes.rows import filtered, image, images, qa

FILES = list(bundled_recipes().values())
PUBLISHED = {
    "provision-augment": 731_827,
    "provision-replace": 665_298,
    "provision-10m-single": 3_832_202,
    "provision-10m-multi": 8_400_000,
}


def rows() -> pl.DataFrame:
    """30 questions about one picture, 20 about two."""
    single = [qa(n, image_ids=["i1"]) for n in range(30)]
    return filtered(*single, *(qa(100 + n, image_ids=["i1", "i2"]) for n in range(20)))


PICTURES = images(image("i1"), image("i2"))


@pytest.mark.parametrize(("name", "size"), PUBLISHED.items())
def test_the_published_size_is_the_target(name: str, size: int) -> None:
    found = load_recipe(name)
    assert found.target is not None
    assert found.target.rows == size
    assert found.target.source
    assert found.on_request


@pytest.mark.parametrize(("name", "taken"), [("provision-10m-single", 30), ("provision-10m-multi", 20)])
def test_provision_10m(name: str, taken: int) -> None:
    wanted = load_recipe(name)
    figures = Figures(wanted)
    mix = pl.concat(list(mix_blocks(wanted, tables=Tables(rows(), PICTURES), figures=figures)))
    assert Counter(mix["form"]) == {"open": taken // 2, "choice": taken // 2}
    assert (
        figures.reached
        == reached(wanted, mix=mix)
        == {
            "rows": taken,
            "generated_rows": taken,
            "base_rows": 0,
            "target_rows": PUBLISHED[name],
            "target_share": round(taken / PUBLISHED[name], 6),
        }
    )


def with_base(name: str, folder: Path) -> Recipe:
    turns = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A dog."}]
    path = folder / "base.json"
    path.write_text(json.dumps([{"id": n, "image": f"{n}.jpg", "conversations": turns} for n in range(50)]))
    found = load_recipe(name)
    assert found.base is not None
    return found.model_copy(update={"base": found.base.model_copy(update={"file": str(path)})})


@pytest.mark.parametrize(("name", "kept"), [("provision-augment", 50), ("provision-replace", 45)])
def test_augment_and_replace(name: str, kept: int, tmp_path: Path) -> None:
    mix = build_mix(with_base(name, tmp_path), filtered_qa=rows(), images=PICTURES)
    assert Counter(mix["origin"]) == {"base": kept, "generated": 5}
    assert set(mix.filter(origin="generated")["image_ids"].list.len()) == {1}


def test_recipes_without_their_base_set_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = register_recipes(FILES)
    broken = table.filter(pl.col("error").is_not_null())
    assert broken["recipe"].to_list() == ["provision-augment", "provision-replace"]
    assert broken["error"].str.contains("base set `data/base/llava_v1_5_mix665k.json` is not there").all()
    with pytest.raises(ProvisionError, match=r"recipe `provision-augment` cannot be used: base set .* is not there"):
        find_recipe("provision-augment", files=FILES)
    with pytest.raises(ProvisionError, match=r"recipe `provision-augment` cannot be used: base set .* is not there"):
        check_usable(["foundation", "provision-augment"], files=FILES)
    with pytest.raises(ProvisionError, match="no recipe `cake`; there are: foundation, provision-10m"):
        check_usable(["cake"], files=FILES)


def test_a_recipe_that_names_an_unknown_generator_cannot_be_used(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("{name: mine, sources: [{}, {generators: [MostObject, MostObjekt]}]}")
    with pytest.raises(
        ProvisionError, match=r"`sources.1.generators`: unknown generator `MostObjekt`, near: MostObject"
    ):
        check_usable(["mine"], files=[*FILES, mine])


def test_what_is_on_request_is_not_built_with_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "mine.yaml"
    mine.write_text("{name: mine, sources: [{}]}")
    assert by_default([*FILES, mine]) == ["foundation", "mine"]


def test_an_unreadable_base_file_stops_before_the_first_block(tmp_path: Path) -> None:
    wanted = with_base("provision-augment", tmp_path)
    assert wanted.base is not None
    Path(wanted.base.file).write_text('[{"id": 1,')
    with pytest.raises(InputError, match="neither a JSON array nor JSON lines"):
        next(mix_blocks(wanted, tables=Tables(rows(), PICTURES)))


def test_the_manifest_tells_what_was_reached_and_of_which_files(tmp_path: Path) -> None:
    wanted = with_base("provision-replace", tmp_path)
    assert wanted.base is not None
    tables = Tables(rows(), PICTURES)
    files = export_mix(pl.concat(list(mix_blocks(wanted, tables=tables))), tmp_path / "out", recipe=wanted)
    manifest = json.loads(files["manifest"].read_text())
    assert manifest["reached"] == {
        "rows": 50,
        "generated_rows": 5,
        "base_rows": 45,
        "target_rows": 665_298,
        "target_share": 0.000075,
    }
    assert manifest["inputs"] == {"base.file": hashlib.sha256(Path(wanted.base.file).read_bytes()).hexdigest()}
