"""Readings of the process's metrics, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY


def value(name: str, **labels: str) -> float:
    """The value of a series; 0 where there is none."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def total(name: str) -> float:
    """The sum of all series of a metric."""
    families = REGISTRY.restricted_registry([name]).collect()
    return sum(sample.value for family in families for sample in family.samples)


@contextmanager
def moved(*names: str) -> Iterator[dict[str, float]]:
    """By how much metrics move within the block, each over all of its series."""
    before = {name: total(name) for name in names}
    moves: dict[str, float] = {}
    yield moves
    moves.update({name: total(name) - before[name] for name in names})
