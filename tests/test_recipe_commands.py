"""`provision recipe`."""

import json
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from provision_dagster.cli import app
from provision_dagster.errors import InputError
from provision_dagster.mixes.recipe import load_recipe, recipe_schema

RUNNER = CliRunner()


def run(*words: str) -> str:
    result = RUNNER.invoke(app, ["recipe", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words: str) -> str:
    result = RUNNER.invoke(app, ["recipe", *words])
    assert isinstance(result.exception, InputError), result.output
    return str(result.exception)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_list(tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.yaml").write_text("{name: mine, description: All of it, sources: [{}]}")
    text = " ".join(run("list").split())
    assert "foundation" in text
    assert "All of it" in text
    assert "cannot be used: base set" in text


def test_schema() -> None:
    assert json.loads(run("schema")) == recipe_schema()


def test_show_prints_every_field() -> None:
    assert yaml.safe_load(run("show", "foundation")) == load_recipe("foundation").model_dump(mode="json")


def test_show_makes_a_recipe_of_another(tmp_path: Path) -> None:
    changes = ("base.ratio=0.5", "base.file=my.json", "form=choice", "sources.0.families=[qa_object, qa_attribute]")
    out = tmp_path / "mine.yaml"
    run("show", "provision-replace", "--name", "mine", *(w for c in changes for w in ("--set", c)), "--out", str(out))
    made = load_recipe(out)
    assert made.base is not None
    assert (made.name, made.base.ratio, made.base.file, made.form) == ("mine", 0.5, "my.json", "choice")
    assert made.base.mode == "replace"
    assert made.sources[0].families == ("qa_object", "qa_attribute")
    assert made.target is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("base.ratio=1.5", r"field `base.ratio`: input should be less than or equal to 1, got 1.5"),
        ("base.share=1", r"field `base.share`: unknown, must be one of file, image_root"),
        ("bases.ratio=1", r"no field `bases.ratio`"),
        ("balance.max_share=1", r"no field `balance.max_share`; set a part that is null as a whole"),
        ("sources.7.count=1", r"no field `sources.7.count`"),
        ("form", r"must be FIELD=VALUE, got 'form'"),
        ("form=[", r"the value must be YAML"),
    ],
)
def test_a_wrong_change_writes_nothing(tmp_path: Path, change: str, message: str) -> None:
    out = tmp_path / "mine.yaml"
    assert re.search(message, refused("show", "provision-augment", "--set", change, "--out", str(out)))
    assert not out.exists()


def test_check(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    (tmp_path / "base.jsonl").write_text(json.dumps({"conversations": turns}) + "\n")
    (tmp_path / "good.yaml").write_text("{name: good, sources: [{}], base: {file: base.jsonl}, concepts: {}}")
    text = run("check", "good.yaml")
    assert "base set: 1 records in base.jsonl" in text
    assert "concepts: " in text
    assert "recipe good: right" in text
    (tmp_path / "bad.yaml").write_text("{name: bad, sources: [{}], base: {file: none.jsonl}}")
    assert "base set `none.jsonl` is not there" in refused("check", "bad.yaml")
    (tmp_path / "typo.yaml").write_text("{name: typo, sources: [{generators: [MostObjekt]}]}")
    assert "unknown generator `MostObjekt`, near: MostObject" in refused("check", "typo.yaml")
    assert "`none` is not there" in refused_tokens(tmp_path)


def refused_tokens(folder: Path) -> str:
    (folder / "t.yaml").write_text("{name: t, sources: [{}], tokens: {tokenizer: none, max_total: 5}}")
    return refused("check", "t.yaml")
