"""How an annotator works on a picture: made ready, looked at, read out; the device is needed for the second alone."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


class InSteps(ABC, Generic[Given, Found]):
    """An annotator whose work before and after its model can be done in other threads.

    `forward` is called by one thread at a time; `prepare` and `finish` by many, on single pictures.
    """

    @abstractmethod
    def load(self) -> None:
        """Read the weights; done once, before the first picture."""

    @abstractmethod
    def prepare(self, given: Given) -> tuple[Any, Any]:
        """Bring a picture into the model's form; returns that, and what `finish` must know of the picture."""

    @abstractmethod
    def forward(self, ready: list[Any]) -> list[Any]:
        """Run the model on pictures of one bucket; returns what it gave for each, in memory of the machine."""

    @abstractmethod
    def finish(self, about: Any, raw: Any) -> Found:
        """Read out what the model gave for one picture."""

    def annotate(self, batch: list[Given]) -> list[Found]:
        """Do all three steps; what is found in one picture does not depend on the others."""
        if not batch:
            return []
        self.load()
        ready = [self.prepare(one) for one in batch]
        raw = self.forward([one for one, _ in ready])
        return [self.finish(about, one) for (_, about), one in zip(ready, raw, strict=True)]


def as_given(given: Any) -> tuple[Any, None]:
    """Leave a picture as it is."""
    return given, None


def as_found(about: Any, raw: Any) -> Any:
    """Leave what a model gave as it is."""
    return raw


@dataclass(frozen=True)
class Steps(Generic[Found]):
    """The three steps of an annotator; see `InSteps`."""

    forward: Callable[[list[Any]], list[Any]]
    prepare: Callable[[Any], tuple[Any, Any]] = as_given
    finish: Callable[[Any, Any], Found] = as_found


def steps_of(annotator: Any) -> Steps[Any]:
    """Take an annotator apart; one that has only `annotate` does all its work in it."""
    if isinstance(annotator, InSteps):
        return Steps(annotator.forward, annotator.prepare, annotator.finish)
    return Steps(annotator.annotate)
