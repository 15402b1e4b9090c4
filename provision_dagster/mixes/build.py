"""Builds a mix: the rows that a recipe takes, in their final wording and order."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.generators.schema import FILTERED_QA
from provision_dagster.mixes.base_set import BASE, BASE_SOURCE, read_base
from provision_dagster.mixes.choose import choose, hashed
from provision_dagster.mixes.concepts import ConceptSet, informative, load_concepts
from provision_dagster.mixes.pool import HARD, Frame, Tables, fitted, judged, make_pool
from provision_dagster.mixes.recipe import Form, Recipe
from provision_dagster.mixes.recipe_parts import Base
from provision_dagster.mixes.render import pictures, render
from provision_dagster.mixes.schema import MIX
from provision_dagster.mixes.spool import Spool, streamed
from provision_dagster.mixes.targets import Figures
from provision_dagster.mixes.tokens import Budget

_QUESTION = tuple(name for name in FILTERED_QA if name not in ("generator_version", "rules", "seed", "evidence"))
"""Columns that examples are made of, but for the evidence."""


def build_mix(
    recipe: Recipe,
    *,
    filtered_qa: Frame,
    images: Frame,
    rejected_qa: Frame | None = None,
    judge_scores: Frame | None = None,
    region_text_scores: Frame | None = None,
    held_out_pictures: Frame | None = None,
    base_pictures: Frame | None = None,
) -> pl.DataFrame:
    """Build the examples of a recipe.

    Every choice is a function of recipe, base set and QA ids: the order of the rows, their shards and the machine do
    not matter. `mix_blocks` does the same block by block.

    Parameters
    ----------
    recipe
        What to take and how to word it.
    filtered_qa
        Schema FILTERED_QA, all shards.
    images
        Schema IMAGES, all shards.
    rejected_qa
        Schema REJECTED_QA, all shards; needed where a source is `hard`.
    judge_scores
        Schema JUDGE_SCORES, all shards; needed where a source selects by them, else only for the column `scores`.
    region_text_scores
        Schema REGION_TEXT_SCORES, all shards; needed as `judge_scores`.
    held_out_pictures
        `image_id` of pictures that no generated row may show, unless the recipe says `held_out: {exclude: false}`.
    base_pictures
        Schema BASE_PICTURES, all recipes: rows of the base set that show one with `like` are left out likewise.

    Returns
    -------
    pl.DataFrame
        Schema MIX, one row per example, by position.

    Raises
    ------
    InputError
        If the recipe asks for what does not exist (the message says what is possible), ids repeat, an image is missing,
        or the base set or the tokenizer cannot be read.
    """
    tables = Tables(
        filtered_qa, images, rejected_qa, judge_scores, region_text_scores, held_out_pictures, base_pictures
    )
    return pl.concat([pl.DataFrame(schema=MIX), *mix_blocks(recipe, tables=tables)], rechunk=True)


def mix_blocks(recipe: Recipe, *, tables: Tables, figures: Figures | None = None) -> Iterator[pl.DataFrame]:
    """Build the examples of a recipe in blocks by position; everything is checked before the first block comes.

    Of rows that are not taken, only narrow columns are held in memory; rows that are taken wait in temporary files.

    Parameters
    ----------
    recipe
        What to take and how to word it.
    tables
        What to take it from.
    figures
        Is told what was reached, when the last block has come.

    Yields
    ------
    pl.DataFrame
        Schema MIX.

    Raises
    ------
    InputError
        As `build_mix`.
    """
    told = figures or Figures(recipe)
    concepts = load_concepts(recipe.concepts) if recipe.concepts else None
    budget = Budget(recipe.tokens) if recipe.tokens else None
    known = pictures(tables.images)
    with tempfile.TemporaryDirectory(prefix="mix-") as folder:
        base = _base_index(recipe, tables=tables, folder=Path(folder), told=told)
        chosen = _chosen(recipe, tables=tables, sets=known, concepts=concepts, base=base, told=told)
        ordered = _ordered(recipe, chosen=chosen, base=base, tables=tables)
        spool = Spool(Path(folder), rows=ordered.height)
        _spool_questions(spool, ordered=ordered, tables=tables)
        _spool_base(spool, ordered=ordered, folder=Path(folder))
        del chosen, base, ordered
        for number in range(spool.blocks):
            block = _block(spool, number, recipe=recipe, pictures=known)
            fitting = block if budget is None else budget.take(block)
            told.add(fitting, concepts=concepts)
            if not fitting.is_empty():
                yield fitting
            if budget is not None and budget.full:
                break
    told.tokens = None if budget is None else budget.total
    if not told.rows:
        raise InputError(f"recipe `{recipe.name}`, `tokens.max_total`: the first example alone has more tokens")


def _base_index(recipe: Recipe, *, tables: Tables, folder: Path, told: Figures) -> pl.DataFrame | None:
    """Read the base set into files of the folder, and return the `id` of each row, and whether it may be replaced."""
    if recipe.base is None:
        return None
    known = []
    left_out, replaceable = _shows_held_out(recipe, tables=tables), _replaceable(recipe.base)
    for number, rows in enumerate(read_base(recipe.base)):
        rows.write_ipc(folder / f"{BASE}_set-{number:05d}.arrow", compression="lz4")
        known.append(rows.select("id", left_out=left_out, replaceable=replaceable))
    every = pl.concat(known)
    told.base_rows_held_out = int(every["left_out"].sum())
    return every.filter(~pl.col("left_out")).drop("left_out")


def _shows_held_out(recipe: Recipe, *, tables: Tables) -> pl.Expr:
    """Say whether a row of the base set shows a picture that is like a held-out one."""
    if tables.base_pictures is None or not recipe.held_out.exclude:
        return pl.lit(False)
    mine = (pl.col("recipe") == recipe.name) & pl.col("like").is_not_null()
    paths = tables.base_pictures.lazy().filter(mine).select("uri").collect()["uri"]
    return pl.col("image_uris").list.eval(pl.element().is_in(paths.implode())).list.any()


def _replaceable(base: Base) -> pl.Expr:
    """Say whether a row is of the part that may be replaced."""
    if base.part is None:
        return pl.lit(True)
    begins = base.part if base.image_root is None else f"{Path(base.image_root)}/{base.part}"
    return pl.col("image_uris").list.first().str.starts_with(begins).fill_null(False)


def _chosen(
    recipe: Recipe,
    *,
    tables: Tables,
    sets: pl.DataFrame,
    concepts: ConceptSet | None,
    base: pl.DataFrame | None,
    told: Figures,
) -> pl.DataFrame:
    pool = make_pool(recipe, tables=tables, sets=sets, concepts=concepts)
    if concepts is not None and recipe.concepts is not None:
        pool = informative(pool, concepts=concepts, min_count=recipe.concepts.min_count)
        told.available = concepts.counts(pool["concepts"])
    sizes = {} if base is None else {"base_rows": base.height, "replaceable": int(base["replaceable"].sum())}
    chosen = choose(recipe, pool=pool, **sizes)
    return chosen.select("id", "shard", "generator", "has_options", "hard", "source")


def _ordered(recipe: Recipe, *, chosen: pl.DataFrame, base: pl.DataFrame | None, tables: Tables) -> pl.DataFrame:
    """Give each row its place: `position`, `id`, `shard`, `hard`, `source`, `form`, and its scores."""
    told = _with_form(chosen, form=recipe.form, seed=recipe.seed).select("id", "shard", "hard", "source", "form")
    told = _with_scores(told, tables=tables)
    if base is not None and recipe.base is not None:
        kept = base
        if recipe.base.mode == "replace":
            order = hashed("id", seed=recipe.seed, purpose="replace")
            gone = base.filter("replaceable").with_columns(order=order).sort("order", "id").head(told.height)
            kept = base.join(gone, on="id", how="anti")
        kept = kept.select("id")
        source = pl.lit(BASE_SOURCE, dtype=pl.Int32)
        told = pl.concat([told, kept.with_columns(source=source, form=pl.lit("open"))], how="diagonal")
    placed = told.with_columns(place=hashed("id", seed=recipe.seed, purpose="place")).sort("place", "id")
    return placed.drop("place").with_row_index("position")


def _with_form(chosen: pl.DataFrame, *, form: Form, seed: int) -> pl.DataFrame:
    """Say which rows take their multiple-choice form; half takes every other one, generator by generator."""
    if form != "half":
        return chosen.with_columns(form=pl.lit(form))
    by_generator = chosen.with_columns(toss=hashed("id", seed=seed, purpose="form")).sort("generator", "toss", "id")
    with_options = by_generator.filter("has_options").with_row_index("place")
    choice = with_options.filter(pl.col("place") % 2 == 0).select("id", form=pl.lit("choice"))
    return chosen.join(choice, on="id", how="left").with_columns(pl.col("form").fill_null("open"))


def _with_scores(rows: pl.DataFrame, *, tables: Tables) -> pl.DataFrame:
    """Add `scores`: of the judge for the form that is taken, of region and expression for the question."""
    wanted = rows.lazy().with_columns(judge=pl.lit(None, pl.Float64), region_text=pl.lit(None, pl.Float64))
    if tables.judge_scores is not None:
        wanted = wanted.drop("judge").join(
            judged(tables.judge_scores, by=("id", "form")), on=["id", "form"], how="left", maintain_order="left"
        )
    if tables.region_text_scores is not None:
        wanted = wanted.drop("region_text").join(
            fitted(tables.region_text_scores), on="id", how="left", maintain_order="left"
        )
    return wanted.with_columns(scores=pl.struct("region_text", "judge")).drop("judge", "region_text").collect()


def _spool_questions(spool: Spool, *, ordered: pl.DataFrame, tables: Tables) -> None:
    generated = ordered.filter(pl.col("source") != BASE_SOURCE)
    hard = generated.filter("hard").drop("hard")
    found = [(tables.filtered_qa.lazy(), generated.filter(~pl.col("hard")).drop("hard"))]
    if hard.height and tables.rejected_qa is not None:
        found.append((tables.rejected_qa.lazy().filter(HARD), hard))
    for qa, rows in found:
        joined = qa.select(*_QUESTION, _boxes_if_printed()).join(rows.lazy(), on=["id", "shard"], how="inner")
        for part in streamed(joined):
            spool.add(part, kind="questions")


def _boxes_if_printed() -> pl.Expr:
    """Evidence of texts that may name boxes by coordinates: it is the largest column, and only they need it."""
    texts = pl.concat_str(["question", "answer", "choice_question"], ignore_nulls=True)
    printed = texts.str.contains("[", literal=True) | pl.col("options").list.join("").str.contains("[", literal=True)
    # polars 2.1 forgets the type of a struct column without values when it reverses a frame
    return pl.when(printed).then(pl.col("evidence").cast(FILTERED_QA["evidence"])).alias("evidence")


def _spool_base(spool: Spool, *, ordered: pl.DataFrame, folder: Path) -> None:
    places = ordered.filter(pl.col("source") == BASE_SOURCE).select("id", "position")
    for file in sorted(folder.glob(f"{BASE}_set-*.arrow")):
        rows = pl.read_ipc(file)
        spool.add(rows.join(places, on="id", how="inner"), kind=BASE)
        file.unlink()


def _block(spool: Spool, number: int, *, recipe: Recipe, pictures: pl.DataFrame) -> pl.DataFrame:
    parts = []
    if (questions := spool.read(number, kind="questions")) is not None:
        parts.append(render(questions, recipe=recipe.name, pictures=pictures, notation=recipe.box_format))
    if (base := spool.read(number, kind=BASE)) is not None:
        named = base.with_columns(recipe=pl.lit(recipe.name))
        parts.append(named.select(pl.col(name).cast(dtype) for name, dtype in MIX.items()))
    return pl.concat(parts).sort("position")
