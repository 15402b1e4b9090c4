"""Write docs/generators.md: every generator with what it asks, what drops its candidates, and an example."""

import argparse
import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import yaml
from example_questions import SEED, Example, Source, choose, evidence, links, make, points, read_source, rules_of
from PIL import Image
from pycocotools import mask as coco_mask

from provision_dagster.generators.registry import MultiGenerator, all_generators
from provision_dagster.image_sets.decode import open_image
from provision_dagster.lexicon import Lexicon
from provision_dagster.samples.photos import write_photo_sample
from provision_dagster.samples.rendering import render_scenes
from provision_dagster.scene_graphs.drawing import Frame, Panel, depth_picture, side_by_side

DOCS = Path(__file__).parent
PICTURES = DOCS / "images" / "generators"
SCENES = 300
WIDTHS = {1: 560, 2: 440, 3: 360, 4: 360}
"""Width of each picture in pixels, by how many stand side by side."""
MOST_ARROWS = 5
"""More relations than that would hide the picture; they are listed below it."""
WITH_DEPTH, WITH_MASKS = {"qa_depth", "qa_object_depth"}, {"qa_segmentation"}


def read_depth(example: Example) -> npt.NDArray[np.float64]:
    """Read the depth map of the (first) picture."""
    path = next(example.source.folder.glob(f"depth*/{example.graphs[0]['image_key']}_depth.*"))
    array = np.load(path) if path.suffix == ".npy" else np.asarray(Image.open(path))
    return array.astype(np.float64)


def box_of(thing: dict[str, Any]) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of an object in pixels."""
    box = thing["box"]
    return (box["x1"], box["y1"], box["x2"], box["y2"])


def decoded(thing: dict[str, Any], graph: dict[str, Any]) -> npt.NDArray[np.bool_] | None:
    """Decode the mask of an object."""
    if thing["mask_rle"] is None:
        return None
    rle = {"size": [graph["height"], graph["width"]], "counts": thing["mask_rle"].encode()}
    return np.asarray(coco_mask.decode(rle), dtype=bool)


def draw(example: Example) -> Image.Image:
    """Draw the evidence on the pictures of a question."""
    family, asked, panels = example.row["family"], set(example.row["metadata"]["relations"]), []
    marked = [(x + 0.5, y + 0.5, name) for x, y, name in points(example)]
    for number, (graph, objects) in enumerate(zip(example.graphs, evidence(example), strict=True), start=1):
        picture = open_image(str(next((example.source.folder / "images").glob(f"{graph['image_key']}.*"))))
        masked = family in WITH_MASKS
        frames = [Frame(box_of(o), o["label"], decoded(o, graph) if masked else None) for o in objects]
        arrows = [link for link in links(graph, objects) if link[1] in asked]
        arrows = arrows if len(arrows) <= MOST_ARROWS else []
        title = f"Image {number}" if len(example.graphs) > 1 else ""
        panels.append(Panel(picture, title, frames, marked, arrows))
        if family in WITH_DEPTH:
            bare = [Frame(f.box, f.name) for f in frames]
            shown = depth_picture(read_depth(example))
            panels = [Panel(picture, "Image", frames, marked), Panel(shown, "Depth, lighter = closer", bare, marked)]
    return side_by_side(panels, width=WIDTHS[len(panels)])


def picture(example: Example) -> str:
    """Save the picture; return the Markdown that shows it."""
    target = PICTURES / f"{example.row['generator']}.webp"
    target.parent.mkdir(parents=True, exist_ok=True)
    draw(example).save(target, quality=80, method=6)
    parts = []
    for number, (graph, objects) in enumerate(zip(example.graphs, evidence(example), strict=True), start=1):
        things = ", ".join(o["label"] for o in objects) or "nothing framed"
        label = f"Image {number}, " if len(example.graphs) > 1 else ""
        parts.append(f"{label}{example.source.name} {graph['image_key']}: {things}")
    return f"![{'; '.join(parts)}]({target.relative_to(DOCS).as_posix()})"


def depth_text(thing: dict[str, Any]) -> str:
    """Quartiles of an object's depth."""
    depth = thing["depth"]
    known = depth is not None and depth["p50"] is not None
    return f"{depth['p50']:.0f} ({depth['p25']:.0f} - {depth['p75']:.0f})" if known else "unknown"


def object_table(example: Example) -> Iterator[str]:
    """Write the objects of the evidence as a table."""
    several, deep = len(example.graphs) > 1, example.row["family"] == "qa_object_depth"
    heads = ["picture"] * several + ["object", "box", "attributes"] + ["depth: median (quartiles)"] * deep
    yield "| " + " | ".join(heads) + " |"
    yield "|---" * len(heads) + "|"
    for number, (graph, objects) in enumerate(zip(example.graphs, evidence(example), strict=True), start=1):
        if several and not objects:
            labels = ", ".join(sorted({o["label"] for o in graph["objects"]}))
            yield f"| Image {number} | none; all its labels: {labels} | - | - |"
        for thing in objects:
            box = ", ".join(f"{side:.0f}" for side in box_of(thing))
            cells = [f"Image {number}"] * several + [thing["label"], box, ", ".join(thing["attributes"] or ["-"])]
            yield "| " + " | ".join([*cells, *[depth_text(thing)] * deep]) + " |"


def relation_lines(example: Example) -> Iterator[str]:
    """List the relations between the objects of the evidence, for questions that ask about relations."""
    if not example.row["metadata"]["relations"]:
        return
    for number, (graph, objects) in enumerate(zip(example.graphs, evidence(example), strict=True), start=1):
        names = [o["label"] for o in objects]
        said = [f"{names[a]} *{predicate}* {names[b]}" for a, predicate, b in links(graph, objects)]
        label = f"Relations, Image {number}" if len(example.graphs) > 1 else "Relations"
        if said:
            yield f"- {label}: {'; '.join(said)}"


def point_lines(example: Example) -> Iterator[str]:
    """Say what the graph holds at each printed point."""
    graph = example.graphs[0]
    labels = [o["label"] for o in graph["objects"]]
    own = [p for o in graph["objects"] for p in (*(o["points"] or ()), *(o.get("mirrored") or ()))]
    for x, y, name in points(example):
        here = [p for p in (*(graph["points"] or ()), *own) if (p["x"], p["y"]) == (x, y)]
        things = [labels[i] for p in here for i in (p.get("inside") or [p.get("object")]) if i is not None]
        depth = [f"depth {p['depth']:.0f}" for p in here if p.get("depth") is not None][:1]
        on = f"on {' and '.join(dict.fromkeys(things))}" if things else "on no object"
        yield f"- Point {name}, pixel ({x}, {y}): {', '.join([on, *depth])}"


def funnel_line(funnel: pl.DataFrame, *, rules: Sequence[str], several: bool) -> str:
    """Say what became of the candidates."""
    counts = dict(funnel.group_by("reason").agg(pl.col("count").sum()).sort("reason").iter_rows())
    total, kept, undrawn = (counts.pop(name, 0) for name in ("candidate", "kept", "sampled_out"))
    order = [*rules, *sorted(set(counts) - set(rules))]
    dropped = ", ".join(
        f"`{reason}` {counts.get(reason, 0):,}" for reason in order if counts.get(reason) or reason in rules
    )
    start = f"{total:,} combinations of two or three pictures" if several else f"{total:,} candidates"
    drawn = f", {undrawn:,} not drawn" if undrawn else ""
    return f"{start}: {kept:,} kept{drawn}; dropped: {dropped or 'none'}."


def choice_line(row: dict[str, Any]) -> str:
    """Write the multiple-choice form with the right option in bold."""
    listed = [f"{chr(65 + i)}. {text}" for i, text in enumerate(row["options"])]
    listed[row["answer_index"]] = f"**{listed[row['answer_index']]}**"
    return f"{row['choice_question'] or row['question']} {' '.join(listed)}"


def entry(told: dict[str, str], example: Example, *, funnel: str) -> Iterator[str]:
    """Write one generator's part of the page."""
    row = example.row
    yield f"\n### {row['generator']}\n"
    yield f"{told['asks']} From: {told['part']}. Yields: {told['yields']}.\n"
    yield f"{funnel}\n\n{picture(example)}\n"
    yield f"- **Question:** {row['question']}"
    yield f"- **Answer:** {row['answer']}"
    if row["options"]:
        yield f"- **Multiple choice:** {choice_line(row)}"
    yield f"\nPart of the scene graph ({example.source.name}):\n"
    yield from object_table(example)
    facts = [*relation_lines(example), *point_lines(example)]
    if facts:
        yield "\n" + "\n".join(facts)


def entries(page: dict[str, Any], sources: Sequence[Source]) -> Iterator[str]:
    """Write all entries, family by family; every second example is a photograph where one can be had."""
    lexicon, used, seen = Lexicon.load(), Counter[str](), set[str]()
    known = all_generators()
    untold = sorted(set(known) - set(page["generators"]))
    if untold:
        raise SystemExit(f"docs/generators.yaml: `generators` does not describe {', '.join(untold)}")
    order = [known[name] for name in page["generators"] if name in known]
    for family, title in page["families"].items():
        if any(g.family == family for g in order):
            yield f"\n## {title}"
        for generator in (g for g in order if g.family == family):
            made = [(source, make(generator, source, lexicon=lexicon)) for source in sources]
            funnel = pl.concat([generated.funnel for _, generated in made])
            rules = rules_of(generator, sources[0], lexicon=lexicon)
            seen.update(rules, funnel["reason"])
            images = 2 + order.index(generator) // 2 % 2 if isinstance(generator, MultiGenerator) else 1
            turned = made if order.index(generator) % 2 else made[::-1]
            line = funnel_line(funnel, rules=rules, several=isinstance(generator, MultiGenerator))
            yield from entry(page["generators"][generator.name], choose(turned, images=images, used=used), funnel=line)
    lacking = sorted(seen - {"candidate", "kept", "sampled_out", *page["reasons"]})
    if lacking:
        raise SystemExit(f"docs/generators.yaml: `reasons` does not explain {', '.join(lacking)}")
    yield "\n## Reasons\n\nWhy a candidate is dropped; a candidate counts under the first rule that it breaks.\n"
    for reason in sorted(seen - {"candidate", "kept", "sampled_out"}):
        yield f"- `{reason}`: {page['reasons'][reason]}"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder that keeps the rendered scenes; default: a temporary one")
    page = yaml.safe_load((DOCS / "generators.yaml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        root = parser.parse_args().work or Path(folder)
        write_photo_sample(root / "photographs")
        render_scenes(root / "rendered", n=SCENES, seed=0)
        sources = [read_source(source, root=root) for source in page["sources"]]
        lines = list(entries(page, sources))
    for stale in PICTURES.glob("*.webp"):
        if stale.stem not in all_generators():
            stale.unlink()
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    state = page["states"].get(digest, page["unread"])
    head = page["head"].format(seed=SEED, scenes=SCENES, photos=sources[-1].graphs.height, state=state)
    (DOCS / "generators.md").write_text("\n".join([head, *lines, ""]), encoding="utf-8")
    print(f"docs/generators.md: entries {digest}, {'read' if digest in page['states'] else 'not yet read'}")


if __name__ == "__main__":
    main()
