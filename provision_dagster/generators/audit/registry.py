"""Checkers are registered by being defined: one small module per family under `checkers/`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from provision_dagster.generators.audit.verdict import Question, Verdict

Check = Callable[[Question, Verdict], None]
OptionKind = Literal["label", "attribute", "predicate", "number", "image", "point", "statement"]


@dataclass(frozen=True)
class Checker:
    """How to judge one generator's QAs, and what its options are."""

    check: Check
    options: OptionKind


_CHECKERS: dict[str, Checker] = {}


def checks(*names: str, options: OptionKind) -> Callable[[Check], Check]:
    """Register a function as the checker of generators."""

    def register(check: Check) -> Check:
        for name in names:
            if name in _CHECKERS:
                raise ValueError(f"generator `{name}` has two checkers")
            _CHECKERS[name] = Checker(check, options)
        return check

    return register


def all_checkers() -> Mapping[str, Checker]:
    """Return every checker by the name of its generator."""
    from provision_dagster.generators.audit import checkers  # noqa: F401  (importing registers them)

    return _CHECKERS
