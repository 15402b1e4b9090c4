"""What is asked of vision-language models, how they may answer, and where they run."""

from collections.abc import Sequence
from string import Formatter
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from provision_dagster.image_sets.spec import LocalPath
from provision_dagster.scene_graphs.annotators.asking import ObjectLimits, PairLimits
from provision_dagster.scene_graphs.annotators.base_config import AnnotatorConfig, HubConfig, Share

_LIST_ATTRIBUTES = (
    " List what can be seen of it: color, material, shape, size, pattern, state, pose. Answer with single words or "
    "short phrases, separated by commas, and nothing else. Answer 'none' if nothing is certain."
)
ATTRIBUTES_PROMPTS = {
    "crop": "Look at the {label} in the middle of the picture." + _LIST_ATTRIBUTES,
    "marked": "Look at the {label} in the red box." + _LIST_ATTRIBUTES,
}
"""By view."""

RELATIONS_PROMPT = (
    "The red box marks the {subject}, the blue box marks the {object}. How is the {subject} related to the {object}? "
    "Answer with a short predicate such as 'on', 'wearing' or 'to the left of', and nothing else. "
    "Answer 'none' if they have nothing to do with each other."
)


def check_placeholders(prompt: str, *, allowed: Sequence[str], required: Sequence[str] = ()) -> None:
    """Raise ValueError for a prompt that cannot be filled, or lacks a placeholder that it must have."""
    try:
        named = [name for _, name, _, _ in Formatter().parse(prompt) if name is not None]
    except ValueError as error:
        raise ValueError(f"a brace lacks its other half (write {{{{ for a brace as such): {error}") from error
    for name in named:
        if name not in allowed:
            raise ValueError(f"unknown placeholder {{{name}}}; allowed: {', '.join(f'{{{one}}}' for one in allowed)}")
    for name in required:
        if name not in named:
            raise ValueError(f"lacks the placeholder {{{name}}}")


class View(AnnotatorConfig):
    """What is shown of a picture."""

    view: Literal["crop", "marked"] = "crop"
    """The place with some of its surroundings, or the whole picture with boxes drawn on it."""
    margin: Share = 0.25
    """Surroundings of a crop, on each side, as a share of the longer side of what is cropped."""
    longest_side: Annotated[int, Field(ge=32)] = 768
    """Pixels; larger views are scaled down."""


class QuestionConfig(View):
    """A question about a place in a picture."""

    placeholders: ClassVar[tuple[str, ...]]

    prompt: Annotated[str, Field(min_length=1)]
    answers: Literal["constrained", "free"] = "constrained"
    """Whether the model can say nothing but words of the vocabulary, or says what it likes and is parsed."""
    vocabulary: LocalPath | None = None
    """Text file, one word or phrase a line; null: the lexicon's."""
    max_new_tokens: Annotated[int, Field(ge=1)] = 64

    @field_validator("prompt")
    @classmethod
    def _can_be_filled(cls, prompt: str) -> str:
        check_placeholders(prompt, allowed=cls.placeholders)
        return prompt


def _attributes_prompt(fields: dict[str, Any]) -> str:
    """Choose the prompt by the view, which is read before it."""
    return ATTRIBUTES_PROMPTS[fields.get("view", "crop")]


class _AttributesQuestion(ObjectLimits, QuestionConfig):
    placeholders = ("label",)

    prompt: Annotated[str, Field(min_length=1, default_factory=_attributes_prompt)]
    """{label} stands for the name of the object."""
    most: Annotated[int, Field(ge=1)] = 8
    """Attributes per object at most, in the model's order."""


class GroundingConfig(HubConfig):
    """A sentence encoder that finds for a predicate the one of the vocabulary that means most nearly the same."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "cpu"
    floor: Share = 0.7
    """Cosine similarity below which a predicate is dropped."""
    batch: Annotated[int, Field(ge=1)] = 64
    """Phrases per call."""


class _RelationsQuestion(PairLimits, QuestionConfig):
    placeholders = ("subject", "object")

    prompt: Annotated[str, Field(min_length=1)] = RELATIONS_PROMPT
    """{subject} and {object} stand for the names of the two objects."""
    answers: Literal["constrained", "free"] = "free"
    grounding: GroundingConfig | None = None
    """For free answers; null: predicates that are not in the vocabulary, and no synonym of one there, are dropped."""


class _HubVlm(HubConfig):
    batch: Annotated[int, Field(ge=1)] = 16
    """Questions per call of the model, of as many pictures as it takes."""


class EndpointConfig(AnnotatorConfig):
    """A server with OpenAI's interface for chat completions, such as vLLM."""

    model: Annotated[str, Field(min_length=1)]
    """Name under which the server offers the model."""
    base_url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    """Up to and with "/v1"."""
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Name of the environment variable that holds the key; null: the server wants none."""
    timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds for one answer."""
    max_concurrent: Annotated[int, Field(ge=1)] = 16
    """Questions under way at a time."""
    retries: Annotated[int, Field(ge=0)] = 4
    """Further tries after 429, 5xx, a lost connection or no answer in time, each after a longer wait."""
    seed: int = 0
    encoding: Literal["jpeg", "png"] = "jpeg"
    """How pictures are sent; JPEG with quality 95."""


class AttributesConfig(_AttributesQuestion, _HubVlm):
    """Attributes of objects by an image-text-to-text model of transformers."""

    kind: Literal["image-text-to-text"]


class AttributesEndpointConfig(_AttributesQuestion, EndpointConfig):
    """Attributes of objects by a server."""

    kind: Literal["endpoint"]


class RelationsConfig(_RelationsQuestion, _HubVlm):
    """Relations between objects by an image-text-to-text model of transformers."""

    kind: Literal["image-text-to-text"]


class RelationsEndpointConfig(_RelationsQuestion, EndpointConfig):
    """Relations between objects by a server."""

    kind: Literal["endpoint"]
