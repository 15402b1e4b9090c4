"""A mix with pictures, for the tests of card and gallery; some of its texts try to be code."""

from pathlib import Path
from typing import Any

import polars as pl
from PIL import Image

from provision_dagster.filters.filter_qa import qa_statistics
from provision_dagster.generators.schema import FUNNEL, REJECTED_QA
from provision_dagster.mixes.build import build_mix
from provision_dagster.mixes.card.write import write_card
from provision_dagster.scene_graphs.schema import SCENE_GRAPHS
from tests.mixes.rows import GENERATORS, filtered, image, images, qa, recipe

PICTURES, ROWS = 6, 60
SIDES = ("x1", "y1", "x2", "y2")
EVIL = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 2'>"
LABEL = '<svg onload="window.hit = 3">'
BOX = dict(zip(SIDES, (8.0, 6.0, 40.0, 30.0), strict=True))
MADE = recipe(name="cards", description=f"A mix | of *tests* {EVIL}", form="half")


def questions() -> pl.DataFrame:
    """Sixty pairs of three generators; the first is about two pictures, its texts are markup."""
    names = list(GENERATORS)
    rows = []
    for i in range(ROWS):
        bare: dict[str, Any] = {"options": [], "answer_index": None} if i % 2 else {}
        said: dict[str, Any] = {"metadata": {"objects": ["dog"], "attributes": ["brown"] * (i % 3), "relations": None}}
        rows.append(qa(i, generator=names[i % 3], image_ids=[f"i{i % PICTURES}"], **bare, **said))
    rows[0] |= {"question": f"What is {EVIL}?", "options": [EVIL, "brown"], "image_ids": ["i0", "i1"]}
    return filtered(*(row | {"evidence": {"object_ids": ["o1"], "boxes": [BOX]}} for row in rows))


def pictures(folder: Path) -> pl.DataFrame:
    """Six pictures; the last file is lost, the one before has no author."""
    rows = []
    for i in range(PICTURES):
        file = folder / f"{i}.png"
        if i < PICTURES - 1:
            Image.new("RGB", (64, 48), (40 * i, 120, 200)).save(file)
        author = None if i == PICTURES - 2 else f"author {i}"
        size = {"width": 64, "height": 48, "attribution": author}
        rows.append(image(f"i{i}", uri=str(file), **size))
    return images(*rows)


def tables(folder: Path) -> dict[str, pl.LazyFrame]:
    """What a card reads besides the mix."""
    kept, thing = questions(), {"id": "o1", "label": LABEL, "box": BOX}
    graphs = [{"shard": "vg-00000", "image_id": f"i{i}", "objects": [thing]} for i in range(PICTURES)]
    lost = kept.head(4).with_columns(pl.col("id") + "x", rule=pl.lit("too_long"))
    lost = lost.select(
        (pl.col(n) if n in lost.columns else pl.lit(None)).cast(t).alias(n) for n, t in REJECTED_QA.items()
    )
    fates = {"candidate": 50, "kept": 20, "sampled_out": 10, "ambiguous": 20}
    funnel = [
        {"shard": "vg-00000", "family": f, "generator": g, "rules": "strict", "reason": reason, "count": count}
        for g, f in GENERATORS.items()
        for reason, count in fates.items()
    ]
    raw = pl.concat([kept, lost.select(kept.columns)])
    found = {
        "filtered_qa": kept,
        "images": pictures(folder),
        "scene_graphs": pl.DataFrame(graphs, schema=SCENE_GRAPHS),
        "funnel": pl.DataFrame(funnel, schema=FUNNEL),
        "rejected_qa": lost,
        "qa_statistics": qa_statistics(raw, filtered_qa=kept)[0],
    }
    return {name: frame.lazy() for name, frame in found.items()}


def mix(folder: Path) -> pl.DataFrame:
    """The mix, with scores for every example of one generator."""
    made = build_mix(MADE, filtered_qa=questions(), images=pictures(folder))
    judge = pl.when(pl.col("generator") == "MostObject").then(pl.col("position") / ROWS)
    return made.with_columns(scores=pl.struct(region_text=pl.lit(None, dtype=pl.Float64), judge=judge))


def written(folder: Path, *, rows: int = ROWS) -> dict[str, Path]:
    """Write card and gallery."""
    return write_card(mix(folder), folder / "card", recipe=MADE, tables=tables(folder), rows=rows)
