"""What objects are like, asked of a vision-language model."""

from functools import cached_property

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.answer_text import first_words
from provision_dagster.scene_graphs.annotators.attribute_answers import parse_attributes
from provision_dagster.scene_graphs.annotators.chat import Chat, Choices, Question, prompt_of
from provision_dagster.scene_graphs.annotators.endpoint import EndpointChat
from provision_dagster.scene_graphs.annotators.found import Answer, Asked
from provision_dagster.scene_graphs.annotators.views import object_views
from provision_dagster.scene_graphs.annotators.vlm import HubChat
from provision_dagster.scene_graphs.annotators.vlm_configs import AttributesConfig, AttributesEndpointConfig
from provision_dagster.scene_graphs.annotators.vlm_words import AttributeWords


class VlmAttributes:
    """Asks for the attributes of each object; those of several pictures in one batch."""

    def __init__(self, config: AttributesConfig | AttributesEndpointConfig, *, lexicon: Lexicon | None = None) -> None:
        self.config = config
        self._words = AttributeWords(config.vocabulary, lexicon=lexicon or Lexicon.load())

    @cached_property
    def _chat(self) -> Chat:
        only = Choices(self._words.words, self.config.most) if self.config.answers == "constrained" else None
        if isinstance(self.config, AttributesConfig):
            return HubChat(self.config, choices=only)
        return EndpointChat(self.config, choices=only)

    @property
    def model(self) -> str:
        """Model, revision and vocabulary."""
        return f"{self._chat.model} {self._words.name}"

    def load(self) -> None:
        """Read vocabulary and weights, or see whether the server is there.

        Raises
        ------
        InputError
            When the model or the vocabulary cannot be had.
        """
        self._chat.load()

    def annotate(self, batch: list[Asked]) -> list[list[Answer]]:
        """Describe the objects of each picture: one answer per object, in their order."""
        labels = [label for asked in batch for label in asked.labels]
        views = [view for asked in batch for view in object_views(asked, view=self.config)]
        prompts = [prompt_of(self.config.prompt, label=label) for label in labels]
        said = self._chat.say([Question(*one) for one in zip(views, prompts, strict=True)]) if labels else []
        parsed = [
            parse_attributes(one.text, label=label, complete=one.complete, words=self._words.known)
            for one, label in zip(said, labels, strict=True)
        ]
        values = self._words.kept(parsed, most=self.config.most)
        texts = first_words([one.text for one in said])
        rest = iter([Answer(found, text) for found, text in zip(values, texts, strict=True)])
        return [[next(rest) for _ in asked.labels] for asked in batch]
