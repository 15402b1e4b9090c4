"""What a judge is asked of a question and its answer, and where it runs."""

import json
from string import Formatter
from typing import Annotated, Literal

from pydantic import Field, field_validator

from provision_dagster.generators.registry import all_generators
from provision_dagster.scene_graphs.annotators.base_config import AnnotatorConfig, HubConfig
from provision_dagster.scene_graphs.annotators.vlm_configs import EndpointConfig, check_placeholders

PLACEHOLDERS = ("question", "answer")

PROMPT = (
    "Look closely, then judge whether an answer is right.\nQuestion: {question}\nAnswer: {answer}\n"
    "Is this answer true of what is shown? Reply with Yes or No."
)
"""What stands before the question is read once per picture: the longer part of a prompt belongs there."""


class JudgePrompt(AnnotatorConfig):
    """What is shown and asked."""

    prompt: Annotated[str, Field(min_length=1)] = PROMPT
    """{question} and {answer} stand for those of a row; of multiple choice for the stem and the text of the answer."""
    longest_side: Annotated[int, Field(ge=32)] = 1024
    """Pixels; larger pictures are scaled down."""
    generators: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Whose questions are asked; empty: all. A small model is asked what it knows; the rest has no verdict."""

    @field_validator("generators")
    @classmethod
    def _are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = ", ".join(f"`{name}`" for name in sorted(set(names) - set(all_generators())))
        if unknown:
            raise ValueError(f"unknown generator {unknown}; known: {', '.join(all_generators())}")
        return names

    def told(self) -> str:
        """See `AnnotatorConfig.told`; which questions are asked changes no score."""
        told = json.loads(super().told())
        del told["generators"]
        return json.dumps(told, separators=(",", ":"), ensure_ascii=False)

    @field_validator("prompt")
    @classmethod
    def _can_be_filled(cls, prompt: str) -> str:
        check_placeholders(prompt, allowed=PLACEHOLDERS, required=PLACEHOLDERS)
        for _, name, form, conversion in Formatter().parse(prompt):
            if form or conversion:
                raise ValueError(f"write {{{name}}} without a format or conversion")
        return prompt


class JudgeConfig(JudgePrompt, HubConfig):
    """An image-text-to-text model of transformers with a chat template, or Fuyu (Genixer, arXiv 2312.06731)."""

    kind: Literal["image-text-to-text"]
    batch: Annotated[int, Field(ge=1)] = 16
    """Questions per call of the model."""
    reuse_prefix: bool = True
    """Read pictures and the beginning of the prompt once for all questions about the same pictures."""


class EndpointJudgeConfig(JudgePrompt, EndpointConfig):
    """A server with OpenAI's interface for chat completions that tells the probabilities of tokens."""

    kind: Literal["endpoint"]


AnyJudgeConfig = Annotated[JudgeConfig | EndpointJudgeConfig, Field(discriminator="kind")]
