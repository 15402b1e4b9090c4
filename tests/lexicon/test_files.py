"""The shipped files, a user's files and vocabulary files."""

import json
import time
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.lexicon import Lexicon
from provision_dagster.lexicon.lexicon import _checked
from provision_dagster.lexicon.schema import TABLES
from provision_dagster.lexicon.tables import DATA, base_tables, read_folder


def _folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def test_shipped_files_agree_with_each_other() -> None:
    _checked(read_folder(DATA))


def test_shipped_files_are_complete_sorted_and_lower_case() -> None:
    assert {p.name for p in DATA.glob("*.csv")} == {t.file for t in TABLES.values()}
    for table in TABLES.values():
        frame = pl.read_csv(DATA / table.file, infer_schema=False)
        assert tuple(frame.columns) == table.header
        text = frame.select(pl.all().fill_null("")).select(pl.concat_str(pl.all(), separator="|"))
        assert not text.to_series().str.contains(r"  |\bgrey\b").any(), table.file
        assert (text.to_series() == text.to_series().str.to_lowercase()).all(), table.file


def test_load_is_fast_and_cached() -> None:
    base_tables.cache_clear()
    start = time.perf_counter()
    Lexicon(base_tables()).labels(["man"])
    assert time.perf_counter() - start < 2  # 0.1 s on an idle core; the bound only catches a blow-up
    assert Lexicon.load() is Lexicon.load()


def test_user_rows_add_and_override(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        labels="label,countable,kind\nzorb,true,thing\nwindow,true,part\nquux,true,thing\n",
        hypernyms="label,parents\nzorb,vehicle\n",
        synonyms="group,labels\nzorbs,zorb;quux\n",
        attributes="attribute,category,exclusive_group\nzorby,state,zorbness\nplorby,state,zorbness\n",
        predicates="predicate,class,singular,plural\nzorbing,action,is zorbing,are zorbing\n",
        predicate_exclusive="first,second\nzorbing,wearing\nclass:left,zorbing\n",
    )
    lexicon = Lexicon.load(folder)
    assert lexicon.labels(["zorb", "window"])["countable"].to_list() == [True, True]
    assert lexicon.labels(["zorb"]).select("plural", "known").row(0) == ("zorbs", True)
    assert set(lexicon.related_labels(["zorb", "vehicle", "quux"])["label"]) == {"zorb", "vehicle", "quux"}
    assert lexicon.contradictions(["zorby", "plorby"]).height == 2
    assert lexicon.exclusive_predicates(["zorbing", "wears", "left of"]).height == 4
    assert lexicon.predicates(["zorbing"])["is_form"].to_list() == ["is zorbing"]
    assert not Lexicon.load().labels(["window"])["countable"].item()


def test_later_folder_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder, flag in ((first, "true"), (second, "false")):
        folder.mkdir()
        _folder(folder, labels=f"label,countable\nzorb,{flag}\n")
    assert Lexicon.load([first, second]).labels(["zorb"])["countable"].to_list() == [False]
    assert Lexicon.load([second, first]).labels(["zorb"])["countable"].to_list() == [True]


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        (
            {"labels": "label,number\nzorb,dual\n"},
            ["labels.csv", "row 2", "`number`", "singular, plural, mass, pair", "`dual`"],
        ),
        (
            {"labels": "label,countable\nok,true\nzorb,yes\n"},
            ["row 3", "`countable`", "true, false", "`yes`"],
        ),
        ({"labels": "label,weight\nzorb,1\n"}, ["labels.csv", "`weight`", "allowed columns: label"]),
        ({"labels": "lemma\nzorb\n"}, ["missing column `label`"]),
        ({"labels": "label\nzorb\nzorb\n"}, ["row 3", "`label`", "once", "`zorb`"]),
        ({"labels": "label,lemma\n,zorb\n"}, ["row 2", "`label`", "required"]),
        ({"zorbs": "a\nb\n"}, ["unknown lexicon file", "zorbs.csv", "labels.csv"]),
        ({}, ["holds none of"]),
        (
            {"hypernyms": "label,parents\ncar,zorb\n"},
            ["hypernyms.csv", "row 2", "`parents`", "labels.csv", "`zorb`"],
        ),
        ({"synonyms": "group,labels\nx,car;zorb\n"}, ["synonyms.csv", "row 2", "`zorb`"]),
        ({"hypernyms": "label,parents\nvehicle,car\n"}, ["hypernyms.csv", "ancestor of itself"]),
        (
            {"attributes": "attribute,canonical\nzorby,blorby\n"},
            ["attributes.csv", "row 2", "`canonical`", "`blorby`"],
        ),
        ({"attributes": "attribute,canonical\nzorby,grey\n"}, ["`canonical`", "`grey`"]),
        (
            {"attributes": "attribute,category\nzorby,zorbness\n"},
            ["`category`", "categories.csv", "`zorbness`"],
        ),
        ({"attributes": "attribute,parent\nzorby,blorby\n"}, ["`parent`", "`blorby`"]),
        (
            {"predicates": "predicate,class\nzorbing,zorb\n"},
            ["predicates.csv", "`class`", "support", "`zorb`"],
        ),
        ({"predicates": "predicate,implies\nzorbing,on;blorb\n"}, ["`implies`", "`blorb`"]),
        (
            {"predicate_exclusive": "first,second\nzorbing,on\n"},
            ["predicate_exclusive.csv", "row 2", "`first`", "`zorbing`"],
        ),
        ({"predicate_exclusive": "first,second\nsitting on,on\n"}, ["row 2", "`second`", "implied"]),
        ({"predicate_exclusive": "first,second\nclass:zorb,on\n"}, ["`first`", "class:...", "`class:zorb`"]),
    ],
)
def test_bad_user_files(tmp_path: Path, files: dict[str, str], parts: list[str]) -> None:
    with pytest.raises(InputError) as error:
        Lexicon.load(_folder(tmp_path, **files))
    assert all(part in str(error.value) for part in parts), str(error.value)


def test_no_folder_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        Lexicon.load(tmp_path / "none")
    (tmp_path / "labels.csv").write_bytes(b"label\n\xff\xfe\n")
    with pytest.raises(InputError, match=r"labels\.csv.*UTF-8"):
        Lexicon.load(tmp_path)


def test_vocabulary_overrides(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.json"
    text = {
        "countable_labels": ["window", "zorb", "tails"],
        "uncountable_labels": ["car"],
        "attribute_category": {"happy": "mood", "zorby": "zorb"},
    }
    path.write_text(json.dumps(text))
    lexicon = Lexicon.load(vocabulary=path)
    rows = (
        lexicon.labels(["window", "zorb", "tails", "car", "dog"]).select("label", "countable", "known", "number").rows()
    )
    assert rows == [
        ("window", True, True, "singular"),
        ("zorb", True, True, "singular"),
        ("tails", True, True, "plural"),
        ("car", False, True, "singular"),
        ("dog", True, True, "singular"),
    ]
    assert lexicon.attributes(["happy", "zorby"]).select("category", "known").rows() == [
        ("mood", True),
        ("zorb", True),
    ]
    assert "zorb" in lexicon.categories()["category"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("{", ["JSON"]),
        ("[]", ["object", "list"]),
        ('{"countable": []}', ["`countable`", "countable_labels"]),
        ('{"countable_labels": "car"}', ["`countable_labels`", "list of labels", "`car`"]),
        ('{"attribute_category": {"red": 1}}', ["`attribute_category`", "category"]),
        ('{"countable_labels": ["car"], "uncountable_labels": ["car"]}', ["`car`"]),
    ],
)
def test_bad_vocabulary(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        Lexicon.load(vocabulary=path)
    assert all(part in str(error.value) for part in ["vocabulary.json", *parts])
