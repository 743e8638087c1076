"""Registers rules, so that one test shows each broken example to be caught and another runs them over what is rendered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Rule(Generic[Subject]):
    """One rule: what it reads, where it is written, and a subject that breaks it."""

    name: str
    check: Callable[[Subject], Iterator[str]]
    kinds: frozenset[str]
    """Kinds of resource that the rule reads; where none of them is rendered, it has checked nothing."""

    source: str
    """Document or source file that states the rule."""

    broken: Subject
    """The smallest subject that breaks the rule."""

    def __str__(self) -> str:
        return self.name


class Registry(Generic[Subject]):
    """The rules of one sort of subject, by name."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule[Subject]] = {}

    def rule(
        self, *kinds: str, source: str, broken: Subject
    ) -> Callable[[Callable[[Subject], Iterator[str]]], Callable[[Subject], Iterator[str]]]:
        """Register a function that yields the places where a subject breaks the rule that its docstring states."""

        def register(check: Callable[[Subject], Iterator[str]]) -> Callable[[Subject], Iterator[str]]:
            assert kinds, f"{check.__name__} does not say which kinds it reads"
            assert check.__doc__, f"{check.__name__} states no rule"
            assert check.__name__ not in self.rules, f"two rules are called {check.__name__}"
            self.rules[check.__name__] = Rule(check.__name__, check, frozenset(kinds), source, broken)
            return check

        return register

    def broken(self, subject: Subject) -> dict[str, list[str]]:
        """Rules that a subject breaks, by name, with the places."""
        found = {rule.name: list(rule.check(subject)) for rule in self.rules.values()}
        return {name: places for name, places in found.items() if places}
