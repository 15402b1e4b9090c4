"""Pictures to a model: decoded and prepared ahead of it, in batches of like size, halved when memory runs out.

A picture that cannot be opened, or that the model fails on, is an outcome with its reason; the others go on. Threads
ahead of the model open pictures and bring them into its form, threads behind it read out what it gave: the model waits
for neither, as long as they keep up.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, TypeVar

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.found import Pixels
from provision_dagster.scene_graphs.annotators.line import Line
from provision_dagster.scene_graphs.annotators.opening import Opening, Outcome, Place, Preparation, Ready
from provision_dagster.scene_graphs.annotators.steps import Steps
from provision_dagster.scene_graphs.annotators.working import IN_A_ROW, AnnotatorError, Work, all_cores, cores

__all__ = ["IN_A_ROW", "AnnotatorError", "Outcome", "Place", "Work", "annotate_all"]

T = TypeVar("T")


def no_bucket(picture: Pixels) -> tuple[int, ...]:
    """All pictures go together: the model brings them to one size."""
    return ()


def pixels_alone(row: int, picture: Pixels) -> Any:
    """What a model without prompts is given of a picture."""
    return picture


def as_found(row: int, found: Any) -> Any:
    """Keep what the model found as it is."""
    return found


def annotate_all(
    places: Iterable[Place],
    model: Steps[T] | Callable[[list[Any]], list[T]],
    *,
    batch: int = 8,
    decoders: int | None = None,
    bucket: Callable[[Pixels], tuple[int, ...]] = no_bucket,
    given: Callable[[int, Pixels], Any] = pixels_alone,
    kept: Callable[[int, T], Any] = as_found,
    work: Work | None = None,
) -> Iterator[Outcome[Any]]:
    """Run a model over pictures.

    Parameters
    ----------
    places
        Pictures; read as they are needed.
    model
        Steps of an annotator, or a function that takes a batch and gives a result for each picture of it.
    batch
        Pictures per call at most.
    decoders
        Threads that open and prepare pictures ahead of the model, and as many that read out its results behind it;
        six batches at most are in memory as prepared, and the results of four. None: as many as there are cores.
    bucket
        Pictures of equal value go together.
    given
        From row and picture to what the model takes: the picture, or one with its prompts.
    kept
        From row and what the model found to what is kept of it; done behind the model.
    work
        Filled in as pictures are done. Of those who share one, one at a time feeds the model; what waits has its first
        pictures ready by then.

    Returns
    -------
    iterator of Outcome
        One per picture; within a bucket in the order of `places`.

    Raises
    ------
    InputError
        When `batch` or `decoders` is less than 1.
    AnnotatorError
        When the model failed on `IN_A_ROW` pictures one after the other.
    """
    threads = cores() if decoders is None else decoders
    for name, value in (("batch", batch), ("decoders", threads)):
        if value < 1:
            raise InputError(f"`{name}` must be at least 1, got {value}")
    work = work or Work()
    work.limit(batch)
    steps = model if isinstance(model, Steps) else Steps(model)
    all_cores()
    preparation = Preparation(bucket, given, steps.prepare)
    with (
        closing(Opening(places, preparation, ahead=2 * batch, threads=threads, work=work)) as pictures,
        closing(Line(steps, kept, threads=threads, work=work)) as line,
    ):
        with work.turn:
            for full in _batches(line.usable(pictures), batch, work):
                line.run(full)
                yield from line.done(most=4 * batch)
        yield from line.done(most=0)


def _batches(pictures: Iterable[Ready], batch: int, work: Work) -> Iterator[list[Ready]]:
    """Put pictures of one bucket together."""
    held: dict[tuple[int, ...], list[Ready]] = {}
    for picture in pictures:
        full = held.setdefault(picture.bucket, [])
        full.append(picture)
        # what waits is bounded however many sizes there are: the bucket that began first goes as it is
        if len(full) >= work.batch:
            yield held.pop(picture.bucket)
        elif sum(map(len, held.values())) >= 3 * batch:
            yield held.pop(next(iter(held)))
    yield from held.values()
