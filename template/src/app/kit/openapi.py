"""The OpenAPI document, which says of every operation that its errors are problems."""

from typing import Any

from fastapi import FastAPI

from app.kit.problems import MEDIA_TYPE, ProblemDocument

# Given to the application as its `responses`: one answer for all errors of all operations.
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {"default": {"model": ProblemDocument, "description": "Problem"}}


class Application(FastAPI):
    """FastAPI that names the media type of problems, which it takes for JSON by itself."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            for operations in document["paths"].values():
                for operation in operations.values():
                    content = operation["responses"]["default"]["content"]
                    content[MEDIA_TYPE] = content.pop("application/json")
        return super().openapi()
