"""Write docs/samples.md: thirty questions per source, drawn with a fixed seed, beside the facts they came from."""

import argparse
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from example_questions import SEED, Example, Source, evidence, links
from make_generators import box_of, choice_line, depth_text, draw, point_lines

from provision_dagster.generators.generate import Settings, generate
from provision_dagster.generators.hashing import text_hash
from provision_dagster.generators.strengths import image_set_strengths
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.lexicon import Lexicon
from provision_dagster.samples.photos import write_photo_sample
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.vocabulary import count_vocabulary

DOCS = Path(__file__).parent
PICTURES = DOCS / "images" / "samples"
PER_SOURCE, FACTS, LABELS, SHOWN = 30, 6, 12, 6


def make_questions(entry: dict[str, Any], *, root: Path) -> tuple[Source, pl.DataFrame]:
    """Return a source's scene graphs and the questions drawn from them, as the pipeline makes them."""
    fields: dict[str, Any] = {p: root / entry[p] for p in ("annotations", "images", "masks", "depth") if p in entry}
    fields |= {"name": "sample", "reader": "annotations", "annotations_format": entry["format"]}
    read = ingest_image_set(parse_spec(fields, source="docs/samples.yaml"))
    shards = [read.shard(key) for key in read.shards]
    graphs = pl.concat([assemble(inspect_images(s.sources), s.annotations)[0] for s in shards])
    words = count_vocabulary(read.annotations)
    given: dict[str, Any] = {
        "vocabulary": words,
        "lexicon": Lexicon.load(),
        "settings": Settings(per_generator=20, seed=SEED),
    }
    strengths = image_set_strengths(read.annotations, **given).drop("image_set")
    by_id = {row["image_id"]: row for row in graphs.iter_rows(named=True)}
    folder = (root / entry["images"]).parent if "images" in entry else root
    source = Source(entry["name"], folder, graphs, words, entry.get("shown", ()), by_id)
    return source, generate(graphs, strengths=strengths, **given).qa


def choose(qa: pl.DataFrame, *, source: str) -> pl.DataFrame:
    """Let families take turns, within one generators, within one pictures; hashes decide the rest.

    Which generator of a family comes first depends on the source, so that the page shows most of them.
    """
    qa = qa.with_columns(image=pl.col("image_ids").list.first()).sort("id")
    qa = qa.with_columns(again=pl.int_range(pl.len()).over("generator", "image")).sort("again", "id")
    names = qa.select(pl.col("generator").unique().sort()).to_series()
    order = {name: text_hash(f"{source}/{name}") for name in names}
    place = pl.col("generator").replace_strict(order, return_dtype=pl.UInt64)
    qa = qa.with_columns(place=place, turn=pl.int_range(pl.len()).over("generator")).sort("turn", "place")
    qa = qa.with_columns(round=pl.int_range(pl.len()).over("family")).sort("round", "family")
    return qa.head(PER_SOURCE).sort("family", "generator", "turn")


def picture_facts(example: Example, number: int) -> str:
    """Say what one picture's annotation holds about the objects of the evidence and how they are related."""
    graph, objects = example.graphs[number], evidence(example)[number]
    if not objects:
        labels = sorted({thing["label"] for thing in graph["objects"]})
        others = f" and {len(labels) - LABELS} more" * (len(labels) > LABELS)
        return f"no object is asked for; its labels: {', '.join(labels[:LABELS])}{others}"
    said = []
    for thing in objects[:FACTS]:
        told = [*thing["attributes"]]
        if example.row["family"] == "qa_object_depth":
            told.append(f"median depth and quartiles {depth_text(thing)}")
        box = ", ".join(f"{side:.0f}" for side in box_of(thing))
        said.append(f"{thing['label']} [{box}]" + f" ({', '.join(told)})" * bool(told))
    more = [f"and {len(objects) - FACTS} more"] * (len(objects) > FACTS)
    names = [thing["label"] for thing in objects]
    pairs = [f"{names[a]} *{predicate}* {names[b]}" for a, predicate, b in links(graph, objects)]
    return "; ".join([*said, *more, *list(dict.fromkeys(pairs))[:FACTS]])


def facts(example: Example) -> Iterator[str]:
    """Say what the annotations hold, picture by picture, and what is at each point that the question prints."""
    several = len(example.graphs) > 1
    for number, graph in enumerate(example.graphs):
        start = f"Image {number + 1} is picture {graph['image_key']}: " if several else "from: "
        yield f"   - {start}{picture_facts(example, number)}"
    if not several:
        yield from (f"   {line}" for line in point_lines(example))


def thumbnail(example: Example) -> str:
    """Save the pictures, small, with the evidence drawn on them; return the Markdown that shows them."""
    target = PICTURES / f"{example.row['id'][:8]}.webp"
    target.parent.mkdir(parents=True, exist_ok=True)
    picture = draw(example)
    picture.thumbnail((320 * len(example.graphs), 320))
    picture.save(target, quality=75, method=6)
    keys = " and ".join(str(graph["image_key"]) for graph in example.graphs)
    return f"\n   ![{keys}, the objects of the question framed]({target.relative_to(DOCS).as_posix()})\n"


def section(entry: dict[str, Any], *, root: Path) -> Iterator[str]:
    """Write one source's part of the page."""
    source, qa = make_questions(entry, root=root)
    yield f"\n## {entry['name']}\n\n{entry['credit']}\n"
    pictured = set[str]()
    doubts = entry.get("doubts", {})
    for number, row in enumerate(choose(qa, source=entry["name"]).iter_rows(named=True), start=1):
        example = Example(row, source, [source.by_id[i] for i in row["image_ids"]])
        keys = [str(graph["image_key"]) for graph in example.graphs]
        named = f", picture {keys[0]}" if len(keys) == 1 else ""
        yield f"{number}. **{row['generator']}**{named}: {row['question']} **{row['answer']}**"
        if row["options"]:
            yield f"   - {choice_line(row)}"
        yield from facts(example)
        yield from (f"   - but: {doubts[start]}" for start in doubts if row["id"].startswith(start))
        if len(pictured) < SHOWN and row["family"] not in pictured and set(keys) <= set(source.shown):
            pictured.add(row["family"])
            yield thumbnail(example)


def main() -> None:
    """Write the page; without the folder of real data, its sections are left out with a message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=os.environ.get("PROVISION_SHARED") or DOCS.parents[1] / "shared")
    real = parser.parse_args().shared / "data"
    page = yaml.safe_load((DOCS / "samples.yaml").read_text(encoding="utf-8"))
    for stale in PICTURES.glob("*.*"):
        stale.unlink()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        write_photo_sample(Path(folder) / "photos")
        for source in page["sources"]:
            if source.get("own") or real.is_dir():
                lines += section(source, root=Path(folder) if source.get("own") else real)
            else:
                print(f"{source['name']} is left out: {real} not found; set --shared or PROVISION_SHARED")
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    head = page["head"].format(seed=SEED, count=PER_SOURCE, state=page["states"].get(digest, page["unread"]))
    (DOCS / "samples.md").write_text("\n".join(["# Samples\n", head, *lines, ""]), encoding="utf-8")
    print(f"docs/samples.md: entries {digest}, {'read' if digest in page['states'] else 'not yet read'}")


if __name__ == "__main__":
    main()
