"""Pictures side by side, a core each: quicker than all cores on one picture after the other, which wait for each other.

Where other threads open pictures meanwhile, they would wait long.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from provision_dagster.scene_graphs.annotators.working import cores, one_core_each

Given = TypeVar("Given")

MOST = 2
"""Pictures of one part: what is computed on the way stays in the caches of its core."""


def on_cores(run: Callable[[Sequence[Given]], Sequence[Any]], given: Sequence[Given]) -> list[Any]:
    """Call a function with parts of a list, as many at a time as there are cores; join what it returns.

    Parameters
    ----------
    run
        Gives a result for each of its pictures; may be called by several threads, and must not call `on_cores`.
    """
    size = min(-(-len(given) // cores()), MOST)
    if size == len(given):
        return list(run(given))
    parts = [given[at : at + size] for at in range(0, len(given), size)]
    return [one for found in _threads().map(run, parts) for one in found]


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), thread_name_prefix="core", initializer=one_core_each)
