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
from PIL import ImageDraw

from provision_dagster.generators.generate import Settings, generate
from provision_dagster.image_sets.decode import open_image
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.lexicon import Lexicon
from provision_dagster.samples.photos import write_photo_sample
from provision_dagster.samples.rendering import render_scenes
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.vocabulary import count_vocabulary

DOCS = Path(__file__).parent
SEED, PER_SOURCE, SCENES, FACTS, PICTURES = 7, 30, 50, 6, 3
SIDES = ("x1", "y1", "x2", "y2")


def make_questions(source: dict[str, Any], *, root: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a source's scene graphs and the questions drawn from them."""
    fields: dict[str, Any] = {p: root / source[p] for p in ("annotations", "images", "masks", "depth") if p in source}
    fields |= {"name": "sample", "reader": "annotations", "annotations_format": source["format"]}
    read = ingest_image_set(parse_spec(fields, source="docs/samples.yaml"))
    shards = [read.shard(key) for key in read.shards]
    graphs = pl.concat([assemble(inspect_images(s.sources), s.annotations)[0] for s in shards])
    words, settings = count_vocabulary(read.annotations), Settings(per_generator=20, seed=SEED)
    return graphs, generate(graphs, vocabulary=words, lexicon=Lexicon.load(), settings=settings).qa


def choose(qa: pl.DataFrame) -> pl.DataFrame:
    """Take turns among generators, and within one among images; the hash in the id decides the rest."""
    again, turn = pl.int_range(pl.len()).over("generator", "image"), pl.int_range(pl.len()).over("generator")
    turns = qa.with_columns(image=pl.col("image_ids").list.first()).sort("id").with_columns(again=again)
    turns = turns.sort("again", "id").with_columns(turn=turn).sort("turn", "generator")
    return turns.head(PER_SOURCE).sort("generator", "turn")


def facts(row: dict[str, Any], graph: dict[str, Any]) -> str:
    """Say what the annotation holds about the objects of the evidence and their relations among each other."""
    asked = set(row["evidence"]["object_ids"])
    named = {i: o for i, o in enumerate(graph["objects"]) if o["id"] in asked}
    boxes = {i: "[" + ", ".join(f"{o['box'][side]:.0f}" for side in SIDES) + "]" for i, o in named.items()}
    told = {i: f" ({', '.join(o['attributes'])})" if o["attributes"] else "" for i, o in named.items()}
    said = [f"{o['label']} {boxes[i]}{told[i]}" for i, o in named.items()]
    pairs = [r for r in graph["relations"] if {r["subject"], r["object"]} <= set(named)]
    links = [f"{named[r['subject']]['label']} *{r['predicate']}* {named[r['object']]['label']}" for r in pairs]
    more = [f"and {len(said) - FACTS} more"] * (len(said) > FACTS)
    return "; ".join([*said[:FACTS], *more, *list(dict.fromkeys(links))[:FACTS]])


def thumbnail(folder: Path, row: dict[str, Any], *, key: str) -> str:
    """Save the picture, small, with the boxes of the evidence; return the Markdown that shows it."""
    picture = open_image(str(next(folder.glob(f"{key}.*"))))
    pen = ImageDraw.Draw(picture)
    for box in row["evidence"]["boxes"]:
        pen.rectangle([box[side] for side in SIDES], outline="red", width=max(2, picture.width // 160))
    picture.thumbnail((320, 320))
    target = DOCS / "images" / "samples" / f"{key}.jpg"
    target.parent.mkdir(parents=True, exist_ok=True)
    picture.save(target, quality=75, optimize=True)
    return f"\n   ![{key}, the objects of the question framed]({target.relative_to(DOCS).as_posix()})\n"


def section(source: dict[str, Any], *, root: Path) -> Iterator[str]:
    """Write one source's part of the page."""
    graphs, qa = make_questions(source, root=root)
    yield f"\n## {source['name']}\n\n{source['credit']}\n"
    by_id = {graph["image_id"]: graph for graph in graphs.iter_rows(named=True)}
    shown, doubts = set[str](), source.get("doubts", {})
    for number, row in enumerate(choose(qa).iter_rows(named=True), start=1):
        graph = by_id[row["image_ids"][0]]
        key = str(graph["image_key"])
        yield f"{number}. **{row['generator']}**, picture {key}: {row['question']} **{row['answer']}**"
        if row["options"]:
            listed = [f"{chr(65 + i)}. {text}" for i, text in enumerate(row["options"])]
            listed[row["answer_index"]] = f"**{listed[row['answer_index']]}**"
            yield f"   - {row['choice_question'] or row['question']} {' '.join(listed)}"
        yield f"   - from: {facts(row, graph)}"
        yield from (f"   - but: {doubts[start]}" for start in doubts if row["id"].startswith(start))
        if len(shown) < PICTURES and key not in shown and {key, "all"} & set(source.get("shown", [])):
            shown.add(key)
            yield thumbnail(root / source["images"], row, key=key)


def main() -> None:
    """Write the page; without the folder of real data, its sections are left out with a message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=os.environ.get("PROVISION_SHARED") or DOCS.parents[1] / "shared")
    real = parser.parse_args().shared / "data"
    page = yaml.safe_load((DOCS / "samples.yaml").read_text(encoding="utf-8"))
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        write_photo_sample(Path(folder) / "photos")
        render_scenes(Path(folder) / "rendered", n=SCENES, seed=0)
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
