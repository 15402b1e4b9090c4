"""Answers that can be nothing but words of a vocabulary."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.errors import InputError
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.chat import Choices
from provision_dagster.scene_graphs.annotators.token_trie import TokenTrie
from provision_dagster.scene_graphs.annotators.vlm_words import AttributeWords
from tests.scene_graphs.annotators.tiny_vlms import letters, pieces

WORDS = AttributeWords(None, lexicon=Lexicon.load()).words
TOKENIZERS = {"letters": letters(), "pieces": pieces(WORDS)}
ALL = {
    name: TokenTrie(tokenizer, Choices(WORDS, 4), ends=[tokenizer.eos_token_id])
    for name, tokenizer in TOKENIZERS.items()
}
quick = settings(deadline=None, max_examples=40)


def walk(trie: TokenTrie, tokenizer: object, data: st.DataObject, *, end: int) -> str:
    """Say anything that is allowed until the end."""
    said: list[int] = []
    while (token := data.draw(st.sampled_from(trie.allowed(said)))) != end:
        said.append(token)
        assert len(said) < 500
    return tokenizer.decode(said)  # type: ignore[attr-defined, no-any-return]


@quick
@pytest.mark.parametrize("name", TOKENIZERS)
@given(st.data(), st.lists(st.sampled_from(WORDS), unique=True, min_size=1, max_size=30), st.integers(1, 4))
def test_whatever_is_allowed_is_a_list_of_the_vocabulary(
    name: str, data: st.DataObject, words: list[str], most: int
) -> None:
    tokenizer = TOKENIZERS[name]
    trie = TokenTrie(tokenizer, Choices(words, most), ends=[tokenizer.eos_token_id])
    said = walk(trie, tokenizer, data, end=tokenizer.eos_token_id).strip().split(", ")
    assert said == ["none"] or (set(said) <= set(words) and len(said) == len(set(said)) <= most)


@quick
@pytest.mark.parametrize("name", TOKENIZERS)
@given(st.lists(st.sampled_from(WORDS), unique=True, min_size=1, max_size=4))
def test_every_list_of_the_vocabulary_is_allowed(name: str, words: list[str]) -> None:
    tokenizer, trie = TOKENIZERS[name], ALL[name]
    tokens = tokenizer.encode(", ".join(words), add_special_tokens=False)
    for place, token in enumerate([*tokens, tokenizer.eos_token_id]):
        assert token in trie.allowed(tokens[:place])


def test_a_word_may_begin_another() -> None:
    tokenizer = letters()
    end = tokenizer.eos_token_id
    trie = TokenTrie(tokenizer, Choices(["light", "light blue"], 2), ends=[end])

    def after(text: str) -> set[str]:
        return {
            "END" if token == end else tokenizer.decode([token])
            for token in trie.allowed(tokenizer.encode(text, add_special_tokens=False))
        }

    assert after("") == {"l", "n", " "}
    assert after("light") == {"END", ",", " "}
    assert after("light, light") == {" "}  # light was said
    assert after("light blue") == {"END", ","}
    assert after("light blue, light") == {"END"}
    assert after("none") == {"END"}
    assert after("what no list begins with") == {"END"}


def test_what_the_tokenizer_cannot_spell_is_left_out() -> None:
    tokenizer = pieces(["red"])
    end = tokenizer.eos_token_id
    trie = TokenTrie(tokenizer, Choices(["red", "Ω"], 2), ends=[end])
    red = tokenizer.encode("red", add_special_tokens=False)
    assert trie.allowed(red) == [end]
    with pytest.raises(InputError, match="spell none of the 1 words"):
        TokenTrie(tokenizer, Choices(["Ω"], 2), ends=[end])


def test_an_answer_with_several_ends() -> None:
    tokenizer = letters()
    trie = TokenTrie(tokenizer, Choices(["a"], 1), ends=[0, 2])
    said = tokenizer.encode("a", add_special_tokens=False)
    assert trie.allowed(said) == [0, 2]
    assert trie.allowed([*said, 2, 2]) == [0, 2]
