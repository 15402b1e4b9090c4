"""Annotators that are measured: the models each is made from, its configuration, and what it is asked of a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bench_models
import polars as pl
from bench_models import BUILDERS, Size
from bench_words import LABELS

from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig, load_annotators

BOXES = ((40, 40, 300, 260), (200, 120, 460, 400), (20, 250, 200, 460), (330, 30, 620, 240))
"""Objects that masks, attributes and relations are asked for, in pixels of 640 x 480."""
PAIRS = ((0, 1), (1, 3), (2, 1))
"""Objects whose relations are asked for."""


@dataclass(frozen=True)
class Case:
    """One annotator.

    Parameters
    ----------
    models
        What is made with random weights: names of `BUILDERS`.
    config
        Fields of the table in the file of annotators, as YAML.
    batch
        Pictures per call.
    files
        What it needs besides: names of files in the folder of models.
    """

    name: str
    table: str
    config: str
    models: tuple[str, ...] = ()
    batch: int = 8
    files: tuple[str, ...] = ()

    def annotators(self, folder: Path, *, device: str, batch: int | None = None) -> AnnotatorsConfig:
        """Write the file of annotators beside the models, and read it."""
        own = f", device: {device}" if self.models else ""
        file = folder / f"{self.name}.yaml"
        file.write_text(f"{self.table}: {{{self.config}{own}}}\nbatch: {batch or self.batch}\n")
        return load_annotators(file)


def cases(size: Size) -> list[Case]:
    """Annotators of transformers and open_clip; see `bench_models` for the sizes."""
    # random weights are as sure of everything: where hundreds of boxes pass, suppressing them would take longest
    sure = "score_threshold: 0.95, weak_threshold: null"
    search = f"kind: zero-shot, labels: labels.txt, {sure}"
    ask = f"kind: image-text-to-text, model: qwen2_vl, max_new_tokens: {4 if size == 'tiny' else 16}"
    tags = f"tags: {{model: {bench_models.CLIPS[size]}, pretrained: clip/weights.pt, most: 10}}"
    return [
        Case("grounding_dino", "detections", f"{search}, model: grounding_dino", ("grounding_dino",)),
        Case("owlv2", "detections", f"{search}, model: owlv2", ("owlv2",)),
        Case("owlv2_tagged", "detections", f"{search}, model: owlv2, {tags}", ("owlv2", "clip")),
        Case("rt_detr", "detections", f"kind: closed-set, model: rt_detr, {sure}", ("rt_detr",)),
        Case("sam2", "masks", "kind: sam2, model: sam2, score_threshold: 0.0", ("sam2",)),
        Case("depth_anything", "depth_maps", "kind: depth, model: depth_anything", ("depth_anything",)),
        Case("attributes", "attributes", ask, ("qwen2_vl",), batch=4),
        Case("relations", "relations", ask, ("qwen2_vl",), batch=4),
        *(
            [Case("attributes_7b", "attributes", ask.replace("vl,", "vl_7b,"), ("qwen2_vl_7b",), batch=4)]
            * (size == "real")
        ),
    ]


def onnx_cases() -> list[Case]:
    """Annotators of ONNX Runtime whose files are those of the folder of models."""
    yolox, labels, meter = "yolox_nano_coco80_416.onnx", "coco_labels.txt", "meter_xxs_nyu_256x320.onnx"
    return [
        Case("yolox", "detections", f"kind: yolox-onnx, weights: {yolox}, labels: {labels}", files=(yolox, labels)),
        Case("meter", "depth_maps", f"kind: depth-onnx, weights: {meter}", files=(meter,)),
    ]


def prepare_models(chosen: Sequence[Case], folder: Path, size: Size, *, given: Path | None) -> list[Case]:
    """Make or link what cases need into a folder; returns the cases that have it.

    Parameters
    ----------
    given
        Folder with the files of `onnx_cases`; null, or without them: these cases are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
    for model in dict.fromkeys(name for case in chosen for name in case.models):
        if not (folder / model).exists():
            BUILDERS[model](folder / model, size)
    for file in {name for case in chosen for name in case.files}:
        if given is not None and (given / file).is_file() and not (folder / file).exists():
            (folder / file).symlink_to((given / file).absolute())
    return [case for case in chosen if all((folder / file).exists() for file in case.files)]


def asked(images: pl.DataFrame, table: str) -> pl.DataFrame:
    """Add to pictures what the model of a table is asked of each."""
    if table not in ("masks", "attributes", "relations"):
        return images
    sides = ("x1", "y1", "x2", "y2")
    things = [
        {"id": f"o{number}", "label": LABELS[number], "box": dict(zip(sides, map(float, box), strict=True))}
        for number, box in enumerate(BOXES)
    ]
    pairs = [{"subject": f"o{one}", "object": f"o{other}"} for one, other in PAIRS]
    return images.with_columns(
        prompts=pl.lit(pl.Series([things])).first(),
        pairs=pl.lit(pl.Series([pairs])).first(),
        asked=pl.lit("benchmark"),
    )
