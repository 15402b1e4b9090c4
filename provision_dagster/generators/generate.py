"""Run generators over the scene graphs of one shard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.generators.graphs import Graphs, flatten
from provision_dagster.generators.hashing import candidate_hash, hex_ids, text_hash
from provision_dagster.generators.language import join_list
from provision_dagster.generators.options import attach_options
from provision_dagster.generators.registry import Generator, Rules, seed_of, select_generators
from provision_dagster.generators.sampling import sample
from provision_dagster.generators.schema import FUNNEL, RAW_QA
from provision_dagster.generators.templates import Templates, check_slots, fill, shipped_templates
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.schema import BOX

Mode = Literal["sampled", "full"]


@dataclass(frozen=True)
class Generated:
    """Questions and the funnel that says what became of every candidate."""

    qa: pl.DataFrame
    funnel: pl.DataFrame


@dataclass(frozen=True)
class Settings:
    """How to generate.

    Parameters
    ----------
    rules
        "strict" drops what a truth rule rejects, "paper" keeps the candidate sets of the reference.
    mode
        "full" keeps every candidate, "sampled" draws `per_generator` for each generator and image.
    per_generator
        Candidates per generator and image in sampled mode, at least 1.
    seed
        0 .. 2**63 - 1; the same seed gives the same bytes.
    """

    rules: Rules = "strict"
    mode: Mode = "sampled"
    per_generator: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        for name, value, allowed in (("rules", self.rules, get_args(Rules)), ("mode", self.mode, get_args(Mode))):
            if value not in allowed:
                raise InputError(f"`{name}` must be one of {', '.join(allowed)}, got {value!r}")
        if self.per_generator < 1:
            raise InputError(f"`per_generator` must be at least 1, got {self.per_generator}")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"`seed` must be 0 .. 2**63 - 1, got {self.seed}")


def generate(
    scene_graphs: pl.DataFrame,
    *,
    vocabulary: pl.DataFrame,
    lexicon: Lexicon,
    settings: Settings | None = None,
    generators: Sequence[str] | None = None,
    templates: Templates | None = None,
) -> Generated:
    """Make questions and answers from the scene graphs of one shard.

    The result depends on the seed, the rules, the graphs of each image and the vocabulary of the whole image set
    alone: not on
    how images are grouped into shards, nor on their order.

    Parameters
    ----------
    scene_graphs
        Rows of the scene-graph table, all of one shard.
    vocabulary
        Word frequencies of the whole image set (schema `VOCABULARY`).
    generators
        Names or families; default all.

    Returns
    -------
    Generated
        `qa` with schema `RAW_QA`, `funnel` with schema `FUNNEL`.

    Raises
    ------
    InputError
        If a generator or a template slot is unknown.
    """
    settings = settings or Settings()
    templates = templates or shipped_templates()
    graphs = flatten(scene_graphs, lexicon=lexicon, vocabulary=vocabulary)
    shard = scene_graphs["shard"][0] if scene_graphs.height else ""
    chosen = select_generators(generators)
    parts = [_run(g, graphs, settings=settings, templates=templates) for g in chosen]
    qa = pl.concat([p.qa for p in parts]) if parts else pl.DataFrame(schema=_schema(RAW_QA))
    funnel = pl.concat([p.funnel for p in parts]) if parts else pl.DataFrame(schema=_schema(FUNNEL))
    stamp = pl.lit(shard).alias("shard")
    return Generated(
        qa=qa.with_columns(stamp).select(list(RAW_QA)).sort("family", "generator", "image_ids", "id"),
        funnel=funnel.with_columns(stamp).select(list(FUNNEL)).sort("family", "generator", "reason"),
    )


def _schema(columns: dict[str, pl.DataType]) -> pl.Schema:
    return pl.Schema({k: v for k, v in columns.items() if k != "shard"})


def _run(generator: Generator, graphs: Graphs, *, settings: Settings, templates: Templates) -> Generated:
    phrasings = templates.get(generator.name)
    if not phrasings:
        raise InputError(f"no template for generator `{generator.name}`; templates exist for: {', '.join(templates)}")
    check_slots(phrasings, allowed=generator.slots)
    found = generator.candidates(graphs)
    if settings.rules == "paper":
        found = found.with_columns(drop=pl.lit(None, dtype=pl.String))
    sound = _hashed(generator, graphs, found.filter(pl.col("drop").is_null()).drop("drop"), seed=settings.seed)
    kept = sound
    if settings.mode == "sampled" and sound.height:
        kept = sample(sound, n=settings.per_generator, mentions=generator.mentions, vocabulary=graphs.vocabulary)
    funnel = _funnel(generator, found, sound=sound.height, kept=kept.height, rules=settings.rules)
    if kept.is_empty():
        return Generated(pl.DataFrame(schema=_schema(RAW_QA)), funnel)
    rows = attach_options(generator.finish(graphs, kept.with_row_index("row"), settings.rules))
    if rows.height != kept.height:
        raise AssertionError(f"{generator.name} was given {kept.height} candidates and finished {rows.height}")
    if "candidates" in generator.slots:
        named = pl.col("options").list.eval("the " + pl.element())
        rows = rows.with_columns(candidates=named).with_columns(candidates=join_list("candidates", word="or"))
    filled = fill(rows, templates=phrasings)
    if filled["question"].null_count() or filled["answer"].null_count():
        raise AssertionError(f"{generator.name} left a slot or an answer empty")
    return Generated(_assemble(generator, graphs, filled, settings=settings), funnel)


def _hashed(generator: Generator, graphs: Graphs, rows: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Add `h`, and put candidates in the order of their images and hashes."""
    placed = rows.join(graphs.images.select("img", "image_hash"), on="img", maintain_order="left")
    start = text_hash(seed_of(generator, seed=seed))
    state = candidate_hash(placed, start=start, image_hash=placed["image_hash"], key=generator.key)
    return rows.with_columns(h=pl.Series(state, dtype=pl.UInt64)).sort("img", "h")


def _funnel(generator: Generator, found: pl.DataFrame, *, sound: int, kept: int, rules: Rules) -> pl.DataFrame:
    dropped = found["drop"].drop_nulls().value_counts()
    counts = [("candidate", found.height), ("kept", kept), ("sampled_out", sound - kept), *dropped.iter_rows()]
    return pl.DataFrame(
        {
            "family": [generator.family] * len(counts),
            "generator": [generator.name] * len(counts),
            "rules": [rules] * len(counts),
            "reason": [reason for reason, _ in counts],
            "count": [count for _, count in counts],
        },
        schema=_schema(FUNNEL),
    )


def _assemble(generator: Generator, graphs: Graphs, rows: pl.DataFrame, *, settings: Settings) -> pl.DataFrame:
    named = rows.join(graphs.images.select("img", "image_id"), on="img", maintain_order="left")
    mentions = generator.mentions
    metadata = pl.struct(
        objects=_list(named, mentions.objects, pl.String()),
        attributes=_list(named, mentions.attributes, pl.String()),
        relations=_list(named, mentions.relations, pl.String()),
        counts=_list(named, mentions.counts, pl.Int32()),
    )
    said = named.select(
        "row",
        family=pl.lit(generator.family),
        id=hex_ids(named["h"].to_numpy()),
        generator=pl.lit(generator.name),
        generator_version=pl.lit(generator.version),
        rules=pl.lit(settings.rules),
        seed=pl.lit(settings.seed, dtype=pl.UInt64),
        template="template",
        image_ids=pl.concat_list("image_id"),
        question=_capital("question"),
        answer="answer",
        choice_question=_capital("choice_question"),
        options="options",
        answer_index="answer_index",
        metadata=metadata,
    )
    whole = said.join(_evidence(graphs, rows), on="row", how="left", maintain_order="left")
    return whole.select(_schema(RAW_QA).names()).cast(dict(_schema(RAW_QA)))  # type: ignore[arg-type]


def _capital(column: str) -> pl.Expr:
    return pl.col(column).str.head(1).str.to_uppercase() + pl.col(column).str.slice(1)


def _list(rows: pl.DataFrame, columns: Sequence[str], kind: pl.DataType) -> pl.Expr:
    if not columns:
        return pl.lit([], dtype=pl.List(kind))
    return pl.concat_list(*columns).cast(pl.List(kind))


def _evidence(graphs: Graphs, rows: pl.DataFrame) -> pl.DataFrame:
    """Ids and boxes of the objects that prove each answer."""
    places = rows.select("row", "img", obj="objs").explode("obj").with_columns(pl.col("obj").cast(pl.UInt32))
    boxes = graphs.objects.select("img", "obj", "id", box=pl.struct("x1", "y1", "x2", "y2"))
    found = places.join(boxes, on=["img", "obj"], maintain_order="left")
    lists = found.group_by("row", maintain_order=True).agg(object_ids="id", boxes=pl.col("box"))
    return lists.select("row", evidence=pl.struct("object_ids", "boxes").cast(_EVIDENCE))


_EVIDENCE = pl.Struct({"object_ids": pl.List(pl.String()), "boxes": pl.List(BOX)})
