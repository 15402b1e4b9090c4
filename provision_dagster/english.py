"""inflect, whose import recompiles its own methods to check types: two seconds of every process, for nothing here."""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import inflect


@cache
def inflect_engine() -> "inflect.engine":
    """Return the engine; inflect is read on the first call, and without the checks that typeguard would add."""
    import typeguard

    given = typeguard.typechecked
    typeguard.typechecked = _as_it_is  # type: ignore[assignment]
    try:
        import inflect
    finally:
        typeguard.typechecked = given
    return inflect.engine()


def _as_it_is(target: Any) -> Any:
    return target
