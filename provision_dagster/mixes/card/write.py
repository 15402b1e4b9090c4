"""Writes the card and the gallery of a mix into one folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from provision_dagster import __version__
from provision_dagster.mixes.atomic import atomic_file
from provision_dagster.mixes.base_set import BASE
from provision_dagster.mixes.batches import Frame
from provision_dagster.mixes.card.charts import Chart, bars, curve
from provision_dagster.mixes.card.distributions import GROUPS, Distributions, distributions
from provision_dagster.mixes.card.funnel import STAGES, Funnel, funnel
from provision_dagster.mixes.card.ledger import NAMES_SHOWN, ledger, summary
from provision_dagster.mixes.card.pages import asset, content_policy, render_page
from provision_dagster.mixes.card.tails import HEAD, RARE, Tail, tails
from provision_dagster.mixes.gallery.entries import Gallery, gallery
from provision_dagster.mixes.gallery.page import gallery_page
from provision_dagster.mixes.gallery.sample import ROWS, sample
from provision_dagster.mixes.recipe import Recipe

READ = ("images", "scene_graphs", "funnel", "filtered_qa", "rejected_qa", "qa_statistics")
"""Tables that a card is made of, besides the mix."""

EXAMPLES = 12
"""Examples on the card itself."""


def write_card(
    mix: Frame,
    folder: str | Path,
    *,
    recipe: Recipe,
    tables: Mapping[str, pl.LazyFrame],
    table_versions: Mapping[str, int] | None = None,
    rows: int = ROWS,
) -> dict[str, Path]:
    """Write card and gallery of a mix; equal mixes give equal bytes.

    Parameters
    ----------
    mix
        Schema MIX.
    folder
        Gets `card.md` with `charts/*.svg`, `card.html`, `gallery.html` and `pictures.jsonl`. The pages need no other
        file and no network.
    recipe
        The mix's recipe.
    tables
        The tables of READ, all shards.
    table_versions
        Versions of these Delta tables, to be told.
    rows
        Examples of the gallery.

    Returns
    -------
    dict of str to Path
        Files by name: `card`, `page`, `gallery`, `pictures`.
    """
    target, examples = Path(folder), mix.lazy()
    shown = gallery(sample(examples, seed=recipe.seed, rows=rows), tables=tables)
    pictures = ledger(examples, images=tables["images"])
    found, followed, tailed = distributions(examples), funnel(examples, tables=tables), tails(examples)
    drawn = _charts(found, followed, tailed)
    values = _values(recipe, found, followed, tailed) | {
        "versions": dict(sorted((table_versions or {}).items())),
        "pictures": pictures.height,
        "licences": summary(pictures).to_dicts(),
        "examples": _few(shown),
        "shown": len(shown.entries),
    }
    style = asset("page.css")
    html = render_page(
        "card.html.jinja",
        **values,
        charts={chart.name: chart for chart in drawn},
        style=style,
        policy=content_policy(styles=[style]),
    )
    files = {name: target / file for name, file in _FILES.items()}
    for chart in drawn:
        _write(target / "charts" / f"{chart.name}.svg", chart.file)
    with atomic_file(files["pictures"]) as part:
        pictures.write_ndjson(part)
    _write(files["gallery"], gallery_page(shown, recipe=recipe, total=found.rows))
    _write(files["page"], html)
    _write(files["card"], render_page("card.md.jinja", **values, drawn=drawn))
    return files


_FILES = {"card": "card.md", "page": "card.html", "gallery": "gallery.html", "pictures": "pictures.jsonl"}


def _charts(found: Distributions, followed: Funnel, tailed: list[Tail]) -> list[Chart]:
    return [
        bars("stages", "By stage (logarithmic), with the share of that before", _stages(followed), logarithmic=True),
        bars("generator", "Examples by generator", found.groups["generator"]),
        bars("family", "Examples by family", found.groups["family"]),
        bars("answers", "Answers of the open form", found.answers),
        bars("letters", "Letters that are right, by number of options", found.letters),
        bars("question_words", "Words per question", found.question_words),
        bars("answer_words", "Words per answer", found.answer_words),
        bars("first_words", "First word of the question", found.first_words),
        bars("first_two_words", "First two words of the question", found.first_two_words),
        *(curve(tail.kind, f"Examples per {tail.kind}, by rank", tail.counts) for tail in tailed),
    ]


def _stages(followed: Funnel) -> pl.DataFrame:
    """Rows of every stage, and their share of the stage before; null where that is unknown."""
    totals = pl.DataFrame({"value": STAGES, "rows": [followed.totals[stage] for stage in STAGES]})
    before = pl.col("rows").shift()
    return totals.with_columns(share=pl.when(before > 0).then(pl.col("rows") / before))


def _values(recipe: Recipe, found: Distributions, followed: Funnel, tailed: list[Tail]) -> dict[str, Any]:
    """Return what the templates name, tables as rows."""
    decided = recipe.model_dump(mode="json", exclude_defaults=True)
    generators = found.groups["generator"].filter(pl.col("value") != BASE)
    return {
        "recipe": recipe,
        "recipe_yaml": yaml.safe_dump(decided, sort_keys=False, allow_unicode=True),
        "version": __version__,
        "found": found,
        "generators": generators.height,
        "groups": {name: found.groups[name].to_dicts() for name in GROUPS if name != "generator"},
        "answers": found.answers.to_dicts(),
        "letters": found.letters.to_dicts(),
        "lengths": found.lengths.to_dicts(),
        "funnel": followed.generators.to_dicts(),
        "totals": followed.totals,
        "dropped": followed.dropped.to_dicts(),
        "rejected": followed.rejected.to_dicts(),
        "tails": tailed,
        "head": HEAD,
        "rare": RARE,
        "names_shown": NAMES_SHOWN,
    }


def _few(shown: Gallery) -> list[dict[str, Any]]:
    """Some examples of the gallery, of as many generators as there is room for."""
    return [{name: entry[name] for name in ("generator", "prompt", "response")} for entry in shown.entries[:EXAMPLES]]


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
