"""Recipe files: what is accepted, and how errors read."""

import json
from pathlib import Path

import pytest

from provision_dagster.errors import InputError
from provision_dagster.mixes.recipe import Recipe, bundled_recipes, load_recipe, recipe_schema

GOOD = """
name: small
seed: 7
sources:
  - families: [qa_object]
    count: 10
  - generators: [HeadRelation, MostObject]
    image_sets: [vg]
    ratio: 0.5
  - {}
form: choice
cap_per_image: 3
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "r.yaml"
    path.write_text(text)
    return path


def test_a_recipe_is_read(tmp_path: Path) -> None:
    found = load_recipe(_file(tmp_path, GOOD))
    assert (found.name, found.seed, found.form, found.cap_per_image) == ("small", 7, "choice", 3)
    assert found.sources[0].families == ("qa_object",)
    assert found.sources[1].ratio == 0.5
    assert found.box_format == "ratio"


@pytest.mark.parametrize("name", sorted(bundled_recipes()))
def test_recipes_that_ship_are_right(name: str) -> None:
    assert load_recipe(name).name == name


def test_foundation_ships() -> None:
    found = load_recipe("foundation")
    assert found.form == "half"
    assert found.cap_per_image == 50


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: [{}]", r"field `name`: must be given"),
        ("name: x", r"field `sources`: must be given"),
        ("name: X y\nsources: [{}]", r"field `name`: string should match pattern .*, got 'X y'"),
        ("name: held_out\nsources: [{}]", r"`name` must not be data_docs or held_out"),
        ("name: x\nsources: []", r"field `sources`: tuple should have at least 1 item .*, got \[\]"),
        (
            "name: x\nsources: [{}]\nsize: 3",
            r"field `size`: unknown, must be one of name, .*sources.*cap_per_image",
        ),
        (
            "name: x\nsources: [{family: [qa_object]}]",
            r"field `sources.0.family`: unknown, must be one of families, generators, image_sets, templates,",
        ),
        (
            "name: x\nsources: [{families: [qa_objects]}]",
            r"field `sources.0`: `families` must be of qa_object, qa_attribute, qa_relation, .*, got qa_objects",
        ),
        (
            "name: x\nsources: [{families: qa_object}]",
            r"field `sources.0.families`: .*valid tuple, got 'qa_object'",
        ),
        (
            "name: x\nsources: [{count: 0}]",
            r"`sources.0.count`: input should be greater than or equal to 1, got 0",
        ),
        (
            "name: x\nsources: [{ratio: 1.5}]",
            r"`sources.0.ratio`: input should be less than or equal to 1, got 1.5",
        ),
        ("name: x\nsources: [{ratio: 2}]", r"^[^\n]*`sources.0.ratio`: [^\n]*, got 2$"),
        ("name: x\nsources: [{ratio: 0}]", r"`sources.0.ratio`: input should be greater than 0, got 0"),
        ("name: x\nsources: [{ratio: .nan}]", r"`sources.0.ratio`: input should be .*, got nan"),
        (
            "name: x\nsources: [{ratio: 1, count: 1}]",
            r"field `sources.0`: give `count` or `ratio` or neither",
        ),
        (
            "name: x\nsources: [{}]\nform: both",
            r"field `form`: input should be 'open', 'choice' or 'half', got 'both'",
        ),
        (
            "name: x\nsources: [{}]\nbox_format: px",
            r"field `box_format`: input should be 'ratio', 'thousand' or 'pixels', got 'px'",
        ),
        (
            "name: x\nsources: [{}]\ncap_per_image: 0",
            r"field `cap_per_image`: .*greater than or equal to 1, got 0",
        ),
        (
            "name: x\nsources: [{min_judge: 0.7, max_judge: 0.5}]",
            r"field `sources.0`: `min_judge` must be less than `max_judge`, got 0.7 and 0.5",
        ),
        (
            "name: x\nsources: [{images: two}]",
            r"field `sources.0.images`: input should be 'any', 'single' or 'multi', got 'two'",
        ),
        ("name: x\nsources: [{}]\nbase: {}", r"field `base.file`: must be given"),
        ("name: x\nsources: [{}]\nbase: {file: a, ratio: 2}", r"`base.ratio`: .*less than or equal to 1, got 2"),
        ("name: x\nsources: [{}]\nbase: {file: a, mode: add}", r"`base.mode`: input should be 'augment' or 'replace'"),
        ("name: x\nsources: [{}]\nbalance: {by: [color], max_share: 1}", r"`balance.by.0`: input should be 'answer',"),
        ("name: x\nsources: [{}]\nbalance: {share: 1}", r"`balance.share`: unknown, must be one of by, max_share"),
        ("name: x\nsources: [{}]\ntokens: {tokenizer: t}", r"field `tokens.max_total`: must be given"),
        ("name: x\nsources: [{}]\nconcepts: {yes_share: 1}", r"`concepts.yes_share`: .*less than 1, got 1"),
        ("name: x\nsources: [{}]\ntarget: {rows: 0}", r"`target.rows`: .*greater than or equal to 1, got 0"),
        ("name: x\nsources: [{}]\nformats: [llava, llava]", r"`formats` must not repeat, got llava, llava"),
        ("name: x\nsources: [{}]\nformats: [llama]", r"field `formats.0`: input should be 'llava',"),
        ("name: x\nsources: [{}]\nseed: -1", r"field `seed`: .*greater than or equal to 0, got -1"),
        ("name: x\nsources: [{}]\nseed: a", r"field `seed`: .*valid integer.*, got 'a'"),
        ("name: x\nname: y\nsources: [{}]", r"is not YAML: field given twice: \['name'\]"),
        ("- a", r"must be a mapping of fields, got list"),
        ("", r"must be a mapping of fields, got NoneType"),
        ("name: [", r"is not YAML: "),
    ],
)
def test_errors_name_file_field_and_value(tmp_path: Path, text: str, message: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)


def test_all_errors_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_recipe(_file(tmp_path, "name: x\nform: a\nseed: b\nsources: [{}]"))
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_file_names_what_ships(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read: .*recipes that ship: foundation"):
        load_recipe(tmp_path / "none.yaml")


def test_the_json_schema_knows_every_field() -> None:
    schema = recipe_schema()
    assert set(schema["properties"]) == set(Recipe.model_fields)
    assert schema["properties"]["form"]["enum"] == ["open", "choice", "half"]
    assert all("description" in field for field in schema["properties"].values())
    json.dumps(schema)
