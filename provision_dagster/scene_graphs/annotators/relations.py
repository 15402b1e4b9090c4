"""How objects are related, asked of a vision-language model."""

from functools import cached_property

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.answer_text import first_words
from provision_dagster.scene_graphs.annotators.chat import Chat, Choices, Question, Said, prompt_of
from provision_dagster.scene_graphs.annotators.endpoint import EndpointChat
from provision_dagster.scene_graphs.annotators.found import Answer, Asked
from provision_dagster.scene_graphs.annotators.grounding import Grounded, Grounder, SentenceEncoder
from provision_dagster.scene_graphs.annotators.predicate_answers import Predicate, parse_predicate
from provision_dagster.scene_graphs.annotators.views import pair_views
from provision_dagster.scene_graphs.annotators.vlm import HubChat
from provision_dagster.scene_graphs.annotators.vlm_configs import RelationsConfig, RelationsEndpointConfig
from provision_dagster.scene_graphs.annotators.vlm_words import PredicateWords


class VlmRelations:
    """Asks for the relation of each pair; those of several pictures in one batch."""

    def __init__(self, config: RelationsConfig | RelationsEndpointConfig, *, lexicon: Lexicon | None = None) -> None:
        self.config = config
        self._words = PredicateWords(config.vocabulary, lexicon=lexicon or Lexicon.load())
        # who can say nothing but words of the vocabulary need not be grounded
        meant = config.grounding if config.answers == "free" else None
        self._encoder = None if meant is None else SentenceEncoder(meant)
        self._grounder = Grounder(self._words, encoder=self._encoder, floor=0.0 if meant is None else meant.floor)

    @cached_property
    def _chat(self) -> Chat:
        only = Choices(self._words.words, 1, name="predicate") if self.config.answers == "constrained" else None
        if isinstance(self.config, RelationsConfig):
            return HubChat(self.config, choices=only)
        return EndpointChat(self.config, choices=only)

    @property
    def model(self) -> str:
        """Model, revision, vocabulary and sentence encoder."""
        names = [self._chat.model, self._words.name, *([] if self._encoder is None else [self._encoder.model])]
        return " ".join(names)

    def load(self) -> None:
        """Read vocabulary and weights, or see whether the server is there.

        Raises
        ------
        InputError
            When a model or the vocabulary cannot be had.
        """
        if self._encoder is not None:
            self._encoder.load()
        self._chat.load()

    def annotate(self, batch: list[Asked]) -> list[list[Answer]]:
        """Relate the objects of each picture: one answer per pair, in their order."""
        names = [(asked.labels[s], asked.labels[o]) for asked in batch for s, o in asked.pairs]
        views = [view for asked in batch for view in pair_views(asked, view=self.config)]
        prompts = [prompt_of(self.config.prompt, subject=subject, object=other) for subject, other in names]
        said = self._chat.say([Question(*one) for one in zip(views, prompts, strict=True)]) if names else []
        rest = iter(self._answers(said, names))
        return [[next(rest) for _ in asked.pairs] for asked in batch]

    def _answers(self, said: list[Said], names: list[tuple[str, str]]) -> list[Answer]:
        parsed = [
            parse_predicate(one.text, subject=subject, object=other, complete=one.complete, words=self._words.known)
            for one, (subject, other) in zip(said, names, strict=True)
        ]
        grounded = self._grounder.ground([one.text for one in parsed if one is not None])
        turned = self._words.inverse(sorted({one.predicate for one in grounded.values() if one is not None}))
        texts = first_words([one.text for one in said])
        return [_answer(one, grounded, turned, text) for one, text in zip(parsed, texts, strict=True)]


def _answer(
    parsed: Predicate | None, grounded: dict[str, Grounded | None], turned: dict[str, str], said: str
) -> Answer:
    """Give what was understood; of what was said the other way round, the predicate that says it this way."""
    found = None if parsed is None else grounded[parsed.text]
    if parsed is None or found is None:
        return Answer([], said)
    name = turned.get(found.predicate) if parsed.turned else found.predicate
    return Answer([], said) if name is None else Answer([name], said, found.score)
