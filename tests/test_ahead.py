"""Working ahead: the same items in the same order, errors where they belong, nothing left running."""

import threading
from collections.abc import Iterator

import pytest

from provision_dagster.ahead import DEPTH, ahead, chained


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


@pytest.mark.parametrize("together", [1, 2, 5])
def test_chained_iterators_keep_their_order(together: int) -> None:
    before = threading.active_count()
    sources = [lambda n=n: iter(range(n)) for n in (3, 0, 50, 1)]
    assert list(chained(sources, together=together)) == [*range(3), *range(50), 0]
    assert list(chained([], together=together)) == []
    assert threading.active_count() == before


def test_an_error_in_a_chain_ends_all() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    before = threading.active_count()
    with pytest.raises(ValueError, match="broken"):
        list(chained([lambda: iter([0]), failing, lambda: iter(range(100))]))
    assert threading.active_count() == before
