"""Batches, bad pictures, models that fail and memory that runs out: every picture has its outcome, in bounds."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.feeding import (
    IN_A_ROW,
    AnnotatorError,
    Outcome,
    Place,
    Work,
    annotate_all,
)

Pixels = np.ndarray


def pictures(folder: Path, *widths: int) -> list[Place]:
    """Pictures whose first pixel is their number."""
    for number, width in enumerate(widths):
        pixels = np.full((6, width, 3), number, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return [Place(number, str(folder / f"{number}.png")) for number in range(len(widths))]


def number_of(batch: list[Pixels]) -> list[int]:
    return [int(one[0, 0, 0]) for one in batch]


def rows(outcomes: list[Outcome[int]]) -> list[tuple[int, int | None]]:
    return sorted((one.row, one.found) for one in outcomes)


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_every_picture_has_its_result(tmp_path: Path, batch: int) -> None:
    sizes: list[int] = []

    def model(given: list[Pixels]) -> list[int]:
        sizes.append(len(given))
        return number_of(given)

    work = Work()
    found = list(annotate_all(pictures(tmp_path, *[9] * 19), model, batch=batch, work=work))
    assert [(one.row, one.found) for one in found] == [(n, n) for n in range(19)]
    assert max(sizes) == batch
    assert (work.pictures, work.failed) == (19, 0)
    assert 0 <= work.busy <= 1


def test_pictures_of_one_size_go_together_and_what_waits_is_bounded(tmp_path: Path) -> None:
    calls: list[set[int]] = []

    def model(given: list[Pixels]) -> list[int]:
        calls.append({one.shape[1] for one in given})
        return number_of(given)

    widths = [5 + n % 7 for n in range(40)]
    found = list(annotate_all(pictures(tmp_path, *widths), model, batch=4, bucket=lambda p: p.shape))
    assert rows(found) == [(n, n) for n in range(40)]
    assert all(len(sizes) == 1 for sizes in calls)
    assert len(calls) < 20


def test_bad_pictures_are_outcomes_with_a_reason(tmp_path: Path) -> None:
    places = pictures(tmp_path, *[9] * 5)
    Path(places[1].uri).write_bytes(b"no picture")
    Path(places[3].uri).unlink()
    work = Work()
    found = {one.row: one for one in annotate_all(places, number_of, batch=2, work=work)}
    assert [found[n].found for n in range(5)] == [0, None, 2, None, 4]
    assert (found[1].error or "").startswith("not_an_image: ")
    assert (found[3].error or "").startswith("missing: ")
    assert work.failed == 2


def test_when_memory_runs_out_batches_are_halved_and_stay_so(tmp_path: Path) -> None:
    sizes: list[int] = []

    def model(given: list[Pixels]) -> list[int]:
        sizes.append(len(given))
        if len(given) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return number_of(given)

    work = Work()
    found = list(annotate_all(pictures(tmp_path, *[9] * 20), model, batch=8, work=work))
    assert rows(found) == [(n, n) for n in range(20)]
    assert sizes[:3] == [8, 4, 2]
    assert set(sizes[2:]) == {2}
    assert work.batch == 2


def test_a_picture_too_large_for_memory_is_an_outcome(tmp_path: Path) -> None:
    def model(given: list[Pixels]) -> list[int]:
        if any(one.shape[1] > 20 for one in given):
            raise MemoryError
        return number_of(given)

    found = {one.row: one for one in annotate_all(pictures(tmp_path, 9, 30, 9, 9), model, batch=4)}
    assert [found[n].found for n in range(4)] == [0, None, 2, 3]
    assert (found[1].error or "").startswith("out of memory on a picture of 30 x 6 pixels")


def test_the_picture_at_fault_is_found_among_its_batch(tmp_path: Path) -> None:
    def model(given: list[Pixels]) -> list[int]:
        if 2 in number_of(given):
            raise ValueError("strange picture")
        return number_of(given)

    found = {one.row: one for one in annotate_all(pictures(tmp_path, *[9] * 6), model, batch=4)}
    assert [found[n].found for n in range(6)] == [0, 1, None, 3, 4, 5]
    assert found[2].error == "ValueError on a picture of 9 x 6 pixels: strange picture"


def test_a_model_that_always_fails_stops_the_run(tmp_path: Path) -> None:
    def model(given: list[Pixels]) -> list[int]:
        raise ValueError("device lost")

    outcomes = []
    with pytest.raises(AnnotatorError, match=rf"failed on {IN_A_ROW} pictures one after the other.*device lost"):
        outcomes.extend(annotate_all(pictures(tmp_path, *[9] * 30), model, batch=3))


def test_results_of_another_number_are_refused(tmp_path: Path) -> None:
    found = list(annotate_all(pictures(tmp_path, 9, 9), lambda given: [1, 2, 3], batch=2))
    assert all("3 results for 1 pictures" in (one.error or "") for one in found)


def test_pictures_are_read_only_a_little_ahead(tmp_path: Path) -> None:
    asked: list[int] = []
    places = pictures(tmp_path, *[9] * 60)

    def counted() -> "list[Place]":  # an iterator that notes how far it was read
        for place in places:
            asked.append(place.row)
            yield place  # type: ignore[misc]

    outcomes = annotate_all(counted(), number_of, batch=2, decoders=2)
    next(iter(outcomes))
    # two batches ahead of the model, one in its hands, four behind it whose results are read out
    assert len(asked) <= 2 * (2 + 1 + 4)
    outcomes.close()  # type: ignore[attr-defined]
    assert not [t for t in threading.enumerate() if t.name.startswith(("decode", "finish"))]


@pytest.mark.parametrize("name", ["batch", "decoders"])
def test_options_are_checked(name: str) -> None:
    with pytest.raises(InputError, match=f"`{name}` must be at least 1, got 0"):
        list(annotate_all([], number_of, **{name: 0}))  # type: ignore[arg-type]
