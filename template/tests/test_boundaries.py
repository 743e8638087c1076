"""Boundaries between modules: no cycle, a kit of leaves, features that know no process."""

import ast
import gc
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import app
from app.composition import feature_packages

PACKAGE = Path(app.__file__).parent
# Modules of the kit: its settings are beside it, where teams add theirs.
SHARED = {"kit", "settings"}
# Beside the kit, modules that features may import.
COMPOSITION = {"composition", "dependencies", "migrations"}

Graph = Mapping[str, set[str]]


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, modules: Mapping[str, Path]) -> Iterator[str]:
    """The modules of the service that a module imports, for types alone and inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module in modules:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else node.module


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Each module with those that it imports."""
    modules = {name_of(file): file for file in PACKAGE.rglob("*.py")}
    # Python 3.11's parser fails if the collector ends a greenlet of another test meanwhile.
    gc.disable()
    try:
        trees = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in modules.items()}
    finally:
        gc.enable()
    return {name: set(imported(tree, modules)) - {name} for name, tree in trees.items()}


def part(module: str) -> str:
    """The package or module beside main.py that a module is in; settings belong to the kit, which needs them."""
    found = module.split(".")[1] if "." in module else module
    return "kit" if found in SHARED else found


def parts(graph: Graph) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for module, others in graph.items():
        found.setdefault(part(module), set()).update(part(other) for other in others)
    return {name: others - {name} for name, others in found.items()}


def cycle(graph: Graph) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_modules_import_each_other(graph: Graph) -> None:
    assert len(graph) > 80
    assert cycle(graph) == []


def test_no_packages_import_each_other(graph: Graph) -> None:
    assert cycle(parts(graph)) == []


def test_a_cycle_is_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) != []


def test_the_kit_imports_neither_features_nor_composition(graph: Graph) -> None:
    assert parts(graph)["kit"] == set()


def test_composition_imports_no_feature(graph: Graph) -> None:
    """So features may import it."""
    assert parts(graph)["composition"] == {"kit"}


@pytest.mark.parametrize("feature", feature_packages())
def test_a_feature_imports_other_features_and_no_process(graph: Graph, feature: str) -> None:
    assert parts(graph)[feature] <= {"kit", *COMPOSITION, *feature_packages()}
