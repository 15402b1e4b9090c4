"""Every format, read by the loaders that others read it with."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pytest
import webdataset
import yaml
from datasets import Features
from datasets.features import Image as ImageFeature
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.mixes import batches, hugging_face, webdataset_tars
from provision_dagster.mixes.batches import Portions
from provision_dagster.mixes.build import build_mix
from provision_dagster.mixes.export import export_mix
from provision_dagster.mixes.formats import FORMATS, Format
from provision_dagster.mixes.hugging_face import FEATURES
from provision_dagster.mixes.picture_files import PictureFiles
from provision_dagster.mixes.schema import MIX
from provision_dagster.mixes.verify import verify_export
from tests.mixes.examples import BOX, COLORS, HEIGHT, OTHER, PRINTED, WIDTH, asked, base_row, mix_of, pictures
from tests.mixes.rows import filtered, recipe


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return pictures(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def mix(photos: pl.DataFrame) -> pl.DataFrame:
    return mix_of(photos, form="open")


@pytest.fixture(scope="module")
def exported(mix: pl.DataFrame, photos: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export_mix(mix, folder, recipe=recipe(form="open", formats=list(FORMATS)), images=photos)
    return folder


def lines(path: Path) -> dict[str, Any]:
    return {row["id"]: row for row in map(json.loads, path.read_text().splitlines())}


def ident(number: int) -> str:
    return f"{number:032x}"


def test_llava_json_and_lines_are_the_same(exported: Path, mix: pl.DataFrame) -> None:
    rows = json.loads((exported / "llava.json").read_text())
    assert [json.loads(line) for line in (exported / "llava.jsonl").read_text().splitlines()] == rows
    assert [row["id"] for row in rows] == mix["id"].to_list()


def test_llava_of_a_base_set_is_as_it_was(exported: Path, photos: pl.DataFrame) -> None:
    rows = lines(exported / "llava.jsonl")
    assert rows["base-text"] == {
        "id": "base-text",
        "conversations": [{"from": "human", "value": "Hello?"}, {"from": "gpt", "value": "Hello."}],
    }
    assert rows["base-turns"]["image"] == photos["uri"][0]
    assert [turn["value"] for turn in rows["base-turns"]["conversations"]] == [
        "What is\n<image>\nthis?",
        "A wall.",
        "Which color?",
        "Red.",
    ]


def test_messages_have_parts(exported: Path, photos: pl.DataFrame) -> None:
    rows = lines(exported / "messages.jsonl")
    first, second = f"tar://in/i3.jpg::{photos['uri'][2]}", photos["uri"][1]
    assert rows[ident(3)]["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "image", "image": first},
                {"type": "image", "image": second},
                {"type": "text", "text": "Which is redder?\n"},
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": 'the <first> "one"'}]},
    ]
    assert rows["base-turns"]["messages"][0]["content"] == [
        {"type": "text", "text": "What is"},
        {"type": "image", "image": photos["uri"][0]},
        {"type": "text", "text": "this?"},
    ]
    assert [message["role"] for message in rows["base-turns"]["messages"]] == ["user", "assistant"] * 2
    assert rows["base-text"]["messages"][0]["content"] == [{"type": "text", "text": "Hello?"}]


def test_a_turn_in_which_nothing_is_said_stays(photos: pl.DataFrame, tmp_path: Path) -> None:
    turns = [("human", "<image>\nWhat?"), ("gpt", ""), ("human", "<image>"), ("gpt", "Two walls.")]
    row = base_row("mute", turns, photos["uri"][:2].to_list(), position=0)
    mute = pl.DataFrame([row], schema=MIX)
    export_mix(mute, tmp_path, recipe=recipe(formats=["messages", "hugging_face"]))
    said = lines(tmp_path / "messages.jsonl")["base-mute"]["messages"]
    assert [one["role"] for one in said] == ["user", "assistant", "user", "assistant"]
    assert said[1]["content"] == [{"type": "text", "text": ""}]
    assert [part["type"] for part in said[2]["content"]] == ["image"]
    loaded = datasets.load_dataset(str(tmp_path / "hugging_face"), split="train", cache_dir=str(tmp_path / "cache"))
    assert [len(one["content"]) for one in loaded[0]["messages"]] == [2, 1, 1, 1]
    assert verify_export(tmp_path).passed


def test_shikra_of_boxes_that_are_written_alike(photos: pl.DataFrame, tmp_path: Path) -> None:
    near = {**BOX, "x1": BOX["x1"] + 0.01}
    question = asked(1, f"What color is the dog in the box {PRINTED}?", boxes=[BOX, near], labels=["dog", "dog"])
    made = build_mix(recipe(form="open"), filtered_qa=filtered(question), images=photos)
    export_mix(made, tmp_path, recipe=recipe(form="open", formats=["shikra"]))
    (row,) = lines(tmp_path / "shikra.jsonl").values()
    assert row["conversations"][0]["value"].count("<boxes>") == 1
    assert row["conversations"][0]["boxes_seq"] == [[0]]


@pytest.mark.parametrize("folder", ["hugging_face", "hugging_face_embedded"])
def test_datasets_loads_the_folder(exported: Path, mix: pl.DataFrame, tmp_path: Path, folder: str) -> None:
    loaded = datasets.load_dataset(str(exported / folder), split="train", cache_dir=str(tmp_path))
    assert loaded.features == Features.from_dict(FEATURES)
    assert loaded["id"][:] == mix["id"].to_list()
    rows = {row["id"]: row for row in loaded}
    colors = [picture.convert("RGB").getpixel((5, 5)) for picture in rows[ident(3)]["images"]]
    for found, wanted in zip(colors, (COLORS["i3"], COLORS["i2"]), strict=True):
        assert all(abs(a - b) < 12 for a, b in zip(found, wanted, strict=True))  # JPEG
    assert rows[ident(3)]["images"][0].size == (WIDTH, HEIGHT)
    assert rows[ident(3)]["messages"][0]["content"] == [
        {"type": "image", "text": None},
        {"type": "image", "text": None},
        {"type": "text", "text": "Which is redder?\n"},
    ]
    assert rows["base-text"]["images"] == []
    assert (rows[ident(1)]["answer"], rows[ident(1)]["license"]) == ("brown", "CC BY 4.0")


@pytest.mark.parametrize("name", ["llava.json", "llava.jsonl", "messages.jsonl", "refcoco.jsonl", "shikra.jsonl"])
def test_datasets_loads_json(exported: Path, tmp_path: Path, name: str) -> None:
    file = exported / name
    loaded = datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path))
    text = file.read_text()
    rows = json.loads(text) if file.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    assert len(rows) > 1
    for found, row in zip(loaded, rows, strict=True):
        assert {key: value for key, value in found.items() if value is not None} == row


@pytest.mark.parametrize(("form", "name"), [("open", "provision_sa.parquet"), ("choice", "provision_mc.parquet")])
def test_datasets_loads_provision(photos: pl.DataFrame, tmp_path: Path, form: str, name: str) -> None:
    made = mix_of(photos, form=form)
    export_mix(made, tmp_path, recipe=recipe(form=form, formats=["provision"]))
    loaded = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / name), split="train", cache_dir=str(tmp_path / "cache")
    )
    wanted = made.filter(pl.col("origin") == "generated").rename({"image_uris": "data_path"})
    assert loaded.column_names == ["data_path", "generator", "question", "answer", "options", "metadata"]
    assert loaded.to_list() == wanted.select(loaded.column_names).to_dicts()


def test_the_card_says_what_datasets_would(exported: Path) -> None:
    text = (exported / "hugging_face" / "README.md").read_text()
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]
    assert header["dataset_info"]["features"] == Features.from_dict(FEATURES)._to_yaml_list()
    assert header["dataset_info"]["splits"][0]["num_examples"] == 7
    assert (header["license"], header["license_name"]) == ("other", "of-each-picture")
    assert "| CC BY-SA 4.0 | 1 | 2 |" in text


def test_one_licence_that_the_hub_knows(mix: pl.DataFrame, tmp_path: Path) -> None:
    rows = mix.filter(pl.col("license") == "CC BY 4.0").with_columns(position=pl.int_range(pl.len()))
    export_mix(rows, tmp_path, recipe=recipe(formats=["hugging_face"]))
    assert "\nlicense: cc-by-4.0\n" in (tmp_path / "hugging_face" / "README.md").read_text()


def test_embedded_pictures_are_the_files(exported: Path, photos: pl.DataFrame, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(str(exported / "hugging_face_embedded"), split="train", cache_dir=str(tmp_path))
    raw = {r["id"]: r["images"] for r in loaded.cast_column("images", datasets.List(ImageFeature(decode=False)))}
    assert raw[ident(1)] == [{"bytes": Path(photos["uri"][0]).read_bytes(), "path": "i1.png"}]
    assert [picture["path"] for picture in raw[ident(3)]] == ["i3.jpg", "i2.jpg"]


def test_webdataset_loads_the_tars(exported: Path, mix: pl.DataFrame, photos: pl.DataFrame) -> None:
    tars = sorted(str(path) for path in (exported / "webdataset").iterdir())
    found = list(webdataset.WebDataset(tars, shardshuffle=False).decode("pil"))
    assert [sample["json"]["id"] for sample in found] == mix["id"].to_list()
    by_id = {sample["json"]["id"]: sample for sample in found}
    assert by_id[ident(1)]["png"].getpixel((5, 5)) == COLORS["i1"]
    assert by_id[ident(3)]["0.jpg"].size == (WIDTH, HEIGHT)
    assert {"0.jpg", "1.jpg"} < set(by_id[ident(3)])
    assert not {"jpg", "png", "0.jpg"} & set(by_id["base-text"])
    assert by_id[ident(4)]["json"]["conversations"][0] == {"from": "human", "value": "<image>\nWhat color is dog 4?"}
    with tarfile.open(tars[0]) as tar:
        name = f"{mix.filter(id=ident(1))['position'][0]:010d}.png"
        assert tar.extractfile(name).read() == Path(photos["uri"][0]).read_bytes()  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 9 * 512])
def test_tar_members_are_as_tarfile_writes_them(size: int) -> None:
    info = tarfile.TarInfo("0000000012.0.jpg")
    info.size = size
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(b"x" * size))
    made = webdataset_tars.member("0000000012.0.jpg", b"x" * size)
    assert out.getvalue()[: len(made)] == made


def test_refcoco_names_every_box(exported: Path, photos: pl.DataFrame) -> None:
    rows = lines(exported / "refcoco.jsonl")
    assert sorted(rows) == [f"{ident(1)}/0", f"{ident(2)}/0", f"{ident(2)}/1"]
    assert rows[f"{ident(2)}/0"] == {
        "id": f"{ident(2)}/0",
        "file_name": photos["uri"][0],
        "width": WIDTH,
        "height": HEIGHT,
        "bbox": [8.0, 6.0, 32.0, 24.0],
        "sentences": ["dog"],
        "question": "How is [0.13, 0.13, 0.63, 0.63] related to [0.00, 0.00, 1.00, 1.00]?",
        "answer": "brown",
    }


@pytest.mark.parametrize("notation", ["ratio", "thousand", "pixels"])
def test_shikra_refers_to_boxes_whatever_the_notation(photos: pl.DataFrame, tmp_path: Path, notation: str) -> None:
    wanted = recipe(form="open", formats=["shikra"], box_format=notation)
    export_mix(mix_of(photos, form="open", box_format=notation), tmp_path, recipe=wanted)
    rows = lines(tmp_path / "shikra.jsonl")
    assert sorted(rows) == [ident(1), ident(2)]
    corners = [list(box.values()) for box in (BOX, OTHER)]
    assert rows[ident(2)] == {
        "id": ident(2),
        "image": {"path": photos["uri"][0], "width": WIDTH, "height": HEIGHT},
        "target": {"boxes": corners},
        "conversations": [
            {"from": "human", "value": "<image>\nHow is <boxes> related to <boxes>?", "boxes_seq": [[0], [1]]},
            {"from": "gpt", "value": "brown", "boxes_seq": []},
        ],
    }


def test_shards_are_cut_by_size_and_old_ones_go(
    mix: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[Format] = ["hugging_face", "hugging_face_embedded", "webdataset"]
    with monkeypatch.context() as small:
        small.setattr(batches, "BATCH", 2)
        small.setattr(hugging_face, "SHARD_ROWS", 4)
        small.setattr(hugging_face, "GROUP_BYTES", 1)
        small.setattr(hugging_face, "SHARD_BYTES", 1)
        small.setattr(webdataset_tars, "SHARD_BYTES", 4096)
        export_mix(mix, tmp_path, recipe=recipe(formats=chosen))
    numbers = [len(list(tmp_path.glob(f"{name}/**/train-*"))) for name in chosen]
    assert numbers[0] == 2
    assert min(numbers[1:]) > 2
    for name in chosen[:2]:
        loaded = datasets.load_dataset(str(tmp_path / name), split="train", cache_dir=str(tmp_path / "cache"))
        assert loaded["id"][:] == mix["id"].to_list()
    tars = sorted(map(str, tmp_path.glob("webdataset/*")))
    ids = [s["json"]["id"] for s in webdataset.WebDataset(tars, shardshuffle=False).decode()]
    assert ids == mix["id"].to_list()
    export_mix(mix, tmp_path, recipe=recipe(formats=chosen))
    assert [len(list(tmp_path.glob(f"{name}/**/train-*"))) for name in chosen] == [1, 1, 1]


def test_what_is_not_asked_for_any_more_is_removed(mix: pl.DataFrame, tmp_path: Path) -> None:
    export_mix(mix, tmp_path, recipe=recipe(formats=["llava", "hugging_face", "messages"]))
    (tmp_path / "mine.txt").write_text("stays")
    files = export_mix(mix, tmp_path, recipe=recipe(formats=["llava"]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["llava.json", "manifest.json", "mine.txt"]
    assert sorted(files) == ["llava", "manifest"]


@pytest.mark.parametrize("name", ["hugging_face_embedded", "webdataset"])
def test_a_picture_without_a_file_is_named_and_nothing_is_left(mix: pl.DataFrame, tmp_path: Path, name: Format) -> None:
    lost = mix.with_columns(pl.lit(["2407"]).alias("image_uris")).filter(origin="generated")
    with pytest.raises(InputError, match="picture `2407` does not exist; formats that hold pictures need their files"):
        export_mix(lost, tmp_path, recipe=recipe(formats=["llava", name]))
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_file_that_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("not a picture, but some text")
    with pytest.raises(InputError, match="is not a picture of a format that is known"):
        PictureFiles().read(str(tmp_path / "a.jpg"))


def test_pictures_are_kept_up_to_a_size(tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.new("RGB", (8, 8), (number, 0, 0)).save(paths[-1])
    files = PictureFiles(kept_bytes=sum(Path(path).stat().st_size for path in paths[1:]))
    first = [files.read(path) for path in paths]
    for path in paths:
        Path(path).unlink()
    assert [files.read(path) for path in paths[1:]] == first[1:]
    with pytest.raises(InputError, match="does not exist"):
        files.read(paths[0])


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([("human", "<image> and <image>"), ("gpt", "x")], "1 pictures, but 2 times `<image>`"),
        ([("human", "no token"), ("gpt", "x")], "1 pictures, but 0 times `<image>`"),
        ([("bot", "<image>"), ("gpt", "x")], "`from` must be one of human, gpt, system, got 'bot'"),
    ],
)
def test_a_base_set_that_cannot_be_written(
    mix: pl.DataFrame, tmp_path: Path, turns: list[tuple[str, str]], message: str
) -> None:
    said = [{"from": speaker, "value": text} for speaker, text in turns]
    row = mix.filter(id="base-turns").with_columns(conversation=pl.Series([said], dtype=mix.schema["conversation"]))
    with pytest.raises(InputError, match="row `base-turns` of the base set: "):
        export_mix(row, tmp_path, recipe=recipe())
    with pytest.raises(InputError, match=message):
        export_mix(row, tmp_path, recipe=recipe())


def test_an_unknown_format(mix: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"`formats` must be of llava, llava_lines, .*, got tfrecord"):
        export_mix(mix, tmp_path, recipe=recipe(), formats=["tfrecord"])  # type: ignore[list-item]


def test_every_format_of_no_rows_can_be_read(mix: pl.DataFrame, tmp_path: Path) -> None:
    export_mix(mix.clear(), tmp_path, recipe=recipe(formats=list(FORMATS)))
    assert json.loads((tmp_path / "llava.json").read_text()) == []
    for name in ("hugging_face", "hugging_face_embedded"):
        # `datasets` itself refuses a split without rows
        assert pl.read_parquet(tmp_path / name / "data").height == 0
    tars = [str(p) for p in tmp_path.glob("webdataset/*")]
    assert list(webdataset.WebDataset(tars, shardshuffle=False, empty_check=False)) == []


def test_portions_do_not_depend_on_what_comes() -> None:
    rows = pl.DataFrame({"n": range(23)})
    for cut in (1, 2, 7, 23):
        portions = Portions(5)
        found = [p for at in range(0, 23, cut) for p in portions.add(rows.slice(at, cut))]
        found += portions.rest()
        assert [len(p) for p in found] == [5, 5, 5, 5, 3]
        assert pl.concat(found).equals(rows)
