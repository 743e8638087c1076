"""The demands of a validator in copier.yml on text and numbers, read from its source and from the macros that it calls.

A rule that needs more than one comparison, such as the room on a node, stays in its macro: a schema cannot express it either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import Environment, nodes

LIMITS: Final = {"gt": "most", "lt": "least"}
"""`{% if answer > 100 %}refusal` means at most 100."""


@dataclass
class Rules:
    """Demands on one answer, or on each item of a list."""

    required: list[str] = field(default_factory=list)
    """Regular expressions that match the whole answer: those from `^` to `\\Z`."""
    forbidden: list[str] = field(default_factory=list)
    """All other regular expressions, which no part of the answer matches."""
    length: dict[str, int] = field(default_factory=dict)
    """`least` and `most` characters."""
    number: dict[str, int] = field(default_factory=dict)
    """`least` and `most` of a number."""


class _Reader:
    def __init__(self, question: str, environment: Environment) -> None:
        self.question = question
        self.environment = environment
        self.rules = Rules()

    def read(self, tree: nodes.Node, bound: Mapping[str, nodes.Node], macros: Mapping[str, nodes.Macro]) -> None:
        """Collect the rules of a validator or macro. `bound` has the meaning of its names outside."""
        bound, macros = {**bound}, {**macros}
        for node in _all(tree):
            if isinstance(node, nodes.FromImport):
                macros |= self._imported(node)
            elif isinstance(node, nodes.For) and isinstance(node.target, nodes.Name) and self._is_answer(node.iter, bound):
                bound[node.target.name] = _outside(node.iter, bound)
            elif isinstance(node, nodes.Filter) and node.name == "regex_search" and self._is_answer(node.node, bound):
                self._pattern(node.args[0])
            elif isinstance(node, nodes.Compare) and node.ops[0].op in LIMITS:
                self._limit(node, bound)
            elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in macros:
                macro = macros[node.node.name]
                values = (_outside(value, bound) for value in node.args)
                self.read(nodes.Output(macro.body), dict(zip((name.name for name in macro.args), values, strict=False)), macros)

    def _imported(self, node: nodes.FromImport) -> dict[str, nodes.Macro]:
        if self.environment.loader is None or not isinstance(node.template, nodes.Const):
            return {}
        source, _, _ = self.environment.loader.get_source(self.environment, node.template.value)
        return {macro.name: macro for macro in self.environment.parse(source).find_all(nodes.Macro)}

    def _pattern(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Const):
            whole = node.value.startswith("^") and node.value.endswith(r"\Z")
            (self.rules.required if whole else self.rules.forbidden).append(node.value)

    def _limit(self, node: nodes.Compare, bound: Mapping[str, nodes.Node]) -> None:
        limit = _outside(node.ops[0].expr, bound)
        if not isinstance(limit, nodes.Const) or not isinstance(limit.value, int):
            return
        if isinstance(node.expr, nodes.Filter) and node.expr.name == "length" and self._is_answer(node.expr.node, bound):
            self.rules.length[LIMITS[node.ops[0].op]] = limit.value
        elif self._is_answer(node.expr, bound):
            self.rules.number[LIMITS[node.ops[0].op]] = limit.value

    def _is_answer(self, node: nodes.Node | None, bound: Mapping[str, nodes.Node]) -> bool:
        outside = _outside(node, bound)
        return isinstance(outside, nodes.Name) and outside.name == self.question


def of(question: str, validator: str, environment: Environment) -> Rules:
    """Read the rules for an answer to `question`."""
    reader = _Reader(question, environment)
    reader.read(environment.parse(validator), {question: nodes.Name(question, "load")}, {})
    return reader.rules


def _all(tree: nodes.Node) -> Iterator[Any]:
    """Every node but those inside macros: a macro is read where it is called."""
    for child in tree.iter_child_nodes():
        if not isinstance(child, nodes.Macro):
            yield child
            yield from _all(child)


def _outside(node: nodes.Node | None, bound: Mapping[str, nodes.Node]) -> Any:
    return bound.get(node.name, node) if isinstance(node, nodes.Name) else node
