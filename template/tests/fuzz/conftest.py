"""schemathesis and hypothesis are in a dependency group of their own: for those who ask."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect these tests with `-m fuzz` alone."""
    asked: str = config.option.markexpr
    return True if collection_path.name.startswith("test_") and "fuzz" not in asked.split() else None
