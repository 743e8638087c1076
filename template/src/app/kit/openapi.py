"""The OpenAPI document, which names every problem that an operation may answer with.

Responses that follow from the form of an operation are added here: a token brings 401, input 422, a body 400, 413
and 415, a path parameter 404. A route names the rest with `problems`.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from app.kit.problems import (
    MEDIA_TYPE,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    ProblemDocument,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)

# The application's `responses`, which add the schema of a problem to the OpenAPI document.
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {"default": {"model": ProblemDocument, "description": "Problem"}}

_Operation = dict[str, Any]


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that raises these problems itself, such as `problems(NotFound)`."""
    statuses = sorted({kind.status for kind in kinds})
    return {
        status: {"model": ProblemDocument, "description": _described(*(k for k in kinds if k.status == status))}
        for status in statuses
    }


class Application(FastAPI):
    """FastAPI whose document describes errors as problems, with their media type."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    _complete(operation, calls_parts="/health/" not in path)
        return super().openapi()


def _complete(operation: _Operation, *, calls_parts: bool) -> None:
    responses = operation["responses"]
    content = responses.pop("default")["content"]
    schema = content.pop("application/json")
    for kind in _implied(operation, calls_parts=calls_parts):
        responses.setdefault(str(kind.status), {"description": _described(kind)})["content"] = {MEDIA_TYPE: schema}
    for response in responses.values():
        body = response.get("content", {})
        if body.get("application/json") == schema:
            body[MEDIA_TYPE] = body.pop("application/json")
    operation["responses"] = dict(sorted(responses.items()))


def _implied(operation: _Operation, *, calls_parts: bool) -> Iterator[type[Problem]]:
    if "security" in operation:
        yield Unauthorized
    if "requestBody" in operation:
        yield from (Malformed, TooLarge, UnsupportedMediaType)
    if operation.get("parameters") or "requestBody" in operation:
        yield Invalid
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
        yield NotFound
    if calls_parts:
        # Any route may be limited by a setting, and nearly all need PostgreSQL or Redis.
        yield from (TooManyRequests, Unavailable)


def _described(*kinds: type[Problem]) -> str:
    return "; ".join(dict.fromkeys(f"{HTTPStatus(kind.status).phrase}: `urn:problem:{kind.slug}`" for kind in kinds))
