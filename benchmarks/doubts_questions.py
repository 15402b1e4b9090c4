"""How many filtered questions about labels are true of exhaustive annotations that the models did not see.

    python benchmarks/doubts_questions.py data/tables coco/ --format coco

A number is right when as many objects of the label are marked, and no group; an image, when it alone shows the label,
lacks it, or has the most or fewest objects of it; what is common, when it is all that is marked in every image.
Questions of other generators, and of pictures that are not annotated, are not judged.
"""

import argparse
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.generators.audit.english import number
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.scene_graphs.ingest import ingest_image_set

Marked = dict[str, Counter[str]]


def marked_labels(annotations: pl.DataFrame) -> tuple[Marked, set[tuple[str, str]]]:
    """How many objects of each label each picture has, and (picture, label) of groups."""
    things = annotations.select("image_key", "objects").explode("objects").drop_nulls().unnest("objects")
    counts: Marked = {key: Counter() for key in annotations["image_key"]}
    for key, label in things.select("image_key", "label").iter_rows():
        counts[key][label] += 1
    return counts, set(things.filter("is_group").select("image_key", "label").iter_rows())


def is_true(qa: dict[str, Any], shown: list[Counter[str]], *, groups: bool) -> bool | None:
    """Whether the open answer is true of the pictures; None: not judged."""
    labels = qa["metadata"]["objects"]
    if qa["generator"] == "CommonObject":
        return set(labels) == set.intersection(*(set(one) for one in shown))
    counts = [one[labels[0]] for one in shown]
    if qa["generator"] in ("ExistsObject", "CountObject"):
        return number(qa["answer"]) == sum(counts) and not groups
    if qa["generator"] not in ("HasObject", "HasNotObject", "HasMost", "HasLeast"):
        return None
    chosen = counts.pop(int(qa["answer"].removeprefix("Image ")) - 1)
    return {
        "HasObject": chosen > 0 and not any(counts),
        "HasNotObject": chosen == 0 and all(counts),
        "HasMost": chosen > max(counts) and not groups,
        "HasLeast": chosen < min(counts) and not groups,
    }[qa["generator"]]


def main() -> None:
    """Judge, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("--format", default="coco")
    args = parser.parse_args()
    fields = {"name": "truth", "reader": "annotations", "annotations": args.annotations}
    spec = parse_spec({**fields, "annotations_format": args.format}, source="benchmarks/doubts_questions.py")
    marked, groups = marked_labels(ingest_image_set(spec).annotations)
    images = pl.read_delta(str(args.tables / "images")).select("image_id", "image_key")
    keys = {name: Path(key).stem for name, key in images.iter_rows()}
    known = {Path(key).stem: key for key in marked}
    judged: dict[str, list[bool]] = defaultdict(list)
    for qa in pl.read_delta(str(args.tables / "filtered_qa")).iter_rows(named=True):
        shown = [known.get(keys[name]) for name in qa["image_ids"]]
        pictures = [key for key in shown if key is not None]
        if len(pictures) < len(shown) or not qa["metadata"]["objects"]:
            continue
        several = any((key, label) in groups for key in pictures for label in qa["metadata"]["objects"])
        truth = is_true(qa, [marked[key] for key in pictures], groups=several)
        if truth is not None:
            judged[qa["generator"]].append(truth)
    judged["all"] = [truth for truths in judged.values() for truth in truths]
    print("| generator | questions | true |\n|---|---|---|")
    for name, truths in sorted(judged.items()):
        print(f"| {name} | {len(truths):,} | {sum(truths) / len(truths):.1%} |")


if __name__ == "__main__":
    main()
