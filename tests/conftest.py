"""Fixtures that every part of the suite shares."""

from pathlib import Path

import pytest

from tests.harness import Renderer, copy_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands, in a plain folder."""
    return copy_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def render(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    """`render(answers)` gives the folder of the rendered project; read-only, shared by the session."""
    return Renderer(template, tmp_path_factory.mktemp("rendered"))
