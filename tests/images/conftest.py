"""One engine and one set of images for the session. The report ends with the sizes of the images."""

from collections.abc import Iterator

import pytest

from tests.harness import Renderer
from tests.images.world import World, built_world

NOTES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def world(render: Renderer, pytestconfig: pytest.Config) -> Iterator[World]:
    """Images, built; an engine, running."""
    with built_world(render) as built:
        notes = pytestconfig.stash.setdefault(NOTES, [])
        notes.extend(f"build {step:<22} {seconds:6.1f} s" for step, seconds in built.took.items())
        yield built


@pytest.fixture
def note(pytestconfig: pytest.Config) -> list[str]:
    """Lines to show at the end, whatever the outcome."""
    return pytestconfig.stash.setdefault(NOTES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(NOTES, []):
        terminalreporter.write_line(line)
