"""A tiny judge: an image-text-to-text model that says whether an answer about a rendered scene is correct.

First its vision tower learns, place by place, what is there. Then the language model learns from what the tower sees,
which stays as it is: to say what objects there are and what they look like, and at last to judge.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from provision_dagster.filters.judge_config import PROMPT
from provision_dagster.training.expressions import KIND_OF
from provision_dagster.training.fitting import OnStep, fit
from provision_dagster.training.judge_nets import DEVIATION, IMAGE, MEAN, TURN, Tower, judge_net
from provision_dagster.training.judge_scenes import OUTPUTS, Scene, scene_of
from provision_dagster.training.judged_questions import judged_questions
from provision_dagster.training.scenes import Progress, batches, training_scenes
from provision_dagster.training.word_tokenizer import START, word_tokenizer, words_of

SAID = ("Yes", "No")
SPOKEN = r"\d+\.\d+|\w+"
"""Words and numbers; marks say nothing here that they do not."""
TOWER_BATCH, TOWER_RATE = 16, 3e-3
BATCH, RATE = 8, 2e-3
NAMING, JUDGING = 0.7 / 8, 3 / 8
"""How often the language model sees each scene in both of its lessons, for each time that the tower does."""
PER_SCENE = 12
"""Statements about each scene of a batch: they share its tokens."""
NAMED, OBJECTS, DESCRIBED = 8, 12, 16
"""Scenes of a batch, objects named of each, tokens of what is said of one."""
LENGTH = 48
"""Tokens of a statement; longer ones are not learned from."""
ANSWERING = 0.5
"""Weight of the loss of saying true answers, beside that of judging."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Statements:
    """Tokens of statements, shape (n, LENGTH), filled up on the right.

    Attributes
    ----------
    ends
        Place of the last token, behind which the judge speaks.
    answers
        Where the answer's tokens are, shape (n, LENGTH).
    true
        Whether the answer is right.
    scenes
        Scene that each is about.
    """

    tokens: Ints
    ends: Ints
    answers: NDArray[np.bool_]
    true: NDArray[np.bool_]
    scenes: Ints


def make_tokenizer(texts: list[str]) -> Any:
    """Make the tokenizer: the words of texts, of what is asked, and all places of boxes."""
    places = [f"{number / 100:.2f}" for number in range(101)] + [str(number / 100) for number in range(101)]
    words = words_of([*texts, PROMPT, *SAID, *places, "0 1"], lower=False, pattern=SPOKEN)
    phrases = tuple(text.strip() for text in _around())
    return word_tokenizer(words, special=(IMAGE, TURN, *phrases), lower=False, framed=False, pattern=SPOKEN)


def train_judge(
    *, scenes: int, passes: int, seed: int, progress: Progress | None = None, on_step: OnStep | None = None
) -> tuple[Any, Any, list[float]]:
    """Train a judge on rendered scenes.

    Parameters
    ----------
    scenes
        Scenes to learn from.
    passes
        How often each is seen by the tower; for the language model see NAMING and JUDGING.
    seed
        The same seed gives the same weights on one machine with one number of threads.

    Returns
    -------
    tuple
        The network (a `FastVlmForConditionalGeneration`), its tokenizer, and the loss of each step of judging.
    """
    samples = training_scenes(scene_of, n=scenes, seed=seed, progress=progress)
    asked = judged_questions([one.annotation for one in samples], seed=seed)
    tokenizer = make_tokenizer([*asked["question"], *asked["answer"], *asked["wrong"]])
    torch.manual_seed(seed)
    net = judge_net(tokenizer)
    train_tower(net.model.vision_tower, samples, passes=passes, seed=seed, on_step=on_step)
    seen = features_of(net.model.vision_tower, samples)
    told = descriptions_of([one.annotation for one in samples], tokenizer)
    train_naming(net, seen, told, tokenizer, passes=NAMING * passes, seed=seed, on_step=on_step)
    statements = statements_of(asked, tokenizer)
    return (
        net,
        tokenizer,
        train_judging(net, seen, statements, tokenizer, passes=JUDGING * passes, seed=seed, on_step=on_step),
    )


def as_pixels(pixels: NDArray[np.uint8]) -> Tensor:
    """Bring pictures, shape (n, HEIGHT, WIDTH, 3), to the range of the network."""
    values = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255
    return ((values - MEAN[0]) / DEVIATION[0]).contiguous(memory_format=torch.channels_last)


def train_tower(
    tower: nn.Module, samples: list[Scene], *, passes: int, seed: int, on_step: OnStep | None = None
) -> list[float]:
    """Teach the vision tower what lies in each square of a picture."""
    net = Tower(tower, OUTPUTS).to(memory_format=torch.channels_last)

    def loss_of(batch: tuple[NDArray[np.intp], NDArray[np.bool_]]) -> Tensor:
        pixels = np.stack([samples[place].pixels for place in batch[0]])
        seen = np.stack([samples[place].seen for place in batch[0]])
        pixels[batch[1]] = pixels[batch[1]][:, :, ::-1]
        seen[batch[1]] = seen[batch[1]][:, :, :, ::-1]
        truth = torch.from_numpy(seen).float()
        each = functional.binary_cross_entropy_with_logits(net(as_pixels(pixels)), truth, reduction="sum")
        return each / truth.sum().clamp(min=1)

    steps = max(1, len(samples) * passes // TOWER_BATCH)
    drawn = batches(len(samples), size=TOWER_BATCH, steps=steps, seed=seed)
    return fit(net, drawn, loss_of, steps=steps, rate=TOWER_RATE, on_step=on_step)


def features_of(tower: nn.Module, samples: list[Scene]) -> Tensor:
    """What the tower sees of each scene, shape (scenes, squares, channels)."""
    tower.eval()
    found = []
    with torch.inference_mode():
        for at in range(0, len(samples), TOWER_BATCH):
            pixels = np.stack([one.pixels for one in samples[at : at + TOWER_BATCH]])
            found.append(tower(as_pixels(pixels)).last_hidden_state.flatten(2).transpose(1, 2).half())
    return torch.cat(found)


def statements_of(asked: pl.DataFrame, tokenizer: Any) -> Statements:
    """Put each question with its right and with its wrong answer into tokens; those that are too long are left out."""

    def read(texts: list[str]) -> list[list[int]]:
        return list(tokenizer(texts, add_special_tokens=False)["input_ids"])

    _, between, behind = ([tokenizer.convert_tokens_to_ids(text.strip())] for text in _around())
    behind = [*behind, tokenizer.convert_tokens_to_ids(TURN)]
    questions = read(asked["question"].to_list())
    rows = []
    for true, name in ((True, "answer"), (False, "wrong")):
        for scene, question, answer in zip(asked["scene"], questions, read(asked[name].to_list()), strict=True):
            head = [*question, *between]
            if len(head) + len(answer) + len(behind) <= LENGTH:
                rows.append((scene, true, head, answer, behind))
    tokens = np.full((len(rows), LENGTH), tokenizer.pad_token_id, np.int64)
    answers = np.zeros(tokens.shape, np.bool_)
    ends = np.empty(len(rows), np.int64)
    for place, (_, _, head, answer, tail) in enumerate(rows):
        whole = [*head, *answer, *tail]
        tokens[place, : len(whole)] = whole
        answers[place, len(head) : len(head) + len(answer)] = True
        ends[place] = len(whole) - 1
    scenes, right = (np.array([row[place] for row in rows]) for place in range(2))
    return Statements(tokens, ends, answers, right, scenes)


def _around() -> list[str]:
    """The prompt before the question, between question and answer, and behind the answer."""
    before, _, rest = PROMPT.partition("{question}")
    between, _, behind = rest.partition("{answer}")
    return [before, between, behind]


class Reader(nn.Module):
    """The judge without its tower: projector and language model."""

    def __init__(self, net: Any, tokenizer: Any) -> None:
        super().__init__()
        self.projector, self.language, self.head = (
            net.model.multi_modal_projector,
            net.model.language_model,
            net.lm_head,
        )
        self._before = torch.tensor([tokenizer.convert_tokens_to_ids(word) for word in (START, _around()[0].strip())])

    def forward(self, seen: Tensor, tokens: Tensor, *, shift: int = 0) -> Tensor:
        """Read texts about scenes, as many about each; what stands before them is read once, as the filter does.

        Parameters
        ----------
        seen
            Shape (scenes, squares, channels).
        tokens
            Shape (texts, tokens), the texts about one scene together.
        shift
            By how many places the texts stand behind where they would.

        Returns
        -------
        torch.Tensor
            What the language model makes of each token, shape (texts, tokens, features).
        """
        first, then = (one.expand(len(seen), 1, -1) for one in self.language.get_input_embeddings()(self._before))
        before = torch.cat([first, self.projector(seen.float()), then], dim=1)
        cache = self.language(inputs_embeds=before, use_cache=True).past_key_values
        cache.batch_repeat_interleave(len(tokens) // len(seen))
        places = torch.arange(tokens.shape[1])[None] + before.shape[1] + shift
        read = self.language(input_ids=tokens, past_key_values=cache, use_cache=True, position_ids=places)
        return read.last_hidden_state  # type: ignore[no-any-return]


def descriptions_of(annotations: list[dict[str, Any]], tokenizer: Any) -> list[tuple[Ints, Ints]]:
    """Put into tokens what is said of each object of a scene: label, box, attributes; and the same, box first.

    Returns
    -------
    list
        By scene, both, shape (objects, DESCRIBED), filled up on the right.
    """
    found = []
    for one in annotations:
        boxes = np.array(one["bboxes"]) / np.array([one["width"], one["height"]] * 2)
        both = []
        for box_first in (False, True):
            texts = []
            for label, box, attributes in zip(one["labels"], boxes, one["attributes"], strict=True):
                sides = " ".join(f"{side:.2f}" for side in box)
                head = f"{sides} {label}" if box_first else f"{label} {sides}"
                said = [f"{KIND_OF[word]} {word}" for word in attributes if KIND_OF[word] != "size"]
                texts.append(" ".join([head, *said]))
            read = tokenizer(texts, add_special_tokens=False, padding="max_length", truncation=True,
                max_length=DESCRIBED, padding_side="right", return_tensors="np")  # fmt: skip
            both.append(read["input_ids"])
        found.append((both[0], both[1]))
    return found


def train_naming(
    net: Any,
    seen: Tensor,
    told: list[tuple[Ints, Ints]],
    tokenizer: Any,
    *,
    passes: float,
    seed: int,
    on_step: OnStep | None = None,
) -> list[float]:
    """Teach projector and language model to say what objects there are, where, and what they look like."""
    reader, pad = Reader(net, tokenizer), tokenizer.pad_token_id
    rng = np.random.default_rng(seed)

    def loss_of(batch: tuple[NDArray[np.intp], NDArray[np.bool_]]) -> Tensor:
        rows = [_drawn(told[place][int(way)], rng) for place, way in zip(*batch, strict=True)]
        tokens = torch.from_numpy(np.concatenate(rows))
        said = reader(seen[torch.from_numpy(batch[0])], tokens, shift=int(rng.integers(16)))[:, :-1]
        known = tokens[:, 1:] != pad
        return functional.cross_entropy(reader.head(said[known]), tokens[:, 1:][known])

    steps = max(1, int(len(seen) * passes) // NAMED)
    drawn = batches(len(seen), size=NAMED, steps=steps, seed=seed)
    return fit(reader, drawn, loss_of, steps=steps, rate=RATE, on_step=on_step)


def _drawn(rows: Ints, rng: np.random.Generator) -> Ints:
    """Draw as many rows of each scene, each row once before any comes again."""
    drawn: Ints = rows[rng.permutation(np.resize(np.arange(len(rows)), OBJECTS))]
    return drawn


def train_judging(
    net: Any,
    seen: Tensor,
    statements: Statements,
    tokenizer: Any,
    *,
    passes: float,
    seed: int,
    on_step: OnStep | None = None,
) -> list[float]:
    """Teach projector and language model to judge statements, and to say true answers."""
    yes, no = (tokenizer.convert_tokens_to_ids(word) for word in SAID)
    reader = Reader(net, tokenizer)

    def loss_of(batch: tuple[Ints, Ints]) -> Tensor:
        scenes, chosen = batch
        rows = chosen.flatten()
        tokens = torch.from_numpy(statements.tokens[rows, : statements.ends[rows].max() + 1])
        said = reader(seen[torch.from_numpy(scenes)], tokens)
        return _loss(net.lm_head, said, tokens, statements, rows, yes=yes, no=no)

    steps = max(1, int(len(seen) * passes) // BATCH)
    return fit(reader, _batches(statements, steps=steps, seed=seed), loss_of, steps=steps, rate=RATE, on_step=on_step)


def _loss(
    head: nn.Module, said: Tensor, tokens: Tensor, statements: Statements, chosen: Ints, *, yes: int, no: int
) -> Tensor:
    """Cross-entropy of Yes and No behind each statement, and of the words of true answers."""
    places = torch.arange(len(chosen))
    true = torch.from_numpy(statements.true[chosen])
    last = said[places, torch.from_numpy(statements.ends[chosen])]
    verdict = functional.cross_entropy(head(last), torch.where(true, yes, no))
    answers = torch.from_numpy(statements.answers[chosen, : tokens.shape[1]]) & true[:, None]
    words = functional.cross_entropy(head(said[:, :-1][answers[:, 1:]]), tokens[:, 1:][answers[:, 1:]])
    return verdict + ANSWERING * words


def _batches(statements: Statements, *, steps: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Draw scenes, each once before any comes again, and statements about each of them."""
    rng = random.Random(seed)
    by_scene: dict[int, list[int]] = {}
    for place, scene in enumerate(statements.scenes.tolist()):
        by_scene.setdefault(scene, []).append(place)
    order: list[int] = []
    for _ in range(steps):
        while len(order) < BATCH:
            order += rng.sample(sorted(by_scene), len(by_scene))
        scenes, order = order[:BATCH], order[BATCH:]
        chosen = [rng.choices(by_scene[scene], k=PER_SCENE) for scene in scenes]
        yield np.array(scenes, np.int64), np.array(chosen, np.int64)
