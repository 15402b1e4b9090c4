"""`provision verify`: it passes what is right, and names what is not."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from provision_dagster.errors import InputError
from provision_dagster.mixes.atomic import sha256
from provision_dagster.mixes.export import export_mix
from provision_dagster.mixes.formats import FORMATS
from provision_dagster.mixes.rebuild import rebuilt_blocks, source_versions
from provision_dagster.mixes.verify import verify_export, verify_rebuild
from provision_dagster.storage.store import Store
from tests.mixes.examples import mix_of, pictures, questions
from tests.mixes.rows import recipe

EVERY = recipe(form="half", formats=list(FORMATS))


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    images = pictures(tmp_path / "photos")
    export_mix(mix_of(images), tmp_path / "mix", recipe=EVERY, images=images)
    return tmp_path / "mix"


def problems(folder: Path) -> list[str]:
    found = verify_export(folder)
    assert found.passed == (not found.problems and not any(file.problem for file in found.files))
    return [*(f"{file.name} {file.problem}" for file in found.files if file.problem), *found.problems]


def test_what_was_exported_passes(exported: Path) -> None:
    found = verify_export(exported, workers=2)
    assert found.passed
    rows = {file.name: file.rows for file in found.files}
    assert rows == {
        "llava.json": 7,
        "llava.jsonl": 7,
        "messages.jsonl": 7,
        "provision_sa.parquet": 3,
        "provision_mc.parquet": 2,
        "hugging_face/README.md": None,
        "hugging_face/data/train-000000.parquet": 7,
        "hugging_face_embedded/README.md": None,
        "hugging_face_embedded/data/train-000000.parquet": 7,
        "webdataset/train-000000.tar": 7,
        "refcoco.jsonl": 3,
        "shikra.jsonl": 2,
    }


CHANGED = [
    "llava.json",
    "messages.jsonl",
    "provision_sa.parquet",
    "webdataset/train-000000.tar",
    "hugging_face/README.md",
]


@pytest.mark.parametrize("name", CHANGED)
def test_one_changed_byte(exported: Path, name: str) -> None:
    path = exported / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (problem,) = problems(exported)
    assert problem.startswith(f"{name} has another checksum than the manifest: ")


def test_a_cut_and_a_missing_file(exported: Path) -> None:
    (exported / "llava.jsonl").write_bytes((exported / "llava.jsonl").read_bytes()[:-1])
    (exported / "shikra.jsonl").unlink()
    first, second = problems(exported)
    assert first.startswith("llava.jsonl has ")
    assert ", the manifest says " in first
    assert second == "shikra.jsonl is missing"


def test_files_that_loaders_would_take_too(exported: Path) -> None:
    (exported / "webdataset" / "train-000001.tar").write_bytes(b"")
    (exported / "notes.txt").write_text("of no concern")
    assert problems(exported) == ["`webdataset/train-000001.tar` is not in the manifest"]


def edited(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file and its checksum, as an exporter with a mistake would."""
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] |= {"bytes": path.stat().st_size, "sha256": sha256(path)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def first_line(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        head, *rest = data.splitlines(keepends=True)
        return b"".join([change(head), *rest])

    return changed


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("llava.json", lambda data: data.replace(b"<image>", b"<picture>", 1), "times `<image>`"),
        ("llava.json", lambda data: data.replace(b"},\n", b"}\n", 1), "has no comma behind row 1"),
        ("llava.json", lambda data: data[:-2], "has no end"),
        ("llava.json", lambda data: data.replace(b"\n]", b",\n]"), "ends with a comma"),
        ("llava.json", lambda data: data + b"[]", "goes on behind its end"),
        ("llava.jsonl", first_line(lambda line: b"{\n"), "row 1: "),
        ("llava.jsonl", first_line(lambda line: b""), "has 6 rows, the manifest says 7"),
        ("llava.jsonl", first_line(lambda line: b"[]\n"), "row 1: "),
        ("messages.jsonl", first_line(lambda line: line.replace(b":\"user\"", b":\"me\"")), "`role` must be one of"),
        ("messages.jsonl", first_line(lambda line: b'{"id":"x"}\n'), "row 1: has no 'messages'"),
        ("refcoco.jsonl", first_line(lambda line: line.replace(b'"bbox":[', b'"bbox":[-')), "has an impossible box"),
        ("shikra.jsonl", first_line(lambda line: line.replace(b"<boxes>", b"", 1)), "times `<boxes>`, but"),
        ("webdataset/train-000000.tar", lambda data: data[:700], "is "),
        ("webdataset/train-000000.tar", lambda data: data.replace(b".json", b".jsom"), "has no JSON"),
        ("provision_sa.parquet", lambda data: b"PAR1" + data[4:-8] + b"\0" * 8, "row group behind row 0: "),
    ],
)  # fmt: skip
def test_rows_that_do_not_parse(exported: Path, name: str, change: Callable[[bytes], bytes], problem: str) -> None:
    edited(exported, name, change)
    (found,) = problems(exported)
    assert found.startswith(f"{name} ")
    assert problem in found


def test_other_columns_and_fewer_rows(exported: Path) -> None:
    path = exported / "provision_sa.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop(["metadata"]), path)
    edited(exported, path.name, lambda data: data)
    pq.write_table(table.slice(2), exported / "provision_mc.parquet")
    edited(exported, "provision_mc.parquet", lambda data: data)
    first, second = problems(exported)
    assert first == "provision_mc.parquet has 1 rows, the manifest says 2"
    assert second.startswith("provision_sa.parquet has the columns ['data_path'")


def test_numbers_of_rows_that_do_not_add_up(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    manifest["counts"]["rows"] = 8
    (exported / "manifest.json").write_text(json.dumps(manifest))
    found = problems(exported)
    assert "format llava holds 7 rows, the mix has 8" in found
    assert not any("provision" in one or "shikra" in one for one in found)


def test_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an export without a manifest is not whole"):
        verify_export(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        verify_export(tmp_path)
    (tmp_path / "manifest.json").write_text('{"recipe": {}}')
    with pytest.raises(InputError, match="is not a manifest: it has no package_version, table_versions, counts"):
        verify_export(tmp_path)


def test_the_ledger_says_whose_pictures_are_shown(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    assert manifest["licenses"] == [
        {"license": "CC BY 4.0", "pictures": 2, "rows": 4, "attribution": ["Ann"]},
        {"license": "CC BY-SA 4.0", "pictures": 1, "rows": 2, "attribution": ["Ben"]},
        {"license": "unknown", "pictures": 1, "rows": 2, "attribution": []},
    ]
    assert manifest["counts"]["by_origin"] == {"base": 2, "generated": 5}
    assert str(exported) not in json.dumps(manifest)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Store, Path]:
    """Tables, and a mix that was exported from them."""
    store = Store(tmp_path / "tables")
    store.create_all()
    images = pictures(tmp_path / "photos")
    store.write_partition("images", images.filter(shard="vg-00000"), key="vg-00000")
    store.write_partition("filtered_qa", questions(), key="vg-00000")
    versions = source_versions(store)
    mix = rebuilt_blocks(EVERY, store=store, versions=versions)
    export_mix(mix, tmp_path / "mix", recipe=EVERY, table_versions=versions, images=images)
    return store, tmp_path / "mix"


def test_built_again_from_the_versions_it_was_made_from(stored: tuple[Store, Path]) -> None:
    store, folder = stored
    store.write_partition("filtered_qa", questions().head(2), key="vg-00000")
    assert verify_rebuild(folder, store=store) == []
    assert sorted(p.name for p in folder.parent.iterdir()) == ["mix", "photos", "tables"]


def test_what_differs_when_built_again(stored: tuple[Store, Path]) -> None:
    store, folder = stored
    store.write_partition("filtered_qa", questions().head(2), key="vg-00000")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["table_versions"]["filtered_qa"] = store.version("filtered_qa")
    manifest["package_version"] = "0.0.0"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = verify_rebuild(folder, store=store)
    assert found[0].startswith("made by version 0.0.0 of the package, this is ")
    assert any(text.startswith("`llava.json` is not the same when built again: ") for text in found)
    assert "`counts` of the manifest is not the same when built again" in found


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ({}, "the manifest names no version of table `filtered_qa`"),
        (
            {"filtered_qa": 99, "images": 1, "rejected_qa": 1, "judge_scores": 1},
            "table `filtered_qa` cannot be read at version 99 any more",
        ),
    ],
)
def test_versions_that_are_not_there(stored: tuple[Store, Path], versions: dict[str, int], message: str) -> None:
    store, folder = stored
    manifest = json.loads((folder / "manifest.json").read_text()) | {"table_versions": versions}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=message):
        verify_rebuild(folder, store=store)


def test_the_order_of_stored_rows_does_not_matter(stored: tuple[Store, Path], tmp_path: Path) -> None:
    store, folder = stored
    versions = json.loads((folder / "manifest.json").read_text())["table_versions"]
    mix = pl.concat(rebuilt_blocks(EVERY, store=store, versions=versions))
    shuffled = mix.sample(fraction=1, shuffle=True, seed=3)
    export_mix(shuffled.lazy(), tmp_path / "again", recipe=EVERY, table_versions=versions, images=store.scan("images"))
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert names == sorted(
        str(p.relative_to(tmp_path / "again")) for p in (tmp_path / "again").rglob("*") if p.is_file()
    )
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
