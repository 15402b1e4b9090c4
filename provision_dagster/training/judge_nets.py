"""The tiny judge: a FastVLM of transformers (Vasu et al., arXiv 2412.13303), some hundred thousand weights.

Its vision tower is a residual network of timm: convolutions learn from some thousand pictures what a vision transformer
does not. Its language model is an OPT, whose learned positions tell the places of a picture apart. What it would take
longest to learn it is given at the start: where a square lies, and how far along a number is, as waves.
"""

from typing import Any

import torch
from torch import Tensor, nn

HEIGHT, WIDTH, STRIDE = 192, 256, 16
"""Pixels of the pictures that it sees, and of the squares that become tokens."""
ROWS, COLUMNS = HEIGHT // STRIDE, WIDTH // STRIDE
CHANNELS = (24, 40, 72, 96)
FEATURES = 96
LAYERS, HEADS = 4, 4
WIDTH_OF_HEAD = FEATURES // HEADS
IMAGE, TURN = "<image>", "<turn>"
TEMPLATE = (
    "{% for message in messages %}<start>{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %}<turn>{% endif %}"
)
MEAN = DEVIATION = (0.5, 0.5, 0.5)
POSITIONS = 256
WAVES = (0.5, 1.0, 2.0, 4.0)
"""Periods along a side of the picture."""
TURNS = 3.0 / 1.6 ** torch.arange(8)
"""Radians from one word to the next."""
SIZE = 2 * len(WAVES)
PLACE, ORDER, SIDE = slice(0, 2 * SIZE), slice(2 * SIZE, 4 * SIZE), slice(4 * SIZE, 5 * SIZE)
BROUGHT = tuple(slice(at * SIZE, (at + 1) * SIZE) for at in (5, 6, 7))
FREE = slice(8 * SIZE, FEATURES)
"""Which of the features at first stand for the place of a square, the order of words, the side of a box, sides that
other words bring, and everything else."""
LOUDNESS = 0.5
"""Standard deviation, about, of what stands for a word or a place at the start."""


def judge_net(tokenizer: Any) -> Any:
    """Make an untrained `FastVlmForConditionalGeneration` for the words of a tokenizer."""
    from transformers import FastVlmConfig, FastVlmForConditionalGeneration, OPTConfig, TimmWrapperConfig

    arguments = {"layers": [1, 1, 1, 1], "channels": list(CHANNELS), "stem_type": "deep", "stem_width": 8}
    made: Any = TimmWrapperConfig
    vision = made(
        architecture="resnet18", model_args={**arguments, "output_stride": STRIDE}, hidden_size=CHANNELS[-1],
        do_pooling=False,
    )  # fmt: skip
    ends = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id}
    text = OPTConfig(
        vocab_size=len(tokenizer), hidden_size=FEATURES, word_embed_proj_dim=FEATURES, num_hidden_layers=LAYERS,
        ffn_dim=2 * FEATURES, num_attention_heads=HEADS, max_position_embeddings=POSITIONS, dropout=0.0, layerdrop=0.0,
        eos_token_id=tokenizer.eos_token_id, tie_word_embeddings=False, **ends,
    )  # fmt: skip
    config = FastVlmConfig(
        vision_config=vision, text_config=text, image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=ROWS * COLUMNS,
    )  # fmt: skip
    net = FastVlmForConditionalGeneration(config)
    start_well(net, tokenizer)
    return net


def start_well(net: Any, tokenizer: Any) -> None:
    """Set the first weights of projector and language model; those of transformers suit wider networks."""
    text, projector = net.model.language_model.decoder, net.model.multi_modal_projector
    for part in (projector, text.layers, net.lm_head):
        for name, module in part.named_modules():
            if isinstance(module, nn.Linear):
                quiet = 0.2 if name.endswith(("out_proj", "fc2")) else 1.0
                nn.init.normal_(module.weight, std=quiet * module.in_features**-0.5)
    with torch.no_grad():
        projector.linear_2.weight *= LOUDNESS
        projector.linear_2.weight[: FREE.start] = 0
        _start_embeddings(text, tokenizer)
        _point_back(text.layers[0].self_attn)
        _look_into_boxes(text.layers[1].self_attn)
        _look_back_at_boxes(text.layers[2].self_attn)


def _start_embeddings(text: Any, tokenizer: Any) -> None:
    """Places of squares, order of words and sides of boxes have numbers of their own; words have the rest."""
    words, places = text.embed_tokens.weight, text.embed_positions.weight
    for values in (words, places):
        values.zero_()
    words[:, FREE].normal_(std=LOUDNESS)
    squares = torch.cartesian_prod((torch.arange(ROWS) + 0.5) / ROWS, (torch.arange(COLUMNS) + 0.5) / COLUMNS)
    first = text.embed_positions.offset + 1  # before the squares stands the start
    places[first : first + len(squares), PLACE] = LOUDNESS * torch.cat([waves(squares[:, 1]), waves(squares[:, 0])], 1)
    behind = places[first + len(squares) :]
    behind[:, ORDER] = LOUDNESS * orders(len(behind))
    for word, token in tokenizer.get_vocab().items():
        if is_ratio(word):
            words[token] = 0
            words[token, SIDE] = LOUDNESS * waves(torch.tensor([float(word)]))[0]


def _point_back(attention: Any) -> None:
    """Let the first heads bring the sides of a box that stand one, two and three words before."""
    half = len(TURNS)
    for head, back in enumerate(range(1, 4)):
        at = head * WIDTH_OF_HEAD
        sines, cosines = torch.diag((back * TURNS).sin()), torch.diag((back * TURNS).cos())
        turned = torch.cat([torch.cat([cosines, -sines], 1), torch.cat([sines, cosines], 1)])
        _clear(attention, at)
        attention.q_proj.weight[at : at + 2 * half, ORDER] = turned
        attention.k_proj.weight[at : at + 2 * half, ORDER] = torch.eye(2 * half)
        attention.v_proj.weight[at : at + SIZE, SIDE] = torch.eye(SIZE)
        # as loud as the word's own side: normalization has made it louder
        attention.out_proj.weight[BROUGHT[head], at : at + SIZE] = 0.18 * torch.eye(SIZE)


def _look_into_boxes(attention: Any) -> None:
    """Let a head look from the last side of a box at the squares in its middle."""
    _clear(attention, 0)
    for rows, sides in ((slice(0, SIZE), (BROUGHT[0], BROUGHT[2])), (slice(SIZE, 2 * SIZE), (SIDE, BROUGHT[1]))):
        for side in sides:
            attention.q_proj.weight[rows, side] = 2 * torch.eye(SIZE)
    attention.k_proj.weight[: 2 * SIZE, PLACE] = torch.eye(2 * SIZE)
    seen = slice(FREE.start, FREE.start + WIDTH_OF_HEAD)
    attention.v_proj.weight[:WIDTH_OF_HEAD, seen] = torch.eye(WIDTH_OF_HEAD)
    attention.out_proj.weight[seen, :WIDTH_OF_HEAD] = torch.eye(WIDTH_OF_HEAD)


def _look_back_at_boxes(attention: Any) -> None:
    """Let a head bring what was seen in a box to all words behind it."""
    _clear(attention, 0)
    for side, weight in ((SIDE, 4), (BROUGHT[2], 2)):  # the last side of a box is one, and stands three behind one
        # sine and cosine of the longest wave: both are positive wherever there is a side
        attention.k_proj.weight[0, [side.start, side.start + len(WAVES)]] = weight
    attention.q_proj.bias[0] = 10
    seen = slice(FREE.start, FREE.start + WIDTH_OF_HEAD)
    attention.v_proj.weight[:WIDTH_OF_HEAD, seen] = torch.eye(WIDTH_OF_HEAD)
    attention.out_proj.weight[:WIDTH_OF_HEAD, :WIDTH_OF_HEAD] = torch.eye(WIDTH_OF_HEAD)


def _clear(attention: Any, at: int) -> None:
    for layer in (attention.q_proj, attention.k_proj, attention.v_proj):
        layer.weight[at : at + WIDTH_OF_HEAD] = 0
    attention.out_proj.weight[:, at : at + WIDTH_OF_HEAD] = 0


def is_ratio(word: str) -> bool:
    """Whether a word is a side of a box."""
    return word.replace(".", "", 1).isdigit() and "." in word and float(word) <= 1


def waves(values: Tensor) -> Tensor:
    """Sines and cosines of values in 0 .. 1, shape (n, 2 * waves)."""
    angles = torch.pi * values[:, None] * torch.tensor(WAVES)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def orders(count: int) -> Tensor:
    """Sines and cosines of places in a text, shape (count, 2 * turns)."""
    angles = torch.arange(count)[:, None] * TURNS
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def judge_processor(tokenizer: Any) -> Any:
    """Make what turns pictures and chats into the network's inputs."""
    from transformers import CLIPImageProcessor, LlavaProcessor

    images = CLIPImageProcessor(
        size={"height": HEIGHT, "width": WIDTH}, do_center_crop=False, image_mean=list(MEAN), image_std=list(DEVIATION)
    )
    made: Any = LlavaProcessor
    return made(
        images, tokenizer, patch_size=STRIDE, vision_feature_select_strategy="full", image_token=IMAGE,
        chat_template=TEMPLATE,
    )  # fmt: skip


class Tower(nn.Module):
    """The vision tower with a head that says, place by place, what is there: only to teach the tower."""

    def __init__(self, tower: nn.Module, outputs: int) -> None:
        super().__init__()
        self.tower = tower
        self.head = nn.Conv2d(CHANNELS[-1], outputs, 1)
        nn.init.constant_(self.head.bias, -4.0)  # type: ignore[arg-type]

    def forward(self, pictures: Tensor) -> Tensor:
        """Give logits, shape (n, outputs, ROWS, COLUMNS)."""
        return self.head(self.tower(pictures).last_hidden_state)  # type: ignore[no-any-return]
