"""Questions to show, one per generator: made from samples as the pipeline makes them, and drawn by hash."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.generators.generate import Generated, Settings, generate
from provision_dagster.generators.graphs import flatten
from provision_dagster.generators.registry import AnyGenerator, Candidates, MultiGenerator, Sampling
from provision_dagster.generators.strengths import measure_strengths
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.vocabulary import count_vocabulary

SEED = 7
MOST_BOXES, LEAST_SIDE, APART = 7, 0.05, 0.1
"""An example is easy to see with so many boxes at most, whose sides are at least this share of the picture's, and with
points so far apart."""
MOST_LOOKED_AT = 5_000
POINT = re.compile(r"\((\d\.\d\d), (\d\.\d\d)\)")
PRODUCTS = {"qa_scene_graph"}
"""Families with so many candidates that they are drawn, not listed."""


@dataclass(frozen=True)
class Source:
    """Scene graphs of one image set; `shown`: names of the pictures that may be printed, none = all."""

    name: str
    folder: Path
    graphs: pl.DataFrame
    words: pl.DataFrame
    shown: Sequence[str] = ()
    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """A question with the source and the scene graphs it is about."""

    row: dict[str, Any]
    source: Source
    graphs: list[dict[str, Any]]


def read_source(entry: dict[str, Any], *, root: Path) -> Source:
    """Read the annotations, masks and depth maps of an image set."""
    folder = root / entry["folder"]
    files = {"annotations": folder / "scene_graphs.json", "images": folder / "images", "depth": folder / entry["depth"]}
    fields = {"name": entry["folder"], "reader": "annotations", "annotations_format": "provision", **files}
    read = ingest_image_set(parse_spec(fields, source="docs/generators.yaml"))
    shards = [read.shard(key) for key in read.shards]
    graphs = pl.concat([assemble(inspect_images(s.sources), s.annotations)[0] for s in shards])
    words = count_vocabulary(read.annotations)
    by_id = {row["image_id"]: row for row in graphs.iter_rows(named=True)}
    return Source(entry["name"], folder, graphs, words, entry.get("shown", ()), by_id)


def settings_of(generator: AnyGenerator) -> Settings:
    """Every candidate, but a sample where they are products."""
    if generator.family in PRODUCTS:
        return Settings(mode="sampled", per_generator=20, seed=SEED)
    return Settings(mode="full", images_per_question=(2, 3), seed=SEED)


def make(generator: AnyGenerator, source: Source, *, lexicon: Lexicon) -> Generated:
    """Make a generator's questions as the pipeline does."""
    given: dict[str, Any] = {"vocabulary": source.words, "lexicon": lexicon, "settings": settings_of(generator)}
    names = [generator.name]
    strengths = measure_strengths(source.graphs, generators=names, **given)
    return generate(source.graphs, generators=names, strengths=strengths, **given)


def rules_of(generator: AnyGenerator, source: Source, *, lexicon: Lexicon) -> list[str]:
    """Reasons for which the generator's truth rules can drop a candidate, in the order in which they are tried."""
    if isinstance(generator, MultiGenerator):
        return []
    graphs = flatten(source.graphs.head(20), lexicon=lexicon, vocabulary=source.words)
    if generator.sampled is not None:
        return list(generator.sampled(graphs, Sampling(1, 0, "strict")).rules)
    found = generator.candidates(graphs, "strict")
    blocks: Iterable[Candidates] = [found] if isinstance(found, Candidates) else found
    return list(dict.fromkeys(reason for block in blocks for reason in block.rules))


def legible(row: dict[str, Any], source: Source) -> bool:
    """Whether the evidence can be seen in a small picture."""
    graphs = [source.by_id[i] for i in row["image_ids"]]
    width, height = min(g["width"] for g in graphs), min(g["height"] for g in graphs)
    boxes = row["evidence"]["boxes"]
    large = all(b["x2"] - b["x1"] >= LEAST_SIDE * width and b["y2"] - b["y1"] >= LEAST_SIDE * height for b in boxes)
    printed = {POINT.search(text) for text in (row["question"], *row["options"])}
    places = [(float(match[1]), float(match[2])) for match in printed if match]
    apart = all(math.dist(a, b) >= APART for a, b in combinations(sorted(set(places)), 2))
    return large and apart and len(boxes) <= MOST_BOXES


def choose(made: Sequence[tuple[Source, Generated]], *, images: int, used: Counter[str]) -> Example:
    """Take the first by: has options, easy to see, about `images` pictures, not shown yet; then by the hash in its id.

    The first source goes before the others where it has questions with options that are easy to see.
    """
    found: list[tuple[Any, Source, dict[str, Any]]] = []
    for place, (source, generated) in enumerate(made):
        allowed = [i for i, graph in source.by_id.items() if not source.shown or graph["image_key"] in source.shown]
        qa = generated.qa.filter(pl.col("image_ids").list.eval(pl.element().is_in(allowed)).list.all())
        qa = qa.with_columns(open=pl.col("options").list.len() == 0).sort("open", "id").head(MOST_LOOKED_AT)
        for row in qa.iter_rows(named=True):
            shown = sum(used[i] for i in row["image_ids"])
            other = len(row["image_ids"]) != images
            found.append(((row["open"], not legible(row, source), place, other, shown, row["id"]), source, row))
    _, source, row = min(found, key=lambda item: item[0])
    used.update(row["image_ids"])
    return Example(row, source, [source.by_id[i] for i in row["image_ids"]])


def evidence(example: Example) -> list[list[dict[str, Any]]]:
    """Return the objects of the evidence by picture."""
    pairs = zip(example.row["evidence"]["object_ids"], example.row["evidence"]["boxes"], strict=True)
    found: list[list[dict[str, Any]]] = [[] for _ in example.graphs]
    for name, box in pairs:
        for graph, objects in zip(example.graphs, found, strict=True):
            match = [o for o in graph["objects"] if (o["id"], o["box"]) == (name, box) and o not in objects]
            if match:
                objects.append(match[0])
                break
    return found


def links(graph: dict[str, Any], objects: Sequence[dict[str, Any]]) -> list[tuple[int, str, int]]:
    """Relations of the graph between objects: (place of the subject, predicate, place of the object)."""
    place = {o["id"]: i for i, o in enumerate(objects)}
    named = [(graph["objects"][r["subject"]]["id"], r["predicate"], graph["objects"][r["object"]]["id"])
             for r in graph["relations"] or ()]  # fmt: skip
    found = [(place[a], predicate, place[b]) for a, predicate, b in named if a in place and b in place]
    return sorted(set(found))


def points(example: Example) -> list[tuple[int, int, str]]:
    """Points that the question prints, as pixels, named by the letter of their option or else "anchor"."""
    graph, row = example.graphs[0], example.row
    texts = dict.fromkeys(match.group() for match in POINT.finditer(" ".join([row["question"], *row["options"]])))
    letters = {text: chr(65 + i) for i, text in enumerate(row["options"])}
    found = []
    for text in texts:
        x, y = (int(ratio.replace(".", "")) for ratio in POINT.fullmatch(text).groups())  # type: ignore[union-attr]
        pixel = (
            min(x * graph["width"] // 100, graph["width"] - 1),
            min(y * graph["height"] // 100, graph["height"] - 1),
        )
        found.append((*pixel, letters.get(text, "anchor")))
    return found
