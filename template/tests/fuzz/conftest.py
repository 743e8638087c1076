"""schemathesis is in a dependency group of its own, and reading the document takes a second: for those who ask."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect these tests with `-m fuzz` alone."""
    asked: str = config.option.markexpr
    return True if collection_path.name == "test_contract.py" and "fuzz" not in asked.split() else None
