"""What is said to a vision-language model and what it says, wherever it runs."""

from dataclasses import dataclass
from typing import Protocol

from PIL import Image

NONE = "none"
"""What a model says instead of a word where no word fits."""


@dataclass(frozen=True)
class Question:
    """A picture and what is asked about it."""

    view: Image.Image
    prompt: str


@dataclass(frozen=True)
class Said:
    """What a model said; not `complete` where it was cut off."""

    text: str
    complete: bool = True


@dataclass(frozen=True)
class Choices:
    """What a model may say: `most` of some words at most, or "none"; `name` is what they are."""

    words: list[str]
    most: int
    name: str = "attributes"


class Chat(Protocol):
    """Answers questions about pictures."""

    @property
    def model(self) -> str:
        """Model and revision, as kept in a scene graph's provenance."""
        ...

    def load(self) -> None:
        """Read the weights, or see whether the server is there; done once, before the first question.

        Raises
        ------
        InputError
            When the model cannot be had.
        """
        ...

    def say(self, questions: list[Question]) -> list[Said]:
        """Answer each question, in their order; what is said to one does not depend on the others."""
        ...


def prompt_of(template: str, **names: str) -> str:
    """Fill in names; marks that could be taken for a control word of a model's template ("<image>") are left out."""
    return template.format(**{key: name.translate(_MARKS) for key, name in names.items()})


_MARKS = str.maketrans("", "", "<>[]{}|\n\r")
