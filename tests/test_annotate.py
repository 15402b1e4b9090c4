"""Models over a shard: parts are committed one by one, and what is there is not made again."""

from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from provision_dagster.annotate import Model, annotate_shard, load_model, still_asked, with_questions
from provision_dagster.errors import InputError
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.configs import load_annotators
from provision_dagster.scene_graphs.annotators.feeding import Work
from provision_dagster.scene_graphs.annotators.parts import Part, prompts_of
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.completion import add_attributes, add_relations
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.integrity import graph_rules
from provision_dagster.scene_graphs.merging import add_masks, merge_detections
from provision_dagster.scene_graphs.schema import ANNOTATIONS
from provision_dagster.storage.contract import problems
from provision_dagster.storage.store import Store
from tests.scene_graphs.annotators import tiny_models
from tests.scene_graphs.annotators.tiny_asking import ATTRIBUTES, PREDICATES, asking_annotators
from tests.scene_graphs.annotators.tiny_onnx import tiny_annotators

SHARD = "s-00000"


def pictures(folder: Path, number: int = 11) -> pl.DataFrame:
    folder.mkdir(exist_ok=True)
    for n in range(number):
        Image.new("RGB", (20 + n, 16), (10 * n, 0, 0)).save(folder / f"{n:02d}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    spec = parse_spec({"name": "s", "reader": "folder", "path": folder}, source="test")
    return inspect_images(ingest_image_set(spec).sources)


def annotators(folder: Path, *, threshold: float = 0.5) -> Path:
    """Files of a detector that finds one dog in every picture, and of a depth model."""
    return tiny_annotators(folder, threshold=threshold)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store(tmp_path / "tables")
    opened.create_all()
    return opened


def run(store: Store, model: Model | None, images: pl.DataFrame, table: str = "detections") -> Work:
    return annotate_shard(model, images, table=table, shard=SHARD, store=store, part_size=4)


def loaded(file: Path, table: str = "detections") -> Model:
    model = load_model(table, load_annotators(file))
    assert model is not None
    return model


def test_every_picture_that_can_be_opened_has_a_row(tmp_path: Path, store: Store) -> None:
    images = pictures(tmp_path / "pictures")
    assert images.height == 12
    work = run(store, loaded(annotators(tmp_path)), images)
    rows = store.scan("detections", partitions=SHARD).sort("image_key").collect()
    assert rows["image_key"].to_list() == [f"{n:02d}.png" for n in range(11)]
    assert rows["part"].value_counts().sort("part").rows() == [("00000", 4), ("00001", 4), ("00002", 3)]
    assert [[thing["label"] for thing in found] for found in rows["objects"]] == [["dog"]] * 11
    assert rows["error"].null_count() == 11
    assert (work.pictures, work.failed) == (11, 0)
    assert rows["model"][0].startswith("yolox.onnx@sha256:")
    assert '"score_threshold":0.5,"weak_threshold":0.1' in rows["config"][0]
    assert str(tmp_path) not in rows["config"][0]
    run(store, loaded(tmp_path / "annotators.yaml", "depth_maps"), images, "depth_maps")
    maps = store.scan("depth_maps").collect()
    assert maps["closeness"].null_count() == 0
    assert str(tmp_path) not in maps["config"][0]


def test_a_second_run_does_nothing(tmp_path: Path, store: Store) -> None:
    images, file = pictures(tmp_path / "pictures"), annotators(tmp_path)
    run(store, loaded(file), images)
    version = store.version("detections")
    assert run(store, loaded(file), images).pictures == 0
    assert store.version("detections") == version


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, store: Store) -> None:
    images, model = pictures(tmp_path / "pictures"), loaded(annotators(tmp_path))
    seen: list[str] = []

    def killed(part: Part, *, work: Work) -> pl.DataFrame:
        seen.append(part.number)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return model.run(part, work=work)

    with pytest.raises(KeyboardInterrupt):
        run(store, Model(model.table, model.name, model.config, killed), images)
    assert store.scan("detections").collect()["part"].unique().sort().to_list() == ["00000", "00001"]
    assert run(store, model, images).pictures == 3
    whole = store.scan("detections").collect()
    other = Store(tmp_path / "undisturbed")
    other.create_all()
    run(other, model, images)
    assert whole.sort("image_key").equals(other.scan("detections").collect().sort("image_key"))


def test_another_configuration_is_another_result(tmp_path: Path, store: Store) -> None:
    images = pictures(tmp_path / "pictures")
    run(store, loaded(annotators(tmp_path)), images)
    assert run(store, loaded(annotators(tmp_path, threshold=0.95)), images).pictures == 11
    assert store.scan("detections").collect()["objects"].list.len().sum() == 0


def test_failed_pictures_are_tried_again(tmp_path: Path, store: Store) -> None:
    images, model = pictures(tmp_path / "pictures"), loaded(annotators(tmp_path))
    lost = tmp_path / "pictures" / "05.png"
    content = lost.read_bytes()
    lost.unlink()
    assert run(store, model, images).failed == 1
    rows = store.scan("detections").filter(pl.col("error").is_not_null()).collect()
    assert rows["image_key"].to_list() == ["05.png"]
    assert rows["error"][0].startswith("missing: ")
    lost.write_bytes(content)
    assert run(store, model, images).pictures == 4
    assert store.scan("detections").collect()["error"].null_count() == 11


def test_fewer_pictures_and_no_model(tmp_path: Path, store: Store) -> None:
    images, model = pictures(tmp_path / "pictures"), loaded(annotators(tmp_path))
    run(store, model, images)
    run(store, model, images.head(5))
    assert store.scan("detections").collect().height == 5
    run(store, None, images)
    assert store.scan("detections").collect().is_empty()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("detections: {kind: yolox-onnx, weights: w.onnx}", "field `detections.labels` is required"),
        ("detections: {kind: yolox-onnx, treshold: 1}", "unknown field `detections.treshold`; .*`most`"),
        ("detections: {kind: yolox-onnx, score_threshold: 1.5}", "`detections.score_threshold`: .*, got 1.5"),
        (
            "detections: {kind: yolox-onnx, score_threshold: 0.5, weak_threshold: 0.7}",
            r"`detections.weak_threshold`: must be at most `score_threshold`, 0\.5, got 0\.7",
        ),
        ("depth: {weights: w}", "unknown field `depth`; allowed: `detections`, `masks`, `depth_maps`"),
        ("objects: both", "`objects`: input should be 'human-first', 'human' or 'model', got 'both'"),
        ("depth_maps: {weights: w}", "`depth_maps.kind` must be one of `depth-onnx`, `depth`$"),
        ("depth_maps: {kind: midas}", "`depth_maps.kind` must be one of `depth-onnx`, `depth`, got `midas`"),
        ("- 1", "must hold the annotators of image sets, got list"),
        ("a: [", "is not valid YAML"),
    ],
)  # fmt: skip
def test_bad_files_say_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "annotators.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        load_annotators(file)


def test_what_scores_too_little_is_kept_as_weak(tmp_path: Path, store: Store) -> None:
    images = pictures(tmp_path / "pictures")
    for threshold, objects, weak in ((0.5, ["dog"], []), (0.95, [], ["dog"])):
        run(store, loaded(tiny_annotators(tmp_path, threshold=threshold)), images)
        row = store.scan("detections").collect().row(0, named=True)
        assert ([thing["label"] for thing in row["objects"]], [thing["label"] for thing in row["weak"]]) == (
            objects,
            weak,
        )


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml` cannot be read"):
        load_annotators(tmp_path / "nowhere.yaml")
    (tmp_path / "a.yaml").write_text("depth_maps: {kind: depth-onnx, weights: gone.onnx}")
    with pytest.raises(InputError, match=r"gone\.onnx` are missing"):
        load_model("depth_maps", load_annotators(tmp_path / "a.yaml"))
    assert load_model("detections", load_annotators(tmp_path / "a.yaml")) is None


def test_masks_follow_the_boxes_that_are_asked_about(tmp_path: Path, store: Store) -> None:
    images = pictures(tmp_path / "pictures", number=5)
    tiny_models.sam2(tmp_path / "sam2")
    (tmp_path / "masks.yaml").write_text("masks: {kind: sam2, model: sam2, score_threshold: 0}")
    model = loaded(tmp_path / "masks.yaml", "masks")
    run(store, loaded(annotators(tmp_path)), images)
    found = store.scan("detections").sort("image_key").collect()
    marked = merge_detections(pl.DataFrame(schema=ANNOTATIONS), found, lexicon=Lexicon.load())
    assert run(store, model, prompts_of(images, marked), "masks").pictures == 5
    rows = store.scan("masks").sort("image_key").collect()
    assert {one["id"] for made in rows["masks"] for one in made} == {"model-0"}
    assert run(store, model, prompts_of(images, marked), "masks").pictures == 0
    # other boxes in one picture: its part is made again
    assert run(store, model, prompts_of(images, marked.slice(1)), "masks").pictures == 4
    assert store.scan("masks").filter(image_key="00.png").collect()["masks"].to_list() == [[]]
    graphs, rejected = assemble(images, add_masks(marked, rows))
    assert rejected.is_empty()
    areas = graphs["objects"].list.first().struct.field("mask_area")
    assert areas.drop_nulls().is_between(1, 24 * 16).all()
    assert areas.null_count() < 5


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asking_annotators(tmp_path_factory.mktemp("asking"))


def found_in(store: Store, images: pl.DataFrame, file: Path) -> pl.DataFrame:
    """What is marked in pictures: a dog and a cup in each."""
    run(store, loaded(file), images)
    rows = store.scan("detections").sort("image_key").collect()
    return merge_detections(pl.DataFrame(schema=ANNOTATIONS), rows, lexicon=Lexicon.load())


@pytest.mark.parametrize("table", ["attributes", "relations"])
def test_answers_follow_what_is_asked(tmp_path: Path, store: Store, asking: Path, table: str) -> None:
    images, config, model = pictures(tmp_path / "pictures", number=6), load_annotators(asking), loaded(asking, table)
    marked = found_in(store, images, asking)

    def asked(known: pl.DataFrame, limits: dict[str, int] | None = None) -> pl.DataFrame:
        part = getattr(config, table).model_copy(update=limits or {})
        return with_questions(table, images, marked=known, annotators=config.model_copy(update={table: part}))

    assert run(store, model, asked(marked), table).pictures == 6
    first = store.scan(table).sort("image_key").collect()
    assert first["error"].null_count() == first.height == 6
    assert run(store, model, asked(marked), table).pictures == 0
    # another name in one picture: its part, of four pictures, is asked about again
    renamed = pl.concat([named(marked.head(1), "cat"), marked.slice(1)])
    assert run(store, model, asked(renamed), table).pictures == 4
    # nothing to ask of that picture: it is a row, and is not opened
    assert run(store, model, asked(marked.slice(1)), table).pictures == 3
    rows = store.scan(table).sort("image_key").collect()
    assert rows["asked"].n_unique() > 1
    assert rows.row(0, named=True)[model_column(table)] == []
    assert rows["error"].null_count() == 6
    # back to the first objects: the first answers, since nothing else goes in
    run(store, model, asked(marked), table)
    assert store.scan(table).sort("image_key").collect().equals(first)


def model_column(table: str) -> str:
    return "objects" if table == "attributes" else "relations"


def named(marked: pl.DataFrame, label: str) -> pl.DataFrame:
    """Call all objects by one name."""
    renamed = pl.element().struct.with_fields(label=pl.lit(label))
    return marked.with_columns(pl.col("objects").list.eval(renamed))


def test_answers_become_part_of_scene_graphs(tmp_path: Path, store: Store, asking: Path) -> None:
    images, config = pictures(tmp_path / "pictures", number=6), load_annotators(asking)
    (tmp_path / "pictures" / "03.png").unlink()
    marked = found_in(store, images.filter(pl.col("image_key") != "03.png"), asking)
    marked = pl.concat([marked, marked.tail(1).with_columns(image_key=pl.lit("03.png"))])
    said = {}
    for table in ("attributes", "relations"):
        questions = with_questions(table, images, marked=marked, annotators=config)
        assert run(store, loaded(asking, table), questions, table).failed == 1
        said[table] = store.scan(table).sort("image_key").collect()
        assert [key for key, error in said[table].select("image_key", "error").iter_rows() if error] == ["03.png"]
    words = {word for row in said["attributes"]["objects"] for thing in row for word in thing["attributes"]}
    assert words
    assert words <= set(ATTRIBUTES)
    pairs = [pair for row in said["relations"]["relations"] for pair in row]
    assert {(pair["subject"], pair["object"]) for pair in pairs} == {("model-0", "model-1")}
    predicates = {pair["predicate"] for pair in pairs} - {None}
    assert predicates
    assert predicates <= set(PREDICATES)
    whole = add_relations(add_attributes(marked, said["attributes"], lexicon=Lexicon.load()), said["relations"])
    graphs, rejected = assemble(images.filter(pl.col("image_key") != "03.png"), whole)
    assert rejected["reason"].unique().to_list() in ([], ["no_image"])
    assert problems(graphs, rules=graph_rules(), example=pl.col("image_key")).is_empty()
    graph = graphs.filter(pl.col("relations").list.len() > 0).row(0, named=True)
    assert graph["relations"][0]["predicate"] in PREDICATES
    assert graph["provenance"]["relations"] == said["relations"]["model"][0]


def test_another_limit_is_another_configuration(tmp_path: Path, store: Store, asking: Path) -> None:
    images, config = pictures(tmp_path / "pictures", number=2), load_annotators(asking)
    marked = found_in(store, images, asking)
    run(
        store,
        loaded(asking, "attributes"),
        with_questions("attributes", images, marked=marked, annotators=config),
        "attributes",
    )
    assert store.scan("attributes").collect()["objects"].list.len().to_list() == [2, 2]
    fewer = asking.with_name("fewer.yaml")
    fewer.write_text(asking.read_text().replace("least_side: 2", "least_side: 2, most_objects: 1", 1))
    questions = with_questions("attributes", images, marked=marked, annotators=load_annotators(fewer))
    assert run(store, loaded(fewer, "attributes"), questions, "attributes").pictures == 2
    rows = store.scan("attributes").collect()
    assert rows["objects"].list.len().to_list() == [1, 1]
    assert '"most_objects":1' in rows["config"][0]


def test_answers_about_other_objects_are_left_out(tmp_path: Path, store: Store, asking: Path) -> None:
    images, config = pictures(tmp_path / "pictures", number=3), load_annotators(asking)
    marked = found_in(store, images, asking)
    for table in ("attributes", "relations"):
        questions = with_questions(table, images, marked=marked, annotators=config)
        run(store, loaded(asking, table), questions, table)
        rows = store.scan(table).sort("image_key").collect()
        sets = {"s": config}
        assert still_asked(table, rows, images, marked=marked, annotators=sets).equals(rows)
        # under the same ids there are other things in the first picture, and nothing in the second
        changed = pl.concat([named(marked.head(1), "cat"), marked.slice(2)])
        left = still_asked(table, rows, images, marked=changed, annotators=sets)
        assert left["image_key"].to_list() == ["02.png"]
        fewer = config.model_copy(update={table: None})
        assert still_asked(table, rows, images, marked=marked, annotators={"s": fewer}).is_empty()
        assert still_asked(table, rows, images, marked=marked, annotators={}).is_empty()
