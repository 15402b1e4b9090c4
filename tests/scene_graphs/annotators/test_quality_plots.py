"""Charts: one per part that was compared, equal bytes for equal figures."""

import io

import pytest
from PIL import Image

from provision_dagster.evaluate import comparable
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.quality import Quality, measure
from provision_dagster.scene_graphs.annotators.quality.plots import plot_quality
from tests.scene_graphs.annotators import rendered_truth as made


@pytest.fixture(scope="module")
def quality(tmp_path_factory: pytest.TempPathFactory) -> Quality:
    images, annotations = made.read(made.rendered_spec(tmp_path_factory.mktemp("scenes"), n=3))
    truth = comparable(annotations, images)
    tables = {
        "detections": made.detections(truth, lambda n, one: one if n % 3 else None),
        "masks": made.masks(truth, lambda n, rle, _: rle),
        "depth_maps": made.depth_maps(truth, lambda n, depth: depth.copy()),
        "attributes": made.attributes(truth, lambda n, word: word if n % 3 else None),
        "relations": made.relations(truth, lambda n, word: word if n % 3 else None),
    }
    return measure(truth, tables, lexicon=Lexicon.load())


def test_every_part_has_its_chart(quality: Quality) -> None:
    drawn = plot_quality(quality)
    assert list(drawn) == ["precision_recall", "ap_by_label", "mask_iou", "depth_ranks", "attributes", "relations"]
    for name, png in drawn.items():
        with Image.open(io.BytesIO(png)) as picture:
            assert picture.width == 336, name
            assert len(picture.convert("RGB").getcolors(maxcolors=100_000)) > 10, name  # type: ignore[arg-type]
        assert len(png) < 30_000, name
    assert plot_quality(quality) == drawn


def test_what_was_not_compared_has_none(quality: Quality) -> None:
    assert plot_quality(Quality(3)) == {}
    assert list(plot_quality(Quality(3, masks=quality.masks))) == ["mask_iou"]
