"""Figures of a whole data set, some thousand rows: judged by suites, compared with those of the next version."""

import polars as pl
from scipy.special import chdtrc

from provision_dagster.filters.quality.blindness import blind_figures
from provision_dagster.filters.quality_config import QualityConfig
from provision_dagster.filters.schema import QA_QUALITY
from provision_dagster.generators.integrity import qa_rules
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.integrity import graph_rules

BIN_CHARS = 20
"""Width of the bins of question lengths."""

LAST_BIN = 40
"""All longer questions share one bin."""

WORDS_KEPT = 500
"""Most frequent values of a kind that are kept; the others are one value, the empty text."""

ANSWER, OPTIONS = pl.col("answer").str.to_lowercase(), pl.col("options").list.len()
YES_NO = ("yes", "no")


def figures(
    filtered_qa: pl.LazyFrame,
    *,
    qa_statistics: pl.LazyFrame,
    label_statistics: pl.LazyFrame,
    scene_graphs: pl.LazyFrame,
    config: QualityConfig,
    lexicon: Lexicon,
) -> pl.DataFrame:
    """Measure all shards together.

    Every frame is scanned in pieces and only narrow columns are held: the memory depends on the number of different
    answers, not on that of questions.

    Parameters
    ----------
    filtered_qa, qa_statistics, label_statistics, scene_graphs
        Schemas FILTERED_QA, QA_STATISTICS, LABEL_STATISTICS, SCENE_GRAPHS.
    config
        Sizes of samples; no threshold is applied here.
    lexicon
        Tells blind solvers the categories of options.

    Returns
    -------
    pl.DataFrame
        Schema QA_QUALITY, by key.
    """
    counts = _counts(filtered_qa)
    parts = [
        _keep_rates(qa_statistics.collect()),
        _per_generator(counts),
        _top_answers(filtered_qa, counts),
        _places(counts),
        _lengths(counts),
        _broken(filtered_qa, "filtered_qa", qa_rules()),
        blind_figures(filtered_qa, rows=_rows(counts), config=config, lexicon=lexicon),
        _mentions(label_statistics),
        _graphs(scene_graphs),
    ]
    return pl.concat(parts).sort("stage", "measure", "of", "part")


def long(frame: pl.DataFrame, *, stage: str = "filtered_qa", measure: str | pl.Expr) -> pl.DataFrame:
    """Bring columns `value` and `rows`, and `of` and `part` where there are any, into the schema QA_QUALITY."""
    named = {c: pl.lit("") for c in ("of", "part") if c not in frame.columns}
    measured = pl.lit(measure) if isinstance(measure, str) else measure
    wide = frame.with_columns(stage=pl.lit(stage), measure=measured, **named)
    return wide.select(pl.col(name).cast(dtype) for name, dtype in QA_QUALITY.items())


def _counts(qa: pl.LazyFrame) -> pl.DataFrame:
    """Rows by generator, number of options, place of the answer, and length of the question in bins."""
    chars = pl.col("question").str.len_chars()
    keys = {"n": OPTIONS, "place": pl.col("answer_index"), "bin": (chars // BIN_CHARS).clip(0, LAST_BIN)}
    measured = qa.select("generator", **keys, chars=chars, yes=ANSWER == "yes", no=ANSWER == "no")
    grouped = measured.group_by("generator", *keys).agg(
        rows=pl.len().cast(pl.Int64),
        yes=pl.col("yes").sum().cast(pl.Int64),
        no=pl.col("no").sum().cast(pl.Int64),
        chars=pl.col("chars").sum().cast(pl.Int64),
        longest=pl.col("chars").max(),
    )
    return grouped.collect(engine="streaming")


def _rows(counts: pl.DataFrame) -> dict[str, int]:
    return dict(counts.group_by("generator").agg(pl.col("rows").sum()).sort("generator").iter_rows())


def _keep_rates(statistics: pl.DataFrame) -> pl.DataFrame:
    kept, raw = pl.col("rows").sum(), pl.col("raw_rows").sum()
    per_generator = statistics.group_by(of="generator").agg(value=kept / raw, rows=raw)
    whole = statistics.select(value=kept / raw.clip(1), rows=raw)
    return pl.concat([long(per_generator, measure="keep_rate"), long(whole, measure="total_keep_rate")])


def _per_generator(counts: pl.DataFrame) -> pl.DataFrame:
    rows, yes, no = (pl.col(c).sum() for c in ("rows", "yes", "no"))
    found = counts.group_by(of="generator").agg(
        rows=rows, yes=yes, no=no, chars=pl.col("chars").sum(), longest=pl.col("longest").max()
    )
    asked = found.filter(pl.col("yes") + pl.col("no") > 0)
    both = pl.col("yes") + pl.col("no")
    return pl.concat(
        [
            long(found.with_columns(value=pl.col("rows") / pl.col("rows").sum()), measure="generator_share"),
            long(found.with_columns(value=pl.col("chars") / pl.col("rows")), measure="mean_question_chars"),
            long(found.with_columns(value="longest"), measure="max_question_chars"),
            long(asked.with_columns(value=pl.col("yes") / both, rows=both), measure="yes_share"),
        ]
    )


def _top_answers(qa: pl.LazyFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """The most frequent answer of each generator, of the open and the multiple-choice form; yes and no left out."""
    # hashes: the answers of ten million captions would not fit
    by = ["generator", "choice"]
    told = qa.select("generator", choice=OPTIONS > 0, answer=ANSWER).filter(~pl.col("answer").is_in(YES_NO))
    hashed = told.with_columns(key=pl.col("answer").hash())
    grouped = hashed.group_by(*by, "key").agg(n=pl.len()).collect(engine="streaming")
    rows = grouped.group_by(by).agg(rows=pl.col("n").sum().cast(pl.Int64))
    top = grouped.sort("n", "key", descending=[True, False]).unique(by, keep="first", maintain_order=True)
    chosen = top.lazy().select(*by, "key")
    texts = hashed.join(chosen, on=[*by, "key"], how="semi").group_by(by).agg(part=pl.col("answer").min())
    found = top.join(rows, on=by).join(texts.collect(engine="streaming"), on=by).rename({"generator": "of"})
    shares = found.with_columns(value=pl.col("n") / pl.col("rows"))
    measure = pl.when("choice").then(pl.lit("top_choice_answer_share")).otherwise(pl.lit("top_answer_share"))
    return long(shares, measure=measure)


def _places(counts: pl.DataFrame) -> pl.DataFrame:
    """How often the answer stands at each place, how far that is from even, and the probability of such a draw."""
    choice = counts.filter(pl.col("n") > 1, pl.col("place").is_not_null(), pl.col("place") < pl.col("n"))
    by = ["generator", "n"]
    total = choice.group_by(by).agg(total=pl.col("rows").sum())
    # places at which no answer ever stands must be counted too
    grid = total.with_columns(place=pl.int_ranges(0, "n", dtype=pl.Int8)).explode("place")
    seen = choice.group_by(*by, "place").agg(pl.col("rows").sum())
    full = grid.join(seen, on=[*by, "place"], how="left").with_columns(pl.col("rows").fill_null(0))
    full = full.with_columns(even=pl.col("total") / pl.col("n"))
    shares = full.with_columns(
        of="generator", part=pl.format("{}:{}", "n", "place"), value=pl.col("rows") / pl.col("total"), rows="total"
    )
    return pl.concat([long(shares, measure="place_share"), *uneven_places(full)])


def uneven_places(full: pl.DataFrame) -> list[pl.DataFrame]:
    """Compare counts by place with even ones, over all numbers of options of a generator: excess and probability."""
    rows, even = pl.col("rows"), pl.col("even")
    per_place = full.group_by("generator", "place").agg(rows.sum(), even.sum())
    excess = per_place.group_by(of="generator").agg(
        value=((rows - even).abs() / rows.sum()).max(),
        rows=rows.sum(),
        part=pl.col("place").get((rows - even).abs().arg_max()),
    )
    squares = full.group_by(of="generator").agg(
        statistic=((rows - even) ** 2 / even).sum(),
        freedom=pl.len() - pl.col("n").n_unique(),
        rows=rows.sum(),
    )
    p = chdtrc(squares["freedom"].to_numpy(), squares["statistic"].to_numpy())
    return [
        long(excess, measure="place_excess"),
        long(squares.with_columns(value=pl.Series(p, dtype=pl.Float64)), measure="place_p"),
    ]


def _lengths(counts: pl.DataFrame) -> pl.DataFrame:
    bins = counts.group_by("bin").agg(pl.col("rows").sum()).with_columns(value=pl.col("rows") / pl.col("rows").sum())
    first = pl.col("bin").cast(pl.Int64) * BIN_CHARS
    return long(bins.with_columns(part=first.cast(pl.String).str.zfill(4)), measure="question_chars_share")


def _broken(table: pl.LazyFrame, stage: str, rules: dict[str, pl.Expr]) -> pl.DataFrame:
    """Rows that break each rule."""
    counts = table.select(pl.len().alias(""), **{r: e.fill_null(False).sum() for r, e in rules.items()})
    found = counts.collect(engine="streaming").cast(pl.Int64)
    rows = found.item(0, "")
    told = pl.DataFrame({"of": list(rules), "value": [found.item(0, r) for r in rules], "rows": [rows] * len(rules)})
    return long(told, stage=stage, measure="broken_rows")


def _mentions(labels: pl.LazyFrame) -> pl.DataFrame:
    """Shares of mentions of each kind, and the largest share of a family's questions that mention one label."""
    rows = labels.group_by("family", "kind", "value").agg(pl.col("rows").sum(), share=pl.col("share").first()).collect()
    parts = []
    for (kind,), own in sorted(rows.group_by("kind")):
        words = own.group_by("value").agg(pl.col("rows").sum()).rename({"value": "word"})
        parts.append(long(head_shares(words), measure=f"{kind}_mention_share"))
    return pl.concat([*parts, _widest(labels)])


def _widest(labels: pl.LazyFrame) -> pl.DataFrame:
    """Per family, the label that most of its questions mention."""
    # rows / share is the number of the questions of a shard and family
    asked = (pl.col("rows") / pl.col("share")).round().cast(pl.Int64)
    objects = labels.filter(pl.col("kind") == "object").with_columns(asked=asked).collect()
    totals = (
        objects.group_by("shard", "family").agg(pl.col("asked").first()).group_by("family").agg(pl.col("asked").sum())
    )
    words = objects.group_by("family", "value").agg(pl.col("rows").sum()).rename({"value": "part"})
    shares = words.join(totals, on="family").with_columns(value=pl.col("rows") / pl.col("asked"), of="family")
    top = shares.sort("value", "part", descending=[True, False]).unique("family", keep="first", maintain_order=True)
    return long(top.with_columns(rows="asked"), measure="label_share")


def head_shares(words: pl.DataFrame) -> pl.DataFrame:
    """Shares of the most frequent words, `word` and `rows`; all others are the word ""."""
    ordered = words.sort("rows", "word", descending=[True, False])
    rest = ordered.slice(WORDS_KEPT).select(word=pl.lit(""), rows=pl.col("rows").sum())
    both = pl.concat(
        [ordered.head(WORDS_KEPT).select("word", pl.col("rows").cast(pl.Int64)), rest.cast({"rows": pl.Int64})]
    )
    kept = both.filter(pl.col("rows") > 0)
    return kept.with_columns(part="word", value=pl.col("rows") / pl.col("rows").sum())


def _graphs(graphs: pl.LazyFrame) -> pl.DataFrame:
    """What the questions were made from: broken graphs, objects per picture, labels."""
    objects = pl.col("objects").list
    sizes = graphs.select(n=objects.len(), e=pl.col("relations").list.len()).collect(engine="streaming")
    mean = sizes.select(rows=pl.len(), value=pl.col("n").mean().fill_null(0))
    bins = sizes.group_by("n").len("rows").with_columns(value=pl.col("rows") / pl.col("rows").sum())
    labels = graphs.select(word=objects.eval(pl.element().struct.field("label"))).explode("word").drop_nulls()
    words = labels.group_by("word").len("rows").collect(engine="streaming")
    counted = bins.with_columns(part=pl.col("n").cast(pl.String).str.zfill(4))
    return pl.concat(
        [
            _broken(graphs, "scene_graphs", graph_rules()),
            long(mean, stage="scene_graphs", measure="objects_per_picture"),
            long(counted, stage="scene_graphs", measure="objects_share"),
            long(head_shares(words), stage="scene_graphs", measure="label_share"),
        ]
    )
