"""How the modules beside this one add to moto."""

import random
from collections.abc import Callable
from typing import Any

_DIGITS = random.Random(0)  # noqa: S311  names, not secrets; a seed keeps runs alike


def identifier(length: int = 17) -> str:
    """Hexadecimal digits, such as follow `sg-` in a name of AWS's making."""
    return "".join(_DIGITS.choices("0123456789abcdef", k=length))


def held(backend: Any, kind: str) -> dict[str, Any]:
    """Return a backend's objects (one service of one region) of a kind that moto does not know, by name."""
    found: dict[str, Any] = backend.__dict__.setdefault(f"added_{kind}", {})
    return found


def adds_to(owner: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a method to `owner`, or replace the existing one."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(owner, function.__name__, function)
        return function

    return add


def body(response: Any, *names: str) -> dict[str, Any]:
    """Members of a request that were given, by name."""
    return {name: value for name in names if (value := response._get_param(name)) is not None}
