"""The two settings that say where the tables are."""

from pathlib import Path

import pytest

from provision_dagster.errors import InputError
from provision_dagster.storage.store import Store


def test_the_default_is_a_folder_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROVISION_DATA", raising=False)
    monkeypatch.delenv("PROVISION_STORAGE_OPTIONS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert Store.from_env().url == str(tmp_path / "data" / "tables")


def test_a_url_with_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_DATA", "s3://bucket/prefix/")
    monkeypatch.setenv("PROVISION_STORAGE_OPTIONS", '{"AWS_REGION": "eu-central-1"}')
    store = Store.from_env()
    assert store.uri("images") == "s3://bucket/prefix/images"
    assert store.storage_options == {"AWS_REGION": "eu-central-1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be a JSON object, got text that is not: "),
        ('["a"]', "must be a JSON object of texts, got list"),
        ('{"AWS_REGION": 1}', r"must be a JSON object of texts, got \{'AWS_REGION': 'int'\}"),
    ],
)
def test_bad_options(text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_STORAGE_OPTIONS", text)
    with pytest.raises(InputError, match=message):
        Store.from_env()


def test_a_file_or_nothing_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(InputError, match="got the file"):
        Store(tmp_path / "f")
    with pytest.raises(InputError, match="got an empty text"):
        Store("")
