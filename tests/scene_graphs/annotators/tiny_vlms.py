"""Vision-language models and a sentence encoder of real architectures, some thousand weights each, made on the spot."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    CLIPImageProcessor,
    CLIPVisionConfig,
    FuyuConfig,
    FuyuForCausalLM,
    FuyuImageProcessor,
    FuyuProcessor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

TEMPLATE = (
    "{% for message in messages %}<start>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<end>\n{% endfor %}"
    "{% if add_generation_prompt %}<start>assistant\n{% endif %}"
)


def letters(*special: str) -> PreTrainedTokenizerFast:
    """Make a tokenizer that spells every text by its bytes."""
    names = ["<pad>", "<start>", "<end>", *special]
    vocabulary = {name: number for number, name in enumerate([*names, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", additional_special_tokens=list(special)
    )


def pieces(words: list[str]) -> PreTrainedTokenizerFast:
    """Make a tokenizer as Llama's: whole words, with a mark for the space before each, also before the first."""
    parts = sorted({"▁" + part for word in [*words, "none", "x"] for part in word.split()})
    characters = sorted({letter for part in parts for letter in part} | {","})
    names = ["<unk>", "<pad>", "<end>", *characters, *parts]
    scores = [(name, -1.0 if name in parts else -9.0) for name in dict.fromkeys(names)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=0, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", unk_token="<unk>")


def marked(*special: str, words: list[str]) -> PreTrainedTokenizerFast:
    """Make a tokenizer as Fuyu's: a mark stands before every text, also before special words; few words are whole."""
    parts = ["<pad>", "<end>", "<unk>", *special, *("▁" + word for word in words)]
    letters = ["▁", "\n", *map(chr, range(33, 127))]
    scores = [*((name, -1.0) for name in parts), *((letter, -9.0) for letter in letters)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=2, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", unk_token="<unk>")


def _text(tokenizer: PreTrainedTokenizerFast) -> dict[str, object]:
    """Sizes of a language model; weights so large that its words depend on what it sees."""
    return {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 4096, "initializer_range": 0.4,
        "pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None,
    }  # fmt: skip


def llava(folder: Path) -> Path:
    """Save a LLaVA that looks at 32 x 32 pixels: a fixed number of tokens for any picture."""
    torch.manual_seed(4)
    tokenizer = letters("<image>")
    vision = CLIPVisionConfig(
        image_size=32, patch_size=8, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        initializer_range=0.4,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=vision, text_config=LlamaConfig(**_text(tokenizer)), vision_feature_layer=-1,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"), image_seq_length=16,
    )  # fmt: skip
    _save(LlavaForConditionalGeneration(config), folder, tokenizer)
    images = CLIPImageProcessor(size={"height": 32, "width": 32}, do_center_crop=False)
    LlavaProcessor(
        images, tokenizer, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        image_token="<image>", chat_template=TEMPLATE.replace("IMAGE", "<image>"),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def qwen2_vl(folder: Path) -> Path:
    """Save a Qwen2-VL: larger pictures are more tokens."""
    torch.manual_seed(5)
    tokenizer = letters("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    number = tokenizer.convert_tokens_to_ids
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10_000.0}
    vision = {
        "depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 1, "patch_size": 8,
        "initializer_range": 0.4,
    }  # fmt: skip
    config = Qwen2VLConfig(
        text_config={**_text(tokenizer), "rope_parameters": rope}, vision_config=vision,
        image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"), vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    _save(Qwen2VLForConditionalGeneration(config), folder, tokenizer)
    images = Qwen2VLImageProcessor(patch_size=8, min_pixels=256, max_pixels=4096)
    marks = TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    Qwen2VLProcessor(images, tokenizer, Qwen2VLVideoProcessor(), chat_template=marks).save_pretrained(folder)
    return folder


def fuyu(folder: Path) -> Path:
    """Save a Fuyu: patches of 10 x 10 pixels are tokens, in lines; there is no template for chats."""
    torch.manual_seed(7)
    tokenizer = marked("|SPEAKER|", "|NEWLINE|", "<s>", "<0x04>", words=["Yes", "No"])
    number = tokenizer.convert_tokens_to_ids
    text = {
        "model_type": "persimmon", "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 4096, "initializer_range": 0.4,
        "pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": number("<s>"),
    }  # fmt: skip
    config = FuyuConfig(text_config=text, patch_size=10, image_size=40, image_token_id=number("|SPEAKER|"))
    _save(FuyuForCausalLM(config), folder, tokenizer)
    images = FuyuImageProcessor(size={"height": 60, "width": 80}, patch_size={"height": 10, "width": 10})
    FuyuProcessor(images, tokenizer).save_pretrained(folder)
    return folder


def _save(model: torch.nn.Module, folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    model.generation_config.pad_token_id = tokenizer.pad_token_id  # type: ignore[union-attr]
    model.generation_config.eos_token_id = tokenizer.eos_token_id  # type: ignore[union-attr]
    # as models for chat have it: settings for sampling that must not count
    model.generation_config.do_sample = True  # type: ignore[union-attr]
    model.generation_config.temperature = 0.7  # type: ignore[union-attr]
    model.save_pretrained(folder)


def sentence_encoder(folder: Path, meanings: dict[str, list[float]]) -> Path:
    """Save a text encoder without layers: a text means the mean of what its words mean.

    Parameters
    ----------
    meanings
        By word: a vector; all of one even length.
    """
    size = len(next(iter(meanings.values())))
    model = _bert(folder, list(meanings), hidden_size=2 * size, num_hidden_layers=0, num_attention_heads=1)
    table = model.embeddings
    with torch.no_grad():
        for part in (table.position_embeddings, table.token_type_embeddings, table.word_embeddings):
            part.weight.zero_()
        # a vector and its negative: their mean is zero, as the layer's norm wants it
        rows = torch.tensor([[*vector, *(-one for one in vector)] for vector in meanings.values()])
        table.word_embeddings.weight[-len(meanings) :] = rows
    model.save_pretrained(folder)
    return folder


def random_encoder(folder: Path, words: list[str]) -> Path:
    """Save a BERT whose layers look at all words of a text."""
    torch.manual_seed(6)
    _bert(folder, words, hidden_size=32, num_hidden_layers=2, num_attention_heads=2).save_pretrained(folder)
    return folder


def _bert(folder: Path, words: list[str], **sizes: int) -> BertModel:
    folder.mkdir(parents=True, exist_ok=True)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: number for number, word in enumerate([*special, *words])}
    BertTokenizerFast(vocab=vocabulary, model_max_length=16).save_pretrained(folder)
    return BertModel(BertConfig(vocab_size=len(vocabulary), intermediate_size=32, initializer_range=0.4, **sizes))
