"""Tokenizers for models with random weights: they know letters, so that any label can be read."""

from collections.abc import Sequence
from typing import Any

LETTERS = [chr(code) for code in range(ord("!"), ord("~") + 1)]
BERT_WORDS = 30_522
"""Words of BERT's vocabulary (bert-base-uncased); what follows stands where it does there."""
BERT_PLACES = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, ".": 1012, "?": 1029}

LABELS = [
    *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "bench", "bird", "cat"),
    *("dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag"),
    *("tie", "suitcase", "frisbee", "kite", "skateboard", "surfboard", "bottle", "cup", "fork", "knife", "spoon"),
    *("bowl", "banana", "apple", "sandwich", "orange", "broccoli"),
]
"""What open-vocabulary detectors search for: 40 of COCO's labels, as many as one prompt holds."""

CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def bert(known: Sequence[str]) -> Any:
    """Make a WordPiece tokenizer that spells words it does not know, with BERT's special tokens in their places."""
    from transformers import BertTokenizerFast

    words = [f"[unused{number}]" for number in range(BERT_WORDS)]
    for word, place in BERT_PLACES.items():
        words[place] = word
    lower = sorted({letter.lower() for letter in LETTERS} - set(BERT_PLACES))
    ordinary = [*known, *lower, *(f"##{letter}" for letter in lower)]
    words[2000 : 2000 + len(ordinary)] = ordinary
    return BertTokenizerFast(vocab={word: number for number, word in enumerate(words)}, model_max_length=512)


def clip(length: int) -> Any:
    """Make a tokenizer of CLIP's kind that reads `length` letters and pads to as many."""
    from transformers import CLIPTokenizerFast

    tokens = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizerFast(vocab=vocabulary, merges=[], model_max_length=length)


def chat() -> Any:
    """Make a tokenizer of Qwen's kind that spells every text by its bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    marks = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *marks]
    known = [*names, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={name: number for number, name in enumerate(known)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|endoftext|>", eos_token="<|im_end|>", additional_special_tokens=marks
    )
