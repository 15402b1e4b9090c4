"""Exported rows through chat templates and processors into tiny models, which learn them."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from provision_dagster.mixes.export import export_mix
from tests.mixes.examples import mix_of, pictures
from tests.mixes.rows import recipe
from tests.scene_graphs.annotators import tiny_vlms

Conversation = list[dict[str, Any]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    mix = mix_of(pictures(folder / "photos"), form="open")
    export_mix(mix, folder, recipe=recipe(formats=["messages", "hugging_face_embedded"]))
    return folder


def from_lines(folder: Path, *, most: int) -> list[Conversation]:
    """Messages as they stand in the file; pictures in tars are for loaders that read tars."""
    rows = [json.loads(line)["messages"] for line in (folder / "messages.jsonl").read_text().splitlines()]
    shown = [[part["image"] for said in row for part in said["content"] if part["type"] == "image"] for row in rows]
    chosen = [row for row, paths in zip(rows, shown, strict=True) if paths and "tar://" not in "".join(paths)]
    return chosen[:most]


def from_hugging_face(folder: Path, *, most: int) -> list[Conversation]:
    """Messages of the data set, with its pictures in their places."""
    loaded = datasets.load_dataset(
        str(folder / "hugging_face_embedded"), split="train", cache_dir=str(folder / "cache")
    )
    found = []
    for row in loaded:
        images = iter(row["images"])
        for said in row["messages"]:
            for part in said["content"]:
                if part["type"] == "image":
                    part["image"] = next(images).convert("RGB")
        assert next(images, None) is None
        if row["images"]:
            found.append(row["messages"])
    return found[:most]


@pytest.mark.parametrize("name", ["llava", "qwen2_vl"])
@pytest.mark.parametrize("read", [from_lines, from_hugging_face])
def test_a_model_learns_what_is_exported(exported: Path, tmp_path: Path, name: str, read: Any) -> None:
    folder = getattr(tiny_vlms, name)(tmp_path / name)
    processor = AutoProcessor.from_pretrained(folder)
    network = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).train()
    chats = read(exported, most=4)
    assert len(chats) == 4
    inputs = processor.apply_chat_template(
        chats, tokenize=True, return_dict=True, return_tensors="pt", processor_kwargs={"padding": True}
    )
    texts = processor.apply_chat_template(chats, tokenize=False)
    for chat, text in zip(chats, texts, strict=True):
        spoken = [part["text"] for said in chat for part in said["content"] if part["type"] == "text"]
        assert all(part in text for part in spoken)
    labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(6):
        loss = network(**inputs, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(torch.isfinite(torch.tensor(losses)))
    assert losses[-1] < 0.8 * losses[0]
