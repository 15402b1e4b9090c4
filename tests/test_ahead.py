"""Working ahead: the same items in the same order, errors where they belong, nothing left running."""

import threading
from collections.abc import Iterator

import pytest

from provision_dagster.ahead import DEPTH, ahead


def test_items_come_in_order() -> None:
    assert list(ahead(iter(range(100)))) == list(range(100))
    assert list(ahead(iter([]))) == []


def test_an_error_comes_where_its_item_would_have() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("no second item")

    items = ahead(failing())
    assert next(items) == 1
    with pytest.raises(ValueError, match="no second item"):
        next(items)


def test_stopping_early_ends_the_thread_and_makes_little_more() -> None:
    made = []

    def endless() -> Iterator[int]:
        while True:
            made.append(len(made))
            yield made[-1]

    before = threading.active_count()
    items = ahead(endless())
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    items.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert len(made) <= 3 + DEPTH + 2
