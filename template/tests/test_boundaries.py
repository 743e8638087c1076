"""Boundaries between modules: no cycle, a kit of leaves, features that know no process."""

import ast
import gc
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

import app
from app.composition import feature_packages

PACKAGE = Path(app.__file__).parent
# Modules of the kit. Its settings are outside the package, where teams add their own.
SHARED = {"kit", "settings"}
# Modules outside the kit that features may import.
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
def modules() -> dict[str, Path]:
    return {name_of(file): file for file in PACKAGE.rglob("*.py")}


@pytest.fixture(scope="module")
def trees(modules: dict[str, Path]) -> dict[str, ast.Module]:
    # Python 3.11's parser fails if the garbage collector ends a greenlet of another test meanwhile.
    gc.disable()
    try:
        return {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in modules.items()}
    finally:
        gc.enable()


@pytest.fixture(scope="module")
def graph(modules: dict[str, Path], trees: dict[str, ast.Module]) -> Graph:
    """Each module with those that it imports."""
    return {name: set(imported(tree, modules)) - {name} for name, tree in trees.items()}


def skipped_by_errors(tree: ast.AST) -> Iterator[int]:
    """Lines of context managers that an exception in their `with` block would skip."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            "contextmanager" in ast.unparse(decorator) for decorator in function.decorator_list
        ):
            for block in ast.walk(function):
                body = getattr(block, "body", None)
                for one, after in pairwise(body if isinstance(body, list) else []):
                    if isinstance(one, ast.Expr) and isinstance(one.value, ast.Yield):
                        yield after.lineno


def test_an_error_skips_no_end_of_a_context_manager(trees: dict[str, ast.Module]) -> None:
    assert {name: lines for name, tree in trees.items() if (lines := list(skipped_by_errors(tree)))} == {}


def test_an_end_that_an_error_skips_is_found() -> None:
    assert list(skipped_by_errors(ast.parse("@contextmanager\ndef opened():\n    yield\n    close()"))) == [4]


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
