"""Yes and No: tokens that say them, and the probability from logits, checked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from provision_dagster.errors import InputError
from provision_dagster.filters.judge_words import answer_tokens, judged, judged_by_list, p_yes
from tests.scene_graphs.annotators import tiny_vlms

FINITE = st.floats(-200, 200)


def words(*names: str) -> PreTrainedTokenizerFast:
    vocabulary = {name: number for number, name in enumerate(["<unk>", *names])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


def test_one_token_each_is_the_equation() -> None:
    """Genixer, eq. 3: exp(2) / (exp(2) + exp(1)) = 0.731..."""
    found = p_yes(np.array([[2.0], [0.0], [-3.0]]), np.array([[1.0], [0.0], [4.0]]))
    assert found.tolist() == pytest.approx([0.7310585786, 0.5, math.exp(-3) / (math.exp(-3) + math.exp(4))])


def test_tokens_of_a_word_are_summed() -> None:
    """exp(0) + exp(1) against exp(2) + exp(-1)."""
    yes, no = math.exp(0) + math.exp(1), math.exp(2) + math.exp(-1)
    assert p_yes(np.array([[0.0, 1.0]]), np.array([[2.0, -1.0]]))[0] == pytest.approx(yes / (yes + no))


@given(st.lists(FINITE, min_size=1, max_size=4), st.lists(FINITE, min_size=1, max_size=4), st.floats(-500, 500))
def test_yes_and_no_add_up_and_only_differences_count(yes: list[float], no: list[float], shift: float) -> None:
    (one,), (other,) = p_yes(np.array([yes]), np.array([no])), p_yes(np.array([no]), np.array([yes]))
    (moved,) = p_yes(np.array([yes]) + shift, np.array([no]) + shift)
    assert one + other == pytest.approx(1.0)
    assert moved == pytest.approx(one, abs=1e-9)
    assert 0 <= one <= 1


def test_extreme_logits_do_not_overflow() -> None:
    assert p_yes(np.array([[1e4], [-1e4]]), np.array([[-1e4], [1e4]])).tolist() == [1.0, 0.0]


def test_mass_is_the_share_of_both_words() -> None:
    """A vocabulary of four tokens with probabilities 0.3, 0.1, 0.2, 0.4; Yes is the first, No the second."""
    logits = np.log(np.array([[0.3, 0.1, 0.2, 0.4]])) + 5
    (found,) = judged(logits[:, :1], logits[:, 1:2], np.logaddexp.reduce(logits, axis=1))
    assert [found.p_yes, found.mass] == pytest.approx([0.75, 0.4])


def test_logits_that_are_not_finite_are_an_error() -> None:
    yes, no = np.array([[np.nan], [0.0]]), np.array([[0.0], [0.0]])
    bad, good = judged(yes, no, np.array([2.0, 2.0]))
    assert (bad.p_yes, bad.mass, bad.error) == (None, None, "the model gave logits that are not finite")
    assert good.p_yes == 0.5


def test_forms_that_both_words_have() -> None:
    names = ["Yes", "No", "▁Yes", "▁No", "yes", "no", "YES", "▁no", "Not", "Yesterday", "Yes!", "know", "Ġno"]
    tokenizer = words(*names)
    yes, no = answer_tokens(tokenizer)
    paired = {tuple(tokenizer.convert_ids_to_tokens(list(pair))) for pair in zip(yes, no, strict=True)}
    assert paired == {("Yes", "No"), ("▁Yes", "▁No"), ("yes", "no")}


def test_a_model_that_spells_begins_with_a_letter() -> None:
    tokenizer = tiny_vlms.letters()
    yes, no = answer_tokens(tokenizer)
    assert tokenizer.convert_ids_to_tokens(yes + no) == ["Y", "N"]


def test_a_vocabulary_without_yes_or_no_is_refused() -> None:
    with pytest.raises(InputError, match="no tokens that tell Yes from No"):
        answer_tokens(words("dog", "cat"))


def test_a_servers_list_is_summed_by_word() -> None:
    listed = {"Yes": 0.4, " yes": 0.2, "No": 0.1, "▁no": 0.1, "It": 0.15, "Yesterday": 0.05}
    found = judged_by_list({token: math.log(share) for token, share in listed.items()})
    assert [found.p_yes, found.mass] == pytest.approx([0.75, 0.8])


@pytest.mark.parametrize(
    ("listed", "missing"),
    [({"Yes": 0.6, "It": 0.2, "The": 0.1}, "No"), ({"It": 0.5, "A": 0.2}, "Yes or No"), ({"No": 0.3, "I": 0.3}, "Yes")],
)
def test_a_word_that_is_not_listed_is_a_reason(listed: dict[str, float], missing: str) -> None:
    found = judged_by_list({token: math.log(share) for token, share in listed.items()})
    assert found.p_yes is None
    assert found.error is not None
    assert found.error.startswith(f"no token of {missing} among the {len(listed)} likeliest: ")
    assert repr(next(iter(listed))) in found.error


@pytest.mark.parametrize(("word", "expected"), [("Yes", 1.0), ("No", 0.0)])
def test_a_word_less_likely_than_all_that_is_listed_was_never_said(word: str, expected: float) -> None:
    """The other word has at most the probability of the last token listed: a thousandth of this one's."""
    found = judged_by_list({word: math.log(0.99), "It": math.log(0.0009)})
    assert (found.p_yes, found.error) == (expected, None)
