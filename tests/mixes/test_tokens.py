"""A budget of tokens, counted by real tokenizers."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.mixes.build import build_mix, mix_blocks
from provision_dagster.mixes.pool import Tables
from provision_dagster.mixes.recipe_parts import Tokens
from provision_dagster.mixes.targets import Figures
from provision_dagster.mixes.tokens import Budget, load_counter
from tests.mixes.rows import images_of, many, recipe

tokenizers = pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level tokenizer, trained on the questions of the tests."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=alphabet, special_tokens=["<s>"], show_progress=False
    )
    made.train_from_iterator(many(50)["question"].to_list(), trainer)
    # a length limit of the file must not shorten what is counted
    made.enable_truncation(4)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return path


@pytest.fixture(scope="module")
def folder(tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, as transformers keeps it."""
    transformers = pytest.importorskip("transformers")
    made = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tokenizer), bos_token="<s>")
    path = tmp_path_factory.mktemp("folder")
    made.save_pretrained(str(path))
    return path


def plain(tokenizer: Path, texts: list[str]) -> list[int]:
    """Count one by one, as the library's documentation says."""
    made = tokenizers.Tokenizer.from_file(str(tokenizer))
    made.no_truncation()
    return [len(made.encode(text, add_special_tokens=False).ids) for text in texts]


def tokens_of(rows: pl.DataFrame, tokenizer: Path) -> list[int]:
    prompts, responses = (plain(tokenizer, rows[name].to_list()) for name in ("prompt", "response"))
    return [a + b for a, b in zip(prompts, responses, strict=True)]


def build(tokenizer: Path, *, max_total: int, **fields: Any) -> tuple[pl.DataFrame, Figures]:
    wanted = recipe(tokens={"tokenizer": str(tokenizer), "max_total": max_total} | fields)
    figures = Figures(wanted)
    blocks = mix_blocks(wanted, tables=Tables(many(90), images_of()), figures=figures)
    return pl.concat(list(blocks)), figures


def test_a_file_and_a_folder_count_the_same(tokenizer: Path, folder: Path) -> None:
    texts = ["What color is dog 1?", "", "ünïcødé 狗", " black\nbrown "]
    assert load_counter(str(tokenizer))(texts) == load_counter(str(folder))(texts) == plain(tokenizer, texts)


def test_the_mix_ends_where_the_next_example_would_be_too_much(tokenizer: Path) -> None:
    whole = build_mix(recipe(), filtered_qa=many(90), images=images_of())
    counts = tokens_of(whole, tokenizer)
    for most in (sum(counts[:40]), sum(counts[:41]) - 1):
        mix, figures = build(tokenizer, max_total=most)
        assert mix.equals(whole.head(40))
        assert figures.tokens == sum(counts[:40])


def test_a_large_budget_takes_all(tokenizer: Path) -> None:
    mix, figures = build(tokenizer, max_total=10**9)
    assert mix.height == 90
    assert figures.tokens == sum(tokens_of(mix, tokenizer))


def test_pictures_count(tokenizer: Path) -> None:
    _, figures = build(tokenizer, max_total=10**9)
    _, with_pictures = build(tokenizer, max_total=10**9, per_image=576)
    assert figures.tokens is not None
    assert with_pictures.tokens == figures.tokens + 90 * 576


def test_all_turns_of_a_base_row_count(tokenizer: Path, tmp_path: Path) -> None:
    turns = [("human", "<image>\nWhat color?"), ("gpt", "Brown."), ("human", "How many dogs?"), ("gpt", "Two.")]
    said = [{"from": speaker, "value": value} for speaker, value in turns]
    path = tmp_path / "base.json"
    path.write_text(json.dumps([{"image": "a.jpg", "conversations": said}]))
    mix = build_mix(recipe(base={"file": str(path)}), filtered_qa=many(9), images=images_of())
    counted = Budget(Tokens(tokenizer=str(tokenizer), max_total=1)).count(mix.filter(origin="base"))
    texts = ["\nWhat color?", "Brown.", "How many dogs?", "Two."]
    assert counted.to_list() == [sum(plain(tokenizer, texts))]


def test_a_budget_for_nothing(tokenizer: Path) -> None:
    with pytest.raises(InputError, match=r"`tokens.max_total`: the first example alone has more tokens"):
        build(tokenizer, max_total=1)


@pytest.mark.parametrize("layout", ["missing", "file", "folder"])
def test_what_is_no_tokenizer(tmp_path: Path, layout: str) -> None:
    path = tmp_path / layout
    if layout == "file":
        path.write_text("{}")
    if layout == "folder":
        pytest.importorskip("transformers")
        path.mkdir()
    message = "is not there" if layout == "missing" else "holds no tokenizer"
    with pytest.raises(InputError, match=rf"`tokens.tokenizer`: `.*{layout}` {message}"):
        load_counter(str(path))
