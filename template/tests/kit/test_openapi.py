"""The OpenAPI document says which problems an operation may answer with."""

from typing import Any

import pytest
from fastapi import FastAPI

from app.kit.openapi import problems
from app.kit.problems import MEDIA_TYPE, Forbidden, NotFound


@pytest.fixture
def operations(application: FastAPI) -> dict[str, Any]:
    """Every operation of the service under its method and path."""
    paths = application.openapi()["paths"]
    return {f"{method} {path}": operation for path, found in paths.items() for method, operation in found.items()}


def test_every_problem_is_documented_under_its_media_type(operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        if "/health/" in name:
            continue
        errors = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert {"429", "503"} <= errors.keys(), name
        for status, answer in errors.items():
            assert answer["content"] == {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}, (
                name,
                status,
            )


def test_the_form_of_an_operation_brings_its_problems(operations: dict[str, Any]) -> None:
    prefix = next(name for name in operations if name.endswith("/v1/tasks/{task_id}")).removeprefix("get ")
    reading = operations[f"get {prefix}"]["responses"]
    assert list(reading) == ["200", "401", "404", "422", "429", "503"]
    for name, operation in operations.items():
        answers = operation["responses"].keys()
        assert "default" not in answers, name
        assert ("401" in answers) >= ("security" in operation), name
        assert ({"400", "413", "422"} <= answers) >= ("requestBody" in operation), name


def test_a_liveness_probe_promises_no_problem(operations: dict[str, Any]) -> None:
    live = next(operation for name, operation in operations.items() if name.endswith("/health/live"))
    assert list(live["responses"]) == ["200"]


def test_a_route_names_the_problems_that_it_raises() -> None:
    named = problems(Forbidden, NotFound, NotFound)
    assert {status: answer["description"] for status, answer in named.items()} == {
        403: "Forbidden: `urn:problem:forbidden`",
        404: "Not Found: `urn:problem:not-found`",
    }
