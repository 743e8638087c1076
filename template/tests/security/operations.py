"""Every operation of the service with sound input, so that a test can spoil one part of it."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
from fastapi import FastAPI

FORM, JSON, MULTIPART = "application/x-www-form-urlencoded", "application/json", "multipart/form-data"
_SAMPLES = {"email": "ann@example.com", "uuid": str(uuid4()), "date-time": "2026-11-22T12:00:00Z"}


@dataclass(slots=True)
class Operation:
    """A request that the OpenAPI document describes."""

    method: str
    path: str
    media_type: str = ""
    places: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def texts(self) -> list[tuple[str, str]]:
        """Where text goes in: which part, and its name."""
        body = [("body", name) for name, value in self.body.items() if isinstance(value, str)]
        return [("places", name) for name in self.places] + [("query", name) for name in self.query] + body

    def with_text(self, part: str, name: str, text: str) -> "Operation":
        """The same request with another text in one place."""
        changed = deepcopy(self)
        getattr(changed, part)[name] = text
        return changed

    def request(self, client: httpx.AsyncClient, prefix: str, token: str) -> httpx.Request:
        """The request as a signed-in user's."""
        path = self.path.removeprefix(prefix)
        for name, text in self.places.items():
            path = path.replace(f"{{{name}}}", quote(text, safe=""))
        bodies: dict[str, dict[str, Any]] = {
            JSON: {"json": self.body},
            FORM: {"data": self.body},
            MULTIPART: {"files": {name: (value, b"x", "text/csv") for name, value in self.body.items()}},
        }
        headers = {"Authorization": f"Bearer {token}"}
        return client.build_request(
            self.method, path, params=self.query, headers=headers, **bodies.get(self.media_type, {})
        )


def operations(application: FastAPI, *, every_parameter: bool = False) -> list[Operation]:
    """All operations but the health probes. Parameters of the query that have no sample are left out, or all in."""
    document = application.openapi()
    found = [
        _operation(document, method, path, description, every_parameter=every_parameter)
        for path, methods in document["paths"].items()
        for method, description in methods.items()
        if "/health/" not in path
    ]
    # Deletions and logouts come last, because they end the session that the other operations use.
    return sorted(found, key=lambda operation: ("logout" in operation.path, operation.method == "DELETE"))


def _operation(
    document: dict[str, Any], method: str, path: str, description: dict[str, Any], *, every_parameter: bool
) -> Operation:
    operation = Operation(method.upper(), path)
    for parameter in description.get("parameters", ()):
        sample = _sample(document, parameter["schema"])
        if parameter["in"] == "path":
            operation.places[parameter["name"]] = str(sample)
        elif parameter["in"] == "query" and (sample is not None or every_parameter):
            operation.query[parameter["name"]] = str(sample)
    for media_type, content in description.get("requestBody", {}).get("content", {}).items():
        operation.media_type = media_type
        operation.body = dict(_members(document, content["schema"]))
    return operation


def _members(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, member in _resolved(document, schema).get("properties", {}).items():
        yield name, _sample(document, member)


def _sample(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    schema = _resolved(document, schema)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            examples = {"examples": schema["examples"]} if "examples" in schema else {}
            schema = {**_resolved(document, schema[choice][0]), **examples}
    for known in ("const", "default"):
        if schema.get(known) is not None:
            return schema[known]
    for known in ("examples", "enum"):
        if schema.get(known):
            return schema[known][0]
    if schema.get("type") == "array":
        return []
    if schema.get("type") in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    return _SAMPLES.get(schema.get("format", ""), "sample")


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found
