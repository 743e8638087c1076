"""IAM's rules for one account: whether a call by a role is allowed, by its policies and its permissions boundary.

After https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and the pages of the policy elements.
No package on the index evaluates; AWS's own simulator needs an account. Not covered: resource policies, session policies and
organisations. An operator that is not known raises, so that no condition passes unread.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One call: `service:Operation`, the resource that it touches, and the condition keys that AWS gives it."""

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)


@cache
def _pattern(text: str, flags: int) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in text), flags | re.DOTALL)


def _like(pattern: str, value: str, flags: int = 0) -> bool:
    """Whether a value matches a pattern of IAM: `*` and `?` stand for anything, colons and slashes too."""
    return _pattern(pattern, flags).fullmatch(value) is not None


def _many(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _arn_like(wanted: str, given: str) -> bool:
    """ARNs compare part by part: no wildcard reaches over a colon of the first five parts."""
    parts, others = wanted.split(":", 5), given.split(":", 5)
    return len(parts) == len(others) and all(map(_like, parts, others))


# Operators that compare an expected value with a given one. The negated operators are their opposites.
_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda wanted, given: wanted.lower() == given.lower(),
    "StringEquals": lambda wanted, given: wanted == given,
    "StringLike": _like,
}


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    given = next((value for name, value in context.items() if name.lower() == key.lower()), None)
    if operator == "Null":
        return (given is None) == (wanted[0].lower() == "true")
    name = operator.removeprefix("ForAllValues:").removesuffix("IfExists")
    if given is None and (name != operator):
        return True
    negated = name.startswith(("StringNot", "ArnNot"))
    compare = _COMPARE[name.replace("Not", "", 1) if negated else name]
    if given is None:
        return negated
    return any(compare(each, given) for each in wanted) != negated


def _applies(statement: Mapping[str, Any], call: Call) -> bool:
    named = [
        any(_like(each, call.action, re.IGNORECASE) for each in _many(statement["Action"]))
        if "Action" in statement
        else not any(_like(each, call.action, re.IGNORECASE) for each in _many(statement["NotAction"])),
        any(_like(each, call.resource) for each in _many(statement["Resource"]))
        if "Resource" in statement
        else not any(_like(each, call.resource) for each in _many(statement["NotResource"])),
    ]
    return all(named) and all(
        _holds(operator, key, _many(wanted), call.context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def effects(document: Document, call: Call) -> set[str]:
    """Effects of a document's statements that apply to a call."""
    statements = document["Statement"]
    each = statements if isinstance(statements, list) else [statements]
    return {statement["Effect"] for statement in each if _applies(statement, call)}


def allowed(call: Call, policies: Iterable[Document], boundary: Document) -> bool:
    """Whether a role with these policies, inside this boundary, may make a call."""
    by_policies: set[str] = set().union(*(effects(policy, call) for policy in policies))
    by_boundary = effects(boundary, call)
    return "Deny" not in by_policies | by_boundary and "Allow" in by_policies and "Allow" in by_boundary


def refusing(document: Document, call: Call) -> list[str]:
    """Names of the statements that deny a call."""
    return [s.get("Sid", "") for s in document["Statement"] if s["Effect"] == "Deny" and _applies(s, call)]


def parse(text: str) -> Document:
    """A policy document of a plan."""
    document: Document = json.loads(text)
    return document
