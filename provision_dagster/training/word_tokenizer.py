"""Tokenizers that know the words of rendered scenes, one token each, saved as transformers saves its own."""

from collections.abc import Iterable
from typing import Any

WORD = r"\d+\.\d+|\w+|[^\w\s]"
"""A number with decimals, a word, or a mark."""
PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<start>", "<end>"


def words_of(texts: Iterable[str], *, lower: bool, pattern: str = WORD) -> list[str]:
    """List every token of texts once, sorted."""
    import re

    return sorted({word for text in texts for word in re.findall(pattern, text.lower() if lower else text)})


def word_tokenizer(
    words: list[str], *, special: tuple[str, ...] = (), lower: bool, framed: bool, pattern: str = WORD
) -> Any:
    """Make a tokenizer of whole words.

    Parameters
    ----------
    words
        Its vocabulary; any other word is `<unk>`.
    special
        Further tokens that texts may hold as they are.
    lower
        Read capitals as small letters.
    framed
        Put `<start>` before and `<end>` behind every text. `<end>` has the highest number, as CLIP wants it.
    pattern
        Regular expression of a token; what lies between two is dropped.

    Returns
    -------
    transformers.PreTrainedTokenizerFast
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made: Any = PreTrainedTokenizerFast
    names = [PAD, UNKNOWN, START, *special, *words, END]
    vocabulary = {name: number for number, name in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    if lower:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
    tokenizer.decoder = decoders.Fuse() if framed else decoders.WordPiece(prefix="", cleanup=False)
    if framed:
        ends = [(START, vocabulary[START]), (END, vocabulary[END])]
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{START} $A {END}", special_tokens=ends)
    return made(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=START,
        eos_token=END,
        additional_special_tokens=list(special),
    )
