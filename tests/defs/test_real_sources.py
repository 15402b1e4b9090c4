"""Every real source from its files to an exported mix, by command line and Dagster; counts equal those of the files."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.filters.schema import FAMILIES
from tests.defs.project import Project

pytestmark = [pytest.mark.shared, pytest.mark.slow]


def read(path: Path) -> Any:
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)


def visual_genome(data: Path) -> dict[str, int]:
    folder = data / "visual_genome"
    objects = read(folder / "objects_v1_4.json.gz")
    relations = read(folder / "relationships_v1_4.json.gz")
    regions = read(folder / "region_descriptions.json.gz")
    return {
        "pictures": len(read(folder / "image_data.json.gz")),
        "objects": sum(len(i["objects"]) for i in objects),
        "relations": sum(len(i["relationships"]) for i in relations),
        "regions": sum(len(i["regions"]) for i in regions),
    }


def gqa(data: Path) -> dict[str, int]:
    graphs = read(data / "gqa" / "train_sceneGraphs.json.gz")
    things = [o for g in graphs.values() for o in g["objects"].values()]
    return {"pictures": len(graphs), "objects": len(things), "relations": sum(len(o["relations"]) for o in things)}


def coco(data: Path) -> dict[str, int]:
    instances, captions = read(data / "coco" / "instances.json"), read(data / "coco" / "captions.json")
    return {
        "pictures": len(instances["images"]),
        "objects": len(instances["annotations"]),
        "masks": len(instances["annotations"]),
        "captions": len(captions["annotations"]),
        "usable": 68,
    }


def baseball(data: Path) -> dict[str, int]:
    folder = data / "provision_baseball"
    boxes = read(folder / "object-detection-annotations.json").values()
    relations = read(folder / "relation-annotations-parsed.json").values()
    attributes = read(folder / "image-attributes-annotations.json").values()
    return {
        "pictures": len(boxes),
        "objects": sum(len(i["annotation"]["labels"]) for i in boxes),
        "masks": sum(len(i["annotation"]["labels"]) for i in boxes),
        "relations": sum(len(i["annotation"]["relations"]) for i in relations),
        "attributes": sum(len(a) for i in attributes for a in i["annotation"]["attributes"]),
        "usable": 2,
    }


def counted(project: Project) -> dict[str, int]:
    graphs, images = project.rows("scene_graphs"), project.rows("images")
    objects = graphs.select(o="objects").explode("o").drop_nulls().unnest("o")
    rejected = project.rows("rejected_annotations").filter(pl.col("part") == "relation")
    return {
        "pictures": images.height,
        "usable": images.filter(status="ok").height,
        "objects": objects.height,
        "masks": objects["mask_rle"].drop_nulls().len(),
        "attributes": int(objects["attributes"].list.len().sum()),
        # kept and rejected are all that the files hold
        "relations": int(graphs["relations"].list.len().sum()) + rejected.height,
        "regions": int(graphs["regions"].list.len().sum()),
        "captions": int(graphs["captions"].list.len().sum()),
    }


SOURCES = {
    "visual-genome": ("visual_genome", visual_genome, []),
    "gqa": ("gqa", gqa, []),
    "coco": ("coco", coco, ["images"]),
    "provision": ("provision_baseball", baseball, ["images", "depth", "masks"]),
}
FOLDERS = {"images": "images", "depth": "depth_masks", "masks": "seg_masks"}


@pytest.mark.parametrize("layout", SOURCES)
def test_from_files_to_an_exported_mix(layout: str, shared: Path, tmp_path: Path) -> None:
    name, expected, options = SOURCES[layout]
    source = shared / "data" / name
    project = Project(tmp_path)
    folders = [part for o in options for part in (f"--{o}", source / FOLDERS[o])]
    project.run("ingest", source, "--format", layout, "--name", "real", *folders)
    project.run("materialize")
    truth, found = expected(shared / "data"), counted(project)
    assert {k: found[k] for k in truth} == truth
    assert project.rows("image_sources").height == truth["pictures"]
    llava = json.loads((tmp_path / "exports" / "foundation" / "llava.json").read_text())
    assert len(llava) == project.rows("mixes").height > 0
    parquet = [tmp_path / "exports" / "foundation" / f"provision_{form}.parquet" for form in ("sa", "mc")]
    assert sum(pl.read_parquet(p).height for p in parquet) == len(llava)
    filtered, rejected = project.rows("filtered_qa").height, project.rows("rejected_qa").height
    raw = sum(project.rows(f).height for f in FAMILIES)
    assert filtered + rejected == raw
