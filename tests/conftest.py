"""Fixtures and the division of labour that every part of the suite shares."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.harness import Renderer, copy_template

# Terraform, its provider and kubectl are short processes, in which Go's garbage collector takes a quarter of the CPU and frees 70 MB.
os.environ.setdefault("GOGC", "400")

WHOLE = ("tests/cluster", "tests/infrastructure", "tests/kubernetes")
"""Parts whose tests share one costly session fixture (a cluster, plans, rendered manifests): one process runs all of them."""

FIRST = ("tests/infrastructure", "tests/service", "tests/kubernetes", "tests/operations", "tests/update", "tests/generator")
"""Parts with the longest tests, started first so that no process is left alone with them at the end."""


def group_of(nodeid: str) -> str:
    """Return the group of tests that runs in one process: a part of WHOLE, one variant of a project, or a file."""
    path, _, rest = nodeid.partition("::")
    for part in WHOLE:
        if path.startswith(f"{part}/"):
            return part
    if path.startswith("tests/service/"):
        variant = re.search(r"\[(.+)\]$", rest)
        return f"{path}[{variant.group(1) if variant else 'defaults'}]"
    return path


class GroupScheduling(LoadScopeScheduling):
    """Give each group of tests to one process, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        """Override what xdist's own `loadfile` scheduler overrides: the group of a test."""
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Divide the tests among the processes by group."""
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest parts first."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str, parts: Sequence[str] = FIRST) -> int:
    return next((rank for rank, part in enumerate(parts) if nodeid.startswith(f"{part}/")), len(parts))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of tests/cluster. They are here because pytest reads options before it collects that folder."""
    group = parser.getgroup("cluster", "a Kubernetes cluster to test on")
    group.addoption("--kubeconfig", metavar="PATH", help="an administrator's kubeconfig; the tests marked cluster need it")
    group.addoption("--load-image", metavar="COMMAND", help="puts the image archive $1 on every node, where nodes reach no public registry")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's work tree, in a folder without git."""
    return copy_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def render(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    """`render(answers)` gives the folder of the rendered project; read-only, shared by the session."""
    return Renderer(template, tmp_path_factory.mktemp("rendered"))
