"""One service for all tests of faults, on servers of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from tests.conftest import ROOT
from tests.faults.stack import Stack, running_stack


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect these tests with `-m faults` alone: they take minutes."""
    asked: str = config.option.markexpr
    return True if collection_path.name.startswith("test_") and "faults" not in asked.split() else None


@pytest.fixture(scope="session")
def _stack(settings: Settings) -> Iterator[Stack]:
    # Not one of pytest's own directories: the next test run would deny PostgreSQL's user access to it.
    with running_stack(ROOT / ".dev" / "faults") as stack:
        yield stack


@pytest.fixture
def stack(_stack: Stack) -> Iterator[Stack]:
    """The running service, complete before and after each test. Its API must log no traceback."""
    _stack.make_whole()
    yield _stack
    _stack.make_whole()
    assert "Traceback" not in _stack.api.log()
