"""Words for numbers are those of inflect."""

import inflect

from provision_dagster.generators.language import number_word


def test_numbers_are_spelled_as_inflect_does() -> None:
    engine = inflect.engine()
    assert [number_word(n) for n in range(600)] == [engine.number_to_words(n) for n in range(600)]  # type: ignore[arg-type]
