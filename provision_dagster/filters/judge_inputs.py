"""Pictures and prompts as a model wants them: a batch filled up, or what many prompts about one picture share."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.image_sets.decode import open_image
from provision_dagster.scene_graphs.annotators.opening import Place
from provision_dagster.scene_graphs.annotators.vlm import has_chat_template, tokenizer_for_batches

PLAIN = ("fuyu",)
"""Types of models that take a prompt as it is, and one picture."""

Pictures = tuple[Image.Image, ...]


@dataclass(frozen=True)
class Shared:
    """Prompts about the same pictures.

    Attributes
    ----------
    first
        What the processor made of pictures and first prompt: a batch of one.
    rows
        Token ids of pictures and prompt, for each prompt.
    length
        Number of tokens with which all rows begin; less than any row has.
    """

    first: Any
    rows: list[list[int]]
    length: int


class Writer:
    """Writes for one model.

    Parameters
    ----------
    processor
        Of transformers.
    kind
        Type of the model, as its configuration names it.
    name
        Of the model, for messages.

    Raises
    ------
    InputError
        When the model has no chat template and is not known to need none.
    """

    def __init__(self, processor: Any, *, kind: str, name: str) -> None:
        self._processor = processor
        self.chat = has_chat_template(processor)
        if not self.chat and kind not in PLAIN:
            raise InputError(
                f"model `{name}` has no chat template; use a model that was tuned for chat or instructions, "
                f"or one of type {', '.join(f'`{one}`' for one in PLAIN)}"
            )
        self.tokenizer = tokenizer_for_batches(processor)
        self._spliced: bool | None = None
        self._lock = threading.RLock()  # a tokenizer must not be used by two threads at a time

    @property
    def most(self) -> int | None:
        """How many pictures a question may be about; null: as many as there are."""
        return None if self.chat else 1

    def batch(self, asked: Sequence[tuple[Pictures, str]]) -> Any:
        """Write questions, filled up on the left."""
        with self._lock:
            if not self.chat:
                texts, pictures = [prompt for _, prompt in asked], [shown[0] for shown, _ in asked]
                return self._processor(text=texts, images=pictures, return_tensors="pt")
            return self._processor.apply_chat_template(
                [_chat(*one) for one in asked],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                processor_kwargs={"padding": True},
            )

    def shared(self, pictures: Pictures, prompts: Sequence[str]) -> Shared:
        """Write prompts about the same pictures; these are brought into the model's form once, where that is right."""
        with self._lock:
            first = self.batch([(pictures, prompts[0])])
            head = first["input_ids"][0].tolist()
            rows = self._splice(head, pictures, prompts) if self.chat and self._spliced is not False else None
            if rows is not None and self._spliced is None:
                # what comes after the pictures is put behind them as tokens: seen to be right before it is relied on
                self._spliced = rows[-1] == self._whole(pictures, prompts[-1])
            if rows is None or not self._spliced:
                rows = [head, *(self._whole(pictures, prompt) for prompt in prompts[1:])]
            return Shared(first, rows, common(rows))

    def _whole(self, pictures: Pictures, prompt: str) -> list[int]:
        found: list[int] = self.batch([(pictures, prompt)])["input_ids"][0].tolist()
        return found

    def _splice(self, head: list[int], pictures: Pictures, prompts: Sequence[str]) -> list[list[int]] | None:
        """Tokenize what differs alone; null where the first prompt's tokens do not come out that way."""
        texts = self._processor.apply_chat_template(
            [_chat(pictures, prompt) for prompt in prompts], add_generation_prompt=True, tokenize=False
        )
        rows = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        length = common(rows)
        tail = rows[0][length:]
        if head[-len(tail) :] != tail:
            return None
        return [head[: -len(tail)] + row[length:] for row in rows]


def common(rows: list[list[int]]) -> int:
    """Count the tokens with which all rows begin, but leave each row one at least."""
    low, high = min(rows), max(rows)  # what the first and the last of a sorted list share, all share
    most = min(map(len, rows)) - 1
    return next((at for at in range(most) if low[at] != high[at]), most)


def _chat(pictures: Pictures, prompt: str) -> list[dict[str, Any]]:
    shown = [{"type": "image", "image": picture} for picture in pictures]
    return [{"role": "user", "content": [*shown, {"type": "text", "text": prompt}]}]


def opened(places: Sequence[Place], *, longest_side: int) -> Pictures:
    """Open pictures, scaled down where they are larger.

    Raises
    ------
    PictureError
        When one cannot be opened.
    """
    return tuple(_scaled(open_image(place.uri, place.member), longest_side) for place in places)


def _scaled(picture: Image.Image, longest_side: int) -> Image.Image:
    scale = longest_side / max(picture.size)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BICUBIC)
